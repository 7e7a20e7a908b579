"""Jobs as the other contexts and the API see them: start, look, cancel, try again."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from nightshift.aws.dynamo import NOT_EXISTS, ConditionFailedError, Put, TransactPart
from nightshift.core.clock import Clock, to_ms
from nightshift.jobs.agenda import CHECK_AFTER_MS, DIRECT_MS, Agenda, Manifest, chunks
from nightshift.jobs.dispatch import Dispatcher
from nightshift.jobs.engine import Engine
from nightshift.jobs.enqueue import Enqueuer
from nightshift.jobs.errors import (
    JobNotEndedError,
    JobNotFoundError,
    JobNotOpenError,
    SupersededError,
)
from nightshift.jobs.items import record_item
from nightshift.jobs.lifecycle import Lifecycle, Step
from nightshift.jobs.model import (
    Attempt,
    JobId,
    JobRef,
    JobStatus,
    Message,
    Reason,
    Record,
    Seat,
    Token,
    Trigger,
)
from nightshift.jobs.outcome import reopened
from nightshift.jobs.owned import OwnedJobs
from nightshift.jobs.store import JobStore
from nightshift.jobs.views import JobView, is_over, running_attempt, view_of

OPEN_SEATS_SHOWN = 20
MAX_ROW = 1_000
"""How many records are looked through for failures in a row; skipped ones lie between them."""


class JobService:
    """The engine's front door."""

    def __init__(
        self,
        *,
        store: JobStore,
        agenda: Agenda,
        engine: Engine,
        dispatcher: Dispatcher,
        lifecycle: Lifecycle,
        owned: OwnedJobs,
        enqueuer: Enqueuer,
        clock: Clock,
        new_token: Callable[[], str],
    ) -> None:
        self._store = store
        self._agenda = agenda
        self._engine = engine
        self._dispatcher = dispatcher
        self._lifecycle = lifecycle
        self.owned = owned
        self._clock = clock
        self._new_token = new_token
        self.enqueue = enqueuer.enqueue
        self.enqueue_many = enqueuer.enqueue_many
        self.view = owned.view

    def direct_parts(self, messages: Sequence[Message]) -> list[Put]:
        """Return the claim that makes these messages sure to be sent, for the caller's transaction.

        Once the transaction stands, pass the same messages to `send_direct`; if that is lost, the
        sweeper sends them.
        """
        if not messages:
            return []
        latest = max(to_ms(self._clock.now()), *(m.not_before_ms for m in messages))
        part = self._agenda.manifest_part(
            Manifest(messages=list(messages)),
            name=f"D#{self._new_token()}",
            check_ms=latest + CHECK_AFTER_MS,
        )
        return [part]

    def send_direct(self, messages: Sequence[Message]) -> None:
        """Queue messages that `direct_parts` made sure of."""
        self._dispatcher.send(messages)

    def send_claimed(self, messages: Sequence[Message]) -> None:
        """Claim messages for the sweeper and queue them; doing it again is harmless."""
        for portion in chunks(messages):
            for part in self.direct_parts(portion):
                self._store.transact([part])
            self.send_direct(portion)

    def start_parts(self, ref: JobRef) -> list[TransactPart]:
        """Return the writes that start a job now, visible at once; then call `send_direct`."""
        record = Record(
            ref=ref,
            status=JobStatus.PENDING,
            closed=0,
            created_ms=to_ms(self._clock.now()),
            token=Token(self._new_token()),
        )
        item = record_item(record, expires_at=self._store.expiry(record.created_ms))
        put = Put(table=self._store.table_name, item=item, condition=NOT_EXISTS)
        return [put, *self.direct_parts([Message.first(ref)])]

    def start(self, ref: JobRef) -> None:
        """Start a job now: pending in the table, claimed for the sweeper, queued.

        Starting the same job again does nothing but queue it once more.
        """
        with contextlib.suppress(ConditionFailedError):
            self._store.transact(self.start_parts(ref))
            self._lifecycle.tell(Step.ENQUEUED, ref)
        self.send_direct([Message.first(ref)])

    def find(self, kind: str, subject: str, job_id: str) -> JobView | None:
        """Return one job, or None."""
        record = self._store.find_record(kind, subject, job_id)
        seat = self._store.find_seat(kind, subject, job_id)
        return view_of(record, seat)

    def get(self, kind: str, subject: str, job_id: str) -> JobView:
        """Return one job.

        Raises:
            JobNotFoundError: the subject has no such job, or not any more.
        """
        view = self.find(kind, subject, job_id)
        if view is None:
            raise JobNotFoundError
        return view

    def page(
        self, kind: str, subject: str, *, start_after: str | None, limit: int
    ) -> tuple[list[JobView], str | None]:
        """Return a page of a subject's jobs, newest first, and the id to go on after or None.

        Running jobs without a record yet come first on the first page, beyond `limit`.
        """
        records = self._store.records(kind, subject, start_after=start_after, limit=limit + 1)
        more = len(records) > limit
        records = records[:limit]
        seats = {s.ref.job_id: s for s in self._seats(kind, subject)}
        views = [view_of(r, seats.pop(r.ref.job_id, None)) for r in records]
        if start_after is None:
            views = [*self._unrecorded(kind, subject, seats), *views]
        after = records[-1].ref.job_id if more else None
        return [v for v in views if v is not None], after

    def _seats(self, kind: str, subject: str) -> list[Seat]:
        return self._store.seats(kind, subject, limit=OPEN_SEATS_SHOWN)

    def _unrecorded(
        self, kind: str, subject: str, seats: Mapping[JobId, Seat]
    ) -> list[JobView | None]:
        fresh = [
            seat
            for job_id, seat in seats.items()
            if self._store.find_record(kind, subject, job_id) is None
        ]
        return [view_of(None, s) for s in sorted(fresh, key=lambda s: s.ref.job_id, reverse=True)]

    def attempts(self, kind: str, subject: str, job_id: str) -> list[Attempt]:
        """Return the log of a job: an entry for each attempt, oldest first."""
        record = self._store.find_record(kind, subject, job_id)
        entries = {a.number: a for a in self._store.logs(kind, subject, job_id)}
        if record is not None and record.last is not None:
            entries[record.last.number] = record.last
        seat = self._store.find_seat(kind, subject, job_id)
        running = seat is not None and seat.attempt > (record.closed if record else 0)
        if seat is not None and running and not is_over(record):
            entries[seat.attempt] = running_attempt(seat)
        return [entries[number] for number in sorted(entries)]

    def log_page(
        self, kind: str, subject: str, *, start_after: tuple[str, int] | None, limit: int
    ) -> tuple[list[tuple[JobView, Attempt]], tuple[str, int] | None]:
        """Return a page of the attempts of a subject's jobs, newest first.

        `start_after` and the second value are job id and attempt number of the last entry.
        """
        entries: list[tuple[JobView, Attempt]] = []
        for view in self._jobs_from(kind, subject, start_after, limit):
            attempts = self._attempts_of(view)
            if start_after is not None and view.ref.job_id == start_after[0]:
                attempts = [a for a in attempts if a.number < start_after[1]]
            entries += [(view, attempt) for attempt in reversed(attempts)]
            if len(entries) > limit:
                last, attempt = entries[limit - 1]
                return entries[:limit], (last.ref.job_id, attempt.number)
        return entries, None

    def _jobs_from(
        self, kind: str, subject: str, start_after: tuple[str, int] | None, limit: int
    ) -> Iterator[JobView]:
        after = start_after[0] if start_after else None
        if after is not None and (view := self.find(kind, subject, after)) is not None:
            yield view
        while True:
            views, after = self.page(kind, subject, start_after=after, limit=limit)
            yield from views
            if after is None:
                return

    def _attempts_of(self, view: JobView) -> list[Attempt]:
        if view.last is None or view.last.number == 1:
            return [view.last] if view.last else []
        return self.attempts(view.ref.kind, view.ref.subject, view.ref.job_id)

    def cancel(self, kind: str, subject: str, job_id: str) -> JobView:
        """End an open job; a call that is under way is not interrupted, but its answer is void.

        Raises:
            JobNotFoundError, JobNotOpenError: there is no such job, or it has ended.
            ConflictError: it moved on at this very moment.
        """
        view = self.get(kind, subject, job_id)
        if view.status not in {JobStatus.PENDING, JobStatus.PROCESSING}:
            raise JobNotOpenError
        try:
            self._engine.end(view.ref, JobStatus.CANCELLED, Reason.CANCELLED)
        except SupersededError as error:
            raise JobNotOpenError("The job ended or moved on meanwhile; look again.") from error
        return self.get(kind, subject, job_id)

    def retry(self, kind: str, subject: str, job_id: str) -> JobView:
        """Try an ended job again, with a new series of retries.

        Raises:
            JobNotFoundError, JobNotEndedError: there is no such job, or it is still open.
        """
        self.get(kind, subject, job_id)
        record = self._store.find_record(kind, subject, job_id)
        if record is None or not record.is_terminal:
            raise JobNotEndedError
        again = reopened(record, now_ms=to_ms(self._clock.now()), token=Token(self._new_token()))
        message = Message(ref=again.ref, attempt=again.closed + 1, not_before_ms=again.next_ms or 0)
        self._claim_direct(message)
        try:
            self._store.write_record(again, seen=record)
        except SupersededError as error:
            raise JobNotEndedError("The job moved on meanwhile; look again.") from error
        self._lifecycle.tell(Step.REOPENED, again.ref, attempt=message.attempt)
        self.send_direct([message])
        return self.get(kind, subject, job_id)

    def _claim_direct(self, message: Message) -> None:
        self._agenda.claim(
            Manifest(messages=[message]),
            name=f"D#{self._new_token()}",
            check_ms=to_ms(self._clock.now()) + CHECK_AFTER_MS,
        )

    def failed_in_a_row(self, kind: str, subject: str, *, since_ms: int, limit: int) -> int:
        """Return how many scheduled jobs of the subject have failed since its last success.

        Jobs created before `since_ms` do not count, nor do those that were cancelled or skipped;
        counting stops at `limit`.
        """
        count = 0
        for record in self._store.records(kind, subject, limit=MAX_ROW):
            done = record.status is JobStatus.COMPLETED or record.created_ms < since_ms
            if done or count >= limit:
                break
            scheduled = record.ref.trigger is Trigger.SCHEDULE
            count += scheduled and record.status is JobStatus.FAILED
        return count

    def latest(self, kind: str, subjects: Sequence[str]) -> dict[str, JobView]:
        """Return the open or else the newest job of each subject that has any."""
        found = {subject: self._latest(kind, subject) for subject in subjects}
        return {subject: view for subject, view in found.items() if view is not None}

    def _latest(self, kind: str, subject: str) -> JobView | None:
        """Return the job that holds the seat, if it is open, else the newest."""
        for seat in self._store.seats(kind, subject, limit=1):
            record = self._store.find_record(kind, subject, seat.ref.job_id)
            if not is_over(record):
                return view_of(record, seat)
        records = self._store.records(kind, subject, limit=1)
        return view_of(records[0], None) if records else None

    def direct_until(self) -> datetime:
        """Return the time up to which a newly known slot must be sent directly.

        Ticks may already have passed the minutes before it.
        """
        return self._clock.now() + timedelta(milliseconds=DIRECT_MS)
