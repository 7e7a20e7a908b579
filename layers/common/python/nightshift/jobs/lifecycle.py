"""The log of every job's life: one line for each transition, with the job's ids.

Kinds that come in great numbers, such as the runs of tasks, are told of in the one line of their
batch instead; what happens to one of them outside of a batch has a line of its own as well.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from nightshift.jobs.model import JobRef, JobStatus, QueueName, Record

Field = str | int | float | bool | None


class Step(StrEnum):
    """The transitions, as the `action` of their lines."""

    ENQUEUED = "job.enqueued"
    STARTED = "job.started"
    COMPLETED = "job.completed"
    FAILED = "job.failed"
    CANCELLED = "job.cancelled"
    RETRYING = "job.retrying"
    SNOOZED = "job.snoozed"
    LOST = "job.lost"
    SUPERSEDED = "job.superseded"
    PARKED = "job.parked"
    WAITING = "job.waiting"
    DELAYED = "job.delayed"
    REOPENED = "job.reopened"
    RESCUED = "job.rescued"
    HELD = "job.held"
    RELEASED = "job.released"


_WITHOUT_RECORD = {
    "parked": Step.PARKED,
    "waits_at_gate": Step.WAITING,
    "starts_later": Step.DELAYED,
    "superseded": Step.SUPERSEDED,
}
"""What a worker did with a message, and what that is in the life of its job."""


class LifecycleLog(Protocol):
    """Where the lines go; see `observability.Log`."""

    def info(self, action: str, **fields: Field) -> None:
        """Write a line of something that went as it should."""
        ...

    def warning(self, action: str, **fields: Field) -> None:
        """Write a line that a person may want to look at."""
        ...

    def batch(self, action: str, lines: Sequence[str]) -> None:
        """Write one line of several things."""
        ...


class Lifecycle:
    """Tells what happens to jobs. `log` None tells nobody."""

    def __init__(self, log: LifecycleLog | None) -> None:
        self._log = log
        self._batched: set[str] = set()

    def tell_in_batches(self, *kinds: str) -> None:
        """Leave what workers do for jobs of these kinds to the lines of their batches."""
        self._batched |= set(kinds)

    def is_batched(self, kind: str) -> bool:
        """Tell whether jobs of this kind are told of by the batch."""
        return kind in self._batched

    def tell(self, step: Step, ref: JobRef, **fields: Field) -> None:
        """Write the line of one transition."""
        if self._log is None:
            return
        write = self._log.warning if step in {Step.FAILED, Step.LOST} else self._log.info
        write(step.value, **_ids(ref), **fields)

    def tell_many(self, step: Step, refs: Sequence[JobRef]) -> None:
        """Write one line for the same transition of several jobs."""
        if self._log is None or not refs:
            return
        if len(refs) == 1:
            self.tell(step, refs[0])
            return
        lines = [f"{r.job_id} {r.kind} {r.queue} {r.subject}" for r in refs]
        self._log.batch(step.value, lines)

    def tell_queue(self, action: str, queue: QueueName, *, by: str) -> None:
        """Write the line of what was done to a queue, and by whom."""
        if self._log is not None:
            self._log.warning(action, queue=queue.value, by=by)

    def started(self, ref: JobRef, attempt: int) -> None:
        """Tell that a worker has begun an attempt."""
        if not self.is_batched(ref.kind):
            self.tell(Step.STARTED, ref, attempt=attempt)

    def worked(self, what: str, ref: JobRef, record: Record | None) -> None:
        """Tell what a worker did with a message, or what an attempt came to."""
        if self.is_batched(ref.kind):
            return
        if record is not None:
            self.written(record)
        elif what in _WITHOUT_RECORD:
            self.tell(_WITHOUT_RECORD[what], ref)

    def lost(self, record: Record) -> None:
        """Tell of an attempt whose worker never came back, and of what follows."""
        self.tell(Step.LOST, record.ref, attempt=record.closed)
        self.written(record)

    def written(self, record: Record) -> None:
        """Tell of the transition that a record stands for."""
        last = record.last
        self.tell(
            _step_of(record),
            record.ref,
            attempt=record.closed,
            reason=record.reason,
            execution_ms=last.execution_ms if last else None,
            next_ms=record.next_ms,
        )


def _ids(ref: JobRef) -> dict[str, Field]:
    return {
        "job_id": ref.job_id,
        "kind": ref.kind,
        "queue": ref.queue.value,
        "subject": ref.subject,
        "owner_id": ref.owner_id,
    }


def _step_of(record: Record) -> Step:
    match record.status:
        case JobStatus.COMPLETED:
            return Step.COMPLETED
        case JobStatus.FAILED:
            return Step.FAILED
        case JobStatus.CANCELLED:
            return Step.CANCELLED
        case _:
            snoozed = record.last is not None and record.last.status == "snoozed"
            return Step.SNOOZED if snoozed else Step.RETRYING
