"""Kinds of jobs for tests, whose handlers do what the test says and count what they did."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nightshift.jobs.enqueue import Enqueued
from nightshift.jobs.kinds import Job, JobKind, Outcome
from nightshift.jobs.views import JobView
from tests.support.faults import CrashError
from tests.support.world import OWNER, World


@dataclass(frozen=True, kw_only=True, slots=True)
class Chore:
    """A payload: what is to be done, for whom, and some ballast."""

    name: str = "c"
    subject: str = "s"
    ballast: str = ""


@dataclass
class Hand:
    """A handler under the test's control: `act` decides each attempt, `done` counts by job id."""

    act: Callable[[Job[Chore]], Outcome] = lambda _: None
    jobs: list[Job[Chore]] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    running: int = 0
    most: int = 0

    def __call__(self, job: Job[Chore]) -> Outcome:
        """Do one attempt."""
        self.jobs.append(job)
        self.done[job.id] += 1
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            return self.act(job)
        finally:
            self.running -= 1


def kind_of(hand: Callable[[Job[Chore]], Any], **said: Any) -> JobKind[Chore]:
    """Return a kind of chores that `hand` does."""
    given: dict[str, Any] = {"name": "test.chore", "max_retries": 3} | said
    return JobKind(payload=Chore, handler=hand, **given)


def stack(hand: Callable[[Job[Chore]], Any], **said: Any) -> tuple[World, JobKind[Chore]]:
    """Return a stack with one kind of chores, and the kind."""
    kind = kind_of(hand, **said)
    return World(kinds=[kind]), kind


def put(world: World, kind: JobKind[Chore], name: str = "c", **how: Any) -> Enqueued:
    """Enqueue a chore for the one owner."""
    return world.machine.jobs.enqueue(kind, Chore(name=name), owner_id=OWNER, **how)


def view_of(world: World, job_id: str) -> JobView:
    """Return the one owner's job as it stands."""
    return world.machine.jobs.view(OWNER, job_id)


def listen_elsewhere(world: World) -> None:
    """Deliver a batch to another worker, while this thread's own is busy."""
    thread = threading.Thread(target=world.listen)
    thread.start()
    thread.join()


def die() -> None:
    """End the process."""
    raise CrashError("died right here")
