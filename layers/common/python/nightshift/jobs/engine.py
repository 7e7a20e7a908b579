"""The engine's steps around an attempt: `prepare` claims it, `finish` closes it.

A message is acknowledged only when everything that follows from it is in the table or the queue. So
a worker may die at any point: the message comes back, or the sweeper sends another, and `decide`
finds from the table how far things had come.
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from nightshift.core.clock import Clock, to_ms
from nightshift.jobs import decision as d
from nightshift.jobs.dispatch import Dispatcher
from nightshift.jobs.ending import Endings
from nightshift.jobs.errors import JobLostError, SupersededError
from nightshift.jobs.follow import Follower
from nightshift.jobs.gates import Gates, In, Later
from nightshift.jobs.lifecycle import Lifecycle
from nightshift.jobs.model import (
    JobProgress,
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
from nightshift.jobs.outcome import after_attempt, lost_result
from nightshift.jobs.results import Results
from nightshift.jobs.store import JobStore

LEASE_MARGIN_MS = 15_000
HOLD_MARGIN_MS = 1_000
LEASE_MS = 60_000
"""The longest lease: work that takes longer renews it (`Engine.beat`)."""
MAX_LOOKS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """An attempt that is ours to run: the seat we hold and the record as it stood."""

    seat: Seat
    record: Record | None

    def with_progress(self, progress: JobProgress | None) -> "Claimed":
        """Return the same attempt with its progress as it is now."""
        return replace(self, seat=replace(self.seat, progress=progress))


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
        gates: Gates,
        results: Results,
        kinds: Mapping[str, Kind],
        lifecycle: Lifecycle,
        clock: Clock,
        new_token: Callable[[], str],
        random: Callable[[], float],
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._gates = gates
        self._results = results
        self._kinds = kinds
        self._lifecycle = lifecycle
        self._clock = clock
        self._new_token = new_token
        self._random = random
        self._follower = Follower(
            store=store, dispatcher=dispatcher, gates=gates, kinds=kinds, clock=clock
        )
        self._endings = Endings(store, self._follower, clock, new_token)
        self.follow_end = self._endings.follow_end
        self.is_running = self._endings.is_running
        self.send_now = self._follower.send_now

    def prepare(self, message: Message, plan: Plan) -> Claimed | Done:
        """Claim the attempt that the message asks for, or do what else the table calls for."""
        outcome = self._prepare(message, plan)
        if isinstance(outcome, Claimed):
            self._lifecycle.started(message.ref, outcome.seat.attempt)
        else:
            self._lifecycle.worked(outcome.what, message.ref, outcome.record)
        return outcome

    def _prepare(self, message: Message, plan: Plan) -> Claimed | Done:
        for _ in range(MAX_LOOKS):
            look = self._store.look(message.ref)
            choice = d.decide(look, message, plan, self._clock.now())
            outcome = self._act(choice, look, message, plan)
            if outcome is not None:
                return outcome
        return Done(what="contended", ref=message.ref, acknowledge=False)

    def beat(self, claimed: Claimed, plan: Plan, progress: JobProgress | None) -> Claimed:
        """Renew the lease of a running attempt and keep its progress.

        Raises:
            JobLostError: the job was ended or taken over meanwhile.
        """
        ref = claimed.seat.ref
        record = self._store.find_record(ref.kind, ref.subject, ref.job_id)
        if _token(record) != _token(claimed.record):
            raise JobLostError
        seat = replace(claimed.seat, lease_ms=self._now_ms() + _lease_ms(plan), progress=progress)
        try:
            self._store.claim(seat, seen=claimed.seat)
        except SupersededError as error:
            raise JobLostError from error
        return replace(claimed, seat=seat)

    def finish(self, claimed: Claimed, plan: Plan, result: Result) -> Done:
        """Close the attempt, then queue its retry or settle the job's end."""
        done = self._finish(claimed, plan, result)
        self._lifecycle.worked(done.what, claimed.seat.ref, done.record)
        return done

    def _finish(self, claimed: Claimed, plan: Plan, result: Result) -> Done:
        seat = claimed.seat
        record = after_attempt(
            claimed.record,
            seat,
            plan,
            self._results.kept(seat, result),
            now_ms=self._now_ms(),
            random=self._random(),
            token=seat.token,
        )
        try:
            self._store.write_record(record, seen=claimed.record)
        except SupersededError:
            self._follower.leave(seat.ref, seat.attempt, plan.gates)
            return self._give_way(seat)
        self._follower.leave(seat.ref, seat.attempt, plan.gates)
        self._follower.follow(record)
        return Done(what="closed", ref=seat.ref, record=record)

    def end(self, ref: JobRef, status: JobStatus, reason: str) -> Record:
        """End an open job from outside: cancelled, or failed for good; see `Endings.end`.

        Raises:
            SupersededError: it ended or moved on meanwhile.
        """
        record = self._endings.end(ref, status, reason)
        self._lifecycle.written(record)
        return record

    def replace(self, ref: JobRef) -> None:
        """Cancel a job, unless it has begun; see `Endings.replace`."""
        record = self._endings.replace(ref)
        if record is not None:
            self._lifecycle.written(record)

    def _give_way(self, seat: Seat) -> Done:
        """Say that the seat's work is over, since its job was ended or taken over meanwhile.

        Whoever ended it may have died before it told anybody.
        """
        with contextlib.suppress(SupersededError):
            self._store.claim(replace(seat, lease_ms=self._now_ms()), seen=seat)
        self.follow_end(seat.ref)
        return Done(what="superseded", ref=seat.ref)

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
                return self._refuse(look, message, plan, reason)
            case d.Lost(seat=seat, record=record):
                self._close_lost(seat, record, self._plan_of(seat.ref, message.ref, plan))
                return None
            case d.Hold() | d.Resend() | d.Drop():
                return self._pass(choice, message, plan)

    def _pass(self, choice: d.Hold | d.Resend | d.Drop, message: Message, plan: Plan) -> Done:
        """See to it that what follows from the table is in the queue; nothing is to be run."""
        ref = message.ref
        match choice:
            case d.Hold(until_ms=until_ms):
                self._follower.resend(ref, message.attempt, until_ms + HOLD_MARGIN_MS)
                return Done(what="held", ref=ref)
            case d.Resend(attempt=attempt, at_ms=at_ms):
                self._follower.abandon(ref, attempt - 1, plan.gates)
                self._follower.resend(ref, attempt, at_ms)
                return Done(what="resent", ref=ref)
            case d.Drop(reason=reason, record=record):
                closed = record.closed if record else message.attempt
                self._follower.abandon(ref, closed, plan.gates)
                if record is not None:
                    self._follower.follow(record)
                return Done(what=reason, ref=ref)

    def _take(
        self, attempt: int, look: Look, message: Message, plan: Plan
    ) -> Claimed | Done | None:
        record = look.record
        start_ms = max(self._now_ms(), message.not_before_ms)
        if plan.gates:
            message = replace(message, attempt=attempt)
            answer = self._enter(message, plan, until_ms=start_ms + _whole_ms(plan))
            if isinstance(answer, Done):
                return answer
            start_ms = max(start_ms, answer.start_ms)
        if record is not None and record.last is not None:
            self._store.add_log(record, record.last)
        seat = Seat(
            ref=record.ref if record else message.ref,
            attempt=attempt,
            token=Token(self._new_token()),
            lease_ms=start_ms + _lease_ms(plan),
            started_ms=start_ms,
            progress=record.progress if record else None,
        )
        try:
            self._store.claim(seat, seen=look.seat)
        except SupersededError:
            return None
        return Claimed(seat=seat, record=record)

    def _enter(self, message: Message, plan: Plan, *, until_ms: int) -> Done | In:
        """Pass the plan's gates. Who waits at one is in no other."""
        start_ms = 0
        for number, gate in enumerate(plan.gates):
            answer = self._gates.enter(message, gate, until_ms=until_ms)
            if isinstance(answer, In):
                start_ms = max(start_ms, answer.start_ms)
                continue
            self._follower.leave(message.ref, message.attempt, plan.gates[:number])
            if isinstance(answer, Later):
                at_ms = answer.at_ms
                self._dispatcher.send([replace(message, not_before_ms=at_ms, pass_ms=at_ms)])
                return Done(what="starts_later", ref=message.ref)
            return Done(what="waits_at_gate", ref=message.ref)
        return In(start_ms=start_ms)

    def _plan_of(self, ref: JobRef, other: JobRef, plan: Plan) -> Plan:
        """Return the job's own plan, given another's, which may be another job of its subject."""
        kind = self._kinds.get(ref.kind)
        return plan if kind is None or ref.job_id == other.job_id else kind.plan([ref])[ref]

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
        self._lifecycle.lost(closed)
        self._follower.leave(seat.ref, seat.attempt, plan.gates)
        self._follower.follow(closed)

    def _park(self, message: Message, plan: Plan) -> Done | None:
        ref = message.ref
        if plan.max_waiting is not None and self._is_full(message, plan.max_waiting):
            return self._end_quietly(ref, Reason.QUEUE_FULL)
        self._store.park(message)
        look = self._store.look(ref)
        if isinstance(d.decide(look, message, plan, self._clock.now()), d.Park):
            return Done(what="parked", ref=ref)
        self._store.unpark(ref)
        return None

    def _is_full(self, message: Message, limit: int) -> bool:
        ref = message.ref
        waiting = list(self._store.parked(ref.kind, ref.subject, limit=limit))
        return len(waiting) >= limit and message not in waiting

    def _refuse(self, look: Look, message: Message, plan: Plan, reason: str) -> Done | None:
        ref = message.ref
        if reason == Reason.UNKNOWN_KIND:
            # Newer code may know it: the sweeper sends it again, and in the end gives it up.
            return Done(what=reason, ref=ref)
        self._follower.abandon(ref, message.attempt, plan.gates)
        if look.record is not None:
            return self._end_quietly(ref, reason)
        if ref.overlap is Overlap.QUEUE:
            self._follower.wake(ref)
        return Done(what=reason, ref=ref)

    def _end_quietly(self, ref: JobRef, reason: str) -> Done | None:
        try:
            record = self._endings.end(ref, JobStatus.CANCELLED, reason, even_running=False)
        except SupersededError:
            return None
        return Done(what=reason, ref=ref, record=record)

    def _now_ms(self) -> int:
        return to_ms(self._clock.now())


def needs_beats(plan: Plan) -> bool:
    """Tell whether an attempt may outlast its lease, unless that is renewed."""
    return _whole_ms(plan) > LEASE_MS


def _token(record: Record | None) -> str | None:
    return record.token if record else None


def _whole_ms(plan: Plan) -> int:
    """Return for how long an attempt may run at most, with what closing it takes."""
    return round(plan.timeout_s * 1000) + LEASE_MARGIN_MS


def _lease_ms(plan: Plan) -> int:
    """Return for how long an attempt is believed to run without a sign of life."""
    return min(_whole_ms(plan), LEASE_MS)
