"""The product's own parts over a running stack's tables and queue, with a clock that is behind.

With it a test makes things that happened some minutes ago (a run started then, a task that the
publisher should have seen meanwhile) in place of waiting those minutes.
"""

import contextlib
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from nightshift.adapters.blobs import MemoryBlobs
from nightshift.adapters.bus import MemoryBus
from nightshift.adapters.queue import SqsQueue
from nightshift.aws.dynamo import Table
from nightshift.core.clock import to_ms
from nightshift.jobs import keys
from nightshift.jobs.agenda import CHECK_AFTER_MS, Progress, minute_of
from nightshift.jobs.codec import encode
from nightshift.jobs.errors import SupersededError
from nightshift.jobs.model import Message, QueueName
from nightshift.jobs.wiring import Parts, build_machine
from nightshift.outbound.fakes import ScriptedSender, answer
from nightshift.ports.queue import Depth, Outgoing, Queue
from nightshift.tasks.settings import TaskSettings
from nightshift.tasks.wiring import Context, Outside
from tests.integration.stack.harness import Stack
from tests.integration.tasks.receiver import wait_until

SCHEDULED = ("publisher", "sweeper", "dead-letters")
_SCHEDULE_FIELDS = (
    "Name",
    "GroupName",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "FlexibleTimeWindow",
    "Target",
)


class ClockBehind:
    """The system's clock, some seconds behind."""

    def __init__(self, behind_s: float) -> None:
        self._behind = timedelta(seconds=behind_s)

    def now(self) -> datetime:
        """Return the time that it was `behind_s` seconds ago."""
        return datetime.now(UTC) - self._behind


class DroppingQueue:
    """A queue that loses everything: whoever sent died just before."""

    def send(self, messages: Sequence[Outgoing]) -> None:
        """Send nothing."""

    def depth(self) -> Depth:
        """Return that nothing waits."""
        return Depth(visible=0)


class Backstage:
    """One stack's tables and queue by the product's own code, and its functions by hand."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._outputs = stack.outputs()
        self._dynamo = stack.client("dynamodb")
        self._sqs = stack.client("sqs")
        self._lambda = stack.client("lambda")

    def queue(self) -> SqsQueue:
        """Return the queue of runs."""
        return SqsQueue(lambda: self._sqs, self._outputs["CriticalQueueUrl"])

    def context(self, *, behind_s: float = 0, queue: Queue | None = None) -> Context:
        """Return the tasks context as it was `behind_s` seconds ago, over `queue`."""
        machine = build_machine(
            Parts(
                table=Table(self._dynamo, self._outputs["JobsTable"]),
                queues=dict.fromkeys(QueueName, queue or self.queue()),
                blobs=MemoryBlobs(),
                bus=MemoryBus(),
                clock=ClockBehind(behind_s),
                random=lambda: 0.5,
                new_token=lambda: uuid.uuid4().hex,
                sleep=lambda _: None,
                retention_days=30,
            )
        )
        outside = Outside(
            tasks_table=Table(self._dynamo, self._outputs["TasksTable"]),
            bus=MemoryBus(),
            sender=lambda: ScriptedSender(lambda _: answer(200)),
            master_key=lambda: b"",
        )
        return Context(machine, outside, TaskSettings(allow_loopback=True))

    def set_back(self, cursor: str, minute: int) -> None:
        """Make the publisher (`keys.TICK`) or the sweeper go on after `minute`."""
        agenda, token = self.context().machine.agenda, uuid.uuid4().hex

        def moved() -> bool:
            with contextlib.suppress(SupersededError):
                agenda.acquire(cursor, token, lease_ms=5_000)
                agenda.advance(cursor, token, Progress(minute=minute, parts={}), release=True)
                return True
            return False

        wait_until(moved, f"the cursor {cursor} to be free", 70)

    def claimed(self, task_id: str, due: datetime) -> Message | None:
        """Return the message of a task's run that is due then, None while it is not claimed."""
        check = minute(due + timedelta(milliseconds=CHECK_AFTER_MS))
        filed = self.context().machine.agenda.manifests(check)
        messages = (m for f in filed if f.manifest is not None for m in f.manifest.messages)
        return next((m for m in messages if m.ref.subject == task_id), None)

    def invoke(self, function: str, event: object = None) -> dict[str, Any]:
        """Run a function such as `sweeper` once and return what it answered."""
        reply = self._lambda.invoke(
            FunctionName=f"nightshift-local-{function}", Payload=json.dumps(event or {}).encode()
        )
        document: dict[str, Any] = json.loads(reply["Payload"].read() or b"null") or {}
        return document

    def sweep(self) -> None:
        """Let the sweeper look at every claim of the last ten minutes."""
        self.set_back(keys.SWEEP, minute_of(to_ms(datetime.now(UTC))) - 10)
        answered = self.invoke("sweeper")
        assert "errorType" not in answered, answered

    def deliver_at_once(self, message: Message, times: int) -> None:
        """Invoke as many listeners at once, each with a batch of this one message."""

        def deliver(number: int) -> dict[str, Any]:
            return self.invoke(
                "listener", {"Records": [{"messageId": f"m{number}", "body": encode(message)}]}
            )

        with ThreadPoolExecutor(times) as pool:
            answers = list(pool.map(deliver, range(times)))
        assert [{"batchItemFailures": []}] * times == answers

    @contextlib.contextmanager
    def schedules_stopped(self) -> Iterator[None]:
        """Keep the scheduler from invoking the publisher and the sweeper."""
        self._set_schedules("DISABLED")
        try:
            yield
        finally:
            self._set_schedules("ENABLED")

    def _set_schedules(self, state: str) -> None:
        scheduler = self._stack.client("scheduler")
        for function in SCHEDULED:
            found = scheduler.get_schedule(Name=f"nightshift-local-{function}")
            kept = {name: found[name] for name in _SCHEDULE_FIELDS if name in found}
            scheduler.update_schedule(**kept, State=state)


def minute(moment: datetime) -> int:
    """Return the minute of the agenda that a time falls into."""
    return minute_of(to_ms(moment))


def until_fraction(now: Callable[[], float], fraction: float) -> float:
    """Return the seconds from `now()` until a second is next `fraction` old."""
    return (fraction - now() % 1) % 1
