"""States of jobs that work in portions: what was saved last counts, from the newest attempt."""

import pytest

from nightshift.jobs.checkpoints import MAX_CHARS
from nightshift.jobs.errors import JobLostError
from nightshift.jobs.kinds import Job
from tests.support.work import Chore, Hand, kind_of
from tests.support.world import OWNER, World
from tests.unit.memos.scene import StillPulse


def _attempt(number: int, job_id: str = "01980000-0000-7000-8000-0000000000a1") -> Job[Chore]:
    ref = kind_of(Hand()).ref_of(Chore(), job_id=job_id, owner_id=OWNER, due_ms=0)
    return Job(ref=ref, payload=Chore(), attempt=number, pulse=StillPulse())


def test_the_next_attempt_finds_what_was_saved() -> None:
    """Of its own job only."""
    checkpoints = World().machine.checkpoints
    assert checkpoints.find(_attempt(1)) is None
    checkpoints.save(_attempt(1), {"done": 1})
    checkpoints.save(_attempt(1), {"done": 2, "ids": ["a", None]})
    assert {"done": 2, "ids": ["a", None]} == checkpoints.find(_attempt(2))
    assert checkpoints.find(_attempt(1, "01980000-0000-7000-8000-0000000000a2")) is None


def test_a_late_worker_saves_nothing() -> None:
    """An attempt that another has overtaken is told that it is lost."""
    checkpoints = World().machine.checkpoints
    checkpoints.save(_attempt(1), "old")
    checkpoints.save(_attempt(2), "new")
    with pytest.raises(JobLostError):
        checkpoints.save(_attempt(1), "late")
    assert "new" == checkpoints.find(_attempt(3))


def test_a_state_is_small() -> None:
    """What would not fit an item is refused before it is sent."""
    with pytest.raises(ValueError, match="100000 characters"):
        World().machine.checkpoints.save(_attempt(1), "x" * MAX_CHARS)
