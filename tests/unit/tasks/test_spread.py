"""Spread windows: each task starts at its own moment after its slots, always the same one."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightshift.core.access import UserId
from nightshift.core.clock import from_ms, to_ms
from nightshift.core.ids import derived_id
from nightshift.jobs.model import Overlap
from nightshift.tasks.groups import TaskGroups, group_of, member_of
from nightshift.tasks.model import Definition, Misfire, Task, TaskId
from nightshift.tasks.settings import TaskSettings
from nightshift.tasks.spread import MAX_SPREAD_S, offset_s, start_of
from tests.support.world import OWNER, START, URL, World

pytestmark = pytest.mark.no_cover
"""What runs here runs elsewhere too, and counting lines takes twice the time."""

ANCHOR = datetime(2026, 3, 2, 12, 0, 37, tzinfo=UTC)
SPANS = st.integers(min_value=0, max_value=MAX_SPREAD_S)
NAMES = st.integers(min_value=0, max_value=10**9).map(lambda n: derived_id(ANCHOR, str(n)))
SCHEDULES = st.sampled_from(
    [
        "*/5 * * * *",
        "7 * * * *",
        "30 15 * * *",
        "rate(1 minute)",
        "rate(7 minutes)",
        "rate(2 hours)",
    ]
)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-02T{text}+00:00")


def _task(task_id: str, schedule: str, spread_s: int) -> Task:
    said = Definition(name="t", url=URL, schedule=schedule, spread_s=spread_s)
    return Task(
        id=TaskId(task_id),
        owner_id=UserId("o"),
        definition=said,
        created_at=ANCHOR,
        updated_at=ANCHOR,
        anchor=ANCHOR,
        active_since=ANCHOR,
    )


@given(task_id=NAMES, spread_s=SPANS)
def test_an_offset_lies_in_its_window_and_stays(task_id: str, spread_s: int) -> None:
    """Never before the slot, never after the window, the same each time it is asked for."""
    offset = offset_s(task_id, spread_s)
    assert 0 <= offset <= spread_s
    assert offset == offset_s(task_id, spread_s)


@given(task_id=NAMES, spread_s=SPANS, smaller_s=SPANS)
def test_a_smaller_window_makes_no_start_later(task_id: str, spread_s: int, smaller_s: int) -> None:
    """So a slot that waits is not put off by narrowing the window."""
    smaller_s, spread_s = sorted((smaller_s, spread_s))
    assert offset_s(task_id, smaller_s) <= offset_s(task_id, spread_s)


def test_offsets_fill_the_window_evenly() -> None:
    """Six thousand tasks over ten minutes: each minute gets about a tenth."""
    ids = (derived_id(ANCHOR, str(n)) for n in range(6_000))
    minutes = Counter(offset_s(task_id, 599) // 60 for task_id in ids)
    assert set(range(10)) == set(minutes)
    assert all(500 <= count <= 700 for count in minutes.values())


@settings(deadline=None)
@given(task_id=NAMES, spread_s=SPANS, schedule=SCHEDULES)
def test_ticks_find_every_slot_once_at_its_start(
    task_id: str, spread_s: int, schedule: str
) -> None:
    """What the groups give for six hours is each slot of the schedule, at slot plus offset."""
    task = _task(task_id, schedule, spread_s)
    assert task.schedule is not None
    first = task.schedule.next_after(ANCHOR)
    assert first is not None
    groups, spec, member = TaskGroups(TaskSettings()), group_of(task), member_of(task, first)
    end = ANCHOR + timedelta(hours=6)
    found = []
    slot_ms = groups.next_slot_ms(spec, to_ms(first) - 60_000)
    while slot_ms is not None and from_ms(slot_ms) < end:
        found += groups.expand(spec, slot_ms, [member], from_ms(slot_ms))
        slot_ms = groups.next_slot_ms(spec, slot_ms)
    slots = takewhile(lambda s: s + task.offset < end, task.schedule.upcoming(ANCHOR, 400))
    expected = {(slot, slot + task.offset) for slot in slots}
    got = [(m.ref.due_at, from_ms(m.not_before_ms)) for m in found]
    assert len(got) == len(set(got))
    assert expected == {(slot, start) for slot, start in got if start < end}
    assert all(start_of(m.ref) == from_ms(m.not_before_ms) for m in found)


@pytest.mark.parametrize(
    "schedule", ["*/20 * * * *", "rate(25 minutes)", "at(2026-03-02T12:10:05Z)"]
)
@pytest.mark.parametrize("spread_s", [45, 900, 3_600])
def test_calls_come_at_slot_and_offset_to_the_second(schedule: str, spread_s: int) -> None:
    """Each slot once, neither early nor late; the header says the slot; nothing is sent again."""
    world = World()
    views = [world.create(schedule=schedule, spread_s=spread_s) for _ in range(5)]
    world.run_for(hours=4)
    for view in views:
        calls = [c for c in world.calls if c.headers["x-nightshift-task-id"] == view.task.id]
        slots = [datetime.fromisoformat(c.headers["x-nightshift-scheduled-for"]) for c in calls]
        late = [c.at - slot - view.task.offset for c, slot in zip(calls, slots, strict=True)]
        assert all(timedelta(0) <= by <= timedelta(seconds=1) for by in late)
        assert view.task.schedule is not None
        end = world.clock.now() - view.task.offset
        expected = [s for s in view.task.schedule.upcoming(START, 20) if s < end]
        assert expected == slots
    assert len(world.calls) == len(world.queue.sent) - len(world.queue.messages)
    assert 1 < len({v.task.offset for v in views})


def _spread_task(world: World, spread_s: int = 3_600, **fields: object) -> Task:
    """Return a new task that starts between 20 and 40 minutes after its slots."""
    while True:
        task = world.create(spread_s=spread_s, **fields).task
        if timedelta(minutes=20) < task.offset < timedelta(minutes=40):
            return task
        world.context.tasks.delete(OWNER, task.id)


CHANGES = {
    "another overlap": {"overlap": Overlap.ALLOW},
    "no window any more": {"spread_s": 0},
    "half the window": {"spread_s": 1_800},
    "another name": {"name": "x"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_within_the_window_loses_no_slot_and_doubles_none(
    change: dict[str, object],
) -> None:
    """What waits for its start is still called, once, no later than it would have been."""
    world = World()
    task = _spread_task(world, schedule="0 * * * *")
    for moment in ("13:05:00", "13:05:30"):
        world.run_until(_at(moment))
        world.context.tasks.amend(OWNER, task.id, lambda d: replace(d, **change), expected=None)  # type: ignore[arg-type]
    world.run_until(_at("14:59:59"))
    changed = world.context.tasks.get(OWNER, task.id).task
    slots = ["2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z"]
    assert slots == world.slots_called()[-2:]
    assert len(world.calls) <= 3
    first, second = world.calls[-2:]
    assert _at("13:05:00") <= first.at <= _at("13:00:01") + task.offset
    assert timedelta(0) <= second.at - _at("14:00:00") - changed.offset < timedelta(seconds=1)


def test_a_window_that_is_taken_away_starts_the_last_slot_that_waited() -> None:
    """Forty minutes of a task that runs each minute do not all start at once."""
    world = World()
    task = _spread_task(world, schedule="* * * * *")
    world.run_until(_at("13:30:10"))
    before = len(world.calls)
    world.context.tasks.amend(OWNER, task.id, lambda d: replace(d, spread_s=0), expected=None)
    world.run_until(_at("13:32:30"))
    slots = [f"2026-03-02T13:{m}:00Z" for m in (30, 31, 32)]
    assert slots == world.slots_called()[before:]


def test_pausing_within_the_window_voids_the_slot_that_waits() -> None:
    """After resuming, slots before that moment stay missed."""
    world = World()
    task = _spread_task(world, schedule="0 * * * *")
    world.run_until(_at("13:05:00"))
    done = len(world.calls)
    world.context.tasks.pause(OWNER, task.id, reason="requested")
    world.run_until(_at("13:10:00"))
    world.context.tasks.resume(OWNER, task.id)
    world.run_until(_at("14:59:00"))
    assert ["2026-03-02T14:00:00Z"] == world.slots_called()[done:]


@pytest.mark.parametrize(
    ("misfire", "made"), [(Misfire.SKIP, 0), (Misfire.RUN_ONCE, 1), (Misfire.RUN_ALL, 1)]
)
def test_misfires_are_judged_by_the_start(misfire: Misfire, made: int) -> None:
    """Ticks that stop over the slot alone make no misfire; over the start, they do."""
    world = World()
    task = _spread_task(world, schedule="0 */6 * * *", misfire=misfire)
    world.run_until(_at("17:50:00"))
    world.clock.set(_at("18:10:00"))
    start = _at("18:00:00") + task.offset
    world.run_until(start + timedelta(minutes=1))
    assert ["2026-03-02T18:00:00Z"] == world.slots_called()
    other = World()
    again = _spread_task(other, schedule="0 */6 * * *", misfire=misfire)
    start = _at("18:00:00") + again.offset
    other.run_until(start - timedelta(minutes=10))
    other.clock.set(start + timedelta(minutes=5))
    other.run_until(start + timedelta(minutes=10))
    assert made == len(other.calls)


def test_the_queues_grace_is_counted_from_the_start() -> None:
    """A run that starts half an hour after its slot, by its window, is not stale."""
    world = World(settings=TaskSettings(misfire_queue_grace_s=60))
    task = _spread_task(world, schedule="*/10 * * * *")
    world.run_until(_at("14:00:00"))
    states = {status for status, _ in world.runs(task.id)}
    assert {"completed"} == states
    assert 5 <= len(world.calls)


def test_the_next_runs_are_those_that_have_not_started() -> None:
    """A slot that waits for its start is still to come."""
    world = World()
    task = _spread_task(world, schedule="0 * * * *")
    now = _at("13:05:00")
    assert [_at("13:00:00"), _at("14:00:00")] == task.next_runs(now, 2)
    assert [_at("14:00:00")] == task.next_runs(_at("13:41:00"), 1)
    fresh = replace(task, active_since=now)
    assert [_at("14:00:00")] == fresh.next_runs(now, 1)
