"""Enqueued jobs as their owners see them: look, cancel, try again, fetch the output."""

from collections.abc import Callable

from nightshift.aws.dynamo import (
    Condition,
    ConditionFailedError,
    Put,
    Table,
    TransactionConflictError,
    TransactPart,
)
from nightshift.core.clock import Clock, to_ms
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
from nightshift.jobs.model import JobStatus, Message, Order, Reason, Record, Token
from nightshift.jobs.orders import OrderStore
from nightshift.jobs.outcome import reopened
from nightshift.jobs.store import JobStore
from nightshift.jobs.unique import Locks
from nightshift.jobs.views import JobView, view_of_order
from nightshift.ports.blobs import Blobs

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
        self._blobs = blobs
        self._clock = clock
        self._new_token = new_token

    def view(self, owner_id: str, job_id: str) -> JobView:
        """Return one of the owner's enqueued jobs.

        Raises:
            JobNotFoundError: the owner has enqueued no such job.
        """
        return self._view(self._order(owner_id, job_id))

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
        self, owner_id: str, *, start_after: str | None, limit: int
    ) -> tuple[list[JobView], str | None]:
        """Return a page of the owner's enqueued jobs, newest first, and the id to go on after.

        How a job stands may be a moment old; `view` is exact.
        """
        orders = self._orders.page(owner_id, start_after=start_after, limit=limit + 1)
        shown = orders[:limit]
        if not shown:
            return [], None
        refs = [order.ref for order in shown]
        records, seats = self._store.find_records(refs), self._store.find_seats(refs)
        views = [
            view_of_order(o, records.get(o.ref.job_id), seats.get(o.ref.job_id)) for o in shown
        ]
        return views, shown[-1].ref.job_id if len(orders) > limit else None

    def cancel(self, owner_id: str, job_id: str) -> JobView:
        """End an open job; what it is doing right now is stopped at its next sign of life.

        Raises:
            JobNotFoundError, JobNotOpenError: there is no such job, or it has ended.
        """
        order = self._order(owner_id, job_id)
        try:
            self._engine.end(order.ref, JobStatus.CANCELLED, Reason.CANCELLED)
        except SupersededError as error:
            if self._view(order).status is JobStatus.CANCELLED:
                return self._view(order)
            raise JobNotOpenError from error
        return self._view(order)

    def retry(self, owner_id: str, job_id: str) -> JobView:
        """Try an ended job again, with a new series of retries.

        Raises:
            JobNotFoundError, JobNotEndedError: there is no such job, or it is still open.
            UniqueKeyTakenError: another job of its unique key is open.
        """
        order = self._order(owner_id, job_id)
        ref = order.ref
        record = self._store.find_record(ref.kind, ref.subject, ref.job_id)
        if record is None or not record.is_terminal:
            raise JobNotEndedError
        now_ms = to_ms(self._clock.now())
        again = reopened(record, now_ms=now_ms, token=Token(self._new_token()))
        message = Message(ref=again.ref, attempt=again.closed + 1, not_before_ms=now_ms)
        parts: list[TransactPart] = [self._reopening(again, record), *self._lock_parts(order)]
        parts.append(
            self._agenda.manifest_part(
                Manifest(messages=[message]),
                name=f"D#{self._new_token()}",
                check_ms=now_ms + CHECK_AFTER_MS,
            )
        )
        try:
            self._table.transact(parts)
        except (ConditionFailedError, TransactionConflictError) as error:
            raise JobNotEndedError("The job moved on meanwhile; look again.") from error
        self._dispatcher.send([message])
        return self._view(order)

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
            JobNotFoundError, NoOutputError: there is no such job, or it has no output.
        """
        output = self.view(owner_id, job_id).output
        if output is None:
            raise NoOutputError
        return self._blobs.url(
            output.key,
            filename=output.filename,
            content_type=output.content_type,
            expires_s=URL_S,
        )
