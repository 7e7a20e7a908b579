"""Enqueueing: an order, the claim that makes sure of it, perhaps a lock, and the message.

Everything is in the table before anything is sent. What is due soon is claimed for the sweeper,
which sends it again if the send is lost; what is due later waits in the agenda. Where uniqueness or
a business write comes with the job, all of it stands in one transaction.
"""

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from nightshift.aws.dynamo import (
    ConditionFailedError,
    Put,
    Table,
    TransactionConflictError,
    TransactPart,
)
from nightshift.core.clock import Clock, to_ms
from nightshift.core.errors import ConflictError, NightshiftError
from nightshift.core.ids import new_id
from nightshift.jobs.agenda import CHECK_AFTER_MS, DIRECT_MS, MANIFEST_SIZE, Agenda, Manifest
from nightshift.jobs.dispatch import Dispatcher
from nightshift.jobs.engine import Engine
from nightshift.jobs.errors import SupersededError
from nightshift.jobs.kinds import JobKind, UniqueMode
from nightshift.jobs.model import JobRef, JobStatus, Message, Order, Reason
from nightshift.jobs.orders import OrderStore
from nightshift.jobs.queues import Queues
from nightshift.jobs.store import JobStore
from nightshift.jobs.unique import Lock, Locks, Verdict, judge

MAX_DELAY = timedelta(days=3_660)
TRIES = 12
BULK_THREADS = 8
CONFLICT_PAUSE_S = 0.02

P = TypeVar("P")


@dataclass(frozen=True, kw_only=True, slots=True)
class Enqueued:
    """The job that stands for the request; `created` is False where it was there already."""

    job_id: str
    created: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class EnqueueFailed:
    """Why one item of many could not be enqueued."""

    error: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wish(Generic[P]):
    kind: JobKind[P]
    payload: P
    order: Order
    writes: Sequence[TransactPart] = ()

    @property
    def message(self) -> Message:
        return Message.first(self.order.ref)


class Enqueuer:
    """Puts jobs in."""

    def __init__(
        self,
        *,
        table: Table,
        orders: OrderStore,
        store: JobStore,
        agenda: Agenda,
        dispatcher: Dispatcher,
        engine: Engine,
        queues: Queues,
        clock: Clock,
        new_token: Callable[[], str],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = table
        self._orders = orders
        self._locks = Locks(table)
        self._store = store
        self._agenda = agenda
        self._dispatcher = dispatcher
        self._engine = engine
        self._queues = queues
        self._clock = clock
        self._new_token = new_token
        self._sleep = sleep

    def enqueue(
        self,
        kind: JobKind[P],
        payload: P,
        *,
        owner_id: str,
        run_at: datetime | None = None,
        delay_s: float = 0.0,
        writes: Sequence[TransactPart] = (),
        job_id: str | None = None,
    ) -> Enqueued:
        """Enqueue one job, for now, for `run_at` or in `delay_s` seconds, up to ten years ahead.

        `writes` stand or fall with the job; when the job was there already, they are not done. With
        `job_id` the caller says which job it is, so that a repeat finds the first.

        Raises:
            QueueFullError: the queue holds as much as it may.
            ConditionFailedError: one of `writes` was refused; `index` says which.
            ValueError: the time is too far off.
        """
        self._queues.check_room(kind.queue)
        due = self._due(run_at, delay_s)
        wish = self._wish(kind, payload, owner_id, due, job_id=job_id, writes=writes)
        if kind.unique is not None:
            return self._unique(wish)
        return self._plain(wish)

    def enqueue_many(
        self,
        kind: JobKind[P],
        payloads: Sequence[P],
        *,
        owner_id: str,
        run_at: datetime | None = None,
        delay_s: float = 0.0,
    ) -> list[Enqueued | EnqueueFailed]:
        """Enqueue many jobs of a kind; return what came of each, in order.

        Raises:
            QueueFullError: the queue holds as much as it may; none was enqueued.
        """
        self._queues.check_room(kind.queue)
        due = self._due(run_at, delay_s)
        wishes = [self._wish(kind, payload, owner_id, due) for payload in payloads]
        one = self._one_of_many if kind.unique else None
        with ThreadPoolExecutor(BULK_THREADS) as pool:
            if one is not None:
                return list(pool.map(one, wishes))
            portions = [wishes[i : i + MANIFEST_SIZE] for i in range(0, len(wishes), MANIFEST_SIZE)]
            return [came for portion in portions for came in self._portion(portion, pool)]

    def _due(self, run_at: datetime | None, delay_s: float) -> datetime:
        now = self._clock.now()
        due = max(now, run_at) if run_at else now + timedelta(seconds=max(0.0, delay_s))
        if due - now > MAX_DELAY:
            raise ValueError("a job may wait ten years at most")
        return due

    def _wish(
        self,
        kind: JobKind[P],
        payload: P,
        owner_id: str,
        due: datetime,
        *,
        job_id: str | None = None,
        writes: Sequence[TransactPart] = (),
    ) -> _Wish[P]:
        now = self._clock.now()
        ref = kind.ref_of(
            payload, job_id=job_id or new_id(now), owner_id=owner_id, due_ms=to_ms(due)
        )
        order = Order(
            ref=ref,
            created_ms=to_ms(now),
            payload=kind.encode(payload),
            unique_key=kind.unique.key(payload) if kind.unique else None,
        )
        return _Wish(kind=kind, payload=payload, order=order, writes=writes)

    def _plain(self, wish: _Wish[P]) -> Enqueued:
        parts = [*wish.writes, self._orders.put_part(wish.order)]
        claim = self._claim_parts([wish.message])
        try:
            if wish.writes:
                self._table.transact([*parts, *claim])
            else:
                # The claim first: a claim without its order is refused, an order without a claim
                # would be lost.
                for part in (*claim, *parts):
                    self._table.write(part)
        except ConditionFailedError as error:
            if error.index < len(wish.writes) or not _is_mine(error, wish.order):
                raise
            self._send([wish.message])
            return Enqueued(job_id=wish.order.ref.job_id, created=False)
        self._send([wish.message])
        return Enqueued(job_id=wish.order.ref.job_id, created=True)

    def _unique(self, wish: _Wish[P]) -> Enqueued:
        """Enqueue the wish, unless an open job has its key; then return that."""
        for number in range(TRIES):
            lock = self._locks.find(wish.order)
            verdict = self._judge(wish, lock)
            if lock is not None and verdict is Verdict.HELD:
                if lock.ref.job_id == wish.order.ref.job_id:
                    self._send([wish.message])
                return Enqueued(job_id=lock.ref.job_id, created=False)
            if lock is not None and verdict is Verdict.REPLACE and not self._replace(lock.ref):
                continue
            if self._try_locked(wish, lock):
                self._send([wish.message])
                return Enqueued(job_id=wish.order.ref.job_id, created=True)
            self._sleep(CONFLICT_PAUSE_S * random.random() * min(number, 4))  # noqa: S311 - a pause
        raise ConflictError("Too many requests for the same job at this moment; try again.")

    def _judge(self, wish: _Wish[P], lock: Lock | None) -> Verdict:
        unique = wish.kind.unique
        if lock is None or unique is None:
            return Verdict.FREE
        ref = lock.ref
        record = self._store.find_record(ref.kind, ref.subject, ref.job_id)
        begun = record is not None
        if unique.mode is UniqueMode.REPLACE and not begun:
            begun = self._store.find_seat(ref.kind, ref.subject, ref.job_id) is not None
        return judge(
            lock,
            mode=unique.mode,
            period_s=unique.period_s,
            has_begun=begun,
            has_ended=record is not None and record.is_terminal,
            now_ms=to_ms(self._clock.now()),
        )

    def _replace(self, ref: JobRef) -> bool:
        """Cancel a job that has not begun; tell whether it is out of the way."""
        try:
            self._engine.end(ref, JobStatus.CANCELLED, Reason.REPLACED)
        except SupersededError:
            return False
        return True

    def _try_locked(self, wish: _Wish[P], seen: Lock | None) -> bool:
        """Write lock, order and claim as one; tell whether nobody else was faster."""
        lock = self._locks.take_part(wish.order, seen, self._new_token(), self._orders.expiry)
        parts = [
            *wish.writes,
            lock,
            self._orders.put_part(wish.order),
            *self._claim_parts([wish.message]),
        ]
        try:
            self._table.transact(parts)
        except TransactionConflictError:
            return False
        except ConditionFailedError as error:
            if error.index < len(wish.writes):
                raise
            return False
        return True

    def _claim_parts(self, messages: Sequence[Message]) -> list[Put]:
        """Return the writes that make sure of messages that all have one due time."""
        now_ms = to_ms(self._clock.now())
        latest_ms = max(now_ms, *(m.not_before_ms for m in messages))
        if latest_ms > now_ms + DIRECT_MS:
            return [self._agenda.single_part(m) for m in messages]
        part = self._agenda.manifest_part(
            Manifest(messages=list(messages)),
            name=f"D#{self._new_token()}",
            check_ms=latest_ms + CHECK_AFTER_MS,
        )
        return [part]

    def _send(self, messages: Sequence[Message]) -> None:
        """Send what no tick will send."""
        until_ms = to_ms(self._clock.now()) + DIRECT_MS
        self._dispatcher.send([m for m in messages if m.not_before_ms <= until_ms])

    def _one_of_many(self, wish: _Wish[P]) -> Enqueued | EnqueueFailed:
        try:
            return self._unique(wish)
        except NightshiftError as error:
            return EnqueueFailed(error=error.slug, message=error.message)

    def _portion(
        self, wishes: Sequence[_Wish[P]], pool: ThreadPoolExecutor
    ) -> list[Enqueued | EnqueueFailed]:
        """Claim the portion with one write, then put its orders side by side."""
        for part in self._claim_parts([wish.message for wish in wishes]):
            self._table.write(part)
        came = list(pool.map(self._put_order, wishes))
        made = [w.message for w, c in zip(wishes, came, strict=True) if isinstance(c, Enqueued)]
        self._send(made)
        return came

    def _put_order(self, wish: _Wish[Any]) -> Enqueued | EnqueueFailed:
        try:
            self._table.write(self._orders.put_part(wish.order))
        except NightshiftError as error:
            return EnqueueFailed(error=error.slug, message=error.message)
        except ConditionFailedError as error:
            if not _is_mine(error, wish.order):
                raise
        return Enqueued(job_id=wish.order.ref.job_id, created=True)


def _is_mine(error: ConditionFailedError, order: Order) -> bool:
    """Tell whether the item in the way is this very order: an answer was lost, or a repeat."""
    return error.item is not None and error.item.get("sk") == order.ref.job_id
