"""What a stack costs a month with nothing to do, counted from its template.

Prices are those of us-east-1 on demand, in dollars. Allowances are the ones that AWS grants an
account every month without end; those of its first year do not count.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

from tests.unit.template.cfn import Stack
from tests.unit.template.shape import ALARM, events, functions

MINUTES = 730 * 60
TICK_S = 0.1
"""How long a tick with nothing due takes at most."""

TICK_READS = 8
TICK_WRITES = 2
"""Units of one tick: its lease and its buckets."""

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


def _ticks(stack: Stack) -> list[Line]:
    memory = [one["MemorySize"] for one in functions(stack).values() if events(one, "ScheduleV2")]
    ticks = len(memory) * MINUTES
    seconds = sum(memory) / 1024 * MINUTES * TICK_S
    gigabytes = ticks * TICK_LOG_BYTES / 10**9
    return [
        Line(what="schedules", units=ticks, price=per_million("1.00"), free=14_000_000),
        Line(what="invocations", units=ticks, price=per_million("0.20"), free=1_000_000),
        Line(what="GB-seconds", units=seconds, price=per_million("13.3334"), free=400_000),
        Line(what="reads", units=ticks * TICK_READS, price=per_million("0.125")),
        Line(what="writes", units=ticks * TICK_WRITES, price=per_million("0.625")),
        Line(what="log GB", units=gigabytes, price=Fraction("0.50"), free=5),
        Line(what="traces", units=ticks, price=per_million("5.00"), free=100_000),
    ]


def _queues(stack: Stack) -> list[Line]:
    sources = sum(len(events(one, "SQS")) for one in functions(stack).values())
    requests = sources * POLLERS * MINUTES * 60 / POLL_S
    return [Line(what="queue requests", units=requests, price=per_million("0.40"), free=1_000_000)]


def _watching(stack: Stack) -> list[Line]:
    boards = len(stack.of_type("AWS::CloudWatch::Dashboard"))
    return [
        Line(what="alarms", units=len(stack.of_type(ALARM)), price=Fraction("0.10"), free=10),
        Line(what="metrics", units=IDLE_METRICS, price=Fraction("0.30"), free=10),
        Line(what="dashboards", units=boards, price=Fraction(3), free=3),
    ]


def _keys(stack: Stack) -> list[Line]:
    tables = stack.of_type("AWS::DynamoDB::Table").values()
    with_key = sum(1 for one in tables if one["SSESpecification"]["SSEEnabled"])
    ticking = sum(1 for one in functions(stack).values() if events(one, "ScheduleV2"))
    calls = with_key * ticking * MINUTES / KMS_CACHE_MINUTES
    return [Line(what="key requests", units=calls, price=per_million("3.00"), free=20_000)]
