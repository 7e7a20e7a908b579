"""Jobs as they stand: a record and, where an attempt is running, the seat, seen as one."""

from dataclasses import dataclass, replace
from typing import Any

from nightshift.jobs.model import (
    Attempt,
    AttemptStatus,
    JobProgress,
    JobRef,
    JobStatus,
    Order,
    OutputRef,
    Record,
    Seat,
    Token,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class JobView:
    """A job as it stands: its record, and the attempt that is running, if one is.

    `token` changes with each write of the record; None while there is none.
    """

    ref: JobRef
    status: JobStatus
    attempts: int
    created_ms: int
    started_ms: int | None
    ended_ms: int | None
    next_ms: int | None
    reason: str | None
    last: Attempt | None
    progress: JobProgress | None = None
    result: Any = None
    output: OutputRef | None = None
    unique_key: str | None = None
    token: Token | None = None


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
            progress=seat.progress,
            token=record.token if record else None,
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
        progress=record.progress,
        result=record.result,
        output=record.output,
        token=record.token,
    )


def view_of_order(order: Order, record: Record | None, seat: Seat | None) -> JobView:
    """Return an enqueued job: what its order says where record and seat know nothing yet."""
    view = view_of(record, seat)
    if view is not None:
        return replace(view, created_ms=order.created_ms, unique_key=order.unique_key)
    return JobView(
        ref=order.ref,
        status=JobStatus.PENDING,
        attempts=0,
        created_ms=order.created_ms,
        started_ms=None,
        ended_ms=None,
        next_ms=order.ref.due_ms,
        reason=None,
        last=None,
        unique_key=order.unique_key,
    )
