"""The engine doing nothing, over botocore: `enqueue HOW N` prints CPU seconds, `work` works.

`work` reads Lambda events line by line and answers each with the handler's answer on a line. With
`alone` the AWS services are fakes in the process, and the CPU seconds that their calls take are
left out: what remains is the engine's own. It prints those of N jobs' enqueueing and of their work.
"""

import contextlib
import io
import json
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from nightshift.adapters.blobs import MemoryBlobs
from nightshift.adapters.bus import EventBridgeBus
from nightshift.adapters.queue import SqsQueue
from nightshift.aws import clients
from nightshift.aws.dynamo import Table
from nightshift.core.clock import Clock, SystemClock
from nightshift.jobs.batch import run_batch
from nightshift.jobs.model import QueueName
from nightshift.jobs.wiring import Machine, Parts, build_machine
from nightshift.observability import get_log
from tests.load.rivals.aws_stand_in import QUEUE, TABLE, StandIn
from tests.load.rivals.noop import KINDS, OWNER, Noop

WARM: Final = 20
BULK: Final = 100
"""How many jobs one call of `enqueue_many` gets."""

Enqueue = Callable[[Machine, Sequence[Noop]], None]


class Context:
    """Lambda's context, with time enough."""

    def get_remaining_time_in_millis(self) -> int:
        """Return a quarter of an hour."""
        return 900_000


class Apart:
    """A client whose calls' CPU seconds are counted apart, over all threads."""

    def __init__(self, service: object) -> None:
        self._service = service
        self._lock = threading.Lock()
        self.spent_s = 0.0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return the operation of this name."""
        operation = getattr(self._service, name)

        def call(**request: Any) -> Any:
            started = time.thread_time()
            try:
                return operation(**request)
            finally:
                with self._lock:
                    self.spent_s += time.thread_time() - started

        return call


def machine_over(
    dynamodb: Any, sqs: Callable[[], Any], events: Callable[[], Any], clock: Clock
) -> Machine:
    """Return the engine over these clients, with the kinds that do nothing."""
    machine = build_machine(
        Parts(
            table=Table(dynamodb, TABLE),
            queues=dict.fromkeys(QueueName, SqsQueue(sqs, f"http://127.0.0.1/1/{QUEUE}")),
            blobs=MemoryBlobs(),
            bus=EventBridgeBus(events, "bus", clock),
            clock=clock,
            random=lambda: 0.5,
            new_token=lambda: uuid.uuid4().hex,
            sleep=time.sleep,
        )
    )
    machine.add(*KINDS.values())
    return machine


def one_by_one(name: str) -> Enqueue:
    """Return the way to enqueue jobs of a kind one by one."""

    def enqueue(machine: Machine, payloads: Sequence[Noop]) -> None:
        for payload in payloads:
            machine.jobs.enqueue(KINDS[name], payload, owner_id=OWNER)

    return enqueue


def in_bulk(machine: Machine, payloads: Sequence[Noop]) -> None:
    """Enqueue plain jobs by the hundred."""
    for start in range(0, len(payloads), BULK):
        portion = payloads[start : start + BULK]
        machine.jobs.enqueue_many(KINDS["plain"], portion, owner_id=OWNER)


WAYS: Final[dict[str, Enqueue]] = {
    **{name: one_by_one(name) for name in KINDS},
    "many": in_bulk,
}


def payloads_of(numbers: Iterable[int]) -> list[Noop]:
    """Return a payload for each number."""
    return [Noop(number=number) for number in numbers]


def batch(machine: Machine, event: dict[str, Any]) -> dict[str, Any]:
    """Answer one event, as the function that works does; its log lines go nowhere."""
    with contextlib.redirect_stdout(io.StringIO()):
        return run_batch(event, Context(), machine=machine, log=get_log())


def over_botocore() -> Machine:
    """Return the engine over botocore's clients."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    os.environ |= {"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": os.environ["BENCH_URL"]}
    return machine_over(clients.dynamodb(), clients.sqs, clients.events, SystemClock())


def enqueue(how: str, count: int) -> None:
    """Print the CPU seconds of enqueueing."""
    machine = over_botocore()
    WAYS[how](machine, payloads_of(range(-WARM, 0)))
    payloads = payloads_of(range(count))
    started = time.process_time()
    WAYS[how](machine, payloads)
    print(time.process_time() - started)


def work() -> None:
    """Answer events until there are no more."""
    machine = over_botocore()
    for line in sys.stdin:
        print(json.dumps(batch(machine, json.loads(line))), flush=True)


def alone(how: str, count: int) -> None:
    """Print the CPU seconds of enqueueing and of working, without what the services' calls take."""
    stand_in = StandIn()
    dynamo, sqs, events = (Apart(s) for s in (stand_in.dynamo, stand_in.sqs, stand_in.events))
    machine = machine_over(dynamo, lambda: sqs, lambda: events, SystemClock())
    apart = [dynamo, sqs, events]
    spent: list[float] = []
    for numbers in (range(-WARM, 0), range(count)):
        payloads = payloads_of(numbers)
        before = _own(apart)
        WAYS[how](machine, payloads)
        enqueued, worked = _own(apart) - before, 0.0
        while event := stand_in.sqs.deliver(QUEUE):
            before = _own(apart)
            answer = batch(machine, event)
            worked += _own(apart) - before
            stand_in.sqs.settle(event, answer)
        spent = [enqueued, worked]
    print(*spent)


def _own(apart: list[Apart]) -> float:
    return time.process_time() - sum(client.spent_s for client in apart)


def main() -> None:
    """Enqueue, work, or both alone, as the command line says."""
    match sys.argv[1:]:
        case ["enqueue", how, count]:
            enqueue(how, int(count))
        case ["alone", how, count]:
            alone(how, int(count))
        case _:
            work()


if __name__ == "__main__":
    main()
