"""Runs that wait at a gate while processes die and calls to the table go wrong."""

from datetime import timedelta

import pytest

from nightshift.jobs.model import JobStatus
from nightshift.tasks.model import FlowControl, Limits, TaskId
from tests.support.faults import Fault, FaultMode, FaultPlan
from tests.support.world import START, World

pytestmark = pytest.mark.no_cover
"""What runs here runs elsewhere too, and counting lines takes twice the time."""

LIMITS = {
    "parked": Limits(rate=1, period_s=1_000),
    "reserved": Limits(rate=1, period_s=45),
    "places": Limits(parallelism=1),
}


def _world(limits: Limits) -> tuple[World, list[TaskId]]:
    """Return a world with two tasks of one slot that are about to meet at a gate."""
    world = World()
    flow = FlowControl(limits=limits)
    views = [world.create(schedule="at(2026-03-02T12:03:05Z)", flow=flow) for _ in range(2)]
    world.run_until(START + timedelta(minutes=2, seconds=20))
    return world, [view.task.id for view in views]


def _calls_in_a_life(limits: Limits) -> int:
    world, _ = _world(limits)
    plan = FaultPlan()
    world.dynamo.faults = plan
    world.run_until(START + timedelta(minutes=3, seconds=25))
    return plan.calls


@pytest.mark.parametrize(
    ("limits", "mode"),
    [
        ("parked", FaultMode.CRASH_AFTER),
        ("parked", FaultMode.ANSWER_LOST),
        ("reserved", FaultMode.CRASH_AFTER),
        ("places", FaultMode.ERROR),
    ],
)
def test_no_fault_loses_a_run_that_waits(limits: str, mode: FaultMode) -> None:
    """Whichever call goes wrong, both runs complete, and nobody is left in line."""
    for ordinal in range(1, _calls_in_a_life(LIMITS[limits]) + 1):
        world, ids = _world(LIMITS[limits])
        world.dynamo.faults = FaultPlan({ordinal: Fault(mode=mode)}, stays_dead=True)
        world.run_until(START + timedelta(minutes=45))
        told = f"{mode} at call {ordinal}"
        runs = [
            world.context.tasks.runs.page(i, trigger=None, start_after=None, limit=5)[0]
            for i in ids
        ]
        assert (told, [[JobStatus.COMPLETED]] * 2) == (told, [[r.status for r in x] for x in runs])
        faults = 0 if mode is FaultMode.ANSWER_LOST else 1
        assert (told, True) == (told, len(world.calls) <= 2 + faults)
        rows = ((str(row["pk"]), str(row["sk"])) for row in world.dynamo.items("jobs"))
        left = [sk for pk, sk in rows if pk.startswith("GATE#") and sk.startswith("P#")]
        assert (told, []) == (told, left)
