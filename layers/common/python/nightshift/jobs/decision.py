"""What to do with a delivered message, given what the table says: one pure function.

Everything that can go wrong between machines ends here as a case: the same message twice, a message
of an attempt long closed, a dead worker's lease, a retry whose message was never sent.
"""

from dataclasses import dataclass
from datetime import datetime

from nightshift.core.clock import to_ms
from nightshift.jobs.model import JobStatus, Look, Message, Overlap, Plan, Record, Seat

EARLY_TOLERANCE_MS = 1_500


@dataclass(frozen=True, kw_only=True, slots=True)
class Take:
    """Claim the seat for this attempt and run it."""

    attempt: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Drop:
    """Nothing is to be done; `record` is the job's terminal record where there is one."""

    reason: str
    record: Record | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancel:
    """The subject does not want the job any more: end it as cancelled, if it ever began."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Resend:
    """Queue the attempt for its time: it is early, or its own message may never have been sent."""

    attempt: int
    at_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """Somebody else runs this attempt; look again when the lease is over."""

    until_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """The seat's worker is gone: close its attempt as failed, then decide anew."""

    seat: Seat
    record: Record | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Skip:
    """Another job of the subject is open and the overlap rule lets this one go."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Park:
    """Another job of the subject is open and this one waits for it."""


Decision = Take | Drop | Cancel | Resend | Hold | Lost | Skip | Park


def decide(look: Look, message: Message, plan: Plan, now: datetime) -> Decision:
    """Return what to do with `message`; never raises, reads nothing else."""
    record, seat, now_ms = look.record, look.seat, to_ms(now)
    closed = record.closed if record else 0
    if record is not None and record.is_terminal:
        return Drop(reason="already_ended", record=record)
    if seat is not None and seat.ref.job_id == message.ref.job_id and seat.attempt > closed:
        return _own_seat(seat, record, now_ms)
    refusal = plan.refusal(begun=record is not None)
    if refusal is not None:
        return Cancel(reason=refusal)
    if message.attempt <= closed:
        return _stale(message, record)
    return _next(look, message, now_ms)


def _next(look: Look, message: Message, now_ms: int) -> Decision:
    """Decide on the attempt that is truly next, with the subject's own seat not in its way."""
    attempt = look.record.closed + 1 if look.record else 1
    start_ms = _start_ms(look.record, message)
    if start_ms > now_ms + EARLY_TOLERANCE_MS:
        return Resend(attempt=attempt, at_ms=start_ms)
    if look.seat is not None and _is_held(look.seat, look.holder, message, now_ms):
        return _held(look.seat, look.holder, message, now_ms)
    return Take(attempt=attempt)


def _start_ms(record: Record | None, message: Message) -> int:
    if record is not None and record.next_ms is not None:
        return record.next_ms
    return message.not_before_ms


def _own_seat(seat: Seat, record: Record | None, now_ms: int) -> Decision:
    if seat.lease_ms > now_ms:
        return Hold(until_ms=seat.lease_ms)
    return Lost(seat=seat, record=record)


def _stale(message: Message, record: Record | None) -> Decision:
    waiting = record is not None and record.status is JobStatus.PENDING
    if record is not None and waiting and message.attempt == record.closed:
        return Resend(attempt=record.closed + 1, at_ms=record.next_ms or message.not_before_ms)
    return Drop(reason="stale_attempt")


def _is_held(seat: Seat, holder: Record | None, message: Message, now_ms: int) -> bool:
    if seat.ref.job_id == message.ref.job_id:
        return False
    return holder is None or not holder.is_terminal or _is_being_stopped(seat, holder, now_ms)


def _is_being_stopped(seat: Seat, holder: Record, now_ms: int) -> bool:
    """Tell whether the job was ended from outside while it ran: its worker may not know yet."""
    if holder.token == seat.token or seat.lease_ms <= now_ms:
        return False
    last = holder.last
    cut = holder.closed == seat.attempt and last is not None and last.error == holder.reason
    return cut or seat.attempt > holder.closed


def _held(seat: Seat, holder: Record | None, message: Message, now_ms: int) -> Decision:
    if holder is not None and holder.is_terminal:
        return Hold(until_ms=seat.lease_ms)
    running = seat.attempt > (holder.closed if holder else 0)
    if running and seat.lease_ms <= now_ms:
        return Lost(seat=seat, record=holder)
    return Park() if message.ref.overlap is Overlap.QUEUE else Skip()
