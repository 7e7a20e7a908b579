"""Gates when two come at once, or somebody dies, leaves or is shut out at the wrong moment."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from nightshift.aws.dynamo import Table
from nightshift.core.clock import ManualClock, to_ms
from nightshift.jobs.codec import decode
from nightshift.jobs.engine import Done
from nightshift.jobs.gates import Gate, Gates, In, Waits
from nightshift.jobs.kinds import FlowLimits, Job, JobKind
from nightshift.jobs.model import JobId, JobRef, JobStatus, Message
from tests.support.dynamo import FakeDynamoDB
from tests.support.prying import Pry, calls, puts
from tests.support.work import Chore, Hand, die, kind_of, listen_elsewhere, put, view_of
from tests.support.world import OWNER, START, World

ONE = Gate(key="g", parallelism=1)
UNTIL_MS = to_ms(START) + 3_600_000


def _hall() -> tuple[Gates, FakeDynamoDB]:
    clock = ManualClock(START)
    dynamo = FakeDynamoDB(["jobs"], clock=clock)
    table = Table(dynamo, "jobs")  # type: ignore[arg-type]  # the fake's door
    return Gates(table, clock, retention_s=86_400), dynamo


def _message(name: str) -> Message:
    ref = JobRef(kind="k", subject=name, job_id=JobId(name), owner_id="o", due_ms=to_ms(START))
    return Message.first(ref)


def test_of_two_that_find_the_last_place_free_one_is_in() -> None:
    """Whoever is second at the write waits."""
    gates, dynamo = _hall()
    came: list[object] = []
    dynamo.faults = Pry(
        puts("H#"), lambda: came.append(gates.enter(_message("b"), ONE, until_ms=UNTIL_MS))
    )
    came.append(gates.enter(_message("a"), ONE, until_ms=UNTIL_MS))
    assert [In(), Waits()] == came


def test_who_leaves_as_another_parks_is_seen_by_it() -> None:
    """It woke nobody, since nobody waited yet; so who parks looks once more, and is in."""
    gates, dynamo = _hall()
    gates.enter(_message("a"), ONE, until_ms=UNTIL_MS)
    woken: list[Message] = []
    dynamo.faults = Pry(puts("P#"), lambda: woken.extend(gates.leave(_message("a").ref, 1, ONE)))
    assert In() == gates.enter(_message("b"), ONE, until_ms=UNTIL_MS)
    assert [] == woken


def _stack(
    hand: Callable[[Job[Chore]], Any], limits: FlowLimits, **said: Any
) -> tuple[World, JobKind[Chore]]:
    kind = kind_of(hand, flow=lambda p: replace(limits, key=p.name), **said)
    return World(kinds=[kind]), kind


def test_who_waits_at_one_gate_takes_no_place_at_another() -> None:
    """Of three of a subject that may have two at a time, the second waits for a key of its own."""
    began: list[str] = []

    def act(job: Job[Chore]) -> None:
        began.append(job.id)
        if len(began) == 1:
            listen_elsewhere(world)

    world, kind = _stack(
        act, FlowLimits(key="", parallelism=1), subject=lambda p: p.subject, concurrency=2
    )
    first, second, third = (put(world, kind, name).job_id for name in "xxy")
    world.listen(1)
    assert [first, third] == began
    world.run_for(minutes=5)
    assert [first, third, second] == began


def test_who_is_cancelled_at_work_gives_its_place_back_as_it_ends() -> None:
    """Its end is refused, and still the next may begin at once."""
    hand = Hand()

    def act(job: Job[Chore]) -> None:
        if job.id == first:
            world.machine.jobs.owned.cancel(OWNER, first)
            listen_elsewhere(world)

    hand.act = act
    world, kind = _stack(hand, FlowLimits(key="", parallelism=1))
    first, second = (put(world, kind).job_id for _ in range(2))
    world.listen(1)
    world.listen()
    assert [JobStatus.CANCELLED, JobStatus.COMPLETED] == [
        view_of(world, job_id).status for job_id in (first, second)
    ]


def test_who_died_at_the_door_and_is_refused_then_is_in_nobodys_way() -> None:
    """It had taken its place and had not begun; meanwhile its subject is gone."""
    hand = Hand()
    world, kind = _stack(hand, FlowLimits(key="", parallelism=1))
    put(world, kind)
    message = decode(world.queue.messages[0].body)
    plan = world.machine.plans([message.ref])[message.ref]
    world.dynamo.faults = Pry(puts("A#"), die)
    world.invoke(world.listen)
    came = world.new_context().machine.engine.prepare(message, replace(plan, refuse="gone"))
    assert (True, "gone") == (isinstance(came, Done), getattr(came, "what", None))
    second = put(world, kind).job_id
    world.listen()
    assert JobStatus.COMPLETED is view_of(world, second).status


def test_who_waits_for_a_reserved_start_is_not_taken_for_lost() -> None:
    """Sweeps leave it alone, and it begins at that start, having taken no other."""
    hand = Hand()
    world, kind = _stack(hand, FlowLimits(key="", rate=1, period_s=600))
    put(world, kind)
    second = put(world, kind).job_id
    world.run_for(minutes=9)
    third = put(world, kind).job_id
    world.run_for(minutes=12)
    assert "job.rescued" not in world.told.of(second)
    assert [1, 1] == [hand.done[job_id] for job_id in (second, third)]


def test_a_wake_that_was_lost_is_made_up_for_by_a_sweep() -> None:
    """Who left woke the first of the line, and the message never came."""
    hand = Hand()

    def act(job: Job[Chore]) -> None:
        if job.id == first:
            listen_elsewhere(world)

    hand.act = act
    world, kind = _stack(hand, FlowLimits(key="", parallelism=1))
    first, second = (put(world, kind).job_id for _ in range(2))
    world.listen(1)
    world.queue.messages.clear()
    world.run_for(minutes=15)
    assert JobStatus.COMPLETED is view_of(world, second).status


def test_a_place_that_another_took_meanwhile_is_not_given_back() -> None:
    """Its time was over between the look of who leaves and the write."""
    gates, dynamo = _hall()
    gates.enter(_message("a"), ONE, until_ms=to_ms(START))
    dynamo.faults = Pry(
        calls("DeleteItem"), lambda: gates.enter(_message("b"), ONE, until_ms=UNTIL_MS)
    )
    gates.leave(_message("a").ref, 1, ONE)
    assert Waits() == gates.enter(_message("c"), ONE, until_ms=UNTIL_MS)


def test_a_reserved_start_whose_message_is_lost_is_made_up_for() -> None:
    """Once the start is over and nobody has begun, a sweep sends it again."""
    world, kind = _stack(Hand(), FlowLimits(key="", rate=1, period_s=300))
    put(world, kind)
    second = put(world, kind).job_id
    world.listen()
    world.queue.messages.clear()
    world.run_for(minutes=20)
    assert JobStatus.COMPLETED is view_of(world, second).status


def test_a_sweep_that_found_somebody_waiting_looks_again() -> None:
    """The wake is lost long after the claim fell due for the first time."""

    def act(job: Job[Chore]) -> None:
        if job.id == first:
            listen_elsewhere(world)
            for _moment in range(10):
                world.pass_time(world.clock.now() + timedelta(seconds=10))
                world.sweep()

    world, kind = _stack(act, FlowLimits(key="", parallelism=1), timeout_s=110)
    first, second = (put(world, kind).job_id for _ in range(2))
    world.clock.advance(seconds=100)
    world.listen(1)
    assert view_of(world, second).waits is not None
    world.queue.messages.clear()
    world.run_for(minutes=15)
    assert JobStatus.COMPLETED is view_of(world, second).status
