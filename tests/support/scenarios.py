"""What a job's life may hold, step by step; the crash matrix breaks each call of each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from nightshift.aws.dynamo import Put
from nightshift.jobs.enqueue import Enqueued
from nightshift.jobs.gates import Gate
from nightshift.jobs.kinds import (
    Completed,
    Failed,
    Job,
    JobKind,
    Outcome,
    Snooze,
    Unique,
    UniqueMode,
)
from nightshift.jobs.model import JobStatus, QueueName
from nightshift.jobs.retry import RetryPolicy
from nightshift.outbound.fakes import answer
from nightshift.tasks.model import Definition
from tests.support.faults import CrashError
from tests.support.lives import Life
from tests.support.work import Chore, Hand, kind_of
from tests.support.world import OWNER, URL

DONE = frozenset({JobStatus.COMPLETED})
ANY_END = frozenset({JobStatus.COMPLETED, JobStatus.CANCELLED, JobStatus.FAILED})
RETRY = RetryPolicy(delay_s=10, jitter=False)
LARGE = "x" * 6_000


@dataclass(frozen=True, kw_only=True)
class Story:
    """A scenario on one stack, and what must hold of it.

    `jobs` are the ids that were answered, by a name of the scenario's own; `ends` says how each may
    end, where not completed. `effects` is how often the work of each may be begun with no faults.
    """

    life: Life
    hand: Hand = field(default_factory=Hand)
    jobs: dict[str, str] = field(default_factory=dict)
    ends: dict[str, frozenset[JobStatus]] = field(default_factory=dict)
    effects: dict[str, int] = field(default_factory=dict)

    def knows(
        self, act: Callable[[Job[Chore]], Outcome] | None = None, **said: Any
    ) -> JobKind[Chore]:
        """Give the stack a kind of chores, done as `act` says."""
        if act is not None:
            self.hand.act = act
        kind = kind_of(self.hand, retry=RETRY, timeout_s=10, **said)
        self.life.kinds = [kind]
        return kind

    def put(self, kind: JobKind[Chore], name: str = "a", **how: Any) -> None:
        """Enqueue a chore as a patient client does."""
        named = how.pop("named", True)
        chore = Chore(name=name, ballast=how.pop("ballast", ""))
        if named:
            how["job_id"] = f"job-{name}"
        came: Enqueued | None = self.life.ask(
            lambda machine: machine.jobs.enqueue(kind, chore, owner_id=OWNER, **how)
        )
        if came is not None:
            self.jobs[name] = came.job_id

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.life.clock.advance(seconds=seconds)


def plain(story: Story) -> None:
    """Enqueue, run."""
    story.put(story.knows())
    story.life.listen()


def unique(story: Story) -> None:
    """Two requests for one key, then the job, then a third request."""
    kind = story.knows(unique=Unique(key=lambda p: p.subject))
    for name in ("first", "second"):
        story.put(kind, name, named=False)
    story.life.listen()
    story.put(kind, "third", named=False)
    story.life.listen()


def replaced(story: Story) -> None:
    """The newest of two wins."""
    kind = story.knows(unique=Unique(key=lambda p: p.subject, mode=UniqueMode.REPLACE))
    story.put(kind, "old")
    story.put(kind, "new")
    story.ends["old"] = ANY_END
    story.life.listen()


def retried(story: Story) -> None:
    """The first attempt fails, the second does not."""
    kind = story.knows(lambda job: Failed(error="no") if job.attempt == 1 else None)
    story.effects["a"] = 2
    story.put(kind)
    story.life.listen()
    story.pass_s(11)
    story.life.listen()


def snoozed(story: Story) -> None:
    """The first attempt wants to go on later; no retry is allowed beside what faults cost."""
    kind = story.knows(lambda job: Snooze(delay_s=10) if job.attempt == 1 else None)
    story.effects["a"] = 2
    story.put(kind)
    story.life.listen()
    story.pass_s(11)
    story.life.listen()


def subject(story: Story) -> None:
    """Two jobs of one subject: the second waits in its line and is woken."""
    kind = story.knows(_second_meets_first(story), subject=lambda p: p.subject)
    for name in ("a", "b"):
        story.put(kind, name)
    _listen_one_by_one(story)


def gated(story: Story) -> None:
    """Two jobs at a gate for one: the second waits there and is woken."""
    kind = story.knows(_second_meets_first(story), flow=lambda _: Gate(key="g", parallelism=1))
    for name in ("a", "b"):
        story.put(kind, name)
    _listen_one_by_one(story)


def paced(story: Story) -> None:
    """Two jobs at a gate that lets one start in ten seconds."""
    kind = story.knows(flow=lambda _: Gate(key="g", rate=1, period_s=10))
    for name in ("a", "b"):
        story.put(kind, name)
    story.life.listen()
    story.pass_s(11)
    story.life.listen()


def large(story: Story) -> None:
    """Payload and result lie in the bucket."""
    kind = story.knows(lambda job: Completed(result={"text": job.payload.ballast}))
    story.put(kind, ballast=LARGE)
    story.life.listen()


def business(story: Story) -> None:
    """A write of the caller's own comes with the job."""
    kind = story.knows()
    story.put(kind, writes=[Put(table="tasks", item={"pk": "BOOK#1", "sk": "B"})])
    story.life.listen()


def bulk(story: Story) -> None:
    """Three jobs at once."""
    kind = story.knows()
    chores = [Chore(name=name) for name in "abc"]
    came = story.life.step(
        lambda context: context.machine.jobs.enqueue_many(kind, chores, owner_id=OWNER)
    )
    for name, one in zip("abc", came or (), strict=False):
        if isinstance(one, Enqueued):
            story.jobs[name] = one.job_id
    story.life.listen()


def cancelled(story: Story) -> None:
    """The owner cancels while the work runs."""

    def act(job: Job[Chore]) -> None:
        story.life.step(
            lambda context: context.machine.jobs.owned.cancel(OWNER, job.id), nested=True
        )

    kind = story.knows(act)
    story.ends["a"] = ANY_END
    story.put(kind)
    story.life.listen()


def cancelled_before(story: Story) -> None:
    """The owner cancels before the work begins."""
    kind = story.knows()
    story.ends["a"] = ANY_END
    story.put(kind)
    story.life.step(lambda c: c.machine.jobs.owned.cancel(OWNER, "job-a"))
    story.life.listen()


def tried_again(story: Story) -> None:
    """A job that failed for good is tried again by hand."""
    kind = story.knows(lambda _: Failed(error="no", retryable=False))
    story.put(kind)
    story.life.listen()
    story.life.recover()
    story.hand.act = lambda _: None
    story.effects["a"] = 2
    story.ends["a"] = DONE | {JobStatus.FAILED}
    came = story.life.ask(lambda m: m.jobs.owned.retry(OWNER, "job-a"))
    if came is not None:
        story.ends["a"] = DONE
    story.life.listen()


def progressing(story: Story) -> None:
    """A job that tells how far it has come, and so renews its lease."""

    def act(job: Job[Chore]) -> None:
        for done in range(2):
            story.pass_s(3)
            job.progress(done + 1, 2)

    story.put(story.knows(act))
    story.life.listen()


def lost(story: Story) -> None:
    """The message is lost; the sweeper finds the job by its claim."""
    story.put(story.knows())
    _lose_messages(story)
    story.life.sweep()
    story.pass_s(200)
    story.life.sweep()
    story.life.listen()


def poisonous(story: Story) -> None:
    """The worker dies in the work; its attempt is closed once its lease is over."""

    def act(_: Job[Chore]) -> None:
        raise CrashError("killed in the work")

    kind = story.knows(act, max_retries=0)
    story.ends["a"] = frozenset({JobStatus.FAILED})
    story.put(kind)
    story.life.listen()
    _lose_messages(story)
    story.life.sweep()
    story.pass_s(200)
    story.life.sweep()
    story.life.listen()


def buried(story: Story) -> None:
    """The message ends among the dead letters and is redriven."""
    kind = story.knows()
    story.put(kind)
    _kill_messages(story)
    story.life.bury()
    story.ends["a"] = DONE | {JobStatus.FAILED}
    letter = story.jobs.get("a", "job-a")
    if story.life.ask(lambda m: m.dead_letters().redrive(OWNER, letter)) is not None:
        story.ends["a"] = DONE
    story.life.listen()


def delayed(story: Story) -> None:
    """A job that is due in five minutes waits in the agenda; a tick sends it."""
    story.put(story.knows(), delay_s=300)
    _tick_for(story, minute=5)
    story.life.listen()


def task(story: Story) -> None:
    """A task is made; a tick sends its run, which fails once and is retried."""
    answers = iter([500])
    story.life.receiver = lambda _: answer(next(answers, 200))
    at = (story.life.clock.now() + timedelta(minutes=5)).strftime("at(%Y-%m-%dT%H:%M:%SZ)")
    said = Definition(name="t", url=URL, payload="{}", schedule=at, max_retry=5)
    came = story.life.step(lambda context: context.tasks.create(OWNER, said))
    if came is not None:
        story.jobs["task"] = came.task.id
    _tick_for(story, minute=5)
    story.life.listen(QueueName.CRITICAL)
    story.pass_s(11)
    story.life.listen(QueueName.CRITICAL)


def _tick_for(story: Story, *, minute: int) -> None:
    """Let a tick come that queues what falls due in a minute after the start, and the minute."""
    story.pass_s((minute - 3) * 60)
    story.life.tick(wired=False)
    story.pass_s(60)
    story.life.tick()
    story.pass_s(130)


def _second_meets_first(story: Story) -> Callable[[Job[Chore]], None]:
    """Return work during which, the first time, the next message comes to another worker."""

    def act(job: Job[Chore]) -> None:
        if job.payload.name == "a" and job.attempt == 1:
            story.life.listen(batch=1, nested=True)

    return act


def _listen_one_by_one(story: Story) -> None:
    for _ in range(3):
        story.life.listen(batch=1)


def _lose_messages(story: Story) -> None:
    while (event := story.life.sqs.deliver(QueueName.DEFAULT)) is not None:
        story.life.sqs.settle(event)


def _kill_messages(story: Story) -> None:
    """Let workers die until the messages are among the dead letters."""
    while story.life.sqs.deliver(QueueName.DEFAULT) is not None or story.life.sqs.bodies(
        QueueName.DEFAULT
    ):
        story.pass_s(901)


SCENARIOS: dict[str, Callable[[Story], None]] = {
    scenario.__name__: scenario
    for scenario in (
        plain,
        unique,
        replaced,
        retried,
        snoozed,
        subject,
        gated,
        paced,
        large,
        business,
        bulk,
        cancelled,
        cancelled_before,
        tried_again,
        progressing,
        lost,
        poisonous,
        buried,
        delayed,
        task,
    )
}
