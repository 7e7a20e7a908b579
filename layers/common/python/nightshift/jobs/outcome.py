"""What an ended attempt makes of a job's record: pure functions, randomness and time come in."""

from dataclasses import replace

from nightshift.jobs.model import (
    Attempt,
    AttemptStatus,
    JobRef,
    JobStatus,
    Plan,
    Reason,
    Record,
    Result,
    Seat,
    Token,
    Trigger,
)
from nightshift.jobs.retry import retry_delay_s

MAX_ATTEMPTS = 10_000
"""After how many attempts, snoozed ones counted, a job ends as failed whatever its policy says."""

MAX_MESSAGE = 2_048
MAX_ERROR = 200
"""How many characters of what an attempt says of itself are kept."""


def attempt_entry(seat: Seat, result: Result, now_ms: int) -> Attempt:
    """Return the closed log entry of the seat's attempt."""
    status = AttemptStatus.FINISH if result.succeeded else AttemptStatus.FAILED
    return Attempt(
        number=seat.attempt,
        status=AttemptStatus.SNOOZED if result.snooze_s is not None else status,
        started_ms=seat.started_ms,
        execution_ms=max(0, now_ms - seat.started_ms),
        response_status=result.response_status,
        message=result.message[:MAX_MESSAGE],
        error=result.error and result.error[:MAX_ERROR],
    )


def after_attempt(
    record: Record | None,
    seat: Seat,
    plan: Plan,
    result: Result,
    *,
    now_ms: int,
    random: float,
    token: Token,
) -> Record:
    """Return the record once the seat's attempt has come to `result`."""
    base = record.base if record else 0
    delay_s = _delay_s(plan, result, retry_number=seat.attempt - base, random=random)
    reason = result.error and result.error[:MAX_ERROR]
    if delay_s is not None and seat.attempt >= MAX_ATTEMPTS:
        delay_s, reason = None, Reason.TOO_MANY_ATTEMPTS
    if delay_s is not None:
        status = JobStatus.PENDING
    else:
        status = JobStatus.COMPLETED if result.succeeded else JobStatus.FAILED
    return Record(
        ref=seat.ref,
        status=status,
        closed=seat.attempt,
        base=base + (result.snooze_s is not None),
        created_ms=record.created_ms if record else seat.started_ms,
        token=token,
        last=attempt_entry(seat, result, now_ms),
        next_ms=None if delay_s is None else now_ms + round(delay_s * 1000),
        ended_ms=now_ms if delay_s is None else None,
        reason=reason,
        progress=seat.progress,
        result=result.value,
        output=result.output,
    )


def _delay_s(plan: Plan, result: Result, *, retry_number: int, random: float) -> float | None:
    """Return the seconds until the next attempt, None if there is to be none."""
    if result.snooze_s is not None:
        return max(0.0, result.snooze_s)
    if result.succeeded:
        return None
    return retry_delay_s(
        plan.retry,
        retry_number=retry_number,
        max_retries=plan.max_retries,
        retryable=result.retryable,
        retry_after_s=result.retry_after_s,
        random=random,
    )


def lost_result() -> Result:
    """Return what is known of an attempt whose worker never came back."""
    return Result(
        succeeded=False,
        error=Reason.WORKER_LOST,
        message="The worker ended without an answer; whether the call was made is not known.",
    )


def ended(
    ref: JobRef,
    record: Record | None,
    seat: Seat | None,
    *,
    status: JobStatus,
    reason: str,
    now_ms: int,
    token: Token,
) -> Record:
    """Return the record of a job ended from outside; a running attempt is closed with it."""
    if record is None:
        record = Record(ref=ref, status=JobStatus.PENDING, closed=0, created_ms=now_ms, token=token)
    last, closed = record.last, record.closed
    if seat is not None and seat.attempt > closed:
        last = attempt_entry(seat, Result(succeeded=False, error=reason), now_ms)
        closed = seat.attempt
        record = replace(record, progress=seat.progress)
    return replace(
        record,
        status=status,
        closed=closed,
        last=last,
        token=token,
        next_ms=None,
        ended_ms=now_ms,
        reason=reason,
    )


def reopened(record: Record, *, now_ms: int, token: Token) -> Record:
    """Return the record of an ended job that is to be tried again, with a new series of retries.

    From now on somebody asked for it, so that a pause does not stop it.
    """
    return replace(
        record,
        ref=replace(record.ref, trigger=Trigger.MANUAL),
        status=JobStatus.PENDING,
        base=record.closed,
        token=token,
        next_ms=now_ms,
        ended_ms=None,
        reason=None,
        result=None,
        output=None,
    )
