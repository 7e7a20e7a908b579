"""Jobs that wait at a gate and are replaced, or end, before their turn has come."""

import threading
from typing import Any

import pytest

from nightshift.jobs.kinds import Failed, FlowLimits, Job, JobKind, Unique, UniqueMode
from nightshift.jobs.model import JobStatus, Message, Reason
from nightshift.jobs.retry import RetryPolicy
from tests.support.prying import Pry, puts
from tests.support.work import Chore, Hand, kind_of, listen_elsewhere, put, view_of
from tests.support.world import World

NEWEST: Unique[Chore] = Unique(key=lambda p: p.name, mode=UniqueMode.REPLACE)
WAIT_S = 20.0
"""After how many seconds two threads that wait for one another give up."""
ALONE_OR_NOT = pytest.mark.parametrize("subject", [None, lambda p: p.name], ids=["alone", "line"])


def _one_waits(hand: Hand, subject: Any) -> tuple[World, JobKind[Chore], str]:
    """Return a world in which the one start of an hour is gone, and the id of who waits."""
    gate = FlowLimits(key="g", rate=1, period_s=3_600)
    kind = kind_of(hand, flow=lambda _: gate, unique=NEWEST, subject=subject)
    world = World(kinds=[kind])
    put(world, kind, "first")
    world.run_for(minutes=1)
    waiting = put(world, kind, "x").job_id
    world.run_for(minutes=1)
    assert view_of(world, waiting).waits is not None
    return world, kind, waiting


def _in_line(world: World) -> list[str]:
    rows = ((str(row["pk"]), str(row["sk"])) for row in world.dynamo.items("jobs"))
    return [sk for pk, sk in rows if pk.startswith("GATE#") and sk.startswith("P#")]


@ALONE_OR_NOT
def test_who_waits_at_a_gate_can_be_replaced(subject: Any) -> None:
    """It has not begun: the newer job takes its place, and it is out of the line."""
    hand = Hand()
    world, kind, old = _one_waits(hand, subject)
    new = put(world, kind, "x")
    view = view_of(world, old)
    assert (True, JobStatus.CANCELLED, Reason.REPLACED) == (new.created, view.status, view.reason)
    assert [] == _in_line(world)
    world.run_for(hours=1, minutes=5)
    assert JobStatus.COMPLETED is view_of(world, new.job_id).status
    assert (0, 1) == (hand.done[old], hand.done[new.job_id])


def test_a_worker_about_to_begin_who_waited_is_shut_out_by_a_replacement() -> None:
    """It looked before the replacement, and claims after it; the place at the gate is not lost."""
    hand = Hand()
    world, kind, old = _one_waits(hand, None)
    world.run_for(minutes=50)
    world.dynamo.faults = Pry(puts("A#"), lambda: put(world, kind, "x"))
    world.run_for(hours=2)
    assert JobStatus.CANCELLED is view_of(world, old).status
    assert 0 == hand.done[old]
    assert ["first", "x"] == [job.payload.name for job in hand.jobs]


def test_who_begins_at_the_moment_of_its_replacement_is_not_cut_off() -> None:
    """The newer job looked while the older one waited, and writes while that is at work."""
    began, let_go = threading.Event(), threading.Event()
    ids: list[str] = []

    def act(job: Job[Chore]) -> None:
        if job.payload.name == "first":
            ids.append(put(world, kind, "x").job_id)
            listen_elsewhere(world)
        elif job.id == ids[0]:
            began.set()
            assert let_go.wait(WAIT_S)

    def begin() -> None:
        worker.start()
        assert began.wait(WAIT_S)

    hand = Hand(act=act)
    gate = FlowLimits(key="g", parallelism=1)
    kind = kind_of(hand, flow=lambda _: gate, unique=NEWEST)
    world = World(kinds=[kind])
    put(world, kind, "first")
    world.listen()
    assert view_of(world, ids[0]).waits is not None
    worker = threading.Thread(target=world.listen)
    world.dynamo.faults = Pry(puts("R#"), begin)
    new = put(world, kind, "x").job_id
    let_go.set()
    worker.join()
    world.run_for(minutes=5)
    assert [JobStatus.COMPLETED] * 2 == [view_of(world, i).status for i in (ids[0], new)]
    assert (1, 1) == (hand.done[ids[0]], hand.done[new])


@ALONE_OR_NOT
def test_who_waits_at_a_gate_is_cancelled_out_of_its_line(subject: Any) -> None:
    """At once, and who comes after it is not held up."""
    hand = Hand()
    world, kind, old = _one_waits(hand, subject)
    later = put(world, kind, "y").job_id
    world.run_for(minutes=1)
    world.machine.jobs.owned.cancel(view_of(world, old).ref.owner_id, old)
    assert (JobStatus.CANCELLED, None) == (view_of(world, old).status, view_of(world, old).waits)
    world.run_for(hours=1, minutes=5)
    assert JobStatus.COMPLETED is view_of(world, later).status
    assert (0, []) == (hand.done[old], _in_line(world))


def test_a_message_of_an_old_attempt_takes_nobody_out_of_the_line() -> None:
    """It comes again while the third attempt waits; that still has its place."""
    hand = Hand(act=lambda _: Failed(error="no"))
    gate = FlowLimits(key="g", rate=1, period_s=1_200)
    kind = kind_of(hand, flow=lambda _: gate, retry=RetryPolicy(delay_s=1))
    world = World(kinds=[kind])
    job_id = put(world, kind).job_id
    world.run_for(minutes=22)
    view = view_of(world, job_id)
    assert (2, JobStatus.PENDING, 1) == (view.attempts, view.status, len(_in_line(world)))
    old = Message(ref=view.ref, attempt=1, not_before_ms=view.ref.due_ms)
    world.machine.dispatcher.send([old])
    world.listen()
    assert ("stale_attempt", 1) == (world.reports[-1].done.what, len(_in_line(world)))
