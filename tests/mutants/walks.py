"""Enqueueing, ticks and sweeps: nothing is lost, nothing is sent that is not claimed."""

from tests.mutants.model import Mutant

WALKS = (
    Mutant(
        name="an order is written over another",
        path="jobs/orders.py",
        old="return Put(table=self._table.name, item=item, condition=NOT_EXISTS)",
        new="return Put(table=self._table.name, item=item)",
        tests=("adversity_in",),
    ),
    Mutant(
        name="an order whose answer was lost is taken for another's",
        path="jobs/enqueue.py",
        old='return error.item is not None and error.item.get("sk") == order.ref.job_id',
        new="return False",
        tests=("adversity_in",),
    ),
    Mutant(
        name="an order is not claimed",
        path="jobs/enqueue.py",
        old="        created = True\n        self._claim([wish.message])\n",
        new="        created = True\n",
        tests=("adversity_in",),
    ),
    Mutant(
        name="an order is written before its claim",
        path="jobs/enqueue.py",
        old="        self._claim([wish.message])\n        try:\n            if wish.writes:\n"
        "                self._table.transact([order, *wish.writes])\n            else:\n"
        "                self._table.write(order)\n",
        new="        try:\n            if wish.writes:\n"
        "                self._table.transact([order, *wish.writes])\n            else:\n"
        "                self._table.write(order)\n            self._claim([wish.message])\n",
        tests=("crash_matrix",),
    ),
    Mutant(
        name="an order with a lock is not claimed",
        path="jobs/enqueue.py",
        old="                self._claim([wish.message])\n                claimed = True\n",
        new="                claimed = True\n",
        tests=("adversity_in",),
    ),
    Mutant(
        name="many orders are not claimed",
        path="jobs/enqueue.py",
        old="        self._claim([wish.message for wish in wishes])\n",
        new="",
        tests=("adversity_in",),
    ),
    Mutant(
        name="a send that fails fails the request",
        path="jobs/enqueue.py",
        old="with contextlib.suppress(UnavailableError, BotoCoreError, ClientError):",
        new="with contextlib.suppress(ZeroDivisionError):",
        tests=("adversity_in",),
    ),
    Mutant(
        name="what is due soon is left to ticks that may have passed",
        path="jobs/enqueue.py",
        old="if latest_ms > now_ms + DIRECT_MS:",
        new="if latest_ms > now_ms:",
        tests=("adversity_in",),
    ),
    Mutant(
        name="what is due in years is claimed for the sweeper",
        path="jobs/enqueue.py",
        old="if latest_ms > now_ms + DIRECT_MS:",
        new="if False:",
        tests=("kinds",),
    ),
    Mutant(
        name="a start is written over what stands",
        path="jobs/service.py",
        old="put = Put(table=self._store.table_name, item=item, condition=NOT_EXISTS)",
        new="put = Put(table=self._store.table_name, item=item)",
        tests=("runs",),
    ),
    Mutant(
        name="a direct send is not claimed",
        path="jobs/service.py",
        old="        if not messages:\n            return []\n        latest",
        new="        if messages:\n            return []\n        latest",
        tests=("tick",),
    ),
    Mutant(
        name="ticks do not lease the cursor",
        path="jobs/agenda.py",
        old="attribute_not_exists(pk) OR lease <= :now OR tok = :tok",
        new="attribute_not_exists(pk) OR lease <= :now OR tok <> :tok OR tok = :tok",
        tests=("tick",),
    ),
    Mutant(
        name="a dead tick's lease is never over",
        path="jobs/agenda.py",
        old='expression="attribute_not_exists(pk) OR lease <= :now OR tok = :tok",\n'
        '                values={":now": now_ms},',
        new='expression="attribute_not_exists(pk) OR lease = :zero OR tok = :tok",\n'
        '                values={":zero": 0},',
        tests=("tick", "fault_matrix"),
    ),
    Mutant(
        name="a lease whose answer was lost is taken for another's",
        path="jobs/agenda.py",
        old="attribute_not_exists(pk) OR lease <= :now OR tok = :tok",
        new="attribute_not_exists(pk) OR lease <= :now",
        tests=("tick",),
    ),
    Mutant(
        name="a lost lease still moves the cursor",
        path="jobs/agenda.py",
        old='condition=Condition(expression="tok = :tok", values={":tok": token}),\n'
        "            values=values | ",
        new="condition=None,\n            values=values | ",
        tests=("tick",),
    ),
    Mutant(
        name="hints may be stale",
        path="jobs/agenda.py",
        old="self._table.query(keys.due(minute, shard), consistent=True)",
        new="self._table.query(keys.due(minute, shard))",
        tests=("consistency",),
    ),
    Mutant(
        name="claims may be stale",
        path="jobs/agenda.py",
        old="keys.claims(minute), start_after=start_after, consistent=True",
        new="keys.claims(minute), start_after=start_after",
        tests=("consistency",),
    ),
    Mutant(
        name="nothing is claimed before it is sent",
        path="jobs/tick.py",
        old="        self._agenda.claim("
        "manifest, name=name, check_ms=latest_ms + CHECK_AFTER_MS)\n",
        new="",
        tests=("tick",),
    ),
    Mutant(
        name="the cursor moves before the minute is done",
        path="jobs/tick.py",
        old="            parts = self._minute(before + 1, parts, deadline)\n",
        new="            early = Progress(minute=before + 1, parts={})\n"
        "            self._agenda.advance(keys.TICK, token, early, release=False)\n"
        "            parts = self._minute(before + 1, parts, deadline)\n",
        tests=("tick",),
    ),
    Mutant(
        name="the place within a minute is lost",
        path="jobs/tick.py",
        old="_END if p.place is None else p.place",
        new="p.place or _END",
        tests=("reviewed",),
    ),
    Mutant(
        name="one bad group stops all",
        path="jobs/bucket.py",
        old="except (NightshiftError, UnreadableMessageError) as error:",
        new="except ZeroDivisionError as error:",
        tests=("reviewed",),
    ),
    Mutant(
        name="the task's epoch is not looked at",
        path="tasks/jobs.py",
        old="if ref.epoch != task.epoch:",
        new="if False:",
        tests=("reviewed", "tick", "tasks/tasks_service"),
    ),
    Mutant(
        name="the version before is not looked at",
        path="tasks/store.py",
        old='expression="#ver = :before"',
        new='expression="#ver = :before OR #ver <> :before"',
        tests=("tasks/tasks_service", "tasks/runs_of_tasks"),
    ),
    Mutant(
        name="a delete does not ask for the version",
        path="tasks/store.py",
        old='expression="#ver = :seen"',
        new='expression="#ver = :seen OR #ver <> :seen"',
        tests=("reviewed",),
    ),
    Mutant(
        name="the sweep moves on before the minute is done",
        path="jobs/sweeper.py",
        old="            report, place = self._minute(before + 1, place, deadline)\n",
        new="            yield _Swept(report=SweepReport(), "
        "progress=Progress(minute=before + 1, parts={}))\n"
        "            report, place = self._minute(before + 1, place, deadline)\n",
        tests=("crash_matrix",),
    ),
    Mutant(
        name="what is lost is sent and not claimed anew",
        path="jobs/sweeper.py",
        old='        self._keep(found.lost, again, name + "#r", again)\n',
        new="",
        tests=("sweeps",),
    ),
    Mutant(
        name="what waits is not looked at again",
        path="jobs/sweeper.py",
        old='        self._keep([*found.waiting, *found.heads], rescues, name + "#w", rescues)\n',
        new="",
        tests=("sweeps",),
    ),
    Mutant(
        name="what waits at a gate is not looked at again",
        path="jobs/sweeper.py",
        old='        self._keep(found.gated, rescues, name + "#g", GATED_AGAIN)\n',
        new="",
        tests=("gate_races",),
    ),
    Mutant(
        name="a sweep wakes nobody at gates",
        path="jobs/sweeper.py",
        old="            self._engine.send_now(self._gates.wake(gate))\n",
        new="            pass\n",
        tests=("gate_races",),
    ),
    Mutant(
        name="a sweep finds nothing lost",
        path="jobs/sweeper.py",
        old="        self._dispatcher.send([*found.heads, *found.lost])\n",
        new="        self._dispatcher.send([*found.heads])\n",
        tests=("tick", "fault_matrix"),
    ),
    Mutant(
        name="the first of a line is never woken by sweeps",
        path="jobs/sweeper.py",
        old="        self._dispatcher.send([*found.heads, *found.lost])\n",
        new="        self._dispatcher.send([*found.lost])\n",
        tests=("sweeps",),
    ),
    Mutant(
        name="what was given up is not told of",
        path="jobs/sweeper.py",
        old="                self._engine.follow_end(record.ref)\n",
        new="                pass\n",
        tests=("adversity",),
    ),
    Mutant(
        name="one bad claim stops all",
        path="jobs/sweeper.py",
        old="        except Exception as error:  # noqa: BLE001 - one claim",
        new="        except ZeroDivisionError as error:  # one claim",
        tests=("sweeps",),
    ),
    Mutant(
        name="a claim that nobody can read stops all",
        path="jobs/agenda.py",
        old="    except (ValueError, KeyError, TypeError, zlib.error):",
        new="    except ZeroDivisionError:",
        tests=("adversity",),
    ),
    Mutant(
        name="what is rescued too often is never given up",
        path="jobs/triage.py",
        old="elif rescues >= MAX_RESCUES and not self._is_behind(ref.queue):",
        new="elif False:",
        tests=("adversity", "sweeps"),
    ),
    Mutant(
        name="what waits in a long queue is given up",
        path="jobs/triage.py",
        old="elif rescues >= MAX_RESCUES and not self._is_behind(ref.queue):",
        new="elif rescues >= MAX_RESCUES:",
        tests=("adversity",),
    ),
    Mutant(
        name="what runs is taken for lost",
        path="jobs/triage.py",
        old="return seat is not None and seat.attempt >= message.attempt "
        "and seat.lease_ms > seen.now_ms",
        new="return False",
        tests=("sweeps",),
    ),
    Mutant(
        name="what ran and died is taken for running",
        path="jobs/triage.py",
        old="return seat is not None and seat.attempt >= message.attempt "
        "and seat.lease_ms > seen.now_ms",
        new="return seat is not None and seat.attempt >= message.attempt",
        tests=("fault_matrix", "sweeps"),
    ),
    Mutant(
        name="what is not due yet is taken for lost",
        path="jobs/triage.py",
        old="if message.not_before_ms + OVERDUE_MS > seen.now_ms:",
        new="if False:",
        tests=("sweeps",),
    ),
    Mutant(
        name="what waits for its subject is given up",
        path="jobs/triage.py",
        old="parked=self._store.find_parked(in_line),",
        new="parked=frozenset(),",
        tests=("sweeps", "adversity"),
    ),
    Mutant(
        name="refusals do not say what stood there",
        path="aws/dynamo.py",
        old='            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"\n'
        "            items.append",
        new="            items.append",
        tests=("adversity_in", "crash_matrix"),
    ),
    Mutant(
        name="refused writes do not say what stood there",
        path="aws/dynamo.py",
        old='        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"\n        if kind',
        new="        if kind",
        tests=("adversity_in", "crash_matrix"),
    ),
)
