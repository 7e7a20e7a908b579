"""Backfills: the runs of past slots, beside the schedule, in virtual time."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from nightshift.core.ids import new_id
from nightshift.jobs.model import JobStatus, Overlap, Trigger
from nightshift.jobs.views import JobView
from nightshift.outbound.fakes import answer
from nightshift.tasks.backfills import BackfillWish
from nightshift.tasks.errors import BackfillRangeError, NothingToBackfillError
from nightshift.tasks.model import FlowControl, Limits, Task, TaskId, TaskStatus
from nightshift.tasks.settings import TaskSettings
from tests.support.slow import slow_calls
from tests.support.world import OWNER, World


def _at(text: str, day: int = 2) -> datetime:
    return datetime.fromisoformat(f"2026-03-{day:02}T{text}+00:00")


def _wish(start: str = "08:00:00", end: str = "10:00:00", **more: Any) -> BackfillWish:
    return BackfillWish(start=_at(start), end=_at(end), **more)


def _backfill(world: World, task: Task, wish: BackfillWish | None = None) -> str:
    """Start a backfill; return the id of its job."""
    backfills = world.context.backfills
    plan = backfills.plan(OWNER, task.id, wish or _wish())
    return backfills.start(plan, job_id=new_id(world.clock.now()))


def _runs(world: World, task_id: str, trigger: Trigger | None = Trigger.BACKFILL) -> list[JobView]:
    views, _ = world.context.tasks.runs.page(
        TaskId(task_id), trigger=trigger, start_after=None, limit=100
    )
    return list(reversed(views))


def _result(world: World, job_id: str) -> Any:
    view = world.context.jobs.view(OWNER, job_id)
    assert JobStatus.COMPLETED is view.status, view
    return view.result


def _slots(*minutes: str) -> list[str]:
    return [f"2026-03-02T{minute}:00Z" for minute in minutes]


def test_each_slot_of_the_range_is_called_once_oldest_first() -> None:
    """From the start on, before the end; the call says its slot, the run what caused it."""
    world = World()
    task = world.create(schedule="*/30 * * * *").task
    job_id = _backfill(world, task)
    world.run_for(minutes=5)
    assert _slots("08:00", "08:30", "09:00", "09:30") == world.slots_called()
    runs = _runs(world, task.id)
    assert {(JobStatus.COMPLETED, 1, Trigger.BACKFILL)} == {
        (r.status, r.attempts, r.ref.trigger) for r in runs
    }
    counts = {"slots": 4, "skipped": 0, "completed": 4, "failed": 0, "cancelled": 0}
    view = world.context.jobs.view(OWNER, job_id)
    assert counts == _result(world, job_id)
    assert view.progress is not None
    assert (4, 4) == (view.progress.done, view.progress.total)


def test_slots_are_walked_in_the_tasks_zone() -> None:
    """A fixed time in Berlin, over the night in which it does not exist: once each day."""
    world = World(start=datetime.fromisoformat("2026-04-02T12:00:00+00:00"))
    task = world.create(schedule="30 2 * * *", timezone="Europe/Berlin").task
    _backfill(world, task, BackfillWish(start=_at("00:00:00", 28), end=_at("00:00:00", 31)))
    world.run_for(minutes=5)
    expected = ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
    assert expected == world.slots_called()


@pytest.mark.parametrize("rerun", [False, True])
def test_what_ran_is_skipped_unless_it_is_to_run_again(rerun: bool) -> None:
    """A slot that succeeded by the schedule is done; one that failed is run."""
    world = World()
    answers = iter([answer(200), answer(410), answer(200)])
    world.receiver = lambda _: next(answers, answer(200))
    task = world.create(schedule="*/5 * * * *").task
    world.run_until(_at("12:15:30"))
    world.context.tasks.pause(OWNER, task.id, reason="requested")
    world.calls.clear()
    job_id = _backfill(world, task, _wish("12:05:00", "12:15:30", rerun=rerun))
    world.run_for(minutes=5)
    again = _slots("12:05", "12:10", "12:15") if rerun else _slots("12:10")
    assert again == world.slots_called()
    assert 3 - len(again) == _result(world, job_id)["skipped"]


def test_what_an_earlier_backfill_ran_is_done() -> None:
    """A second backfill over more of the past makes what the first has not."""
    world = World()
    task = world.create(schedule="*/30 * * * *").task
    _backfill(world, task, _wish("08:00:00", "09:00:00"))
    world.run_for(minutes=5)
    second = _backfill(world, task, _wish("08:00:00", "10:00:00"))
    world.run_for(minutes=5)
    assert _slots("08:00", "08:30", "09:00", "09:30") == world.slots_called()
    assert 2 == _result(world, second)["skipped"]


def test_the_same_request_is_one_backfill() -> None:
    """While it is open, everybody gets its job; asked for again later, it finds all done."""
    world = World()
    task = world.create(schedule="*/30 * * * *").task
    first, second = _backfill(world, task), _backfill(world, task)
    world.run_for(minutes=5)
    third = _backfill(world, task)
    world.run_for(minutes=5)
    assert first == second != third
    assert 4 == len(world.calls)
    assert 4 == _result(world, third)["skipped"]


@pytest.mark.parametrize(("parallel", "most"), [(1, 1), (2, 2)])
def test_no_more_runs_at_once_than_were_asked_for(parallel: int, most: int) -> None:
    """One after the other, or so many side by side; all are made."""
    world = World()
    task = world.create(schedule="*/5 * * * *").task
    slow_calls(world, 5, times=6)
    inner, inside, seen = world.receiver, [0], [0]

    def counted(request: Any) -> Any:
        inside[0] += 1
        seen[0] = max(seen[0], inside[0])
        try:
            return inner(request)
        finally:
            inside[0] -= 1

    world.receiver = counted
    job_id = _backfill(world, task, _wish("08:00:00", "10:00:00", max_parallel=parallel))
    world.run_for(minutes=15)
    assert most == seen[0]
    assert 24 == _result(world, job_id)["completed"]


def test_schedule_and_backfill_are_in_nobodys_way() -> None:
    """A task that skips overlaps keeps its slots during a backfill, and takes runs by hand."""
    world = World()
    task = world.create(schedule="* * * * *", overlap=Overlap.SKIP, timeout_s=120).task
    world.run_until(_at("12:05:30"))
    _backfill(world, task, _wish("08:00:00", "08:03:00"))
    slow_calls(world, 100)
    world.run_for(seconds=5)
    assert "2026-03-02T08:00:00Z" in world.slots_called()
    world.run_until(_at("12:10:30"))
    live = _runs(world, task.id, Trigger.SCHEDULE)
    assert {JobStatus.COMPLETED} == {r.status for r in live}
    assert 10 == len(live)
    assert 3 == len(_runs(world, task.id))


def test_backfilled_runs_let_the_schedule_pass_at_a_shared_limit() -> None:
    """They keep the task's limits, and go on after a run of the schedule that came later."""
    world = World()
    flow = FlowControl(limits=Limits(parallelism=1))
    task = world.create(schedule="30 12 * * *", flow=flow).task
    past = world.create(schedule="*/5 * * * *", flow=flow).task
    world.context.tasks.pause(OWNER, past.id, reason="requested")
    world.run_until(_at("12:29:30"))
    slow_calls(world, 20, times=8)
    _backfill(world, past, _wish("08:00:00", "08:40:00", max_parallel=5))
    world.run_until(_at("12:40:00"))
    order = [c.headers["x-nightshift-task-id"] for c in world.calls]
    assert sorted([past.id] * 8 + [task.id]) == sorted(order)
    assert order.index(task.id) <= 3


def test_a_backfill_does_not_change_how_its_task_stands() -> None:
    """While past slots run, or fail, the task is as its schedule left it, and is not paused."""
    world = World(settings=TaskSettings(pause_after_failures=2))
    world.receiver = lambda _: answer(410)
    task = world.create(schedule="0 0 1 * *").task
    _backfill(
        world,
        task,
        BackfillWish(start=_at("00:00:00", 1) - timedelta(days=150), end=_at("00:00:00")),
    )
    world.run_for(minutes=5)
    assert {JobStatus.FAILED} == {r.status for r in _runs(world, task.id)}
    assert TaskStatus.READY is world.context.tasks.get(OWNER, task.id).status
    assert world.context.tasks.run_now(OWNER, task.id)


def test_a_paused_task_can_be_backfilled() -> None:
    """Somebody asks for it, as for a run by hand."""
    world = World()
    task = world.create(schedule="*/30 * * * *").task
    world.context.tasks.pause(OWNER, task.id, reason="requested")
    _backfill(world, task)
    world.run_for(minutes=5)
    assert 4 == len(world.calls)


def test_cancelling_stops_what_has_not_begun() -> None:
    """The call under way ends as it ends, the others are cancelled and say why."""
    world = World()
    task = world.create(schedule="*/30 * * * *").task
    job_id = _backfill(world, task)

    def receiver(_: object) -> Any:
        world.machine.jobs.owned.cancel(OWNER, job_id)
        return answer(200)

    world.receiver = receiver
    for _ in ("the job", "its first run"):
        world.listen(1)
    world.run_for(minutes=5)
    states = [(r.status, r.reason) for r in _runs(world, task.id)]
    assert (JobStatus.COMPLETED, None) == states[0]
    assert {(JobStatus.CANCELLED, "backfill_cancelled")} == set(states[1:])
    assert JobStatus.CANCELLED is world.context.jobs.view(OWNER, job_id).status


def test_a_cancelled_run_can_be_tried_by_hand() -> None:
    """Its backfill has no say in it any more."""
    world = World()
    task = world.create(schedule="*/30 * * * *").task
    job_id = _backfill(world, task, _wish(max_parallel=2))
    world.listen()
    world.machine.jobs.owned.cancel(OWNER, job_id)
    world.run_for(minutes=5)
    run = _runs(world, task.id)[0]
    assert (JobStatus.CANCELLED, 0) == (run.status, len(world.calls))
    world.context.tasks.retry_run(OWNER, task.id, run.ref.job_id)
    world.run_for(minutes=5)
    assert JobStatus.COMPLETED is _runs(world, task.id)[0].status


def test_what_the_schedule_may_still_call_is_left_to_it() -> None:
    """Slots of the last quarter of an hour, unless they are older than the task or it is paused."""
    world = World()
    task = world.create(schedule="*/5 * * * *").task
    plan = world.context.backfills.plan
    assert _at("12:00:00") == plan(OWNER, task.id, _wish("11:00:00", "12:00:30")).last
    world.run_until(_at("12:40:30"))
    recent = _wish("12:00:00", "12:40:30")
    assert _at("12:25:00") == plan(OWNER, task.id, recent).last
    world.context.tasks.pause(OWNER, task.id, reason="requested")
    assert _at("12:40:00") == plan(OWNER, task.id, recent).last


def test_a_backfill_ends_with_its_task() -> None:
    """No call for a task that is gone."""
    world = World()
    task = world.create(schedule="*/30 * * * *").task
    job_id = _backfill(world, task)
    world.context.tasks.delete(OWNER, task.id)
    world.run_for(minutes=5)
    view = world.context.jobs.view(OWNER, job_id)
    assert (JobStatus.FAILED, "task_deleted", []) == (view.status, view.reason, world.calls)


def test_a_long_backfill_has_only_so_many_runs_open() -> None:
    """Four hundred slots, fifty in line at most; all are made."""
    world = World()
    task = world.create(schedule="* * * * *", overlap=Overlap.SKIP).task
    world.context.tasks.pause(OWNER, task.id, reason="requested")
    job_id = _backfill(world, task, _wish("02:00:00", "08:40:00"))
    world.listen()
    assert 50 == len(_runs(world, task.id))
    world.run_for(minutes=8)
    counts = {"slots": 400, "skipped": 0, "completed": 400, "failed": 0, "cancelled": 0}
    assert counts == _result(world, job_id)
    assert 400 == len(set(world.slots_called())) == len(world.calls)


def test_runs_that_fail_are_retried_by_the_tasks_policy() -> None:
    """And count as failed where that does not help."""
    world = World()
    world.receiver = lambda _: answer(500)
    task = world.create(schedule="*/30 * * * *", max_retry=1).task
    job_id = _backfill(world, task, _wish("08:00:00", "09:00:00"))
    world.run_for(minutes=10)
    assert [2, 2] == [r.attempts for r in _runs(world, task.id)]
    assert 2 == _result(world, job_id)["failed"]


def test_pages_and_logs_hold_backfilled_runs_among_the_others() -> None:
    """By the time of their slots, newest first, each once over all pages."""
    world = World()
    task = world.create(schedule="*/5 * * * *").task
    world.run_until(_at("12:20:30"))
    _backfill(world, task, _wish("11:45:00", "12:00:00"))
    world.run_for(minutes=3)
    seen: list[datetime] = []
    after = None
    while True:
        views, after = world.context.tasks.runs.page(
            task.id, trigger=None, start_after=after, limit=2
        )
        seen += [v.ref.due_at for v in views]
        if after is None:
            break
    expected = [_at("12:20:00") - timedelta(minutes=5) * n for n in range(8)]
    expected.remove(_at("12:00:00"))
    assert expected == seen
    logged: list[datetime] = []
    place = None
    while True:
        entries, place = world.context.tasks.runs.log_page(task.id, start_after=place, limit=2)
        logged += [view.ref.due_at for view, _ in entries]
        if place is None:
            break
    assert expected == logged


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (_wish("10:00:00", "10:00:00"), "end"),
        (_wish("08:00:00", "12:00:31"), "end"),
        (_wish(max_runs=1_001), "max_runs"),
        (
            BackfillWish(start=_at("00:00:00") - timedelta(days=30_000), end=_at("00:00:00")),
            "start",
        ),
        (BackfillWish(start=_at("00:00:00") - timedelta(days=30), end=_at("00:00:00")), "end"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(wish: BackfillWish, field: str) -> None:
    """The message names the field."""
    world = World()
    task = world.create(schedule="*/30 * * * *").task
    with pytest.raises(BackfillRangeError) as raised:
        world.context.backfills.plan(OWNER, task.id, wish)
    assert [field] == [e.field for e in raised.value.errors]


def test_without_slots_there_is_nothing_to_start() -> None:
    """A task on demand has none at all, another may have none in the range."""
    world = World()
    with pytest.raises(NothingToBackfillError):
        world.context.backfills.plan(OWNER, world.create(schedule=None).task.id, _wish())
    task = world.create(schedule="0 0 1 1 *").task
    with pytest.raises(BackfillRangeError):
        _backfill(world, task)


def test_the_first_so_many_slots_may_be_asked_for() -> None:
    """What is left out is told."""
    world = World()
    task = world.create(schedule="*/30 * * * *").task
    plan = world.context.backfills.plan(OWNER, task.id, _wish(max_runs=3))
    assert (3, True, _at("09:00:00")) == (plan.job.slots, plan.left_out, plan.last)
