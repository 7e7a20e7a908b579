"""Enqueued jobs as their owners see them: look, cancel, try again, fetch the output."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from nightshift.aws.dynamo import (
    Condition,
    ConditionFailedError,
    Put,
    Table,
    TransactionConflictError,
    TransactPart,
)
from nightshift.core.clock import Clock, to_ms
from nightshift.core.errors import ConflictError, NightshiftError
from nightshift.jobs.agenda import CHECK_AFTER_MS, Agenda, Manifest
from nightshift.jobs.dispatch import Dispatcher
from nightshift.jobs.engine import Engine
from nightshift.jobs.errors import (
    JobNotEndedError,
    JobNotFoundError,
    JobNotOpenError,
    NoOutputError,
    SupersededError,
    UniqueKeyTakenError,
)
from nightshift.jobs.items import record_item
from nightshift.jobs.lifecycle import Lifecycle, Step
from nightshift.jobs.model import (
    NOBODY,
    Attempt,
    JobStatus,
    Message,
    Order,
    Reason,
    Record,
    Token,
)
from nightshift.jobs.orders import OrderStore
from nightshift.jobs.outcome import reopened
from nightshift.jobs.search import EVERY_JOB, JobFilter, JobSearch
from nightshift.jobs.store import JobStore
from nightshift.jobs.unique import Locks
from nightshift.jobs.views import JobView, view_of_order
from nightshift.ports.blobs import Blobs

CANCEL_TRIES = 4
URL_S = 300
"""How long the address of an output works, in seconds."""


class OwnedJobs:
    """The jobs of their owners. Whose job it is comes with each call; another's is not found."""

    def __init__(
        self,
        *,
        table: Table,
        orders: OrderStore,
        store: JobStore,
        agenda: Agenda,
        dispatcher: Dispatcher,
        engine: Engine,
        lifecycle: Lifecycle,
        blobs: Blobs,
        clock: Clock,
        new_token: Callable[[], str],
    ) -> None:
        self._table = table
        self._orders = orders
        self._locks = Locks(table)
        self._store = store
        self._agenda = agenda
        self._dispatcher = dispatcher
        self._engine = engine
        self._lifecycle = lifecycle
        self._blobs = blobs
        self._clock = clock
        self._new_token = new_token
        self.search = JobSearch(orders, store)

    def view(self, owner_id: str, job_id: str) -> JobView:
        """Return one of the owner's enqueued jobs, or one that is nobody's own.

        Raises:
            JobNotFoundError: the owner has enqueued no such job.
        """
        return self._view(self._seen(owner_id, job_id))

    def _seen(self, owner_id: str, job_id: str) -> Order:
        """Return the order of a job that the owner may look at."""
        order = self._orders.find(owner_id, job_id) or self._orders.find(NOBODY, job_id)
        if order is None:
            raise JobNotFoundError
        return order

    def _order(self, owner_id: str, job_id: str) -> Order:
        order = self._orders.find(owner_id, job_id)
        if order is None:
            raise JobNotFoundError
        return order

    def _view(self, order: Order) -> JobView:
        ref = order.ref
        record = self._store.find_record(ref.kind, ref.subject, ref.job_id)
        seat = self._store.find_seat(ref.kind, ref.subject, ref.job_id)
        return view_of_order(order, record, seat)

    def page(
        self,
        owner_id: str,
        *,
        start_after: str | None,
        limit: int,
        wanted: JobFilter = EVERY_JOB,
    ) -> tuple[list[JobView], str | None]:
        """Return a page of the owner's enqueued jobs; see `JobSearch.page`.

        How a job stands may be a moment old; `view` is exact.
        """
        return self.search.page(owner_id, wanted, start_after=start_after, limit=limit)

    def inspect(self, owner_id: str, job_id: str) -> tuple[JobView, Any]:
        """Return a job and its payload as plain JSON values, None where that is a large one.

        Raises:
            JobNotFoundError: the owner has enqueued no such job.
        """
        order = self._seen(owner_id, job_id)
        payload = None if order.blob is not None else self._orders.payload(order)
        return self._view(order), payload

    def attempts(
        self, owner_id: str, job_id: str, *, start_after: int | None, limit: int
    ) -> tuple[list[Attempt], int | None]:
        """Return a page of a job's attempts, newest first, and the number to go on after or None.

        Raises:
            JobNotFoundError: the owner has enqueued no such job.
        """
        view = self.view(owner_id, job_id)
        found: list[Attempt] = []
        if start_after is None and view.last is not None:
            found, start_after = [view.last], view.last.number
        if start_after is not None:
            found += self._store.log_page(view.ref, before=start_after, limit=limit + 1)
        shown = found[:limit]
        return shown, shown[-1].number if len(found) > limit else None

    def cancel(self, owner_id: str, job_id: str) -> JobView:
        """End an open job; what it is doing right now is stopped at its next sign of life.

        Cancelling a cancelled job is cancelling it once.

        Raises:
            JobNotFoundError, JobNotOpenError: there is no such job, or it has ended otherwise.
            ConflictError: it moved on each time at that very moment.
        """
        order = self._order(owner_id, job_id)
        for _ in range(CANCEL_TRIES):
            with contextlib.suppress(SupersededError):
                self._engine.end(order.ref, JobStatus.CANCELLED, Reason.CANCELLED)
            view = self._view(order)
            if view.status is JobStatus.CANCELLED:
                return view
            if view.ended_ms is not None:
                raise JobNotOpenError
        raise ConflictError("The job moved on again and again; try once more.")

    def retry(self, owner_id: str, job_id: str, *, seen: Token | None = None) -> JobView:
        """Try an ended job again, with a new series of retries.

        With `seen`, the token of a view, a job that has moved on since then is left as it is.

        Raises:
            JobNotFoundError, JobNotEndedError: there is no such job, or it is still open.
            UniqueKeyTakenError: another job of its unique key is open.
            ConflictError: something else was done to it at that very moment.
        """
        order = self._order(owner_id, job_id)
        ref = order.ref
        record = self._store.find_record(ref.kind, ref.subject, ref.job_id)
        if seen is not None and (record is None or record.token != seen):
            return self._view(order)
        if record is None or not record.is_terminal:
            raise JobNotEndedError
        self._reopen(order, record)
        return self._view(order)

    def _reopen(self, order: Order, record: Record) -> None:
        """Reopen the job, keep its order, take its unique key and claim its message, all as one."""
        now_ms = to_ms(self._clock.now())
        again = reopened(record, now_ms=now_ms, token=Token(self._new_token()))
        message = Message(ref=again.ref, attempt=again.closed + 1, not_before_ms=now_ms)
        manifest = self._agenda.manifest_part(
            Manifest(messages=[message]),
            name=f"D#{self._new_token()}",
            check_ms=now_ms + CHECK_AFTER_MS,
        )
        locks = self._lock_parts(order)
        keep = self._orders.keep_part(order.ref)
        parts: list[TransactPart] = [self._reopening(again, record), *locks, keep, manifest]
        try:
            self._table.transact(parts)
        except TransactionConflictError as error:
            raise ConflictError from error
        except ConditionFailedError as error:
            raise _why_not_reopened(error, locks) from error
        self._lifecycle.tell(Step.REOPENED, order.ref, attempt=message.attempt)
        self._dispatcher.send([message])

    def _reopening(self, again: Record, seen: Record) -> Put:
        return Put(
            table=self._table.name,
            item=record_item(again, expires_at=self._store.expiry(again.next_ms or 0)),
            condition=Condition(expression="tok = :seen", values={":seen": seen.token}),
        )

    def _lock_parts(self, order: Order) -> list[Put]:
        """Return the write that takes the job's unique key again, if it has one."""
        if order.unique_key is None:
            return []
        lock = self._locks.find(order)
        if lock is not None and lock.ref.job_id != order.ref.job_id:
            holder = lock.ref
            record = self._store.find_record(holder.kind, holder.subject, holder.job_id)
            if record is None or not record.is_terminal:
                raise UniqueKeyTakenError
        return [self._locks.take_part(order, lock, self._new_token(), self._orders.expiry)]

    def output_url(self, owner_id: str, job_id: str) -> str:
        """Return an address from which the job's output can be fetched, for `URL_S` seconds.

        Raises:
            JobNotFoundError: there is no such job.
            JobNotEndedError: it may still make one.
            NoOutputError: it has ended without.
        """
        view = self.view(owner_id, job_id)
        output = view.output
        if output is None:
            raise NoOutputError if view.ended_ms is not None else JobNotEndedError
        return self._blobs.url(
            output.key,
            filename=output.filename,
            content_type=output.content_type,
            expires_s=URL_S,
        )


def _why_not_reopened(error: ConditionFailedError, locks: Sequence[Put]) -> NightshiftError:
    if error.index == 0:
        return JobNotEndedError("The job moved on meanwhile; look again.")
    return UniqueKeyTakenError() if error.index <= len(locks) else JobNotFoundError()
