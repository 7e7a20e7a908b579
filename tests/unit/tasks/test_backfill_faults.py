"""A backfill whose processes die, or whose calls go wrong, at any point of its life."""

from collections import Counter
from datetime import datetime

import pytest

from nightshift.core.ids import new_id
from nightshift.jobs.model import JobStatus, Trigger
from nightshift.tasks.backfills import BackfillWish
from nightshift.tasks.model import TaskId
from tests.support.faults import CrashError, Fault, FaultMode, FaultPlan
from tests.support.world import OWNER, World

pytestmark = pytest.mark.no_cover
"""What runs here runs elsewhere too, and counting lines takes twice the time."""

SLOTS = ["2026-03-02T08:00:00Z", "2026-03-02T08:30:00Z"]
MODES = [FaultMode.CRASH_AFTER, FaultMode.ERROR, FaultMode.ANSWER_LOST]


def _world(max_parallel: int) -> tuple[World, TaskId, str]:
    """Return a world with a backfill of two slots that was asked for just now."""
    world = World()
    task = world.create(schedule="*/30 * * * *").task
    world.context.tasks.pause(OWNER, task.id, reason="requested")
    wish = BackfillWish(
        start=datetime.fromisoformat(SLOTS[0]),
        end=datetime.fromisoformat("2026-03-02T09:00:00Z"),
        max_parallel=max_parallel,
    )
    plan = world.context.backfills.plan(OWNER, task.id, wish)
    job_id = world.context.backfills.start(plan, job_id=new_id(world.clock.now()))
    return world, task.id, job_id


def _calls_in_a_life(max_parallel: int) -> int:
    world, _, _ = _world(max_parallel)
    plan = FaultPlan()
    world.dynamo.faults = plan
    for _ in range(4):
        world.listen()
        world.clock.advance(seconds=10)
    assert SLOTS == world.slots_called()
    return plan.calls


@pytest.mark.parametrize(
    ("max_parallel", "mode"), [*((1, mode) for mode in MODES), (2, FaultMode.CRASH_AFTER)]
)
def test_no_fault_loses_a_slot_or_makes_one_twice(max_parallel: int, mode: FaultMode) -> None:
    """Whichever call goes wrong, each slot is one run that completes, and the job does."""
    for ordinal in range(1, _calls_in_a_life(max_parallel) + 1):
        world, task_id, job_id = _world(max_parallel)
        world.dynamo.faults = FaultPlan({ordinal: Fault(mode=mode)}, stays_dead=True)
        world.run_for(minutes=9)
        told = f"{mode} at call {ordinal}"
        runs, _ = world.context.tasks.runs.page(
            task_id, trigger=Trigger.BACKFILL, start_after=None, limit=50
        )
        states = Counter(run.status for run in runs)
        assert (told, {JobStatus.COMPLETED: 2}) == (told, dict(states))
        assert (told, set(SLOTS)) == (told, set(world.slots_called()))
        faults = 0 if mode is FaultMode.ANSWER_LOST else 1
        assert len(world.calls) <= len(SLOTS) + faults, told
        job = world.context.jobs.view(OWNER, job_id)
        assert (told, JobStatus.COMPLETED, 2) == (told, job.status, job.result["completed"])


@pytest.mark.parametrize("when", ["before_send", "after_send"])
def test_a_send_that_dies_is_made_up_for(when: str) -> None:
    """Killed before or after any of its sends, a backfill goes on."""
    for skip in range(6):
        world, _, job_id = _world(1)
        left = [skip]

        def act(left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise CrashError("killed at a send")

        setattr(world.queue, when, act)
        world.run_for(minutes=9)
        assert SLOTS == sorted(set(world.slots_called()))
        assert len(world.calls) <= len(SLOTS) + 1
        assert JobStatus.COMPLETED is world.context.jobs.view(OWNER, job_id).status
