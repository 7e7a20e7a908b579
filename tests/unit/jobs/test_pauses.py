"""Queues are paused and go on: nothing begins meanwhile, nothing is lost, and it is quick again."""

from datetime import timedelta

import pytest

from nightshift.jobs.kinds import Failed
from nightshift.jobs.model import JobStatus, QueueName
from nightshift.outbound.fakes import answer
from nightshift.tasks.model import RUN_KIND
from tests.support.faults import CrashError
from tests.support.prying import Pry, calls
from tests.support.work import Chore, Hand, kind_of
from tests.support.world import OWNER, World

QUICK = timedelta(minutes=2)
BY = "01980000-0000-7000-8000-0000000000ad"


def _world(hand: Hand, **said: object) -> World:
    return World(kinds=[kind_of(hand, **said)])


def _enqueue(world: World, name: str = "c") -> str:
    (kind,) = world.kinds
    return world.machine.jobs.enqueue(kind, Chore(name=name), owner_id=OWNER).job_id


def _end_of(world: World, job_id: str) -> timedelta:
    """Return how long after now the job ends."""
    start = world.clock.now()
    for _ in range(600):
        world.run_for(seconds=5)
        if world.machine.jobs.view(OWNER, job_id).status is JobStatus.COMPLETED:
            return world.clock.now() - start
    raise AssertionError("never")


@pytest.mark.parametrize("paused_s", [1, 30, 90, 170, 600, 7_200, 20_000])
def test_what_was_kept_back_runs_within_two_minutes_of_the_resume(paused_s: float) -> None:
    """However long the pause was, and wherever its message was at that moment."""
    hand = Hand()
    world = _world(hand)
    world.machine.queues.pause(QueueName.DEFAULT, by=BY)
    job_id = _enqueue(world)
    world.run_for(seconds=paused_s)
    assert not hand.jobs
    assert JobStatus.PENDING is world.machine.jobs.view(OWNER, job_id).status
    world.machine.queues.resume(QueueName.DEFAULT, by=BY)
    assert _end_of(world, job_id) <= QUICK
    world.run_for(minutes=10)
    assert {job_id: 1} == hand.done


def test_a_job_that_had_been_rescued_before_the_pause_is_as_quick() -> None:
    """The growing pauses of the sweeper do not count for what was held."""
    hand = Hand()
    world = _world(hand)
    job_id = _enqueue(world)
    world.queue.messages.clear()
    for _ in range(6):
        world.run_for(minutes=12)
        world.queue.messages.clear()
        hand.act = lambda _: Failed(error="no", retryable=True)
    world.queue.messages.clear()
    world.machine.queues.pause(QueueName.DEFAULT, by=BY)
    world.run_for(hours=3)
    hand.act = lambda _: None
    world.machine.queues.resume(QueueName.DEFAULT, by=BY)
    assert _end_of(world, job_id) <= QUICK


def test_a_long_pause_costs_no_writes_for_what_is_held() -> None:
    """A hundred jobs are written down once, not each minute again."""
    hand = Hand()
    world = _world(hand)
    world.machine.queues.pause(QueueName.DEFAULT, by=BY)
    for number in range(100):
        _enqueue(world, str(number))
    world.run_for(minutes=6)
    before = world.dynamo.meter.write_units
    world.run_for(minutes=60)
    per_minute = (world.dynamo.meter.write_units - before) / 60
    assert per_minute <= 10
    world.machine.queues.resume(QueueName.DEFAULT, by=BY)
    world.run_for(minutes=2)
    assert (100, {1}) == (len(hand.done), set(hand.done.values()))
    assert not world.machine.queues.view(QueueName.DEFAULT).held


def test_a_pause_stops_one_queue_only() -> None:
    """The others go on."""
    hand = Hand()
    world = _world(hand, queue=QueueName.LOW)
    world.machine.queues.pause(QueueName.DEFAULT, by=BY)
    job_id = _enqueue(world)
    assert _end_of(world, job_id) <= timedelta(seconds=10)


def test_what_runs_when_the_pause_begins_goes_on() -> None:
    """It is not begun again either."""
    hand = Hand()
    world = _world(hand)

    def act(_: object) -> None:
        world.machine.queues.pause(QueueName.DEFAULT, by=BY)

    hand.act = act
    job_id = _enqueue(world)
    world.run_for(minutes=10)
    assert JobStatus.COMPLETED is world.machine.jobs.view(OWNER, job_id).status
    assert {job_id: 1} == hand.done


def test_runs_of_tasks_wait_for_their_queue_too() -> None:
    """A paused critical queue calls nobody; afterwards each slot is called once."""
    world = World()
    view = world.create(schedule="at(2026-03-02T12:10:00Z)")
    world.receiver = lambda _: answer(200)
    world.machine.queues.pause(QueueName.CRITICAL, by=BY)
    world.run_for(minutes=40)
    assert not world.calls
    world.machine.queues.resume(QueueName.CRITICAL, by=BY)
    world.run_for(minutes=2)
    assert 1 == len(world.calls)
    run = world.context.jobs.latest(RUN_KIND, [view.task.id])[view.task.id]
    assert JobStatus.COMPLETED is run.status


def test_the_first_pause_counts_and_a_second_resume_does_nothing() -> None:
    """Who paused, and when, stays; what goes on may be paused again at once."""
    world = _world(Hand())
    queues = world.machine.queues
    first = queues.pause(QueueName.LOW, by=BY)
    world.clock.advance(seconds=60)
    again = queues.pause(QueueName.LOW, by="another")
    assert (first.paused_at, BY) == (again.paused_at, again.paused_by)
    for _ in range(2):
        view = queues.resume(QueueName.LOW, by=BY)
        assert (None, None) == (view.paused_at, view.paused_by)
    told = [(action, fields["by"]) for action, fields in world.told.lines]
    assert [("queue.paused", BY), ("queue.resumed", BY)] == told
    assert "another" == queues.pause(QueueName.LOW, by="another").paused_by
    queues.resume(QueueName.LOW, by=BY)
    assert queues.resume(QueueName.DEFAULT, by=BY).paused_at is None


@pytest.mark.parametrize("when", ["before_send", "after_send"])
def test_a_sweep_that_dies_while_it_sends_what_was_held_loses_nothing(when: str) -> None:
    """What was not sent for sure is sent by the next sweep, as quick, and runs once."""
    hand = Hand()
    world = _world(hand)
    world.machine.queues.pause(QueueName.DEFAULT, by=BY)
    ids = {_enqueue(world, str(n)) for n in range(60)}
    world.run_for(minutes=10)
    world.machine.queues.resume(QueueName.DEFAULT, by=BY)

    def die() -> None:
        setattr(world.queue, when, lambda: None)
        raise CrashError("died")

    setattr(world.queue, when, die)
    world.run_for(minutes=2)
    assert (ids, {1}) == (set(hand.done), set(hand.done.values()))


def test_what_was_held_and_is_lost_on_its_way_is_found_again() -> None:
    """It is claimed before it is sent, as everything is."""
    hand = Hand()
    world = _world(hand)
    world.machine.queues.pause(QueueName.DEFAULT, by=BY)
    job_id = _enqueue(world)
    world.run_for(minutes=10)
    world.machine.queues.resume(QueueName.DEFAULT, by=BY)
    world.sweep()
    assert 1 == len(world.queue.messages)
    world.queue.messages.clear()
    assert _end_of(world, job_id) <= timedelta(minutes=4)


def test_a_worker_that_has_not_heard_of_the_resume_loses_nothing() -> None:
    """What it still holds is sent by the sweep after next."""
    hand = Hand()
    world = _world(hand)
    queues = world.machine.queues
    queues.pause(QueueName.DEFAULT, by=BY)
    assert queues.is_paused(QueueName.DEFAULT)
    other = world.new_context().machine.queues
    other.resume(QueueName.DEFAULT, by=BY)
    world.sweep()
    job_id = _enqueue(world)
    world.listen()
    assert not hand.jobs
    assert 1 == other.view(QueueName.DEFAULT).held
    assert _end_of(world, job_id) <= QUICK


def test_what_a_sweep_finds_of_a_paused_queue_is_held_until_it_goes_on() -> None:
    """Its message was lost before the pause, or in it."""
    hand = Hand()
    world = _world(hand)
    world.machine.queues.pause(QueueName.DEFAULT, by=BY)
    job_id = _enqueue(world)
    world.queue.messages.clear()
    world.run_for(minutes=10)
    assert ([], 1) == (hand.jobs, world.machine.queues.view(QueueName.DEFAULT).held)
    world.machine.queues.resume(QueueName.DEFAULT, by=BY)
    assert _end_of(world, job_id) <= QUICK


def test_a_pause_that_begins_as_the_last_one_is_forgotten_stays() -> None:
    """The sweep saw that the old one was long over; the write forgets no new one."""
    world = _world(Hand())
    queues, other = world.machine.queues, world.new_context().machine.queues
    queues.pause(QueueName.LOW, by=BY)
    queues.resume(QueueName.LOW, by=BY)
    world.clock.advance(seconds=3_600)
    world.dynamo.faults = Pry(calls("DeleteItem"), lambda: other.pause(QueueName.LOW, by=BY))
    world.sweep()
    assert world.clock.now() == queues.view(QueueName.LOW).paused_at
