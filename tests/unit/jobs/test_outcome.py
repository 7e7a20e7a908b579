"""Bounds of a job's life that no whole life reaches in a test."""

import pytest

from nightshift.core.clock import to_ms
from nightshift.jobs.model import (
    AttemptStatus,
    JobId,
    JobRef,
    JobStatus,
    Plan,
    Reason,
    Record,
    Result,
    Seat,
    Token,
)
from nightshift.jobs.outcome import MAX_ATTEMPTS, after_attempt
from tests.support.world import OWNER, START

NOW_MS = to_ms(START)
REF = JobRef(kind="k", subject="s", job_id=JobId("j"), owner_id=OWNER, due_ms=NOW_MS)


@pytest.mark.parametrize("result", [Result(succeeded=False, snooze_s=5), Result(succeeded=False)])
def test_a_job_ends_after_ten_thousand_attempts_whatever_it_says(result: Result) -> None:
    """One that snoozes, or whose policy has no end, stops and says why."""
    ended = _after(MAX_ATTEMPTS, result)
    assert (JobStatus.FAILED, Reason.TOO_MANY_ATTEMPTS) == (ended.status, ended.reason)
    assert JobStatus.PENDING is _after(MAX_ATTEMPTS - 1, result).status


def test_a_success_is_one_at_the_last_attempt_too() -> None:
    """The bound cuts what would go on, nothing else."""
    ended = _after(MAX_ATTEMPTS, Result(succeeded=True))
    assert ended.last is not None
    assert (JobStatus.COMPLETED, AttemptStatus.FINISH) == (ended.status, ended.last.status)


def _after(attempt: int, result: Result) -> Record:
    seat = Seat(ref=REF, attempt=attempt, token=Token("t"), lease_ms=NOW_MS, started_ms=NOW_MS)
    plan = Plan(max_retries=10 * MAX_ATTEMPTS)
    return after_attempt(None, seat, plan, result, now_ms=NOW_MS, random=0.5, token=Token("t"))
