"""The engine's steps around an attempt: `prepare` claims it, `finish` closes it.

A message is acknowledged only when everything that follows from it is in the table or the queue. So
a worker may die at any point: the message comes back, or the sweeper sends another, and `decide`
finds from the table how far things had come.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nightshift.core.clock import Clock, to_ms
from nightshift.jobs import decision as d
from nightshift.jobs.dispatch import Dispatcher
from nightshift.jobs.errors import SupersededError
from nightshift.jobs.model import (
    JobRef,
    JobStatus,
    Kind,
    Look,
    Message,
    Overlap,
    Plan,
    Reason,
    Record,
    Result,
    Seat,
    Token,
)
from nightshift.jobs.outcome import after_attempt, ended, lost_result
from nightshift.jobs.store import JobStore

LEASE_MARGIN_MS = 15_000
HOLD_MARGIN_MS = 1_000
MAX_LOOKS = 5
MAX_PARKED = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """An attempt that is ours to run: the seat we hold and the record as it stood."""

    seat: Seat
    record: Record | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What came of a delivery, for the log; without `acknowledge` it is to be delivered again."""

    what: str
    ref: JobRef | None = None
    acknowledge: bool = True
    record: Record | None = None


class Engine:
    """Claims, closes and hands on; holds no state between calls."""

    def __init__(
        self,
        *,
        store: JobStore,
        dispatcher: Dispatcher,
        kinds: Mapping[str, Kind],
        clock: Clock,
        new_token: Callable[[], str],
        random: Callable[[], float],
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._kinds = kinds
        self._clock = clock
        self._new_token = new_token
        self._random = random

    def prepare(self, message: Message, plan: Plan) -> Claimed | Done:
        """Claim the attempt that the message asks for, or do what else the table calls for."""
        for _ in range(MAX_LOOKS):
            look = self._store.look(message.ref)
            choice = d.decide(look, message, plan, self._clock.now())
            outcome = self._act(choice, look, message, plan)
            if outcome is not None:
                return outcome
        return Done(what="contended", ref=message.ref, acknowledge=False)

    def finish(self, claimed: Claimed, plan: Plan, result: Result) -> Done:
        """Close the attempt, then queue its retry or settle the job's end."""
        seat = claimed.seat
        record = after_attempt(
            claimed.record,
            seat,
            plan,
            result,
            now_ms=self._now_ms(),
            random=self._random(),
            token=seat.token,
        )
        try:
            self._store.write_record(record, seen=claimed.record)
        except SupersededError:
            return Done(what="superseded", ref=seat.ref)
        self._follow(record)
        return Done(what="closed", ref=seat.ref, record=record)

    def end(self, ref: JobRef, status: JobStatus, reason: str) -> Record:
        """End an open job from outside: cancelled, or failed for good.

        Raises:
            SupersededError: it ended or moved on meanwhile.
        """
        look = self._store.look(ref)
        if look.record is not None and look.record.is_terminal:
            raise SupersededError
        seat = look.seat if look.seat and look.seat.ref.job_id == ref.job_id else None
        record = ended(
            ref,
            look.record,
            seat,
            status=status,
            reason=reason,
            now_ms=self._now_ms(),
            token=Token(self._new_token()),
        )
        self._store.write_record(record, seen=look.record)
        self._follow(record)
        return record

    def _act(
        self, choice: d.Decision, look: Look, message: Message, plan: Plan
    ) -> Claimed | Done | None:
        """Carry a decision out; None means that the table moved and is to be looked at again."""
        match choice:
            case d.Take(attempt=attempt):
                return self._take(attempt, look, message, plan)
            case d.Park():
                return self._park(message, plan)
            case d.Skip():
                return self._end_quietly(message.ref, Reason.OVERLAP)
            case d.Cancel(reason=reason):
                return self._refuse(look, message.ref, reason)
            case d.Lost(seat=seat, record=record):
                self._close_lost(seat, record, plan)
                return None
            case d.Hold() | d.Resend() | d.Drop():
                return self._pass(choice, message)

    def _pass(self, choice: d.Hold | d.Resend | d.Drop, message: Message) -> Done:
        """See to it that what follows from the table is in the queue; nothing is to be run."""
        ref = message.ref
        match choice:
            case d.Hold(until_ms=until_ms):
                self._resend(ref, message.attempt, until_ms + HOLD_MARGIN_MS)
                return Done(what="held", ref=ref)
            case d.Resend(attempt=attempt, at_ms=at_ms):
                self._resend(ref, attempt, at_ms)
                return Done(what="resent", ref=ref)
            case d.Drop(reason=reason, record=record):
                if record is not None:
                    self._follow(record)
                return Done(what=reason, ref=ref)

    def _take(self, attempt: int, look: Look, message: Message, plan: Plan) -> Claimed | None:
        record, now_ms = look.record, self._now_ms()
        if record is not None and record.last is not None:
            self._store.add_log(record, record.last)
        start_ms = max(now_ms, message.not_before_ms)
        seat = Seat(
            ref=message.ref,
            attempt=attempt,
            token=Token(self._new_token()),
            lease_ms=start_ms + round(plan.timeout_s * 1000) + LEASE_MARGIN_MS,
            started_ms=start_ms,
        )
        try:
            self._store.claim(seat, seen=look.seat)
        except SupersededError:
            return None
        return Claimed(seat=seat, record=record)

    def _close_lost(self, seat: Seat, record: Record | None, plan: Plan) -> None:
        closed = after_attempt(
            record,
            seat,
            plan,
            lost_result(),
            now_ms=self._now_ms(),
            random=self._random(),
            token=Token(self._new_token()),
        )
        try:
            self._store.write_record(closed, seen=record)
        except SupersededError:
            return
        self._follow(closed)

    def _park(self, message: Message, plan: Plan) -> Done | None:
        ref = message.ref
        waiting = list(self._store.parked(ref.kind, ref.subject, limit=MAX_PARKED))
        if len(waiting) >= MAX_PARKED and message not in waiting:
            return self._end_quietly(ref, Reason.QUEUE_FULL)
        self._store.park(message)
        look = self._store.look(ref)
        if isinstance(d.decide(look, message, plan, self._clock.now()), d.Park):
            return Done(what="parked", ref=ref)
        self._store.unpark(ref)
        return None

    def _refuse(self, look: Look, ref: JobRef, reason: str) -> Done | None:
        if look.record is None:
            if ref.overlap is Overlap.QUEUE:
                self._wake(ref)
            return Done(what=reason, ref=ref)
        return self._end_quietly(ref, reason)

    def _end_quietly(self, ref: JobRef, reason: str) -> Done | None:
        try:
            record = self.end(ref, JobStatus.CANCELLED, reason)
        except SupersededError:
            return None
        return Done(what=reason, ref=ref, record=record)

    def _follow(self, record: Record) -> None:
        """Do what a written record calls for; doing it again comes to the same."""
        if not record.is_terminal:
            self._resend(record.ref, record.closed + 1, record.next_ms or self._now_ms())
            return
        kind = self._kinds.get(record.ref.kind)
        if kind is not None:
            kind.settle(record)
        if record.ref.overlap is Overlap.QUEUE:
            self._wake(record.ref)

    def _wake(self, ref: JobRef) -> None:
        for parked in self._store.parked(ref.kind, ref.subject, limit=1):
            self._resend(parked.ref, parked.attempt, self._now_ms())
            self._store.unpark(parked.ref)

    def _resend(self, ref: JobRef, attempt: int, at_ms: int) -> None:
        self._dispatcher.send([Message(ref=ref, attempt=attempt, not_before_ms=at_ms)])

    def _now_ms(self) -> int:
        return to_ms(self._clock.now())
