"""Bodies and answers of the jobs API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import Field

from nightshift.core.clock import from_ms, to_ms
from nightshift.http.schemas import ApiModel, PageQuery, UtcTime
from nightshift.jobs.bulk import USUAL, BulkAction, BulkOrder
from nightshift.jobs.model import (
    Attempt,
    AttemptStatus,
    JobProgress,
    JobStatus,
    OutputRef,
    QueueName,
)
from nightshift.jobs.search import JobFilter
from nightshift.jobs.views import JobView

MAX_KIND_CHARS = 64


def time_of(ms: int | None) -> datetime | None:
    """Return the time `ms` milliseconds after the epoch, None for None."""
    return None if ms is None else from_ms(ms)


def ms_of(moment: datetime | None) -> int | None:
    """Return a time in milliseconds since the epoch, None for None."""
    return None if moment is None else to_ms(moment)


class JobQuery(PageQuery):
    """Which jobs to list. A page may hold fewer than there are; go on while there is a cursor."""

    status: list[JobStatus] = Field(default_factory=list, description="Any of these.")
    kind: str | None = Field(default=None, max_length=MAX_KIND_CHARS, description="This kind's.")
    queue: QueueName | None = Field(default=None, description="This queue's.")
    created_after: UtcTime | None = Field(default=None, description="Created then or later.")
    created_before: UtcTime | None = Field(default=None, description="Created then or earlier.")

    def wanted(self) -> JobFilter:
        """Return the filter that this is."""
        return JobFilter(
            kind=self.kind,
            queue=self.queue,
            statuses=frozenset(self.status),
            created_after_ms=ms_of(self.created_after),
            created_before_ms=ms_of(self.created_before),
        )


class ProgressOut(ApiModel):
    """How far a job has come, in units of its kind's own."""

    done: int
    total: int | None
    note: str

    @classmethod
    def of(cls, progress: JobProgress | None) -> Self | None:
        """Return the API's form, None for None."""
        if progress is None:
            return None
        return cls(done=progress.done, total=progress.total, note=progress.note)


class OutputOut(ApiModel):
    """A file that a job has made; `/jobs/{id}/download` leads to it."""

    filename: str
    content_type: str
    size: int = Field(description="Bytes.")

    @classmethod
    def of(cls, output: OutputRef | None) -> Self | None:
        """Return the API's form, None for None."""
        if output is None:
            return None
        return cls(filename=output.filename, content_type=output.content_type, size=output.size)


class JobOut(ApiModel):
    """A job: one piece of work in the background."""

    id: str
    kind: str
    queue: QueueName
    owner_id: str
    subject: str = Field(description="What it works on; one at a time where the kind says so.")
    unique_key: str | None = Field(description="While it is open, the kind has no other with it.")
    status: JobStatus
    attempt: int = Field(description="Attempts begun so far; 0 before the first.")
    max_retries: int | None = Field(description="Null for a kind that is no longer known.")
    run_at: UtcTime = Field(description="When the next attempt may start, or the last might.")
    progress: ProgressOut | None
    result: Any = Field(description="What it came to; null where that is a file, see `output`.")
    output: OutputOut | None
    error: str | None = Field(description="Why it failed, last or for good, as a stable word.")
    message: str | None = Field(description="The same as a sentence.")
    created_at: UtcTime
    started_at: UtcTime | None = Field(description="Of the last attempt.")
    completed_at: UtcTime | None = Field(description="When it ended, however it did.")

    @classmethod
    def of(cls, job: JobView, max_retries: int | None, **more: Any) -> Self:  # noqa: ANN401 - fields
        """Return the API's form of a job; `more` are the fields of a larger form."""
        ref, last = job.ref, job.last
        return cls(
            id=ref.job_id,
            kind=ref.kind,
            queue=ref.queue,
            owner_id=ref.owner_id,
            subject=ref.subject,
            unique_key=job.unique_key,
            status=job.status,
            attempt=job.attempts,
            max_retries=max_retries,
            run_at=from_ms(job.next_ms if job.next_ms is not None else ref.due_ms),
            progress=ProgressOut.of(job.progress),
            result=job.result,
            output=OutputOut.of(job.output),
            error=job.reason,
            message=(last.message or None) if last and job.reason else None,
            created_at=from_ms(job.created_ms),
            started_at=time_of(job.started_ms),
            completed_at=time_of(job.ended_ms),
            **more,
        )


class JobWithPayload(JobOut):
    """A job with what it was asked to do."""

    payload: Any = Field(description="Null over 4 KB, or where its kind keeps it to itself.")


class JobPage(ApiModel):
    """A page of jobs, newest first."""

    items: list[JobOut]
    next_cursor: str | None


class JobStatusOut(ApiModel):
    """How a job stands, small enough to be asked for often."""

    id: str
    status: JobStatus
    attempt: int
    progress: ProgressOut | None
    error: str | None
    run_at: UtcTime
    has_output: bool
    completed_at: UtcTime | None

    @classmethod
    def of(cls, job: JobView) -> Self:
        """Return the API's form of how a job stands."""
        return cls(
            id=job.ref.job_id,
            status=job.status,
            attempt=job.attempts,
            progress=ProgressOut.of(job.progress),
            error=job.reason,
            run_at=from_ms(job.next_ms if job.next_ms is not None else job.ref.due_ms),
            has_output=job.output is not None,
            completed_at=time_of(job.ended_ms),
        )


class AttemptOut(ApiModel):
    """One attempt of a job."""

    number: int
    status: AttemptStatus
    started_at: UtcTime
    execution_time: int | None = Field(description="Milliseconds; null while it runs.")
    error: str | None
    message: str | None

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        """Return the API's form of an attempt."""
        return cls(
            number=attempt.number,
            status=attempt.status,
            started_at=from_ms(attempt.started_ms),
            execution_time=attempt.execution_ms,
            error=attempt.error,
            message=attempt.message or None,
        )


class AttemptPage(ApiModel):
    """A page of attempts, newest first."""

    items: list[AttemptOut]
    next_cursor: str | None


class BulkIn(ApiModel):
    """Which of one's jobs are meant; what is left out leaves all."""

    kind: str | None = Field(
        default=None, max_length=MAX_KIND_CHARS, description="Only this kind's."
    )
    queue: QueueName | None = Field(default=None, description="Only this queue's.")
    created_after: UtcTime | None = Field(default=None, description="Only those from then on.")
    created_before: UtcTime | None = Field(default=None, description="Only those up to then.")

    def _order(
        self,
        owner_id: str,
        now: datetime,
        action: BulkAction,
        statuses: Sequence[JobStatus],
    ) -> BulkOrder:
        return BulkOrder(
            owner_id=owner_id,
            action=action,
            statuses=tuple(statuses) or tuple(sorted(USUAL[action])),
            created_before_ms=min(to_ms(now), to_ms(self.created_before or now)),
            kind=self.kind,
            queue=self.queue,
            created_after_ms=ms_of(self.created_after),
        )


class BulkCancelIn(BulkIn):
    """Which of one's open jobs to cancel; an empty object means all."""

    status: list[Literal[JobStatus.PENDING, JobStatus.PROCESSING]] = Field(
        default_factory=list, max_length=2, description="Any of these; both where none is named."
    )

    def order(self, owner_id: str, now: datetime) -> BulkOrder:
        """Return the order to cancel."""
        return self._order(owner_id, now, BulkAction.CANCEL, self.status)


class BulkRetryIn(BulkIn):
    """Which of one's ended jobs to try again; an empty object means all that have failed."""

    status: list[Literal[JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.COMPLETED]] = Field(
        default_factory=list, max_length=3, description="Any of these; failed where none is named."
    )

    def order(self, owner_id: str, now: datetime) -> BulkOrder:
        """Return the order to try again."""
        return self._order(owner_id, now, BulkAction.RETRY, self.status)


class JobStarted(ApiModel):
    """The job that does what was asked for; its `result` counts what came of it."""

    job_id: str
