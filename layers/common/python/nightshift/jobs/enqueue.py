"""Enqueueing: an order, the claim that makes sure of it, perhaps a lock, and the message.

Everything is in the table before anything is sent. What is due soon is claimed for the sweeper,
which sends it again if the send is lost; what is due later waits in the agenda. The claim comes
first and by itself: one without its order is refused, an order without a claim would be lost. Where
uniqueness or a business write comes with the job, order, lock and write are one transaction.
"""

import contextlib
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from nightshift.aws.dynamo import (
    ConditionFailedError,
    Put,
    Table,
    TransactionConflictError,
    TransactPart,
)
from nightshift.core.clock import Clock, to_ms
from nightshift.core.errors import ConflictError, NightshiftError, UnavailableError
from nightshift.jobs.agenda import CHECK_AFTER_MS, DIRECT_MS, MANIFEST_SIZE, Agenda, Manifest
from nightshift.jobs.dispatch import Dispatcher
from nightshift.jobs.engine import Engine
from nightshift.jobs.kinds import JobKind, UniqueMode
from nightshift.jobs.lifecycle import Lifecycle, Step
from nightshift.jobs.model import Message, Order
from nightshift.jobs.orders import OrderStore
from nightshift.jobs.queues import Queues
from nightshift.jobs.store import JobStore
from nightshift.jobs.unique import Lock, Locks, Verdict, judge

MAX_DELAY = timedelta(days=3_660)
TRIES = 12
BULK_THREADS = 8
CONFLICT_PAUSE_S = 0.02

_NOT_SURE = "The table did not answer in time; whether the job is in is not known."

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
    is_named: bool = False

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
        lifecycle: Lifecycle,
        clock: Clock,
        new_id: Callable[[datetime], str],
        new_token: Callable[[], str],
        pool: Callable[[int], Executor],
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
        self._lifecycle = lifecycle
        self._clock = clock
        self._new_id = new_id
        self._new_token = new_token
        self._pool = pool
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
        came = self._unique(wish) if kind.unique is not None else self._plain(wish)
        self._tell([wish], [came])
        return came

    def _tell(self, wishes: Sequence[_Wish[P]], came: Sequence[Enqueued | EnqueueFailed]) -> None:
        """Tell of those that are in by now and were not before."""
        made = [
            w.order.ref
            for w, c in zip(wishes, came, strict=True)
            if isinstance(c, Enqueued) and c.created
        ]
        self._lifecycle.tell_many(Step.ENQUEUED, made)

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
        portions = [wishes[i : i + MANIFEST_SIZE] for i in range(0, len(wishes), MANIFEST_SIZE)]
        came: list[Enqueued | EnqueueFailed] = []
        with self._pool(BULK_THREADS) as pool:
            for portion in portions:
                if kind.unique is not None:
                    done = list(pool.map(self._one_of_many, portion))
                else:
                    done = self._portion(portion, pool)
                self._tell(portion, done)
                came += done
        return came

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
            payload, job_id=job_id or self._new_id(now), owner_id=owner_id, due_ms=to_ms(due)
        )
        order = Order(
            ref=ref,
            created_ms=to_ms(now),
            payload=kind.encode(payload),
            unique_key=kind.unique.key(payload) if kind.unique else None,
        )
        named = job_id is not None
        return _Wish(kind=kind, payload=payload, order=order, writes=writes, is_named=named)

    def _plain(self, wish: _Wish[P]) -> Enqueued:
        order = self._orders.put_part(wish.order)
        created = True
        self._claim([wish.message])
        try:
            if wish.writes:
                self._table.transact([order, *wish.writes])
            else:
                self._table.write(order)
        except ConditionFailedError as error:
            if error.index > 0 or not _is_same(error, wish.order):
                raise _of_writes(error, before=1) from error
            created = not wish.is_named
        self._send([wish.message])
        return Enqueued(job_id=wish.order.ref.job_id, created=created)

    def _unique(self, wish: _Wish[P]) -> Enqueued:
        """Enqueue the wish, unless an open job has its key; then return that."""
        claimed = False
        for number in range(TRIES):
            lock = self._locks.find(wish.order)
            if lock is not None and lock.ref.job_id == wish.order.ref.job_id:
                self._send([wish.message])
                return Enqueued(job_id=lock.ref.job_id, created=not wish.is_named)
            verdict = self._judge(wish, lock)
            if lock is not None and verdict is Verdict.HELD:
                return Enqueued(job_id=lock.ref.job_id, created=False)
            if lock is not None and verdict is Verdict.REPLACE:
                self._engine.replace(lock.ref)
                continue
            if not claimed:
                self._claim([wish.message])
                claimed = True
            came = self._try_locked(wish, lock)
            if came is not None:
                self._send([wish.message])
                return came
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
            seat = self._store.find_seat(ref.kind, ref.subject, ref.job_id)
            begun = seat is not None and seat.waits is None
        return judge(
            lock,
            mode=unique.mode,
            period_s=unique.period_s,
            has_begun=begun,
            has_ended=record is not None and record.is_terminal,
            asked_ms=wish.order.created_ms,
            now_ms=to_ms(self._clock.now()),
        )

    def _try_locked(self, wish: _Wish[P], seen: Lock | None) -> Enqueued | None:
        """Write order and lock as one; return None if somebody else was faster."""
        lock = self._locks.take_part(wish.order, seen, self._new_token(), self._orders.expiry)
        order = self._orders.put_part(wish.order)
        job_id = wish.order.ref.job_id
        try:
            self._table.transact([order, lock, *wish.writes])
        except TransactionConflictError:
            return None
        except ConditionFailedError as error:
            if error.index == 0 and _is_same(error, wish.order):
                return Enqueued(job_id=job_id, created=not wish.is_named)
            if error.index > 1:
                raise _of_writes(error, before=2) from error
            return None
        return Enqueued(job_id=job_id, created=True)

    def _claim(self, messages: Sequence[Message]) -> None:
        """Make sure of messages that all have one due time."""
        for part in self._claim_parts(messages):
            self._table.write(part)

    def _claim_parts(self, messages: Sequence[Message]) -> list[Put]:
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
        """Send what no tick will send. The jobs are in by now: what is lost, the sweeper sends."""
        until_ms = to_ms(self._clock.now()) + DIRECT_MS
        with contextlib.suppress(UnavailableError, BotoCoreError, ClientError):
            self._dispatcher.send([m for m in messages if m.not_before_ms <= until_ms])

    def _one_of_many(self, wish: _Wish[P]) -> Enqueued | EnqueueFailed:
        try:
            return self._unique(wish)
        except NightshiftError as error:
            return EnqueueFailed(error=error.slug, message=error.message)
        except (BotoCoreError, ClientError):
            return EnqueueFailed(error=UnavailableError.slug, message=_NOT_SURE)

    def _portion(
        self, wishes: Sequence[_Wish[P]], pool: Executor
    ) -> list[Enqueued | EnqueueFailed]:
        """Claim the portion with one write, then put its orders side by side."""
        self._claim([wish.message for wish in wishes])
        came = list(pool.map(self._put_order, wishes))
        made = [w.message for w, c in zip(wishes, came, strict=True) if isinstance(c, Enqueued)]
        self._send(made)
        return came

    def _put_order(self, wish: _Wish[Any]) -> Enqueued | EnqueueFailed:
        try:
            self._table.write(self._orders.put_part(wish.order))
        except NightshiftError as error:
            return EnqueueFailed(error=error.slug, message=error.message)
        except (BotoCoreError, ClientError):
            return EnqueueFailed(error=UnavailableError.slug, message=_NOT_SURE)
        except ConditionFailedError as error:
            if not _is_same(error, wish.order):
                raise
        return Enqueued(job_id=wish.order.ref.job_id, created=True)


def _is_same(error: ConditionFailedError, order: Order) -> bool:
    """Tell whether the item in the way is an order of this job.

    Where the caller named the job, that is a repeat; else its id is new, and an answer was lost.
    """
    return error.item is not None and error.item.get("sk") == order.ref.job_id


def _of_writes(error: ConditionFailedError, *, before: int) -> ConditionFailedError:
    """Return the refusal as the caller knows it: by the place among its own writes."""
    return ConditionFailedError(error.item, index=error.index - before)
