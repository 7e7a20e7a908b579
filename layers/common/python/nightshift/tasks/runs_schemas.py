"""Answers about runs and their logs."""

from datetime import datetime
from typing import Self

from pydantic import Field

from nightshift.core.clock import from_ms
from nightshift.core.ids import derived_id
from nightshift.http.schemas import ApiModel, UtcTime
from nightshift.jobs.model import Attempt, AttemptStatus, JobStatus, Trigger
from nightshift.jobs.views import JobView


def time_of(ms: int | None) -> datetime | None:
    """Return the time `ms` milliseconds after the epoch, None for None."""
    return None if ms is None else from_ms(ms)


class RunStarted(ApiModel):
    """The run that was started."""

    run_id: str


class RunOut(ApiModel):
    """A run: one slot of a task, or one request, with all its attempts."""

    id: str
    task_id: str
    status: JobStatus
    trigger: Trigger
    scheduled_for: UtcTime
    attempts: int
    created_at: UtcTime
    started_at: UtcTime | None
    ended_at: UtcTime | None
    next_attempt_at: UtcTime | None
    response_status: int | None
    reason: str | None = Field(description="Why it ended or failed, as a stable word.")

    @classmethod
    def of(cls, job: JobView) -> Self:
        """Return the answer for a run."""
        return cls(
            id=job.ref.job_id,
            task_id=job.ref.subject,
            status=job.status,
            trigger=job.ref.trigger,
            scheduled_for=job.ref.due_at,
            attempts=job.attempts,
            created_at=from_ms(job.created_ms),
            started_at=time_of(job.started_ms),
            ended_at=time_of(job.ended_ms),
            next_attempt_at=time_of(job.next_ms),
            response_status=job.last.response_status if job.last else None,
            reason=job.reason,
        )


class RunPage(ApiModel):
    """A page of runs, newest first."""

    items: list[RunOut]
    next_cursor: str | None


class LogOut(ApiModel):
    """One attempt of a run."""

    id: str
    task_id: str
    run_id: str
    scheduled_for: UtcTime
    started_at: UtcTime
    execution_time: int | None = Field(description="Milliseconds; null while it runs.")
    status: AttemptStatus
    retry_count: int = Field(description="0 for the first attempt.")
    response_status: int | None
    message: str = Field(description="The first 2 KB of the answer, or what went wrong.")
    error: str | None
    created_at: UtcTime

    @classmethod
    def of(cls, job: JobView, attempt: Attempt) -> Self:
        """Return the answer for an attempt."""
        ref = job.ref
        return cls(
            id=derived_id(from_ms(attempt.started_ms), "log", ref.job_id, str(attempt.number)),
            task_id=ref.subject,
            run_id=ref.job_id,
            scheduled_for=ref.due_at,
            started_at=from_ms(attempt.started_ms),
            execution_time=attempt.execution_ms,
            status=attempt.status,
            retry_count=attempt.number - 1,
            response_status=attempt.response_status,
            message=attempt.message,
            error=attempt.error,
            created_at=from_ms(attempt.started_ms),
        )


class LogPage(ApiModel):
    """A page of attempts, newest run first, newest attempt first."""

    items: list[LogOut]
    next_cursor: str | None
