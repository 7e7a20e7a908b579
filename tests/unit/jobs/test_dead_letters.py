"""Dead-letter queues are emptied into the table; what cannot be kept stays, and is told of."""

from collections.abc import Callable
from typing import Any

import pytest

from nightshift.adapters.queue import SqsSource
from nightshift.jobs.dead import DeadLetter
from nightshift.jobs.entry import EMPTY_POLLS, drain_dead
from nightshift.jobs.errors import DeadLettersLeftError
from nightshift.jobs.model import JobStatus, QueueName
from nightshift.observability import Log
from nightshift.ports.queue import Source
from tests.support.sqs import FakeSQS
from tests.support.work import Chore, Hand, kind_of
from tests.support.world import OWNER, World

VISIBILITY_S = 720


class Lambda:
    """A function with two minutes left, or as many milliseconds as the test says."""

    def __init__(self, left_ms: int = 120_000) -> None:
        self._left_ms = left_ms

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds that are left."""
        return self._left_ms


class Lines(Log):
    """A log that keeps actions and queues."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def warning(self, action: str, **fields: Any) -> None:
        """Keep a line."""
        self.lines.append((action, fields["queue"]))

    failure = warning


class Graves:
    """Three dead-letter queues, and what buries their letters."""

    def __init__(self) -> None:
        self.hand = Hand()
        self.kinds = {
            name: kind_of(self.hand, name=f"test.{name}", queue=name) for name in QueueName
        }
        self.world = World(kinds=list(self.kinds.values()))
        self.sqs = FakeSQS(clock=self.world.clock)
        self.log = Lines()
        self.sources: dict[str, Source] = {
            name: SqsSource(lambda: self.sqs, self._add(name))  # type: ignore[arg-type,return-value]  # the fake's door
            for name in QueueName
        }
        self.bury: Callable[..., DeadLetter | None] = self.world.context.dead_letters.bury

    def _add(self, name: str) -> str:
        return self.sqs.add_queue(f"{name}-dead", visibility_s=VISIBILITY_S)

    def die(self, name: QueueName, count: int = 1) -> list[str]:
        """Enqueue jobs whose messages end among the dead letters; return their ids."""
        jobs = self.world.machine.jobs
        done = [
            jobs.enqueue(self.kinds[name], Chore(), owner_id=OWNER).job_id for _ in range(count)
        ]
        for _, outgoing in self.world.queue.sent[-count:]:
            self.put(name, outgoing.body)
        self.world.queue.messages.clear()
        return done

    def put(self, name: QueueName, body: str) -> None:
        """Put a message among the dead letters."""
        self.sqs.send_message(QueueUrl=f"https://sqs/1/{name}-dead", MessageBody=body)

    def drain(self, context: Lambda | None = None) -> None:
        """Do what the function does."""
        drain_dead(
            context or Lambda(),
            queues=self.sources,
            letters=self,  # type: ignore[arg-type]  # buries, as the test wants it
            clock=self.world.clock,
            log=self.log,
        )

    def left(self) -> int:
        """Return how many messages there are."""
        return sum(len(self.sqs.bodies(f"{name}-dead")) for name in QueueName)

    def kept(self) -> set[str]:
        """Return the ids of the letters that the owner can see."""
        letters, _ = self.world.context.dead_letters.page(OWNER, start_after=None, limit=100)
        return {letter.id for letter in letters}


def test_the_letters_of_every_queue_are_kept_and_their_jobs_ended() -> None:
    """More than one portion of each, all in one look, each told of with its queue."""
    graves = Graves()
    dead = {job_id for name in QueueName for job_id in graves.die(name, 12)}
    graves.drain()
    assert dead == graves.kept()
    assert graves.left() == 0
    views = [graves.world.machine.jobs.view(OWNER, job_id) for job_id in dead]
    assert {(JobStatus.FAILED, "dead_letter")} == {(view.status, view.reason) for view in views}
    told = {("dead_letter.buried", name.value) for name in QueueName}
    assert told == set(graves.log.lines)
    assert len(dead) == len(graves.log.lines)


def test_what_nobody_can_read_is_kept_too() -> None:
    """It is no message of ours, and goes for good."""
    graves = Graves()
    graves.put(QueueName.LOW, "this is no message of ours")
    graves.drain()
    assert [("dead_letter.buried", "low")] == graves.log.lines
    assert graves.left() == 0


def test_a_letter_that_cannot_be_kept_spoils_no_other_and_is_told_of() -> None:
    """The look fails at its end; the letter comes back, and is kept when the cause is gone."""
    graves = Graves()
    bad, *_ = graves.die(QueueName.CRITICAL)
    good = graves.die(QueueName.CRITICAL) + graves.die(QueueName.LOW)
    bury = graves.bury

    def broken(body: str, *, queue: str = "") -> DeadLetter | None:
        if bad in body:
            raise ConnectionError("the table is away")
        return bury(body, queue=queue)

    graves.bury = broken
    with pytest.raises(DeadLettersLeftError, match="1 dead letters"):
        graves.drain()
    assert set(good) == graves.kept()
    assert 1 == graves.left()
    assert ("dead_letter.failed", "critical") in graves.log.lines

    graves.bury = bury
    graves.world.clock.advance(seconds=VISIBILITY_S)
    graves.drain()
    assert {bad, *good} == graves.kept()
    assert graves.left() == 0


def test_a_crash_between_keeping_and_deleting_keeps_the_letter_once() -> None:
    """The message comes back and finds its job ended."""
    graves = Graves()
    (job_id,) = graves.die(QueueName.DEFAULT)
    (body,) = graves.sqs.bodies("default-dead")
    assert graves.bury(body) is not None
    graves.drain()
    assert {job_id} == graves.kept()
    assert graves.left() == 0


def test_a_job_that_went_on_by_itself_is_no_dead_letter() -> None:
    """The sweeper had sent another message, and the job was done."""
    graves = Graves()
    graves.die(QueueName.DEFAULT)
    graves.world.run_for(minutes=4)
    assert 1 == graves.hand.done.total()
    graves.drain()
    assert set() == graves.kept()
    assert graves.left() == 0


def test_nothing_is_begun_when_time_is_over() -> None:
    """What is left stays for the next look."""
    graves = Graves()
    graves.die(QueueName.LOW)
    graves.drain(Lambda(left_ms=7_000))
    assert 1 == graves.left()


def test_empty_queues_cost_a_few_requests() -> None:
    """Which is what the idle budget counts."""
    graves = Graves()
    graves.drain()
    assert EMPTY_POLLS * len(QueueName) == len(graves.sqs.meter.calls)
