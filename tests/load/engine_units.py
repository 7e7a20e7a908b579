"""What a job that does nothing costs of DynamoDB, SQS and EventBridge, by the size-accurate fakes.

The engine's own code over its own adapters, in virtual time: enqueued, worked on in batches of ten,
and looked after by the sweeper when the claim falls due.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from nightshift.core.clock import ManualClock
from tests.load.rivals.aws_stand_in import QUEUE, StandIn
from tests.load.rivals.nightshift_rival import WAYS, batch, machine_over, payloads_of

START: Final = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)
LOOKED_AFTER: Final = timedelta(minutes=10)
"""When every claim of a job that was worked on at once has been looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Units:
    """Units per job of one phase: write and read units, SQS requests, and events."""

    writes: float
    reads: float
    sqs: float
    events: float

    def __sub__(self, other: "Units") -> "Units":
        return Units(
            writes=self.writes - other.writes,
            reads=self.reads - other.reads,
            sqs=self.sqs - other.sqs,
            events=self.events - other.events,
        )

    def per(self, jobs: int) -> "Units":
        """Return the part of one of `jobs` jobs."""
        return Units(
            writes=self.writes / jobs,
            reads=self.reads / jobs,
            sqs=self.sqs / jobs,
            events=self.events / jobs,
        )


def measure(how: str, jobs: int) -> dict[str, Units]:
    """Return the units of one job by phase, and their sum as "all"."""
    marks = list(_phases(how, jobs))
    names = [name for name, _ in marks[1:]]
    spent = [after - before for (_, before), (_, after) in itertools.pairwise(marks)]
    found = {name: units.per(jobs) for name, units in zip(names, spent, strict=True)}
    return found | {"all": (marks[-1][1] - marks[0][1]).per(jobs)}


def _phases(how: str, jobs: int) -> Iterator[tuple[str, Units]]:
    """Live through the phases; yield the meters' state before them and after each."""
    clock = ManualClock(START)
    aws = StandIn(clock)
    machine = machine_over(aws.dynamo, lambda: aws.sqs, lambda: aws.events, clock)
    sweeper = machine.sweeper()
    sweeper.run(deadline=clock.now() + timedelta(seconds=47))
    yield "before", _state(aws)
    WAYS[how](machine, payloads_of(range(jobs)))
    yield "enqueue", _state(aws)
    done = 0
    while event := aws.sqs.deliver(QUEUE):
        done += len(event["Records"]) - len(aws.sqs.settle(event, batch(machine, event)))
    if done != jobs:
        raise RuntimeError(f"{done} of {jobs} jobs were done")
    yield "work", _state(aws)
    clock.advance(seconds=LOOKED_AFTER.total_seconds())
    report = sweeper.run(deadline=clock.now() + timedelta(seconds=47))
    if report.checked != jobs or report.rescued:
        raise RuntimeError(f"the sweeper did not find {jobs} jobs done: {report}")
    yield "sweep", _state(aws)


def _state(aws: StandIn) -> Units:
    used = aws.dynamo.meter.total()
    return Units(
        writes=used.write_units,
        reads=used.read_units,
        sqs=aws.sqs.meter.requests,
        events=aws.events.events,
    )
