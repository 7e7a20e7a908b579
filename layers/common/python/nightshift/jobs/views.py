"""Jobs as they stand: a record and, where an attempt is running, the seat, seen as one."""

from dataclasses import dataclass

from nightshift.jobs.model import Attempt, AttemptStatus, JobRef, JobStatus, Record, Seat


@dataclass(frozen=True, kw_only=True, slots=True)
class JobView:
    """A job as it stands: its record, and the attempt that is running, if one is."""

    ref: JobRef
    status: JobStatus
    attempts: int
    created_ms: int
    started_ms: int | None
    ended_ms: int | None
    next_ms: int | None
    reason: str | None
    last: Attempt | None


def is_over(record: Record | None) -> bool:
    """Tell whether the job has ended."""
    return record is not None and record.is_terminal


def running_attempt(seat: Seat) -> Attempt:
    """Return the log entry of the attempt that holds the seat."""
    return Attempt(number=seat.attempt, status=AttemptStatus.RUNNING, started_ms=seat.started_ms)


def view_of(record: Record | None, seat: Seat | None) -> JobView | None:
    """Return the job as record and seat together show it; None when neither knows it."""
    running = seat is not None and seat.attempt > (record.closed if record else 0)
    if seat is not None and running and not is_over(record):
        return JobView(
            ref=seat.ref,
            status=JobStatus.PROCESSING,
            attempts=seat.attempt,
            created_ms=record.created_ms if record else seat.started_ms,
            started_ms=seat.started_ms,
            ended_ms=None,
            next_ms=None,
            reason=None,
            last=running_attempt(seat),
        )
    if record is None:
        return None
    return JobView(
        ref=record.ref,
        status=record.status,
        attempts=record.closed,
        created_ms=record.created_ms,
        started_ms=record.last.started_ms if record.last else None,
        ended_ms=record.ended_ms,
        next_ms=record.next_ms,
        reason=record.reason,
        last=record.last,
    )
