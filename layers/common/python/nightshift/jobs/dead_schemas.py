"""Bodies and answers of the dead letters' API."""

from typing import Any, Self

from pydantic import Field

from nightshift.core.clock import from_ms
from nightshift.http.schemas import ApiModel, PageQuery, UtcTime
from nightshift.jobs.dead import DeadLetter, LetterFilter, Redriven
from nightshift.jobs.model import QueueName
from nightshift.jobs.schemas import MAX_KIND_CHARS, AttemptOut, JobOut, ms_of

MAX_REDRIVEN = 100
MAX_SUBJECT_CHARS = 512


class DeadLetterQuery(PageQuery):
    """Which dead letters to list."""

    kind: str | None = Field(default=None, max_length=MAX_KIND_CHARS, description="This kind's.")
    queue: QueueName | None = Field(default=None, description="This queue's.")

    def wanted(self) -> LetterFilter:
        """Return the filter that this is."""
        return LetterFilter(kind=self.kind, queue=self.queue)


class DeadLetterOut(ApiModel):
    """A message that no worker could finish."""

    id: str
    kind: str
    queue: str
    subject: str
    job_id: str
    task_id: str = Field(description="The same as `subject`.")
    run_id: str = Field(description="The same as `job_id`.")
    scheduled_for: UtcTime = Field(description="What its job was meant for.")
    attempt: int
    reason: str
    died_at: UtcTime

    @classmethod
    def of(cls, letter: DeadLetter, **more: Any) -> Self:  # noqa: ANN401 - fields of a larger form
        """Return the API's form; `more` are the fields of a larger form."""
        ref = letter.ref
        return cls(
            id=letter.id,
            kind=ref.kind if ref else "",
            queue=letter.queue,
            subject=ref.subject if ref else "",
            job_id=ref.job_id if ref else "",
            task_id=ref.subject if ref else "",
            run_id=ref.job_id if ref else "",
            scheduled_for=ref.due_at if ref else from_ms(letter.died_ms),
            attempt=letter.attempt,
            reason=letter.reason,
            died_at=from_ms(letter.died_ms),
            **more,
        )


class DeadLetterWithJob(DeadLetterOut):
    """A dead letter with how its job stands, and the newest of its attempts."""

    job: JobOut | None
    attempts: list[AttemptOut]


class AnyDeadLetterOut(DeadLetterOut):
    """A dead letter as administrators see it."""

    owner_id: str
    body: str = Field(description="The beginning of a message that cannot be read, else empty.")


class DeadLetterPage(ApiModel):
    """A page of dead letters, newest job first."""

    items: list[DeadLetterOut]
    next_cursor: str | None


class AnyDeadLetterPage(ApiModel):
    """A page of a queue's dead letters, newest job first."""

    items: list[AnyDeadLetterOut]
    next_cursor: str | None


class RedriveIn(ApiModel):
    """Which dead letters to try again; what is left out leaves all."""

    kind: str | None = Field(
        default=None, max_length=MAX_KIND_CHARS, description="Only this kind's."
    )
    queue: QueueName | None = Field(default=None, description="Only this queue's.")
    subject: str | None = Field(
        default=None, max_length=MAX_SUBJECT_CHARS, description="Only this subject's."
    )
    task_id: str | None = Field(default=None, max_length=64, description="Only this task's.")
    died_after: UtcTime | None = Field(default=None, description="Only those from then on.")
    died_before: UtcTime | None = Field(default=None, description="Only those up to then.")
    limit: int = Field(default=MAX_REDRIVEN, ge=1, le=MAX_REDRIVEN)

    def wanted(self) -> LetterFilter:
        """Return the filter that this is."""
        return LetterFilter(
            kind=self.kind,
            queue=self.queue,
            subject=self.subject if self.task_id is None else self.task_id,
            died_after_ms=ms_of(self.died_after),
            died_before_ms=ms_of(self.died_before),
        )


class NotRedrivenOut(ApiModel):
    """A dead letter that stays, and why."""

    id: str
    error: str
    message: str


class RedriveOut(ApiModel):
    """The jobs that were queued again."""

    job_ids: list[str]
    run_ids: list[str] = Field(description="The same as `job_ids`.")
    failed: list[NotRedrivenOut] = Field(description="Letters that stay, and why.")
    more: bool = Field(description="Whether there are letters that were not looked at.")

    @classmethod
    def of(cls, done: Redriven) -> Self:
        """Return the API's form of what a redrive came to."""
        ids: list[str] = [ref.job_id for ref in done.refs]
        failed = [
            NotRedrivenOut(id=x.letter_id, error=x.error, message=x.message) for x in done.failed
        ]
        return cls(job_ids=ids, run_ids=ids, failed=failed, more=done.more)
