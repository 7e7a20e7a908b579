"""Crowds: enqueues of one unique key make one job; a subject has no more at work than it may.

`python -m tests.load.bench_unique [rounds]` lets fifty and a thousand threads enqueue over the
thread-safe fake table, in which a share of the writes meets another transaction. Whoever has read
waits until all have read, so that all of them find the key free. The job is worked on before the
next round asks for a new one of the same key. Then a thousand threads enqueue a thousand jobs for
two subjects while sixteen workers run them, and how many of a subject are at work is counted.
"""

import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from nightshift.core.clock import SystemClock
from nightshift.core.errors import NightshiftError
from nightshift.jobs.enqueue import Enqueued
from nightshift.jobs.model import JobStatus
from tests.load.rivals.aws_stand_in import QUEUE, StandIn
from tests.load.rivals.nightshift_rival import batch, machine_over
from tests.load.rivals.noop import KINDS, OWNER, Noop
from tests.support.faults import Fault, FaultMode
from tests.support.rush import Rush

CROWDS: Final = (50, 1_000)
ROUNDS: Final = 200
LIMITS: Final = (1, 3)
"""How many of a subject may be at work at once."""
RUSH: Final = 1_000
"""How many jobs, each enqueued by a thread of its own."""
CONFLICT_RATE: Final = 0.02
SWITCH_S: Final = 1e-5
PATIENCE_S: Final = 60.0
NICE: Final = 10

Answer = Enqueued | NightshiftError


@dataclass(kw_only=True, slots=True)
class Found:
    """What came of all rounds; `problems` has a sentence for each thing that must not be."""

    together: int
    rounds: int = 0
    created: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


def measure(rounds: int, together: int) -> Found:
    """Return what `rounds` rounds of `together` enqueues came to."""
    crowd = _Crowd(together)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    started = time.monotonic()
    try:
        with ThreadPoolExecutor(together) as pool:
            for _ in range(rounds):
                crowd.round(pool)
    finally:
        sys.setswitchinterval(interval)
    crowd.found.seconds = time.monotonic() - started
    return crowd.found


class _Meeting:
    """A hook: who has looked for the first time waits until all `size` have looked."""

    def __init__(self, size: int) -> None:
        self._barrier = threading.Barrier(size)
        self._mine = threading.local()

    def __call__(self, operation: str, request: Mapping[str, Any]) -> Fault | None:
        """Hold the answer of each thread's first read back."""
        if operation != "GetItem" or getattr(self._mine, "has_looked", False):
            return None
        self._mine.has_looked = True
        return Fault(mode=FaultMode.DELAY_AFTER, action=self._wait)

    def _wait(self) -> None:
        self._barrier.wait(PATIENCE_S)


class _Crowd:
    """Many who want one job of one stack; `found` is what came of it."""

    def __init__(self, size: int) -> None:
        self._aws = aws = StandIn()
        aws.dynamo.conflict_rate = CONFLICT_RATE
        clock = SystemClock()
        self._machine = machine_over(aws.dynamo, lambda: aws.sqs, lambda: aws.events, clock)
        self._size = size
        self._seen: set[str] = set()
        self.found = Found(together=size)

    def round(self, pool: ThreadPoolExecutor) -> None:
        """Let all enqueue at once, look at what they were told, and do the job."""
        self._aws.dynamo.faults = _Meeting(self._size)
        answers = list(pool.map(lambda _: self._enqueue(), range(self._size)))
        self._aws.dynamo.faults = None
        self.found.rounds += 1
        jobs = self._judge(answers)
        self._work(jobs)
        self._seen |= jobs

    def _enqueue(self) -> Answer:
        try:
            return self._machine.jobs.enqueue(KINDS["unique"], Noop(number=1), owner_id=OWNER)
        except NightshiftError as error:
            return error

    def _judge(self, answers: Sequence[Answer]) -> set[str]:
        """Return the jobs that the answers speak of; it is to be one, made now, by one of them."""
        done = [answer for answer in answers if isinstance(answer, Enqueued)]
        self.found.refused.update(a.slug for a in answers if isinstance(a, NightshiftError))
        jobs = {answer.job_id for answer in done}
        created = sum(answer.created for answer in done)
        self.found.created += created
        if len(jobs) != 1 or created != 1 or jobs & self._seen:
            self._complain(f"{len(jobs)} jobs, {created} made")
        return jobs

    def _work(self, jobs: set[str]) -> None:
        while event := self._aws.sqs.deliver(QUEUE):
            self._aws.sqs.settle(event, batch(self._machine, event))
        for job_id in jobs:
            status = self._machine.jobs.view(OWNER, job_id).status
            if status != "completed":
                self._complain(f"the job is {status}")

    def _complain(self, what: str) -> None:
        self.found.problems.append(f"round {self.found.rounds}: {what}")


def shown(found: Found) -> str:
    """Return the measurement in words."""
    refused = ", ".join(f"{count} refused ({slug})" for slug, count in found.refused.items())
    return (
        f"{found.rounds} rounds of {found.together} concurrent enqueues of one key: "
        f"{found.created} jobs, {refused or 'none refused'}, {found.seconds:.0f} s"
    )


def missed(found: Found) -> list[str]:
    """Return what is not as it must be: anything but one job a round, known to everybody."""
    refused = [f"{count} requests got {slug}" for slug, count in found.refused.items()]
    return [*found.problems, *refused]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rushed:
    """What came of a rush: how many of a subject were at work at once, and what went wrong."""

    limit: int
    most: int
    seconds: float
    problems: list[str]


def rushed(limit: int) -> Rushed:
    """Return what came of a thousand enqueues at once for two subjects with this limit."""
    started = time.monotonic()
    rush = Rush(jobs=RUSH, concurrency=limit, threads=RUSH).run()
    problems = [f"{rush.most} at work at once, {limit} allowed"] if rush.most > limit else []
    if rush.statuses != {JobStatus.COMPLETED: RUSH} or rush.attempts != {1: RUSH}:
        problems.append(f"ended as {dict(rush.statuses)}, in attempts {dict(rush.attempts)}")
    seconds = time.monotonic() - started
    return Rushed(limit=limit, most=rush.most, seconds=seconds, problems=problems)


def rushed_shown(found: Rushed) -> str:
    """Return the rush in words."""
    return (
        f"{RUSH} concurrent enqueues for two subjects of at most {found.limit} at a time: "
        f"{found.most} at work at once at most, {found.seconds:.0f} s"
    )


def main() -> int:
    """Measure and print; return 1 when a round made more or less than one job, or a limit broke."""
    os.nice(NICE)
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    problems = []
    for together in CROWDS:
        found = measure(rounds, together)
        print(shown(found), flush=True)
        problems += missed(found)
    for limit in LIMITS:
        came = rushed(limit)
        print(rushed_shown(came), flush=True)
        problems += came.problems
    print("\n".join(problems))
    return int(bool(problems))


if __name__ == "__main__":
    raise SystemExit(main())
