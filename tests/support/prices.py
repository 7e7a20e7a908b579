"""What metered calls cost: list prices of us-east-1 on demand, as of 2026-11-01, no free tier.

Sources, by the names of Amazon's pricing pages: "Amazon DynamoDB pricing for on-demand capacity"
(standard table class), "Amazon SQS pricing" (standard queues), "AWS Lambda pricing" (arm64, first
tier), "Amazon CloudWatch pricing" (logs ingested, standard class), "Amazon EventBridge pricing"
(custom events). A GB of logs is taken as 10^9 bytes, the dearer reading.
"""

from dataclasses import dataclass
from typing import Protocol

MILLION = 1_000_000
GIGABYTE = 1_000_000_000


class DynamoTotals(Protocol):
    """What a DynamoDB meter tells."""

    @property
    def read_units(self) -> float:
        """Return read request units."""
        ...

    @property
    def write_units(self) -> float:
        """Return write request units."""
        ...


class SqsTotals(Protocol):
    """What an SQS meter tells."""

    @property
    def requests(self) -> int:
        """Return billed requests."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """Dollars, per 10^6 units unless the name says otherwise."""

    dynamo_write: float
    dynamo_read: float
    sqs_request: float
    lambda_gb_second: float
    lambda_request: float
    logs_per_gb: float
    custom_event: float


US_EAST_1 = Prices(
    dynamo_write=0.625,
    dynamo_read=0.125,
    sqs_request=0.40,
    lambda_gb_second=13.3334,
    lambda_request=0.20,
    logs_per_gb=0.50,
    custom_event=1.00,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class OtherUse:
    """What the fakes do not see: Lambda's time (GB-seconds), its requests, log bytes, events."""

    lambda_gb_seconds: float = 0.0
    lambda_requests: int = 0
    log_bytes: int = 0
    custom_events: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Invoice:
    """Dollars per 10^6 runs, line by line."""

    dynamo_writes: float
    dynamo_reads: float
    sqs: float
    lambda_time: float
    lambda_requests: float
    logs: float
    events: float

    @property
    def total(self) -> float:
        """Return the sum of all lines."""
        return sum(dollars for _, dollars in self.lines())

    def lines(self) -> list[tuple[str, float]]:
        """Return the lines by name, in the order of declaration."""
        return [(name, getattr(self, name)) for name in self.__slots__]


def per_million_runs(
    runs: int,
    *,
    dynamo: DynamoTotals | None = None,
    sqs: SqsTotals | None = None,
    other: OtherUse | None = None,
    prices: Prices = US_EAST_1,
) -> Invoice:
    """Return what 10^6 runs cost when `runs` of them used what the meters say.

    Raises:
        ValueError: `runs` is not positive.
    """
    if runs < 1:
        raise ValueError("a price per run needs at least one run")
    rest = other or OtherUse()
    return Invoice(
        dynamo_writes=_dollars(dynamo.write_units if dynamo else 0, prices.dynamo_write, runs),
        dynamo_reads=_dollars(dynamo.read_units if dynamo else 0, prices.dynamo_read, runs),
        sqs=_dollars(sqs.requests if sqs else 0, prices.sqs_request, runs),
        lambda_time=_dollars(rest.lambda_gb_seconds, prices.lambda_gb_second, runs),
        lambda_requests=_dollars(rest.lambda_requests, prices.lambda_request, runs),
        logs=rest.log_bytes / GIGABYTE * prices.logs_per_gb / runs * MILLION,
        events=_dollars(rest.custom_events, prices.custom_event, runs),
    )


def _dollars(units: float, per_million: float, runs: int) -> float:
    """Return dollars per 10^6 runs; the millions of units and of runs cancel out."""
    return units * per_million / runs
