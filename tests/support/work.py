"""Kinds of jobs for tests, whose handlers do what the test says and count what they did."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nightshift.jobs.kinds import Job, JobKind, Outcome


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
