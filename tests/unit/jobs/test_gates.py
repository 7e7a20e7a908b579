"""Gates: limits that jobs share, in virtual time and from many threads."""

import threading
import time
from datetime import timedelta
from typing import Any

from nightshift.aws.dynamo import Table
from nightshift.core.clock import ManualClock, to_ms
from nightshift.jobs.gates import Gate, Gates, In, Later, Waits
from nightshift.jobs.kinds import Failed, Job
from nightshift.jobs.model import JobId, JobRef, JobStatus, Message
from tests.support.dynamo import FakeDynamoDB
from tests.support.faults import CrashError
from tests.support.work import Chore, Hand, kind_of
from tests.support.world import OWNER, START, World

HOUR_MS = 3_600_000


def _message(number: int, *, attempt: int = 1) -> Message:
    ref = JobRef(
        kind="k",
        subject=f"s{number}",
        job_id=JobId(f"job-{number:04d}"),
        owner_id="o",
        due_ms=to_ms(START),
    )
    return Message(ref=ref, attempt=attempt, not_before_ms=ref.due_ms)


def _gates() -> tuple[Gates, ManualClock]:
    clock = ManualClock(START)
    table = Table(FakeDynamoDB(["jobs"], clock=clock), "jobs")  # type: ignore[arg-type]  # a fake
    return Gates(table, clock, retention_s=86_400), clock


def _until(clock: ManualClock) -> int:
    return to_ms(clock.now()) + HOUR_MS


def test_as_many_come_in_as_the_gate_allows() -> None:
    """The rest wait, and come in in their order as places are given back."""
    gates, clock = _gates()
    gate = Gate(key="g", parallelism=3)
    came = [gates.enter(_message(n), gate, until_ms=_until(clock)) for n in range(6)]
    assert [In(), In(), In(), Waits(), Waits(), Waits()] == came
    woken = gates.leave(_message(1).ref, 1, gate)
    assert ["job-0003"] == [m.ref.job_id for m in woken]
    assert In() == gates.enter(woken[0], gate, until_ms=_until(clock))
    assert [] == gates.leave(_message(1).ref, 1, gate)


def test_nobody_overtakes_who_waits() -> None:
    """A place that is free belongs to who waits for it, not to who comes now."""
    gates, clock = _gates()
    gate = Gate(key="g", parallelism=1)
    gates.enter(_message(0), gate, until_ms=_until(clock))
    gates.enter(_message(1), gate, until_ms=_until(clock))
    gates.leave(_message(0).ref, 1, gate)
    assert Waits() == gates.enter(_message(2), gate, until_ms=_until(clock))
    assert In() == gates.enter(_message(1), gate, until_ms=_until(clock))


def test_entering_again_is_entering_once() -> None:
    """A duplicate takes no second place."""
    gates, clock = _gates()
    gate = Gate(key="g", parallelism=2)
    for _ in range(3):
        assert In() == gates.enter(_message(0), gate, until_ms=_until(clock))
    assert In() == gates.enter(_message(1), gate, until_ms=_until(clock))


def test_a_place_whose_holder_is_gone_is_free_after_its_time() -> None:
    """Judged by the time in the item; nothing need be deleted."""
    gates, clock = _gates()
    gate = Gate(key="g", parallelism=1)
    gates.enter(_message(0), gate, until_ms=to_ms(clock.now()) + 10_000)
    assert Waits() == gates.enter(_message(1), gate, until_ms=_until(clock))
    clock.advance(seconds=11)
    assert ["job-0001"] == [m.ref.job_id for m in gates.wake(gate)]
    assert In() == gates.enter(_message(1), gate, until_ms=_until(clock))


def test_a_late_attempt_does_not_give_its_successors_place_back() -> None:
    """The attempt fences places, too."""
    gates, clock = _gates()
    gate = Gate(key="g", parallelism=1)
    gates.enter(_message(0, attempt=1), gate, until_ms=to_ms(clock.now()) + 10_000)
    clock.advance(seconds=11)
    gates.enter(_message(0, attempt=2), gate, until_ms=_until(clock))
    gates.leave(_message(0).ref, 1, gate)
    assert Waits() == gates.enter(_message(1), gate, until_ms=_until(clock))


def test_a_limit_may_change_while_jobs_wait() -> None:
    """Raised, it lets more in at once; lowered, nobody comes in until enough have left."""
    gates, clock = _gates()
    one, four, two = (Gate(key="g", parallelism=n) for n in (1, 4, 2))
    for n in range(6):
        gates.enter(_message(n), one, until_ms=_until(clock))
    assert 3 == len(gates.wake(four))
    for n in range(1, 4):
        assert In() == gates.enter(_message(n), four, until_ms=_until(clock))
    assert [] == gates.leave(_message(0).ref, 1, two)
    assert [] == gates.leave(_message(1).ref, 1, two)
    assert ["job-0004"] == [m.ref.job_id for m in gates.leave(_message(2).ref, 1, two)]


def test_a_rate_spaces_starts_evenly() -> None:
    """Four in two seconds: every half second one, whoever comes when."""
    gates, clock = _gates()
    gate = Gate(key="g", rate=4, period_s=2)
    came = [gates.enter(_message(n), gate, until_ms=_until(clock)) for n in range(8)]
    # What starts within a second and a half is let in at once: its worker waits.
    soon = [c.start_ms - to_ms(START) for c in came if isinstance(c, In)]
    later = [c.at_ms - to_ms(START) for c in came if isinstance(c, Later)]
    assert ([0, 500, 1000, 1500], [2000, 2500, 3000, 3500]) == (soon, later)


def test_what_is_far_off_is_parked_so_that_the_rate_can_change() -> None:
    """Starts are reserved for a quarter of an hour; after that one waits in line."""
    gates, clock = _gates()
    slow, fast = Gate(key="g", rate=1, period_s=300), Gate(key="g", rate=100, period_s=1)
    came = [gates.enter(_message(n), slow, until_ms=_until(clock)) for n in range(8)]
    assert [type(c) for c in came] == [In, Later, Later, Later, *[Waits] * 4]
    assert 0 == len(gates.wake(slow))
    clock.advance(seconds=301)
    assert 1 == len(gates.wake(slow))
    assert 4 == len(gates.wake(fast))


def test_a_pass_that_is_long_over_is_not_honoured() -> None:
    """After an outage, what was reserved for then would all start at once."""
    gates, clock = _gates()
    gate = Gate(key="g", rate=1, period_s=10)
    passes = [gates.enter(_message(n), gate, until_ms=_until(clock)) for n in range(5)]
    clock.advance(seconds=600)
    again = [
        gates.enter(
            Message(
                ref=_message(n).ref,
                attempt=1,
                not_before_ms=came.at_ms,
                pass_ms=came.at_ms,
            ),
            gate,
            until_ms=_until(clock),
        )
        for n, came in enumerate(passes)
        if isinstance(came, Later)
    ]
    assert [False, True, True, True] == [isinstance(came, Later) for came in again]


def test_places_are_never_overfilled_by_many_at_once() -> None:
    """Fifty threads for five places, two hundred jobs: all come in once, never more than five."""
    crowd = _Crowd(Gate(key="g", parallelism=5), jobs=200)
    threads = [threading.Thread(target=crowd.work) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (5, 200) == (crowd.most, len(crowd.done))
    left = [i["sk"] for i in dynamo_rows(crowd.dynamo) if i["sk"].startswith(("H#", "P#"))]
    assert [] == left
    assert crowd.woken <= 3 * len(crowd.done)


class _Crowd:
    """Workers at a gate; as the engine does, they leave alone what runs, and abandon what ended."""

    def __init__(self, gate: Gate, *, jobs: int) -> None:
        self.clock = ManualClock(START)
        self.dynamo = FakeDynamoDB(["jobs"], clock=self.clock, strict=False, keep_calls=False)
        table = Table(self.dynamo, "jobs")  # type: ignore[arg-type]  # a fake
        self.gates, self.gate = Gates(table, self.clock, retention_s=60), gate
        self.lock = threading.Lock()
        self.ready = [_message(n) for n in range(jobs)]
        self.inside, self.done = set[str](), set[str]()
        self.most = self.woken = 0

    def work(self) -> None:
        while (message := self._next()) is not None:
            if message.ref.job_id in self.done:
                self.gates.unpark(message.ref, self.gate)
            elif not self._run(message):
                continue
            woken = self.gates.leave(message.ref, 1, self.gate)
            with self.lock:
                self.ready += woken
                self.woken += len(woken)

    def _next(self) -> Message | None:
        with self.lock:
            running = [m for m in self.ready if m.ref.job_id in self.inside]
            self.ready = [m for m in self.ready if m not in running]
            return self.ready.pop(0) if self.ready else None

    def _run(self, message: Message) -> bool:
        if self.gates.enter(message, self.gate, until_ms=_until(self.clock)) != In():
            return False
        job_id = message.ref.job_id
        with self.lock:
            if job_id in self.inside | self.done:
                return job_id in self.done
            self.inside.add(job_id)
            self.most = max(self.most, len(self.inside))
        time.sleep(0.001)  # the others are to meet it inside
        with self.lock:
            self.inside.discard(job_id)
            self.done.add(job_id)
        return True


def dynamo_rows(dynamo: FakeDynamoDB) -> list[dict[str, Any]]:
    """Return all items of the jobs table."""
    table = Table(dynamo, "jobs")  # type: ignore[arg-type]  # the fake's door
    return list(table.query("GATE#g"))


def test_dead_holders_places_do_not_hide_who_waits() -> None:
    """Ten died inside; then the limit is lowered to one: the line is still seen, and moves on."""
    gates, clock = _gates()
    ten, one = Gate(key="g", parallelism=10), Gate(key="g", parallelism=1)
    for n in range(10):
        gates.enter(_message(n), ten, until_ms=to_ms(clock.now()) + 10_000)
    clock.advance(seconds=9)
    for n in range(3):
        gates.leave(_message(n).ref, 1, ten)
    gates.enter(_message(20), one, until_ms=_until(clock))
    assert [] == gates.wake(one)
    clock.advance(seconds=2)
    assert ["job-0020"] == [m.ref.job_id for m in gates.wake(one)]
    assert In() == gates.enter(_message(20), one, until_ms=_until(clock))
    assert Waits() == gates.enter(_message(21), one, until_ms=_until(clock))


def test_who_leaves_wakes_few_even_where_many_may_come() -> None:
    """A crowd woken by each that leaves would meet at the door again and again."""
    gates, clock = _gates()
    one, hundred = Gate(key="g", parallelism=1), Gate(key="g", parallelism=100)
    for n in range(60):
        gates.enter(_message(n), one, until_ms=_until(clock))
    woken = gates.leave(_message(0).ref, 1, hundred)
    assert ["job-0001", "job-0059"] == [m.ref.job_id for m in woken]
    assert 59 == len(gates.wake(hundred))


def _flow_world(gate: Gate, hand: Hand, **said: Any) -> tuple[World, Any]:
    kind = kind_of(hand, flow=lambda _: gate, **said)
    return World(kinds=[kind]), kind


def test_jobs_over_the_limit_wait_and_lose_no_attempt() -> None:
    """Forty jobs through a gate of two: all run once, none is retried, none is lost."""
    hand = Hand()
    world, kind = _flow_world(Gate(key="host", parallelism=2), hand)
    came = [world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER) for _ in range(40)]
    world.run_for(minutes=10)
    views = [world.machine.jobs.view(OWNER, c.job_id) for c in came]
    assert {(JobStatus.COMPLETED, 1)} == {(v.status, v.attempts) for v in views}
    assert {1} == set(hand.done.values())
    assert not [i for i in _items(world) if i["pk"].startswith("GATE#") and i["sk"] != "A"]


def test_a_rate_holds_over_a_crowd() -> None:
    """Sixty at once, ten in ten seconds: no window of ten seconds sees more than eleven starts."""
    starts = []
    hand = Hand(act=lambda _: starts.append(world.clock.now()))
    world, kind = _flow_world(Gate(key="host", rate=10, period_s=10), hand)
    for _ in range(60):
        world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER)
    world.run_for(minutes=10)
    assert 60 == len(starts)
    span = timedelta(seconds=10)
    assert 11 >= max(sum(s <= t < s + span for t in starts) for s in starts)
    assert starts[-1] - starts[0] <= timedelta(seconds=90)


def test_a_failed_attempt_gives_its_place_to_the_next_while_it_waits() -> None:
    """Backoff does not hold a place."""
    hand = Hand(act=lambda job: Failed(error="no") if job.attempt == 1 else None)
    world, kind = _flow_world(Gate(key="host", parallelism=1), hand)
    came = [world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER) for _ in range(5)]
    world.run_for(minutes=10)
    views = [world.machine.jobs.view(OWNER, c.job_id) for c in came]
    assert {(JobStatus.COMPLETED, 2)} == {(v.status, v.attempts) for v in views}


def test_a_worker_that_dies_inside_a_gate_does_not_close_it() -> None:
    """Its place is free when its time is over, and who waits is found by the sweeper."""
    killed: list[str] = []

    def act(job: Job[Chore]) -> None:
        if not killed:
            killed.append(job.id)
            raise CrashError("killed in the work")

    hand = Hand(act=act)
    world, kind = _flow_world(Gate(key="host", parallelism=1), hand)
    came = [world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER) for _ in range(4)]
    world.run_for(minutes=30)
    views = [world.machine.jobs.view(OWNER, c.job_id) for c in came]
    assert {JobStatus.COMPLETED} == {v.status for v in views}
    assert sum(hand.done.values()) == 5


def test_a_cancelled_job_that_waited_is_in_nobodys_way() -> None:
    """The line goes on behind it."""
    hand = Hand(act=lambda _: world.clock.advance(seconds=5))
    world, kind = _flow_world(Gate(key="host", parallelism=1), hand)
    came = [world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER) for _ in range(12)]
    world.listen(10)
    world.machine.jobs.owned.cancel(OWNER, came[5].job_id)
    world.run_for(minutes=15)
    views = [world.machine.jobs.view(OWNER, c.job_id).status for c in came]
    assert [JobStatus.CANCELLED if n == 5 else JobStatus.COMPLETED for n in range(12)] == views


def test_gates_of_other_keys_are_not_held_up() -> None:
    """A slow key's line is its own."""
    order = []
    hand = Hand(act=lambda job: order.append(job.payload.name))
    kind = kind_of(hand, flow=lambda p: Gate(key=p.name, rate=1, period_s=60))
    world = World(kinds=[kind])
    for name in ["slow"] * 5 + ["other"]:
        world.machine.jobs.enqueue(kind, Chore(name=name), owner_id=OWNER)
    world.run_for(seconds=20)
    assert ["slow", "other"] == order


def test_a_subject_may_have_more_than_one_job_at_a_time() -> None:
    """A kind's concurrency is a gate of its subject."""
    hand = Hand()
    kind = kind_of(hand, subject=lambda p: p.subject, concurrency=3)
    world = World(kinds=[kind])
    for _ in range(10):
        world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER)
    world.run_for(minutes=5)
    assert 10 == len(hand.jobs)
    assert any(i["pk"] == "GATE#S#test.chore#s" for i in _items(world)) is False


def _items(world: World) -> list[dict[str, Any]]:
    return [dict(item) for item in world.dynamo.items("jobs")]
