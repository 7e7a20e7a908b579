"""A batch answers exactly what failed: every subset of ten, and what a deadline leaves undone."""

import asyncio
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from nightshift.core.clock import ManualClock
from nightshift.jobs.batch import run_batch
from nightshift.jobs.codec import encode
from nightshift.jobs.engine import Claimed, Done
from nightshift.jobs.entry import failures
from nightshift.jobs.lifecycle import Lifecycle
from nightshift.jobs.model import (
    JobId,
    JobRef,
    Message,
    Plan,
    Pulse,
    QueueName,
    Record,
    Result,
    Seat,
    Token,
)
from nightshift.jobs.worker import Delivery, Worker
from nightshift.observability import Log
from tests.support.work import Chore, Hand, kind_of
from tests.support.world import OWNER, START, World

SIZE = 10
IDS = [f"m{n}" for n in range(SIZE)]


def _body(number: int) -> str:
    ref = JobRef(
        kind="k", subject=str(number), job_id=JobId(f"j{number}"), owner_id=OWNER, due_ms=0
    )
    return encode(Message.first(ref))


class Kind:
    """A kind whose work is whatever the test says."""

    name = "k"

    def __init__(self, work: Callable[[], Any], timeout_s: float = 5.0) -> None:
        self._work = work
        self._timeout_s = timeout_s

    def plan(self, refs: Sequence[JobRef]) -> dict[JobRef, Plan]:
        """Return the same plan for all."""
        return dict.fromkeys(refs, Plan(timeout_s=self._timeout_s))

    def arm(self, plan: Plan) -> Plan:
        """Need nothing more."""
        return plan

    async def perform(self, ref: JobRef, plan: Plan, attempt: int, pulse: Pulse) -> Result:
        """Do the test's work."""
        done: Result = await self._work()
        return done

    def settle(self, record: Record) -> None:
        """Nothing follows."""


class Table:
    """The engine's steps over a table that breaks for some subjects, before or after the work."""

    def __init__(self, broken: set[str], *, in_finish: bool = False) -> None:
        self._broken = broken
        self._in_finish = in_finish

    def prepare(self, message: Message, plan: Plan) -> Claimed | Done:
        """Claim, unless the table is broken."""
        if message.ref.subject in self._broken and not self._in_finish:
            raise ConnectionError("the table is away")
        seat = Seat(ref=message.ref, attempt=1, token=Token("t"), lease_ms=0, started_ms=0)
        return Claimed(seat=seat, record=None)

    def finish(self, claimed: Claimed, plan: Plan, result: Result) -> Done:
        """Close, unless the table is broken."""
        if claimed.seat.ref.subject in self._broken:
            raise ConnectionError("the table is away")
        return Done(what="closed", ref=claimed.seat.ref)


async def _inline(function: Callable[[], Any]) -> Any:
    return function()


async def _at_once() -> Result:
    return Result(succeeded=True)


def _answer(table: Table, deliveries: list[Delivery], work: Callable[[], Any] = _at_once) -> Any:
    clock = ManualClock(START)
    kinds: Any = {"k": Kind(work)}
    worker = Worker(engine=table, kinds=kinds, clock=clock, offload=_inline)  # type: ignore[arg-type]
    deadline = START + timedelta(seconds=30)
    reports = asyncio.run(worker.run(deliveries, deadline=deadline))
    return failures(r.message_id for r in reports if not r.done.acknowledge)


def _subsets() -> Iterator[tuple[int, ...]]:
    for size in range(1, SIZE + 1):
        yield from itertools.combinations(range(SIZE), size)


@pytest.mark.parametrize("in_finish", [False, True], ids=["before the work", "after the work"])
def test_every_subset_of_failures_is_answered_exactly(in_finish: bool) -> None:
    """All 1,023 non-empty subsets of a batch of ten, each in the batch's order."""
    deliveries = [Delivery(message_id=m, body=_body(n)) for n, m in enumerate(IDS)]
    count = 0
    for subset in _subsets():
        table = Table({str(n) for n in subset}, in_finish=in_finish)
        expected = {"batchItemFailures": [{"itemIdentifier": IDS[n]} for n in subset]}
        assert expected == _answer(table, deliveries)
        count += 1
    assert count == 1023


def test_a_good_batch_answers_an_empty_list_and_never_none() -> None:
    """None would mean the same today, and anything else tomorrow."""
    deliveries = [Delivery(message_id=m, body=_body(n)) for n, m in enumerate(IDS)]
    assert {"batchItemFailures": []} == _answer(Table(set()), deliveries)


def test_an_unreadable_message_fails_alone() -> None:
    """It goes to the dead letters in the end; the rest is done."""
    deliveries = [
        Delivery(message_id="good", body=_body(1)),
        Delivery(message_id="bad", body="not ours"),
    ]
    expected = {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    assert expected == _answer(Table(set()), deliveries)


def test_what_hangs_past_the_deadline_is_answered_as_failed() -> None:
    """A batch ends before its function does, and says what it did not do."""
    numbers = itertools.count()

    async def work() -> Result:
        if next(numbers) == 1:
            await asyncio.Event().wait()
        return Result(succeeded=True)

    clock = ManualClock(START)
    kinds: Any = {"k": Kind(work, timeout_s=0.01)}
    worker = Worker(engine=Table(set()), kinds=kinds, clock=clock, offload=_inline)  # type: ignore[arg-type]
    deliveries = [Delivery(message_id=m, body=_body(n)) for n, m in enumerate(IDS)]
    soon = START + timedelta(seconds=3.02)
    reports = asyncio.run(worker.run(deliveries, deadline=soon))
    undone = [(r.message_id, r.done.what) for r in reports if not r.done.acknowledge]
    assert [("m1", "cut_off")] == undone


def test_too_little_time_left_starts_nothing() -> None:
    """A message whose work may not fit any more is left for the next invocation."""
    clock = ManualClock(START)
    kinds: Any = {"k": Kind(_at_once)}
    worker = Worker(engine=Table(set()), kinds=kinds, clock=clock, offload=_inline)  # type: ignore[arg-type]
    deliveries = [Delivery(message_id="m", body=_body(0))]
    soon = START + timedelta(seconds=7)
    (report,) = asyncio.run(worker.run(deliveries, deadline=soon))
    assert ("no_time_left", False) == (report.done.what, report.done.acknowledge)


class Lambda:
    """A function with a minute left."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds that are left."""
        return 60_000


class Lines(Log):
    """A log that keeps the lines of batches."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, list[str]]] = []

    def batch(self, action: str, items: Sequence[str]) -> None:
        """Keep a line."""
        self.lines.append((action, list(items)))


def test_the_handler_tells_of_a_batch_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """One log line for the runs and one of metrics, whatever the size of the batch."""
    log = Lines()
    event = {"Records": [{"messageId": m, "body": _body(n)} for n, m in enumerate(IDS)]}
    lifecycle = Lifecycle(None)
    lifecycle.tell_in_batches("k")
    machine: Any = SimpleNamespace(
        engine=Table(set()),
        kinds={"k": Kind(_at_once)},
        parts=SimpleNamespace(clock=ManualClock(START)),
        lifecycle=lifecycle,
        queues=SimpleNamespace(is_paused=lambda _: False, hold=lambda _: None),
    )
    answer = run_batch(event, Lambda(), machine=machine, log=log)
    assert {"batchItemFailures": []} == answer
    ((action, items),) = log.lines
    assert ("jobs.done", SIZE) == (action, len(items))
    printed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert "RunLatenessMs" in json.loads(printed[-1])


@pytest.mark.parametrize("paused", [True, False])
def test_the_handler_leaves_a_paused_queue_alone(*, paused: bool) -> None:
    """Its messages are done with, nothing begins, and another queue goes on."""
    hand = Hand()
    kind = kind_of(hand, queue=QueueName.LOW, timeout_s=5.0)
    world = World(kinds=[kind])
    world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER)
    if paused:
        world.machine.queues.pause(QueueName.LOW, by=OWNER)
    world.machine.queues.pause(QueueName.DEFAULT, by=OWNER)
    bodies = [outgoing.body for _, outgoing in world.queue.sent]
    event = {"Records": [{"messageId": f"m{n}", "body": body} for n, body in enumerate(bodies)]}
    log = Lines()
    answer = run_batch(event, Lambda(), machine=world.machine, log=log)
    assert {"batchItemFailures": []} == answer
    assert (0 if paused else 1) == hand.done.total()
    ((_, (line,)),) = log.lines
    assert paused == ("queue_paused" in line)
