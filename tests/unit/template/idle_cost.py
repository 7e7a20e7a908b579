"""What a stack costs a month with nothing to do, counted from its template.

Prices are those of us-east-1 on demand, in dollars. Allowances are the ones that AWS grants an
account every month without end; those of its first year do not count.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

from nightshift.jobs.entry import EMPTY_POLLS
from tests.unit.template.cfn import Stack
from tests.unit.template.shape import ALARM, events, functions

MINUTES = 730 * 60
TICK_S = 0.1
"""How long a tick with nothing due takes at most."""

TICK_READS = {"publisher": 4, "sweeper": 2, "dead_letters": 0}
TICK_WRITES = {"publisher": 2, "sweeper": 3, "dead_letters": 0}
"""Units of one tick with nothing due: its lease and its buckets, all in the table of jobs."""

TICK_TABLES = {"publisher": 1, "sweeper": 1, "dead_letters": 0}
"""Tables that a tick with nothing due touches."""

TICK_POLLS = {"dead_letters": 3 * EMPTY_POLLS}
"""Requests to empty queues of one tick."""

TICK_LOG_BYTES = 1500
POLLERS = 5
POLL_S = 20
"""Lambda asks a queue with five connections, each of which waits twenty seconds."""

KMS_CACHE_MINUTES = 5
IDLE_METRICS = 1
"""TickLagSeconds: the others are written when something happens."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of the bill. `price` is dollars for each unit, `free` units cost nothing."""

    what: str
    units: float
    price: Fraction
    free: float = 0

    def cost(self, *, free: bool) -> float:
        """Dollars a month, with or without the allowance."""
        return float(max(0.0, self.units - (self.free if free else 0)) * self.price)


def per_million(dollars: str) -> Fraction:
    return Fraction(dollars) / 10**6


def bill(stack: Stack) -> list[Line]:
    """Return the lines of the stack's monthly bill."""
    return [*_ticks(stack), *_queues(stack), *_watching(stack), *_keys(stack)]


def total(lines: list[Line], *, free: bool) -> float:
    """Dollars a month; `free` counts the account's allowances."""
    return math.fsum(line.cost(free=free) for line in lines)


def _ticking(stack: Stack) -> dict[str, int]:
    """Return how often a month each function with a schedule is called."""
    found = {}
    for name, one in functions(stack).items():
        for event in events(one, "ScheduleV2"):
            every = int(event["ScheduleExpression"].removeprefix("rate(").split()[0])
            found[name] = MINUTES // every
    return found


def _ticks(stack: Stack) -> list[Line]:
    ticking = _ticking(stack)
    ticks = sum(ticking.values())
    memory = {name: functions(stack)[name]["MemorySize"] for name in ticking}
    seconds = sum(memory[name] / 1024 * times * TICK_S for name, times in ticking.items())
    gigabytes = ticks * TICK_LOG_BYTES / 10**9
    reads = sum(times * TICK_READS[name] for name, times in ticking.items())
    writes = sum(times * TICK_WRITES[name] for name, times in ticking.items())
    return [
        Line(what="schedules", units=ticks, price=per_million("1.00"), free=14_000_000),
        Line(what="invocations", units=ticks, price=per_million("0.20"), free=1_000_000),
        Line(what="GB-seconds", units=seconds, price=per_million("13.3334"), free=400_000),
        Line(what="reads", units=reads, price=per_million("0.125")),
        Line(what="writes", units=writes, price=per_million("0.625")),
        Line(what="log GB", units=gigabytes, price=Fraction("0.50"), free=5),
        Line(what="traces", units=ticks, price=per_million("5.00"), free=100_000),
    ]


def _queues(stack: Stack) -> list[Line]:
    sources = sum(len(events(one, "SQS")) for one in functions(stack).values())
    requests = sources * POLLERS * MINUTES * 60 / POLL_S
    requests += sum(times * TICK_POLLS.get(name, 0) for name, times in _ticking(stack).items())
    return [Line(what="queue requests", units=requests, price=per_million("0.40"), free=1_000_000)]


def _watching(stack: Stack) -> list[Line]:
    boards = len(stack.of_type("AWS::CloudWatch::Dashboard"))
    return [
        Line(what="alarms", units=_watched(stack), price=Fraction("0.10"), free=10),
        Line(what="metrics", units=IDLE_METRICS, price=Fraction("0.30"), free=10),
        Line(what="dashboards", units=boards, price=Fraction(3), free=3),
    ]


def _watched(stack: Stack) -> int:
    """Return how many metrics the alarms look at: each is paid for, in an expression too."""
    several = [
        sum("MetricStat" in one for one in alarm.get("Metrics", [{"MetricStat": {}}]))
        for alarm in stack.of_type(ALARM).values()
    ]
    return sum(several)


def _keys(stack: Stack) -> list[Line]:
    """Return what the tables' key costs: one request for each caller and table in five minutes."""
    tables = stack.of_type("AWS::DynamoDB::Table").values()
    if not any(one["SSESpecification"]["SSEEnabled"] for one in tables):
        return []
    calls = sum(TICK_TABLES[name] for name in _ticking(stack)) * MINUTES / KMS_CACHE_MINUTES
    return [Line(what="key requests", units=calls, price=per_million("3.00"), free=20_000)]
