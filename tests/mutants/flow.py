"""The safety conditions of flow control, windows and backfills; see `tests.mutants.__main__`."""

from tests.mutants.model import Mutant

FLOW_TESTS = (
    "waiting_jobs",
    "tasks/flow_control",
    "tasks/spread",
    "tasks/backfill",
    "tasks/backfill_faults",
)

FLOW = (
    Mutant(
        name="who waits at a gate is not seen",
        path="jobs/engine.py",
        old="if seat is None or (seat.ref.job_id, seat.waits) != (ref.job_id, gate.key):",
        new="if False:",
        tests=FLOW_TESTS,
    ),
    Mutant(
        name="who waits at a gate has not begun",
        path="jobs/decision.py",
        old="begun=record is not None or own is not None",
        new="begun=record is not None",
        tests=FLOW_TESTS,
    ),
    Mutant(
        name="who waited and ended stays in line",
        path="jobs/ending.py",
        old="            self._follower.forget(seat.ref, seat.waits)\n",
        new="            return\n",
        tests=FLOW_TESTS,
    ),
    Mutant(
        name="who has no gate any more stays in line",
        path="jobs/engine.py",
        old="            self._follower.forget(message.ref, message.gate)\n",
        new="            pass\n",
        tests=FLOW_TESTS,
    ),
    Mutant(
        name="the sweeper does not look after who waits and is refused",
        path="jobs/triage.py",
        old="begun = message.ref.job_id in records or message.ref.job_id in seen.seats",
        new="begun = message.ref.job_id in records",
        tests=FLOW_TESTS,
    ),
    Mutant(
        name="who waits is replaced although it begins",
        path="jobs/store.py",
        old='            unchanged = Condition(expression="tok = :seen", '
        'values={":seen": seen.token})\n        writes',
        new="            unchanged = None\n        writes",
        tests=FLOW_TESTS,
    ),
    Mutant(
        name="owners share their keys",
        path="tasks/flow.py",
        old='key=f"T#{owner_id}#{key}"',
        new='key=f"T#{key}"',
        tests=FLOW_TESTS,
    ),
    Mutant(
        name="a pin is not looked at",
        path="tasks/flow.py",
        old="limits = found.pinned if found and found.pinned else task.definition.flow.limits",
        new="limits = task.definition.flow.limits",
        tests=FLOW_TESTS,
    ),
    Mutant(
        name="a window is not looked at",
        path="tasks/spread.py",
        old="not_before_ms=ref.due_ms + late_ms",
        new="not_before_ms=ref.due_ms",
        tests=FLOW_TESTS,
    ),
    Mutant(
        name="a backfill makes again what ran",
        path="tasks/backfill.py",
        old="for ref, status in found if status in TAKEN}",
        new="for ref, status in found if False}",
        tests=FLOW_TESTS,
    ),
    Mutant(
        name="a backfill sends what it has not claimed",
        path="jobs/many.py",
        old="        for portion in chunks(messages):\n            self._agenda.claim(",
        new="        for portion in chunks(messages):\n            (lambda *_, **__: None)(",
        tests=FLOW_TESTS,
    ),
    Mutant(
        name="a backfill reaches into what the schedule may still call",
        path="tasks/backfills.py",
        old="end_ms = min(to_ms(wish.end), self._settled_ms(task))",
        new="end_ms = to_ms(wish.end)",
        tests=FLOW_TESTS,
    ),
    Mutant(
        name="the runs of a cancelled backfill go on",
        path="tasks/jobs.py",
        old="            if ref in cancelled:\n",
        new="            if False:\n",
        tests=FLOW_TESTS,
    ),
    Mutant(
        name="a backfill holds up the schedule at a shared limit",
        path="jobs/gates.py",
        old="yields = ref.trigger is Trigger.BACKFILL",
        new="yields = False",
        tests=FLOW_TESTS,
    ),
    Mutant(
        name="a backfill knows no bound of runs at once",
        path="tasks/refs.py",
        old="    if ref.trigger is not Trigger.BACKFILL or ref.overlap is not Overlap.ALLOW:\n",
        new="    if True:\n",
        tests=FLOW_TESTS,
    ),
)
