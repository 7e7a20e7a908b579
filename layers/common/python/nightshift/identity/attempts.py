"""The growing delay between attempts. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

FORGET_AFTER = timedelta(hours=1)
_SECOND = timedelta(seconds=1)
_MAX_DOUBLINGS = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempts:
    """How often it went wrong lately, and when the next attempt is heard."""

    failures: int
    not_before: datetime
    forgotten_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """`free` attempts without delay, then `first_delay`, doubling up to `max_delay`."""

    free: int
    max_delay: timedelta
    first_delay: timedelta = _SECOND


def wait(seen: Attempts | None, now: datetime) -> timedelta | None:
    """Return how long to wait before the next attempt; None when it is heard now."""
    if seen is None or seen.forgotten_at <= now or seen.not_before <= now:
        return None
    return seen.not_before - now


def after_failure(seen: Attempts | None, now: datetime, patience: Patience) -> Attempts:
    """Return the state after one more failure; what is long ago is forgotten."""
    failures = 1 if seen is None or seen.forgotten_at <= now else seen.failures + 1
    beyond = failures - patience.free
    delay = timedelta(0)
    if beyond >= 0:
        delay = min(patience.first_delay * 2 ** min(beyond, _MAX_DOUBLINGS), patience.max_delay)
    return Attempts(
        failures=failures,
        not_before=now + delay,
        forgotten_at=now + delay + FORGET_AFTER,
    )
