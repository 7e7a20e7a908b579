from datetime import UTC, datetime, timedelta

import pytest

from nightshift.jobs.agenda import Progress
from nightshift.jobs.errors import SupersededError
from nightshift.jobs.model import Overlap
from nightshift.tasks.model import Misfire
from tests.support.faults import CrashError, Fault, FaultMode
from tests.support.prying import Once, calls
from tests.support.world import OWNER, START, World


def _at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-02T{text}+00:00")


def test_two_publishers_at_once_send_each_run_once() -> None:
    """The second stands back while the first holds the lease."""
    world = World()
    world.create(schedule="* * * * *")
    world.run_until(_at("12:10:00"))
    world.clock.set(_at("12:11:00"))
    before = len(world.queue.sent)
    second = world.new_context()
    inner = world.context.machine.agenda.hints

    def hints(minute: int, shard: int) -> object:
        world.tick(second)
        return inner(minute, shard)

    world.context.machine.agenda.hints = hints  # type: ignore[method-assign, assignment]
    world.tick()
    assert len(world.queue.sent) - before == 1


def test_a_publisher_killed_between_claim_and_send_loses_nothing() -> None:
    """The next tick does the unfinished minute again."""
    world = World()
    view = world.create(schedule="* * * * *")
    world.run_until(_at("12:09:30"))
    dead: list[int] = []

    def die() -> None:
        if not dead:
            dead.append(1)
            raise CrashError

    world.queue.before_send = die
    world.run_until(_at("12:20:30"))
    assert dead
    expected = [f"2026-03-02T12:{m:02}:00Z" for m in range(1, 21)]
    assert expected == world.slots_called()
    assert {("completed", 1)} == set(world.runs(view.task.id))


def test_missed_ticks_are_caught_up_with_one_run_by_default() -> None:
    """After an outage of 20 minutes the newest missed slot runs, then the schedule goes on."""
    world = World()
    world.create(schedule="*/5 * * * *")
    world.run_until(_at("12:06:30"))
    called = len(world.calls)
    world.clock.set(_at("12:32:40"))
    world.run_until(_at("12:41:00"))
    expected = ["2026-03-02T12:30:00Z", "2026-03-02T12:35:00Z", "2026-03-02T12:40:00Z"]
    assert expected == world.slots_called()[called:]


@pytest.mark.parametrize(
    ("policy", "minutes"),
    [(Misfire.SKIP, []), (Misfire.RUN_ONCE, [30]), (Misfire.RUN_ALL, [10, 15, 20, 25, 30])],
)
def test_the_misfire_policy_decides_what_is_made_up_for(
    policy: Misfire, minutes: list[int]
) -> None:
    """Skip: nothing, run_once: the newest, run_all: each missed slot."""
    world = World()
    world.create(schedule="*/5 * * * *", misfire=policy, overlap=Overlap.ALLOW)
    world.run_until(_at("12:06:30"))
    called = len(world.calls)
    world.clock.set(_at("12:33:40"))
    world.run_until(_at("12:34:50"))
    expected = [f"2026-03-02T12:{m}:00Z" for m in minutes]
    assert expected == sorted(world.slots_called()[called:])


def test_an_outage_longer_than_the_tolerance_is_not_made_up_for_whole() -> None:
    """run_all reaches back as far as the setting says and no further."""
    world = World()
    world.create(schedule="0 * * * *", misfire=Misfire.RUN_ALL, overlap=Overlap.ALLOW)
    world.run_until(_at("12:06:30"))
    world.clock.advance(seconds=48 * 3600)
    for _ in range(200):
        world.tick()
        world.clock.advance(seconds=1)
    world.run_for(minutes=20)
    first = world.slots_called()[0]
    assert datetime(2026, 3, 3, 12, tzinfo=UTC) <= datetime.fromisoformat(first)
    assert len(world.calls) in {24, 25}


def test_a_one_off_in_the_past_of_a_tick_still_runs() -> None:
    """An at() whose time fell into an outage is called when ticks are back."""
    world = World()
    world.create(schedule="at(2026-03-02T12:30:05Z)")
    world.run_until(_at("12:20:00"))
    world.clock.set(_at("13:10:00"))
    world.run_until(_at("13:12:00"))
    assert world.slots_called() == ["2026-03-02T12:30:05Z"]


def test_a_one_off_that_must_not_be_late_is_skipped_after_an_outage() -> None:
    """An at() with misfire skip that an outage swallowed is not called."""
    world = World()
    world.create(schedule="at(2026-03-02T12:30:05Z)", misfire=Misfire.SKIP)
    world.run_until(_at("12:20:00"))
    world.clock.set(_at("13:10:00"))
    world.run_until(_at("13:12:00"))
    assert world.slots_called() == []


def test_a_task_due_within_seconds_is_sent_directly() -> None:
    """What falls due before the next tick does not wait for it."""
    world = World()
    world.create(schedule="at(2026-03-02T12:00:35Z)")
    world.run_until(_at("12:00:40"))
    assert [_at("12:00:35")] == [c.at for c in world.calls]


def test_a_direct_send_that_dies_is_made_up_by_the_sweeper() -> None:
    """The task stands, its message was never sent: the claim in the same transaction finds it."""
    world = World()

    def die() -> None:
        raise CrashError

    world.queue.before_send = die
    with pytest.raises(CrashError):
        world.create(schedule="at(2026-03-02T12:00:35Z)")
    world.queue.before_send = lambda: None
    world.run_until(_at("12:05:00"))
    assert world.slots_called() == ["2026-03-02T12:00:35Z"]


def test_a_message_far_off_waits_in_the_table_not_in_the_queue() -> None:
    """A retry after an hour is not a queue delay, since that ends at 15 minutes."""
    from nightshift.jobs.retry import Backoff, RetryPolicy  # noqa: PLC0415 - only here
    from nightshift.outbound.fakes import answer  # noqa: PLC0415 - only here

    world = World()
    answers = iter([500, 200])
    world.receiver = lambda _: answer(next(answers))
    policy = RetryPolicy(backoff=Backoff.CONSTANT, delay_s=3600, max_delay_s=3600, jitter=False)
    world.create(schedule="at(2026-03-02T12:10:00Z)", retry=policy)
    world.run_until(_at("13:11:00"))
    first, second = (c.at for c in world.calls)
    assert timedelta(hours=1) <= second - first <= timedelta(hours=1, seconds=2)
    assert max(m.delay_s for _, m in world.queue.sent) <= 180


def test_the_cursor_is_leased_and_a_lost_lease_stops_the_walk() -> None:
    """A tick that lost its lease moves the cursor no more."""
    world = World()
    agenda = world.context.machine.agenda
    agenda.acquire("TICK", "one", lease_ms=1_000)
    with pytest.raises(SupersededError):
        agenda.acquire("TICK", "two", lease_ms=1_000)
    world.clock.advance(seconds=2)
    agenda.acquire("TICK", "two", lease_ms=1_000)
    with pytest.raises(SupersededError):
        agenda.advance("TICK", "one", Progress(minute=0, parts={}), release=False)


def test_a_task_deleted_while_its_message_waits_is_not_called() -> None:
    """The message is void, since the table is the truth."""
    world = World()
    view = world.create(schedule="at(2026-03-02T12:02:05Z)")
    world.context.tasks.delete(OWNER, view.task.id)
    world.run_until(START + timedelta(minutes=30))
    assert world.calls == []


def test_many_tasks_of_one_schedule_move_one_hint() -> None:
    """A hundred tasks with the same schedule cost a hint a shard, not one each."""
    world = World()
    for _ in range(100):
        world.create(schedule="*/30 * * * *")
    world.run_until(_at("12:20:00"))
    world.dynamo.meter.reset()
    for minute in range(21, 29):
        world.clock.set(_at(f"12:{minute}:00"))
        world.tick()
    puts = [c for c in world.dynamo.meter.calls if c.operation == "PutItem"]
    hints = [c for c in puts if "DUE#" in str(c.keys)]
    assert len(hints) == 4


def test_the_very_first_tick_finds_what_was_created_before_it() -> None:
    """A stack whose ticks begin half an hour late still calls what fell due meanwhile."""
    world = World()
    world.create(schedule="*/10 * * * *")
    world.clock.set(_at("12:34:00"))
    world.run_until(_at("12:41:00"))
    assert ["2026-03-02T12:30:00Z", "2026-03-02T12:40:00Z"] == world.slots_called()


def test_a_lease_whose_answer_was_lost_is_a_lease() -> None:
    """The client tries again by itself and meets its own token: ticks and sweeps go on."""
    world = World()
    deadline = world.clock.now() + timedelta(seconds=47)
    for run in (world.context.ticker.run, world.context.sweeper.run):
        world.dynamo.faults = Once(calls("UpdateItem"), Fault(mode=FaultMode.ANSWER_LOST))
        assert not run(deadline=deadline).skipped


def test_a_run_whose_message_is_lost_is_found_by_the_sweeper() -> None:
    """The publisher claims before it sends, so that somebody knows of it."""
    world = World()
    view = world.create(schedule="*/10 * * * *")
    world.run_until(_at("12:09:30"))
    assert 1 == len(world.queue.messages)
    world.queue.messages.clear()
    world.run_until(_at("12:15:00"))
    assert [("completed", 1)] == world.runs(view.task.id)
