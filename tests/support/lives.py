"""A stack in virtual time over real AWS clients: each step is a process of its own, and may die.

What a scenario does goes through botocore and may go wrong there; what follows, `recover`, is done
by healthy processes over the same tables and queues.
"""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from nightshift.adapters.blobs import S3Blobs
from nightshift.adapters.bus import EventBridgeBus
from nightshift.adapters.queue import SqsQueue, SqsSource
from nightshift.aws.dynamo import Table, TransactionConflictError
from nightshift.core.clock import ManualClock
from nightshift.core.errors import NightshiftError
from nightshift.jobs.entry import drain_dead
from nightshift.jobs.errors import DeadLettersLeftError
from nightshift.jobs.kinds import JobKind
from nightshift.jobs.model import QueueName
from nightshift.jobs.wiring import Machine, Parts, build_machine
from nightshift.jobs.worker import Delivery, Worker
from nightshift.observability import make_log
from nightshift.outbound.fakes import ScriptedSender, answer
from nightshift.ports.sender import OutboundAnswer, OutboundRequest
from nightshift.tasks.settings import TaskSettings
from nightshift.tasks.wiring import Context, Outside
from tests.support.dynamo import FakeDynamoDB
from tests.support.endpoint import Endpoint, client, standing
from tests.support.faults import CrashError, FaultPlan
from tests.support.sqs import FakeSQS
from tests.support.world import START, carried, has_been_running, inline

VISIBILITY_S = 900
MAX_RECEIVES = 5
FUNCTION_S = 150
BUCKET = "payloads"
TABLES = ("jobs", "tasks")
EXPECTED = (
    CrashError,
    ClientError,
    BotoCoreError,
    NightshiftError,
    TransactionConflictError,
    DeadLettersLeftError,
)
"""What a process may end with when something goes wrong around it."""

T = TypeVar("T")
_LOG = make_log(service="lives", stream=StringIO())


class Objects:
    """The bucket, behind botocore and, by the same methods, without it."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def put_object(self, *, Key: str, Body: bytes, **_: object) -> dict[str, Any]:  # noqa: N803 - AWS's names
        """Answer as PutObject."""
        self.kept[Key.removeprefix(f"{BUCKET}/")] = Body
        return {"ETag": "e"}

    def get_object(self, *, Key: str, **_: object) -> dict[str, Any]:  # noqa: N803 - AWS's names
        """Answer as GetObject."""
        return {"Body": self.kept[Key.removeprefix(f"{BUCKET}/")]}


class Events:
    """The bus: how often each event came, by type, subject and id."""

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, str, str]] = Counter()

    def put_events(self, *, Entries: Sequence[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - AWS's names
        """Answer as PutEvents."""
        said = [json.loads(entry["Detail"]) for entry in Entries]
        self.seen.update((one["type"], one["subject"], one["id"]) for one in said)
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "e"} for _ in Entries]}


class _Direct:
    """The bucket's client without botocore: its bodies are to be read, as S3's are."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self.put_object = objects.put_object

    def get_object(self, **request: Any) -> dict[str, Any]:
        """Answer as GetObject."""
        data = self._objects.get_object(**request)["Body"]
        return {"Body": type("Body", (), {"read": lambda _: data})()}


class Life:
    """One stack. `plan` breaks calls; `kinds` are what its processes know."""

    def __init__(self, plan: FaultPlan) -> None:
        self.plan = plan
        self.clock = ManualClock(START)
        self.dynamo = FakeDynamoDB(TABLES, clock=self.clock, strict=False, keep_calls=False)
        self.sqs = FakeSQS(self.clock, strict=False, keep_calls=False)
        for name in QueueName:
            self.sqs.add_queue(f"{name}-dead", visibility_s=30)
            self.sqs.add_queue(
                name,
                visibility_s=VISIBILITY_S,
                max_receive_count=MAX_RECEIVES,
                dead_letters=f"{name}-dead",
            )
        has_been_running(self.dynamo, self.clock)
        self.objects = Objects()
        self.events = Events()
        self.kinds: list[JobKind[Any]] = []
        self.deaths: list[BaseException] = []
        self.receiver: Callable[[OutboundRequest], OutboundAnswer] = lambda _: answer(200)
        self.calls: list[OutboundRequest] = []
        self._tokens = itertools.count(1)
        self._endpoint = Endpoint(
            {
                "dynamodb": self._by_method(self.dynamo),
                "sqs": self._by_method(self.sqs),
                "events": self._by_method(self.events),
                "s3": self._by_method(self.objects),
            },
            hook=plan,
        )

    @staticmethod
    def _by_method(fake: object) -> Callable[[str, dict[str, Any]], dict[str, Any]]:
        def call(operation: str, request: dict[str, Any]) -> dict[str, Any]:
            name = "".join(f"_{c.lower()}" if c.isupper() else c for c in operation).lstrip("_")
            found: dict[str, Any] = getattr(fake, name)(**request)
            return found

        return call

    def process(self, *, wired: bool) -> Context:
        """Return the objects of a new process; `wired` puts botocore between it and the fakes."""
        dynamo: Any = client("dynamodb") if wired else self.dynamo
        sqs: Any = client("sqs") if wired else self.sqs
        events: Any = client("events") if wired else self.events
        s3: Any = client("s3") if wired else _Direct(self.objects)
        machine = build_machine(
            Parts(
                table=Table(dynamo, "jobs"),
                queues={name: SqsQueue(lambda: sqs, _url(name)) for name in QueueName},
                blobs=S3Blobs(lambda: s3, BUCKET),
                bus=EventBridgeBus(lambda: events, "bus", self.clock),
                clock=self.clock,
                random=lambda: 0.5,
                new_token=lambda: f"t{next(self._tokens):06d}",
                sleep=lambda _: None,
            )
        )
        machine.add(*self.kinds)
        outside = Outside(
            tasks_table=Table(dynamo, "tasks"),
            bus=machine.parts.bus,
            sender=lambda: ScriptedSender(self._receive),
            master_key=lambda: b"k" * 32,
        )
        return Context(machine, outside, TaskSettings())

    def _receive(self, request: OutboundRequest) -> OutboundAnswer:
        self.calls.append(request)
        return self.receiver(request)

    def step(
        self, act: Callable[[Context], T], *, wired: bool = True, nested: bool = False
    ) -> T | None:
        """Run `act` in a process; return what it returned, None if it died or failed.

        A `nested` one runs while another process is at work.
        """
        if nested:
            return _elsewhere(lambda: self.step(act, wired=wired))
        try:
            if not wired:
                return act(self.process(wired=False))
            with standing(self._endpoint):
                return act(self.process(wired=True))
        except EXPECTED as error:
            self.deaths.append(error)
            return None
        finally:
            if wired:
                self.plan.revive()

    def ask(self, act: Callable[[Machine], T]) -> T | None:
        """Ask something of the stack as a patient client does: again, if there was no answer."""
        for _ in range(3):
            came = self.step(lambda context: act(context.machine))
            if came is not None:
                return came
        return None

    def listen(
        self,
        queue: QueueName = QueueName.DEFAULT,
        *,
        wired: bool = True,
        nested: bool = False,
        batch: int = 10,
    ) -> bool:
        """Deliver one batch, if there is one; a worker that dies acknowledges nothing."""
        if nested:
            return bool(_elsewhere(lambda: self.listen(queue, wired=wired, batch=batch)))
        event = self.sqs.deliver(queue, batch)
        if event is None:
            return False
        response = self.step(lambda context: self._work(context, event), wired=wired)
        self.sqs.settle(event, response if response is not None else RuntimeError())
        return True

    def _work(self, context: Context, event: Any) -> dict[str, Any]:
        machine = context.machine
        worker = Worker(
            engine=machine.engine,
            kinds=machine.kinds,
            clock=self.clock,
            offload=inline,
            sleep=self._sleep,
            carrier=carried,
            is_paused=machine.queues.is_paused,
        )
        deliveries = [Delivery(message_id=r["messageId"], body=r["body"]) for r in event["Records"]]
        deadline = self.clock.now() + timedelta(seconds=FUNCTION_S)
        reports = asyncio.run(worker.run(deliveries, deadline=deadline))
        for report in reports:
            if isinstance(report.error, CrashError):
                raise report.error
        failed = [r.message_id for r in reports if not r.done.acknowledge]
        return {"batchItemFailures": [{"itemIdentifier": mid} for mid in failed]}

    async def _sleep(self, seconds: float) -> None:
        self.clock.advance(seconds=seconds)

    def sweep(self, *, wired: bool = True) -> None:
        """Run the sweeper once."""
        deadline = self.clock.now() + timedelta(seconds=47)
        self.step(lambda context: context.sweeper.run(deadline=deadline), wired=wired)

    def tick(self, *, wired: bool = True) -> None:
        """Run the publisher once."""
        deadline = self.clock.now() + timedelta(seconds=47)
        self.step(lambda context: context.ticker.run(deadline=deadline), wired=wired)

    def bury(self, queue: QueueName = QueueName.DEFAULT, *, wired: bool = True) -> None:
        """Run the keeper of dead letters once."""

        def act(context: Context) -> None:
            letters = context.machine.dead_letters()
            sqs: Any = client("sqs") if wired else self.sqs
            source = SqsSource(lambda: sqs, _url(f"{queue}-dead"))
            drain_dead(
                _Plenty(), queues={"dead": source}, letters=letters, clock=self.clock, log=_LOG
            )

        self.step(act, wired=wired)

    def meanwhile(self, seconds: float = 95.0) -> None:
        """Let time pass in which healthy processes do what is to be done."""

        def others() -> None:
            self.clock.advance(seconds=seconds)
            self.minute(ticks=False)

        _elsewhere(others)

    def minute(self, *, ticks: bool) -> None:
        """Do what a minute brings: deliveries, dead letters, a sweep, perhaps a tick."""
        if ticks:
            self.tick(wired=False)
        self.sweep(wired=False)
        for name in QueueName:
            while self.listen(name, wired=False):
                pass
            if self.sqs.bodies(f"{name}-dead"):
                self.bury(name, wired=False)

    def recover(self, *, minutes: int = 60, ticks: bool = False) -> None:
        """Let healthy processes go on until nothing is left to do, for `minutes` at most."""
        for _ in range(minutes):
            self.minute(ticks=ticks)
            if self._is_done():
                return
            self.clock.advance(seconds=60)

    def _is_done(self) -> bool:
        if any(self.sqs.bodies(name) for name in QueueName):
            return False
        claims = [i for i in self.dynamo.items("jobs") if str(i["pk"]).startswith("CLAIM#")]
        latest = max((int(str(i["pk"]).removeprefix("CLAIM#")) for i in claims), default=0)
        return latest < self.clock.now().timestamp() // 60 - 2


class _Plenty:
    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def _url(name: str) -> str:
    return f"https://sqs.us-east-1.amazonaws.com/123456789012/{name}"


def _elsewhere(act: Callable[[], T]) -> T:
    """Run `act` in another thread, and wait for it: an event loop is at work in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(act).result()
