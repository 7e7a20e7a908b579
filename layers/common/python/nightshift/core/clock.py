"""Time as a port: nothing in the product reads the system clock directly."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where `now` comes from."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return datetime.now(UTC)


class ManualClock:
    """A clock that moves only when told to; for tests and simulations."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """Return the time last set."""
        return self._now

    def advance(self, *, seconds: float) -> None:
        """Move forward by `seconds`."""
        self._now += timedelta(seconds=seconds)

    def set(self, moment: datetime) -> None:
        """Jump to `moment`."""
        self._now = moment.astimezone(UTC)


def to_ms(moment: datetime) -> int:
    """Return `moment` as milliseconds since the Unix epoch, rounded down."""
    return int(moment.timestamp() * 1000 // 1)


def from_ms(ms: int) -> datetime:
    """Return the aware UTC time `ms` milliseconds after the Unix epoch."""
    return datetime.fromtimestamp(ms // 1000, UTC) + timedelta(milliseconds=ms % 1000)


def to_epoch_s(moment: datetime) -> int:
    """Return `moment` as whole seconds since the Unix epoch, rounded down (DynamoDB TTL's unit)."""
    return int(moment.timestamp() // 1)


def rfc3339(moment: datetime) -> str:
    """Format `moment` as RFC 3339 in UTC with `Z`; milliseconds only where there are any."""
    utc = moment.astimezone(UTC)
    spec = "milliseconds" if utc.microsecond >= 1000 else "seconds"  # noqa: PLR2004 - 1 ms in us
    return utc.replace(tzinfo=None).isoformat(timespec=spec) + "Z"


def parse_rfc3339(text: str) -> datetime:
    """Parse an RFC 3339 time with an offset into aware UTC.

    Raises:
        ValueError: the text is no such time, or has no offset. It does not repeat the text.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            "this is no time as RFC 3339 has it, for example 2026-12-01T09:00:00Z"
        ) from None
    if moment.tzinfo is None:
        raise ValueError("the time needs an offset, for example 2026-12-01T09:00:00Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the time is before year 1 or after year 9999 in UTC") from error


def monotonic() -> float:
    """Return seconds of a clock that never goes back; for durations only."""
    return time.monotonic()
