"""A seeded life of the engine with declared kinds, in which everything goes wrong now and then.

Owners enqueue, cancel and retry at random, the queue is paused and goes on; calls fail in every
way, reads are stale, messages come twice and out of order, workers die and dawdle, ticks and sweeps
fail to come, limits change, and items are deleted long before their time to live is over. Then all
is well again, and every promise must have been kept.
"""

import contextlib
import random
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from nightshift.core.clock import from_ms
from nightshift.core.errors import NightshiftError
from nightshift.jobs import keys
from nightshift.jobs.enqueue import Enqueued
from nightshift.jobs.gates import MAX_PARALLELISM, Gate
from nightshift.jobs.kinds import Failed, Job, JobKind, Outcome, Snooze, Unique, UniqueMode
from nightshift.jobs.model import Order, QueueName, Record, Trigger
from nightshift.jobs.retry import RetryPolicy
from nightshift.jobs.store import JobStore
from tests.support.dynamo import FakeDynamoDB
from tests.support.faults import CrashError
from tests.support.random_faults import RandomFaults
from tests.support.work import Chore, kind_of
from tests.support.world import OWNER, World, has_been_running

STEPS = 26
QUIET_ROUNDS = 60
KEYS = ("x", "y")
RETRY = RetryPolicy(delay_s=2, max_delay_s=20)
RATE_SPACING_S = 5.0
THROTTLED_S = 120.0
STEADY_S = 90.0
"""How long steady work takes, one and a half leases."""
STALLED_S = 5.0
"""How long the same takes while somebody's call hangs: calls have time-outs."""
TTL_EARLY = timedelta(days=25)
"""How long before its time an item may be deleted: all that counts is kept for a month."""
LATE = timedelta(seconds=45)
"""How long after an end a worker that had claimed before it may still begin."""
MOST_AT_ONCE = 3
"""How deep workers may meet: one is at work while another is delivered to, and so on."""


class EngineLife:
    """One seed's life; `run` lives it, `violations` says what did not hold."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._rng = random.Random(seed)  # noqa: S311 - repeatable by design
        dynamo = FakeDynamoDB(
            ["jobs", "tasks"],
            seed=seed,
            staleness=4,
            conflict_rate=0.01,
            strict=False,
            keep_calls=False,
        )
        self.world = World(dynamo=dynamo, kinds=self._kinds(), repeatable=True)
        has_been_running(dynamo, self.world.clock)
        # Handlers of a batch take their turns here, where workers have them work side by side; so
        # what works for long has a batch to itself, or the others would seem to hang.
        self._most_in_batch = 1 if "steady" in {kind.name for kind in self.world.kinds} else 10
        self.faults = RandomFaults(self._rng, rate=0.0, meanwhile=self._stall)
        self._trouble = False
        self._depth = self._stalled = 0
        self._stalls = False
        self._limit = 2
        self._at_work: dict[str, dict[tuple[str, int], datetime]] = defaultdict(dict)
        self.accepted: set[str] = set()
        self.begun: Counter[tuple[str, int]] = Counter()
        self.paced: list[datetime] = []
        self.found: list[str] = []
        self.world.queue.before_send = lambda: self._maybe_die("before the send", 0.02)
        self.world.queue.after_send = self._after_send

    def _kinds(self) -> list[JobKind[Any]]:
        newest: Unique[Chore] = Unique(key=_name, mode=UniqueMode.REPLACE)
        active: Unique[Chore] = Unique(key=_name)
        throttled: Unique[Chore] = Unique(key=_name, mode=UniqueMode.THROTTLE, period_s=THROTTLED_S)
        said: dict[str, dict[str, Any]] = {
            "plain": {},
            "keyed": {"unique": active},
            "newest": {"unique": newest},
            "throttled": {"unique": throttled},
            "steady": {"timeout_s": 110, "subject": _name},
            "single": {"subject": _name},
            "shared": {"subject": _name, "concurrency": 2},
            "gated": {"flow": lambda p: Gate(key=p.name, parallelism=self._limit)},
            "paced": {"flow": lambda _: Gate(key="pace", rate=1, period_s=RATE_SPACING_S)},
            "both": {
                "subject": _name,
                "unique": active,
                "flow": lambda _: Gate(key="b", parallelism=1),
            },
        }
        chosen = self._rng.sample(sorted(said), 3)
        return [
            kind_of(self._work, name=name, retry=RETRY, **{"timeout_s": 20, **said[name]})
            for name in chosen
        ]

    # What happens.

    def run(self) -> "EngineLife":
        """Live through trouble, then recover without any."""
        world = self.world
        world.dynamo.faults = self.faults
        self._trouble, self.faults.rate = True, self._rng.choice([0.003, 0.01, 0.03])
        self.faults.delays = self._rng.choice([0.0, 0.04])
        self._stalls = self.faults.delays > 0
        for _ in range(STEPS):
            world.clock.advance(seconds=self._rng.choice([0, 1, 3, 10, 25]))
            world.invoke(self._act)
            for _ in range(self._rng.randint(0, 2)):
                world.invoke(self._listen)
            if self._rng.random() < 0.3:
                world.invoke(world.tick if self._rng.random() < 0.3 else world.sweep)
        self._trouble, self.faults.rate, self.faults.delays = False, 0.0, 0.0
        world.machine.queues.resume(QueueName.DEFAULT, by="admin")
        self._recover()
        return self

    def _recover(self) -> None:
        world = self.world
        for number in range(QUIET_ROUNDS):
            world.clock.advance(seconds=60)
            if number % 2 == 0:
                world.tick()
            world.sweep()
            for _ in range(40):
                if not world.listen(self._most_in_batch):
                    break
            if self._is_quiet():
                return

    def _is_quiet(self) -> bool:
        """Tell whether nothing can happen any more: no message, nothing that a walk will see."""
        items = self.world.dynamo.items("jobs")
        reached = {str(i["pk"]): int(str(i["pos"])) for i in items if "pos" in i}
        rows = [str(i["pk"]).split("#") for i in items]
        ahead = {
            "CLAIM": reached[str(keys.cursor(keys.SWEEP)["pk"])],
            "DUE": reached[str(keys.cursor(keys.TICK)["pk"])],
        }
        left = [row for row in rows if row[0] in ahead and int(row[1]) > ahead[row[0]]]
        return not self.world.queue.messages and not left

    def _act(self) -> None:
        act: Callable[[], None] = self._rng.choices(
            [
                self._enqueue,
                self._enqueue_many,
                self._cancel,
                self._retry,
                self._change,
                self._expire,
                self._pause,
            ],
            weights=[10, 1, 2, 2, 1, 1, 1],
        )[0]
        with contextlib.suppress(NightshiftError):
            act()

    def _enqueue(self) -> None:
        kind = self._rng.choice(self.world.kinds)
        delay_s = self._rng.choice([0, 0, 0, 3, 90, 400])
        came = self.world.machine.jobs.enqueue(
            kind, Chore(name=self._rng.choice(KEYS)), owner_id=OWNER, delay_s=delay_s
        )
        self.accepted.add(came.job_id)

    def _enqueue_many(self) -> None:
        kind = self._rng.choice(self.world.kinds)
        chores = [Chore(name=self._rng.choice(KEYS)) for _ in range(4)]
        for came in self.world.machine.jobs.enqueue_many(kind, chores, owner_id=OWNER):
            if isinstance(came, Enqueued):
                self.accepted.add(came.job_id)

    def _cancel(self) -> None:
        if self.accepted:
            job_id = self._rng.choice(sorted(self.accepted))
            self.world.machine.jobs.owned.cancel(OWNER, job_id)

    def _retry(self) -> None:
        if self.accepted:
            job_id = self._rng.choice(sorted(self.accepted))
            self.world.machine.jobs.owned.retry(OWNER, job_id)

    def _change(self) -> None:
        """Change a limit, upwards only: what is in stays in when it falls."""
        self._limit = min(MAX_PARALLELISM, self._limit + 1)

    def _expire(self) -> None:
        self.world.dynamo.expire(self.world.clock.now() + TTL_EARLY)

    def _pause(self) -> None:
        """Pause the queue, or let it go on."""
        queues = self.world.machine.queues
        act = self._rng.choice([queues.pause, queues.resume, queues.resume])
        act(QueueName.DEFAULT, by="admin")

    def _listen(self) -> None:
        """Deliver a batch of any size, in any order."""
        queue = self.world.queue
        with queue.lock:
            self._rng.shuffle(queue.messages)
            queue.messages.sort(key=lambda m: m.visible_at > self.world.clock.now())
        self.world.listen(min(self._rng.choice([1, 3, 10]), self._most_in_batch))
        queue.delete([])

    def _work(self, job: Job[Chore]) -> Outcome:
        """Be at work for a while; others may be delivered to meanwhile. Then end somehow."""
        self._begin(job)
        places, until = self._places(job), self._until(job)
        for place in places:
            self._at_work[place][job.id, job.attempt] = until
            self._look_at(place)
        try:
            if self._trouble and self._rng.random() < 0.4:
                self._meanwhile()
            self._maybe_die("in the work", 0.06)
            if job.kind == "steady":
                spent_s = STALLED_S if self._stalled else STEADY_S
                self.world.pass_time(self.world.clock.now() + timedelta(seconds=spent_s))
            return self._outcome(job)
        finally:
            for place in places:
                self._at_work[place].pop((job.id, job.attempt), None)

    def _begin(self, job: Job[Chore]) -> None:
        self.begun[job.id, job.attempt] += 1
        if self.begun[job.id, job.attempt] > 1:
            self.found.append(f"{job.id} was begun twice as attempt {job.attempt}")
        now = self.world.clock.now()
        if now < from_ms(job.ref.due_ms) and job.ref.trigger is not Trigger.MANUAL:
            self.found.append(f"{job.kind} was early")
        if job.kind == "paced":
            self.paced.append(now)
        faults, self.world.dynamo.faults = self.world.dynamo.faults, None
        record = self.world.machine.store.find_record(job.kind, job.subject, job.id)
        self.world.dynamo.faults = faults
        if record is not None and record.ended_ms and from_ms(record.ended_ms) + LATE < now:
            self.found.append(f"{job.id} was begun after its end")

    def _places(self, job: Job[Chore]) -> list[str]:
        name = job.payload.name
        return {
            "keyed": [f"keyed {name} 1"],
            "single": [f"single {name} 1"],
            "steady": [f"steady {name} 1"],
            "throttled": [f"throttled {name} 1"],
            "shared": [f"shared {name} 2"],
            "gated": [f"gated {name} {self._limit}"],
            "both": [f"both {name} 1", "both all 1"],
        }.get(job.kind, [])

    def _until(self, job: Job[Chore]) -> datetime:
        """Return when the attempt is stopped at the latest; virtual time stops nobody by itself."""
        (kind,) = (kind for kind in self.world.kinds if kind.name == job.kind)
        return self.world.clock.now() + timedelta(seconds=kind.timeout_s)

    def _look_at(self, place: str) -> None:
        kind, name, _ = place.split(" ")
        limit = self._limit if kind == "gated" else int(place.rpartition(" ")[2])
        same = [at for p, at in self._at_work.items() if p.split(" ")[:2] == [kind, name]]
        count = sum(until > self.world.clock.now() for at in same for until in at.values())
        if count > limit:
            self.found.append(f"{kind} {name}: {count} at work, {limit} allowed")

    def _stall(self) -> None:
        """Let a call hang for as long as its client waits for it: the others do no long work."""
        self._stalled += 1
        self._meanwhile()
        self._stalled -= 1

    def _meanwhile(self) -> None:
        """Let a few seconds pass in which another worker, a sweep or an owner does something."""
        world = self.world
        if self._depth >= MOST_AT_ONCE:
            return

        def other() -> None:
            world.clock.advance(seconds=self._rng.choice([0, 1, 4]))
            world.invoke(self._rng.choice([self._listen, self._listen, world.sweep, self._act]))

        self._depth += 1
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        self._depth -= 1

    def _outcome(self, job: Job[Chore]) -> Outcome:
        draw = self._rng.random() if self._trouble else 1.0
        if draw < 0.1:
            return Failed(error="no")
        if draw < 0.15:
            return Snooze(delay_s=self._rng.choice([0, 5, 100]))
        if draw < 0.2:
            raise ValueError(job.id)
        return None

    def _maybe_die(self, where: str, chance: float) -> None:
        if self._trouble and self._rng.random() < chance:
            raise CrashError(f"died {where}")

    def _after_send(self) -> None:
        queue = self.world.queue
        if self._trouble and self._rng.random() < 0.15:
            with queue.lock:
                last = queue.messages[-1]
                again = type(last)(last.visible_at, 10**6 + len(queue.sent), last.body)
                queue.messages.append(again)
        self._maybe_die("after the send", 0.02)

    # What must hold.

    def violations(self) -> list[str]:
        """Return one sentence for each promise that was broken."""
        store: JobStore = self.world.machine.store
        orders = self.world.machine.orders.page(OWNER, start_after=None, limit=1_000)
        refs = {order.ref.job_id: order.ref for order in orders}
        found = list(self.found)
        found += [f"{job_id} was accepted and is gone" for job_id in self.accepted - set(refs)]
        for job_id, ref in refs.items():
            record = store.find_record(ref.kind, ref.subject, job_id)
            if record is None or not record.is_terminal:
                status = record.status if record else "pending"
                found.append(f"{ref.kind} {job_id} is stuck: {status}")
            else:
                found += self._of_job(record)
        rows = self.world.dynamo.items("jobs")
        # The place of an attempt that died before it began is left to its own time.
        waiting = [(i["pk"], i["sk"]) for i in rows if str(i["sk"]).startswith("P#")]
        found += [f"still waits: {row}" for row in waiting]
        found += [f"still held: {i['sk']}" for i in rows if str(i["pk"]).startswith("HELD#")]
        found += self._of_throttle(orders)
        return found + ([] if self._stalls else self._of_pace())

    def _of_throttle(self, orders: Sequence[Order]) -> list[str]:
        """Tell whether throttled jobs of a key were made their period apart."""
        made: dict[str, list[int]] = defaultdict(list)
        for order in orders:
            if order.ref.kind == "throttled":
                made[order.unique_key or ""].append(order.created_ms)
        gaps = [b - a for times in made.values() for a, b in pairwise(sorted(times))]
        return [f"throttled: {gap} ms apart" for gap in gaps if gap < THROTTLED_S * 1000]

    def _of_job(self, record: Record) -> list[str]:
        ref = record.ref
        log = self.world.machine.jobs.attempts(ref.kind, ref.subject, ref.job_id)
        numbers = [attempt.number for attempt in log]
        found = []
        if numbers != list(range(1, record.closed + 1)):
            found.append(f"{ref.job_id} has a log with holes: {numbers} of {record.closed}")
        unknown = [n for job_id, n in self.begun if job_id == ref.job_id and n not in numbers]
        # An attempt that was begun as its job was ended is void; the log need not know it.
        if unknown and record.status in {"completed", "failed"} and unknown != [record.closed + 1]:
            found.append(f"{ref.job_id} did work that its log does not know: {unknown}")
        if record.status == "completed" and not self.begun[ref.job_id, record.closed]:
            found.append(f"{ref.job_id} is completed and was never done")
        return found

    def _of_pace(self) -> list[str]:
        """Tell whether starts keep their distance."""
        starts = sorted(self.paced)
        for first, start in enumerate(starts):
            for count, later in enumerate(starts[first + 1 :], start=1):
                if (later - start).total_seconds() < count * RATE_SPACING_S - 0.01:
                    return [f"paced: {count + 1} starts from {start} to {later}"]
        return []


def _name(payload: Chore) -> str:
    return payload.name
