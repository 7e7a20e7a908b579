"""Flow control of tasks: limits shared by key, in virtual time."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from nightshift.core.access import UserId
from nightshift.jobs.model import JobStatus, Overlap
from nightshift.jobs.views import JobView
from nightshift.outbound.fakes import answer
from nightshift.tasks.errors import TaskBusyError
from nightshift.tasks.model import Definition, FlowControl, Limits, Misfire, TaskId, TaskStatus
from tests.support.slow import slow_calls
from tests.support.world import OWNER, URL, World

OTHER = UserId("01980000-0000-7000-8000-000000000002")
ONE_AT_A_TIME = Limits(parallelism=1)
ONE_AN_HOUR = Limits(rate=1, period_s=3_600)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-02T{text}+00:00")


def _flow(limits: Limits, key: str | None = None) -> FlowControl:
    return FlowControl(key=key, limits=limits)


def _run(world: World, task_id: TaskId) -> JobView:
    """Return a task's one run."""
    views, _ = world.context.tasks.runs.page(task_id, trigger=None, start_after=None, limit=5)
    assert len(views) == 1
    return views[0]


def _tasks(world: World, n: int, flow: FlowControl, **fields: object) -> list[TaskId]:
    given = {"schedule": "at(2026-03-02T12:10:00Z)", "flow": flow} | fields
    return [world.create(**given).task.id for _ in range(n)]


def _first_and_waiting(world: World, flow: FlowControl, **fields: object) -> tuple[TaskId, TaskId]:
    """Let one of two tasks run into a limit; return the one that ran and the one that waits."""
    ids = _tasks(world, 2, flow, **fields)
    world.run_until(_at("12:11:00"))
    done = world.calls[0].headers["x-nightshift-task-id"]
    return TaskId(done), next(i for i in ids if i != done)


def test_runs_of_one_key_wait_for_one_another_and_lose_no_attempt() -> None:
    """While a call is under way, the others of its host wait, and start as it ends."""
    world = World()
    flow = _flow(ONE_AT_A_TIME)
    ids = [
        world.create(schedule=f"at(2026-03-02T12:10:{s}Z)", flow=flow).task.id for s in (10, 20, 25)
    ]
    slow_calls(world, 40)
    world.run_until(_at("12:15:00"))
    starts = [(c.at - _at("12:10:00")).total_seconds() // 1 for c in world.calls]
    assert [10, 50, 50] == starts
    assert {(JobStatus.COMPLETED, 1)} == {
        (r.status, r.attempts) for r in (_run(world, i) for i in ids)
    }
    assert "waits_at_gate" in {r.done.what for r in world.reports}


def test_a_run_that_waits_is_seen_to_and_has_not_been_tried() -> None:
    """It is pending, has no attempt, says at which gate it waits; its task counts as running."""
    world = World()
    done, waiting = _first_and_waiting(world, _flow(ONE_AN_HOUR))
    run = _run(world, waiting)
    assert (JobStatus.PENDING, 0, True) == (run.status, run.attempts, run.waits is not None)
    assert [] == world.context.tasks.runs.attempts(run)
    assert TaskStatus.RUNNING is world.context.tasks.get(OWNER, waiting).status
    assert _run(world, done).waits is None


def test_keys_are_hosts_unless_they_are_named() -> None:
    """Two hosts are in nobody's way; one key over both is."""
    urls = [URL, "https://other.example.com:8443/in"]
    world = World()
    for url in urls:
        _tasks(world, 1, _flow(ONE_AN_HOUR), url=url)
        _tasks(world, 1, _flow(ONE_AN_HOUR, "shared"), url=url)
    world.run_until(_at("12:12:00"))
    assert {*urls} <= {c.url for c in world.calls}
    assert 3 == len(world.calls)


def test_one_owners_keys_never_meet_anothers() -> None:
    """The same key of two owners is two keys."""
    world = World()
    said = Definition(
        name="t", url=URL, schedule="at(2026-03-02T12:10:00Z)", flow=_flow(ONE_AN_HOUR, "shared")
    )
    for owner in (OWNER, OTHER):
        world.context.tasks.create(owner, said)
    world.run_until(_at("12:12:00"))
    assert 2 == len(world.calls)


def test_a_rate_spaces_the_calls_of_a_crowd() -> None:
    """Twelve at one slot, one in ten seconds: all are made, none close upon another."""
    world = World()
    ids = _tasks(world, 12, _flow(Limits(rate=6, period_s=60)))
    world.run_until(_at("12:20:00"))
    gaps = [b.at - a.at for a, b in pairwise(world.calls)]
    assert 12 == len(world.calls)
    assert timedelta(seconds=8) <= min(gaps)
    assert {(JobStatus.COMPLETED, 1)} == {
        (r.status, r.attempts) for r in (_run(world, i) for i in ids)
    }


@pytest.mark.parametrize("misfire", list(Misfire))
def test_waiting_at_a_gate_is_no_misfire(misfire: Misfire) -> None:
    """After nineteen minutes in line, with later slots gone by, the run is made: it has begun."""
    world = World()
    flow = _flow(Limits(rate=1, period_s=1_200))
    _tasks(world, 1, flow, schedule="at(2026-03-02T12:09:00Z)")
    world.create(schedule="*/10 * * * *", flow=flow, misfire=misfire)
    world.run_until(_at("12:29:30"))
    assert ["2026-03-02T12:09:00Z", "2026-03-02T12:10:00Z"] == world.slots_called()
    assert _at("12:29:00") <= world.calls[1].at


def test_a_run_that_waits_is_open_for_overlap() -> None:
    """Slots of its task are skipped meanwhile, a run by hand is refused: nothing piles up."""
    world = World()
    _tasks(world, 1, _flow(ONE_AN_HOUR), schedule="at(2026-03-02T12:09:00Z)")
    view = world.create(schedule="*/10 * * * *", flow=_flow(ONE_AN_HOUR))
    world.run_until(_at("12:11:00"))
    with pytest.raises(TaskBusyError):
        world.context.tasks.run_now(OWNER, view.task.id)
    world.run_until(_at("13:09:30"))
    states = world.runs(view.task.id)
    assert ("completed", 1) == states[0]
    assert {("cancelled", 0)} == set(states[1:])
    assert 5 <= len(states) <= 6


def test_slots_that_queue_wait_for_their_task_not_in_the_line() -> None:
    """With overlap `queue` all slots are made in order, one start an interval."""
    world = World()
    limits = Limits(rate=1, period_s=617)
    view = world.create(schedule="* * * * *", flow=_flow(limits), overlap=Overlap.QUEUE)
    world.run_until(_at("12:45:00"))
    slots = [f"2026-03-02T12:{m:02}:00Z" for m in range(1, 6)]
    assert slots == world.slots_called()
    assert {("completed", 1)} == {r for r in world.runs(view.task.id) if r[0] != "pending"}


def test_pausing_ends_a_run_that_waits_when_its_turn_comes() -> None:
    """It says why, holds nobody up, and the task may run again."""
    world = World()
    _, waiting = _first_and_waiting(world, _flow(ONE_AN_HOUR))
    third = world.create(schedule="at(2026-03-02T12:12:00Z)", flow=_flow(ONE_AN_HOUR)).task.id
    world.context.tasks.pause(OWNER, waiting, reason="requested")
    world.run_until(_at("13:20:00"))
    run = _run(world, waiting)
    assert (JobStatus.CANCELLED, "task_paused", 0) == (run.status, run.reason, run.attempts)
    assert JobStatus.COMPLETED is _run(world, third).status


def test_the_line_goes_on_behind_a_task_that_was_deleted() -> None:
    """Nobody knows its limits any more; who is next in line is let in all the same."""
    world = World()
    _, waiting = _first_and_waiting(world, _flow(ONE_AN_HOUR))
    third = world.create(schedule="at(2026-03-02T12:12:00Z)", flow=_flow(ONE_AN_HOUR)).task.id
    world.context.tasks.delete(OWNER, waiting)
    world.run_until(_at("13:30:00"))
    assert JobStatus.COMPLETED is _run(world, third).status
    assert 2 == len(world.calls)
    assert not _in_line(world)


def test_a_run_that_waits_ends_soon_after_its_task() -> None:
    """The next sweeps find it, an hour before its turn; nothing stays pending for ever."""
    world = World()
    _, waiting = _first_and_waiting(world, _flow(ONE_AN_HOUR))
    ref = _run(world, waiting).ref
    world.context.tasks.delete(OWNER, waiting)
    world.run_until(_at("12:30:00"))
    view = world.context.jobs.find(ref.kind, ref.subject, ref.job_id)
    assert view is not None
    assert (JobStatus.CANCELLED, "task_deleted") == (view.status, view.reason)
    assert not _in_line(world)


def _in_line(world: World) -> list[str]:
    rows = ((str(row["pk"]), str(row["sk"])) for row in world.dynamo.items("jobs"))
    return [sk for pk, sk in rows if pk.startswith("GATE#") and sk.startswith("P#")]


@pytest.mark.parametrize("flow", [FlowControl(), _flow(ONE_AN_HOUR, "elsewhere")])
def test_a_task_that_gets_another_key_waits_in_the_old_line_no_longer(flow: FlowControl) -> None:
    """Its run starts at once, and the old line is empty."""
    world = World()
    _, waiting = _first_and_waiting(world, _flow(ONE_AN_HOUR))
    world.run_until(_at("12:20:00"))
    world.context.tasks.amend(OWNER, waiting, lambda d: replace(d, flow=flow), expected=None)
    world.run_until(_at("12:20:30"))
    assert JobStatus.COMPLETED is _run(world, waiting).status
    assert not _in_line(world)


def test_raised_limits_let_in_who_waits() -> None:
    """The limits are those of the job that comes, and whoever waits is told to come."""
    world = World()
    _, waiting = _first_and_waiting(world, _flow(ONE_AN_HOUR))
    raised = _flow(Limits(parallelism=5))
    world.run_until(_at("12:20:00"))
    world.context.tasks.amend(OWNER, waiting, lambda d: replace(d, flow=raised), expected=None)
    world.run_until(_at("12:20:30"))
    assert JobStatus.COMPLETED is _run(world, waiting).status


def test_pinned_limits_stand_over_those_of_the_tasks() -> None:
    """Pinned, a tighter limit holds for all; unpinned, the tasks' own hold again, at once."""
    world = World()
    flow = world.context.flow
    flow.pin(OWNER, "shared", ONE_AN_HOUR, expected=None)
    _, waiting = _first_and_waiting(world, _flow(Limits(parallelism=9), "shared"))
    view = flow.get(OWNER, "shared")
    assert (ONE_AN_HOUR, 1) == (view.known.pinned, view.state.waiting)
    flow.unpin(OWNER, "shared", expected=None)
    world.run_until(_at("12:12:00"))
    assert JobStatus.COMPLETED is _run(world, waiting).status


def test_a_key_alone_has_the_limits_that_are_pinned_for_it() -> None:
    """Without a pin there is no limit; with one, it holds."""
    world = World()
    alone = FlowControl(key="shared")
    _tasks(world, 2, alone, schedule="at(2026-03-02T12:05:00Z)")
    world.run_until(_at("12:06:00"))
    assert 2 == len(world.calls)
    world.context.flow.pin(OWNER, "shared", ONE_AN_HOUR, expected=None)
    _tasks(world, 2, alone)
    world.run_until(_at("12:11:00"))
    assert 3 == len(world.calls)


def test_a_run_that_waits_can_be_cancelled() -> None:
    """It ends at once and is in nobody's way."""
    world = World()
    _, waiting = _first_and_waiting(world, _flow(ONE_AN_HOUR))
    run = world.context.tasks.runs.cancel(waiting, _run(world, waiting).ref.job_id)
    assert JobStatus.CANCELLED is run.status
    world.run_until(_at("13:20:00"))
    assert 1 == len(world.calls)
    assert not _in_line(world)


def test_a_retry_waits_at_the_gate_too_and_says_so() -> None:
    """A second call is a call: the limit counts it."""
    world = World()
    world.receiver = lambda _: answer(500)
    view = world.create(schedule="at(2026-03-02T12:10:00Z)", flow=_flow(ONE_AN_HOUR), max_retry=1)
    world.run_until(_at("12:11:00"))
    run = _run(world, view.task.id)
    assert (JobStatus.PENDING, 1, True) == (run.status, run.attempts, run.waits is not None)
    world.run_until(_at("13:12:00"))
    assert (JobStatus.FAILED, 2) == (_run(world, view.task.id).status, len(world.calls))


def test_a_task_without_limits_leaves_no_trace_of_gates() -> None:
    """Most tasks have none, and pay for none."""
    world = World()
    world.create(schedule="* * * * *")
    world.run_until(_at("12:10:00"))
    assert not [row for row in world.dynamo.items("jobs") if str(row["pk"]).startswith("GATE#")]
