"""What a delivered run costs: the calls that the product's own code makes, at AWS's prices.

The table's calls are metered by the size-accurate fake. SQS requests are counted from what was sent
and received. Lambda's time is modelled from named assumptions, since no fake can measure it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from tests.support.dynamo import FakeDynamoDB
from tests.support.prices import Invoice, OtherUse, per_million_runs
from tests.support.world import World

BATCH = 10
RECEIVER_S = 0.3
"""How long a receiver takes: the figure that the budget is stated for."""
CPU_S_PER_RUN = 0.006
"""CPU of one run on a whole core: three table calls, one HTTP call, signing, log."""
LISTENER_GB = 0.25
CORE_GB = 1.769
"""Lambda gives a whole core at this memory, and less in proportion."""
TICK_CPU_S_PER_RUN = 0.0004
PUBLISHER_GB = 0.25
LOG_BYTES_PER_RUN = 120
"""A run's part of its batch's log line and metric line, as measured on the local stack."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SqsCount:
    """Requests to SQS."""

    requests: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What was measured over `runs` delivered runs."""

    runs: int
    read_units: float
    write_units: float
    sqs_requests: int
    invoice: Invoice


def measure(make: Callable[[World, int], None], *, runs: int) -> Cost:
    """Return the cost of the slot at 12:30, for which `make` creates `runs` tasks.

    Counted from the tick that finds the slot to the sweep that looks after it.
    """
    world = World(dynamo=FakeDynamoDB(["jobs", "tasks"], strict=False, keep_calls=False))
    world.call_takes_s = 0.0
    make(world, runs)
    slot = world.clock.now().replace(minute=30, second=0)
    world.run_until(slot - timedelta(minutes=5))
    world.dynamo.meter.reset()
    world.calls.clear()
    sent = len(world.queue.sent)
    batches = len(world.reports)
    world.run_until(slot + timedelta(minutes=4, seconds=50))
    delivered = len(world.calls)
    sends = -(-(len(world.queue.sent) - sent) // BATCH)
    receives = -(-(len(world.reports) - batches) // BATCH)
    requests = sends + 2 * receives
    return Cost(
        runs=delivered,
        read_units=world.dynamo.meter.read_units,
        write_units=world.dynamo.meter.write_units,
        sqs_requests=requests,
        invoice=per_million_runs(
            delivered,
            dynamo=world.dynamo.meter,
            sqs=SqsCount(requests=requests),
            other=_other(delivered, receives),
        ),
    )


def _other(runs: int, batches: int) -> OtherUse:
    cpu_s = BATCH * CPU_S_PER_RUN * CORE_GB / LISTENER_GB
    listener = batches * (RECEIVER_S + cpu_s) * LISTENER_GB
    publisher = runs * TICK_CPU_S_PER_RUN * CORE_GB
    return OtherUse(
        lambda_gb_seconds=listener + publisher,
        lambda_requests=batches,
        log_bytes=runs * LOG_BYTES_PER_RUN,
    )


def shared(world: World, runs: int) -> None:
    """Create tasks that share one cron schedule."""
    for _ in range(runs):
        world.create(schedule="*/15 * * * *")


def rates(world: World, runs: int) -> None:
    """Create tasks of one period at every second of a minute."""
    for number in range(runs):
        if number % max(1, runs // 60) == 0 and world.clock.now().second < 59:
            world.clock.advance(seconds=1)
        world.create(schedule="rate(15 minutes)")


def once(world: World, runs: int) -> None:
    """Create one-off tasks at every second of the minute."""
    for number in range(runs):
        world.create(schedule=f"at(2026-03-02T12:30:{number % 60:02}Z)")
