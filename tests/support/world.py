"""The whole task machinery in virtual time: the product's own code over fake table, queue and net.

`World` plays EventBridge (a tick and a sweep each minute), the queue's event source (batches of
ten) and the clock. Nothing sleeps: the clock jumps to the next thing that happens.
"""

import asyncio
import contextlib
import heapq
import itertools
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from nightshift.adapters.blobs import MemoryBlobs
from nightshift.adapters.bus import MemoryBus
from nightshift.aws.dynamo import Table, TransactionConflictError, marshal_item
from nightshift.core.access import UserId
from nightshift.core.clock import ManualClock, to_ms
from nightshift.core.errors import UnavailableError
from nightshift.core.ids import derived_id, new_id
from nightshift.email.fakes import FakeMailer
from nightshift.jobs import keys
from nightshift.jobs.agenda import minute_of
from nightshift.jobs.errors import JobLostError
from nightshift.jobs.kinds import JobKind
from nightshift.jobs.model import QueueName
from nightshift.jobs.pulse import BEAT_S, EnginePulse
from nightshift.jobs.wiring import Machine, Parts, build_machine
from nightshift.jobs.worker import Delivery, Report, Worker
from nightshift.outbound.fakes import ScriptedSender, answer
from nightshift.outbound.signing import verify
from nightshift.ports.queue import Depth, Outgoing
from nightshift.ports.sender import OutboundAnswer, OutboundRequest
from nightshift.tasks.model import RUN_KIND, Definition, TaskView
from nightshift.tasks.settings import TaskSettings
from nightshift.tasks.wiring import Context, Outside
from tests.support.dynamo import FakeDynamoDB
from tests.support.faults import CrashError, FaultPlan

START = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)
OWNER = UserId("01980000-0000-7000-8000-000000000001")
VISIBILITY_S = 900
FUNCTION_TIMEOUT_S = 150
URL = "https://hooks.example.com/in"
T = TypeVar("T")


@dataclass(order=True)
class Queued:
    """A message in the fake queue; `visible_at` moves on while a worker has it."""

    visible_at: datetime
    number: int
    body: str = field(compare=False)
    receives: int = field(default=0, compare=False)


class MemoryQueue:
    """The queue port in virtual time; `before_send` and `after_send` may raise."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._numbers = itertools.count()
        self.lock = threading.Lock()
        self.messages: list[Queued] = []
        self.sent: list[tuple[datetime, Outgoing]] = []
        self.before_send: Callable[[], None] = lambda: None
        self.after_send: Callable[[], None] = lambda: None

    def send(self, messages: Sequence[Outgoing]) -> None:
        """Keep the messages until their delay is over."""
        if not messages:
            return
        self.before_send()
        with self.lock:
            for message in messages:
                assert 0 <= message.delay_s <= 900
                self.sent.append((self._clock.now(), message))
                visible = self._clock.now() + timedelta(seconds=message.delay_s)
                heapq.heappush(self.messages, Queued(visible, next(self._numbers), message.body))
        self.after_send()

    def receive(self, limit: int = 10) -> list[Queued]:
        """Take up to `limit` visible messages; they come back unless deleted."""
        taken: list[Queued] = []
        while self.messages and len(taken) < limit:
            if self.messages[0].visible_at > self._clock.now():
                break
            taken.append(heapq.heappop(self.messages))
        for message in taken:
            message.receives += 1
            message.visible_at = self._clock.now() + timedelta(seconds=VISIBILITY_S)
            heapq.heappush(self.messages, message)
        return taken

    def delete(self, messages: Sequence[Queued]) -> None:
        """Forget messages that were worked on."""
        gone = {m.number for m in messages}
        self.messages = [m for m in self.messages if m.number not in gone]
        heapq.heapify(self.messages)

    def depth(self) -> Depth:
        """Return how many messages there are."""
        now = self._clock.now()
        visible = sum(m.visible_at <= now for m in self.messages)
        taken = sum(m.receives > 0 and m.visible_at > now for m in self.messages)
        delayed = len(self.messages) - visible - taken
        return Depth(visible=visible, delayed=delayed, in_flight=taken)

    def next_visible(self) -> datetime | None:
        """Return when the next message can be received."""
        return self.messages[0].visible_at if self.messages else None


@dataclass(frozen=True)
class Call:
    """One call that reached a receiver."""

    at: datetime
    url: str
    body: bytes
    headers: Mapping[str, str]

    @property
    def run_id(self) -> str:
        """The run that the call belongs to."""
        return self.headers["webhook-id"]

    def is_signed_by(self, secret: str) -> bool:
        """Tell whether a receiver with this secret would accept the call."""
        return verify(
            secret,
            self.headers["webhook-id"],
            self.headers["webhook-timestamp"],
            self.headers["webhook-signature"],
            self.body,
            now=self.at,
        )


def has_been_running(dynamo: FakeDynamoDB, clock: ManualClock) -> None:
    """Leave the cursors as ticks and sweeps would have, so that the first tick walks no hour."""
    now = minute_of(to_ms(clock.now()))
    for name, minute in ((keys.TICK, now + 1), (keys.SWEEP, now - 2)):
        cursor = keys.cursor(name) | {"pos": minute, "lease": 0}
        dynamo.seed("jobs", [marshal_item(cursor)])


async def inline(function: Callable[[], Any]) -> Any:
    """Make a call right here, where a worker would have a thread make it."""
    return function()


async def carried(work: Callable[[], Any], timeout_s: float) -> Any:
    """Do a handler's work right here; time is virtual, so it is never over."""
    return work()


class Told:
    """A log that keeps its lines, as action and fields; those of a batch have `items`."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def info(self, action: str, **fields: Any) -> None:
        """Keep a line."""
        self.lines.append((action, fields))

    warning = info

    def batch(self, action: str, lines: Sequence[str]) -> None:
        """Keep a line of several things."""
        self.info(action, items=list(lines))

    def of(self, job_id: str) -> list[str]:
        """Return the actions that are told of a job, in order."""
        return [action for action, fields in self.lines if job_id in str(fields)]


class InlinePool(Executor):
    """A pool that makes each call right where it is submitted, so that lives can be repeated."""

    def __init__(self, _: int = 1) -> None:
        """Take as many threads as a pool of threads would be given, for none."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        """Make the call, and return what came of it."""
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - as a thread hands it over
            done.set_exception(error)
        return done


class World:
    """One stack in virtual time. `receiver` answers calls; it may raise CrashError and die.

    A `repeatable` one has no threads, and gives the same ids each time.
    """

    def __init__(
        self,
        *,
        start: datetime = START,
        settings: TaskSettings | None = None,
        dynamo: FakeDynamoDB | None = None,
        kinds: Sequence[JobKind[Any]] = (),
        repeatable: bool = False,
    ) -> None:
        self.kinds = kinds
        self._repeatable = repeatable
        self._contexts = itertools.count()
        self._ids = itertools.count()
        self.clock = ManualClock(start)
        self.dynamo = dynamo or FakeDynamoDB(["jobs", "tasks"], clock=self.clock)
        self.queue = MemoryQueue(self.clock)
        self.bus = MemoryBus()
        self.mailer = FakeMailer()
        self.blobs = MemoryBlobs()
        self.told = Told()
        self.calls: list[Call] = []
        self.reports: list[Report] = []
        self.deaths: list[BaseException] = []
        self._pulses: dict[EnginePulse, datetime] = {}
        self.receiver: Callable[[OutboundRequest], OutboundAnswer] = lambda _: answer(200)
        self.call_takes_s = 0.1
        self.random = 0.5
        self.settings = settings or TaskSettings()
        self.context = self.new_context()

    @property
    def machine(self) -> Machine:
        """The machine of the process that runs now."""
        return self.context.machine

    def new_context(self) -> Context:
        """Return a fresh object graph over the same outside, as a new process would have."""
        tokens, mark = itertools.count(), next(self._contexts)
        machine = build_machine(
            Parts(
                table=Table(self.dynamo, "jobs"),  # type: ignore[arg-type]  # the fake's door
                queues=dict.fromkeys(QueueName, self.queue),
                blobs=self.blobs,
                bus=self.bus,
                clock=self.clock,
                random=lambda: self.random,
                new_token=lambda: f"{mark}-{next(tokens)}",
                new_id=self._next_id if self._repeatable else new_id,
                pool=InlinePool if self._repeatable else ThreadPoolExecutor,
                sleep=lambda _: None,
                log=self.told,
                retention_days=30,
            )
        )
        outside = Outside(
            tasks_table=Table(self.dynamo, "tasks"),  # type: ignore[arg-type]  # the fake's door
            bus=self.bus,
            sender=lambda: ScriptedSender(self._receive),
            master_key=lambda: b"k" * 32,
            notifier=lambda: self.mailer,
        )
        machine.add(*self.kinds)
        return Context(machine, outside, self.settings)

    def _next_id(self, now: datetime) -> str:
        return derived_id(now, str(next(self._ids)))

    def _receive(self, request: OutboundRequest) -> OutboundAnswer:
        self.calls.append(Call(self.clock.now(), request.url, request.body, dict(request.headers)))
        self.clock.advance(seconds=self.call_takes_s)
        return self.receiver(request)

    def create(self, **fields: object) -> TaskView:
        """Create a task of the one owner."""
        given: dict[str, Any] = {"name": "t", "url": URL, "payload": "{}"} | fields
        said = Definition(**given)
        return self.context.tasks.create(OWNER, said)

    def tick(self, context: Context | None = None) -> None:
        """Run the publisher once."""
        deadline = self.clock.now() + timedelta(seconds=47)
        (context or self.context).ticker.run(deadline=deadline)

    def sweep(self) -> None:
        """Run the sweeper once."""
        self.context.sweeper.run(deadline=self.clock.now() + timedelta(seconds=47))

    def invoke(self, function: Callable[[], object]) -> None:
        """Call a function as Lambda would: it may die or fail, and the next call is a new one."""
        try:
            function()
        except (CrashError, ClientError, UnavailableError, TransactionConflictError) as error:
            self.deaths.append(error)
        if isinstance(self.dynamo.faults, FaultPlan):
            self.dynamo.faults.revive()

    def worker(self, context: Context | None = None) -> Worker:
        """Return a listener's worker."""
        machine = (context or self.context).machine
        return Worker(
            engine=machine.engine,
            kinds=machine.kinds,
            clock=self.clock,
            offload=inline,
            sleep=self._sleep,
            carrier=carried,
            heart=self._heart,
            is_paused=machine.queues.is_paused,
            hold=machine.queues.hold,
        )

    async def _sleep(self, seconds: float) -> None:
        self.clock.advance(seconds=seconds)

    async def _heart(self, pulse: EnginePulse) -> None:
        self._pulses[pulse] = self.clock.now()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            del self._pulses[pulse]

    def pass_time(self, until: datetime) -> None:
        """Move the clock on within a handler; every worker's heart beats meanwhile."""
        beat = timedelta(seconds=BEAT_S)
        while self._pulses and min(self._pulses.values()) + beat <= until:
            pulse = min(self._pulses, key=lambda p: self._pulses[p])
            self._pulses[pulse] += beat
            self.clock.set(max(self._pulses[pulse], self.clock.now()))
            with contextlib.suppress(JobLostError):
                pulse.beat()
        self.clock.set(max(until, self.clock.now()))

    def listen(self, limit: int = 10) -> list[Report]:
        """Deliver one batch of what is visible; a crash in it leaves its messages undeleted."""
        batch = self.queue.receive(limit)
        if not batch:
            return []
        deliveries = [Delivery(message_id=str(m.number), body=m.body) for m in batch]
        deadline = self.clock.now() + timedelta(seconds=FUNCTION_TIMEOUT_S)
        reports = asyncio.run(self.worker().run(deliveries, deadline=deadline))
        self.reports += reports
        self.deaths += [r.error for r in reports if r.error is not None]
        done = {r.message_id for r in reports if r.done.acknowledge}
        self.queue.delete([m for m in batch if str(m.number) in done])
        return reports

    def run_until(self, end: datetime) -> None:
        """Let everything happen up to `end`: a tick and a sweep each minute, and all deliveries."""
        minute = self.clock.now().replace(second=0, microsecond=0) + timedelta(minutes=1)
        while True:
            visible = self.queue.next_visible()
            upcoming = min(minute, visible) if visible else minute
            if upcoming > end:
                self.clock.set(max(end, self.clock.now()))
                return
            self.clock.set(max(upcoming, self.clock.now()))
            if upcoming == minute:
                minute += timedelta(minutes=1)
                self.invoke(self.tick)
                self.invoke(self.sweep)
            else:
                self.invoke(self.listen)

    def run_for(self, **span: float) -> None:
        """Let everything happen for a `timedelta(**span)`."""
        self.run_until(self.clock.now() + timedelta(**span))

    def runs(self, task_id: str) -> list[tuple[str, int]]:
        """Return status and attempts of a task's runs, oldest first."""
        views, _ = self.context.jobs.page(RUN_KIND, task_id, start_after=None, limit=100)
        return [(v.status.value, v.attempts) for v in reversed(views)]

    def slots_called(self) -> list[str]:
        """Return what the calls were scheduled for, in the order of the calls."""
        return [c.headers["x-nightshift-scheduled-for"] for c in self.calls]

    def body_of(self, index: int) -> Any:
        """Return the JSON body of a call."""
        return json.loads(self.calls[index].body)
