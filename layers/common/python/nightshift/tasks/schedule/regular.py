"""Schedules without a calendar: every so many minutes, and once."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from nightshift.core.clock import from_ms, to_epoch_s
from nightshift.tasks.schedule.errors import InvalidScheduleError, quote

MAX_PERIOD_DAYS = 366
FIRST_YEAR, LAST_YEAR = 1970, 2199
_UNITS = {"minute": 60, "hour": 3600, "day": 86_400}
_RATE = re.compile(r"rate\s*\(\s*([0-9]{1,9})\s+([a-z]+)\s*\)", re.IGNORECASE)
_AT = re.compile(r"at\s*\(\s*(.*?)\s*\)", re.IGNORECASE)
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.0+)?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RateSlots:
    """Every `period_s` seconds, `phase_s` after a multiple of it since the Unix epoch."""

    period_s: int
    phase_s: int

    def next_after(self, moment: datetime) -> datetime:
        """Return the first slot strictly after `moment`."""
        return self._slot(to_epoch_s(moment) - self.phase_s + self.period_s)

    def latest_between(self, after: datetime, until: datetime) -> datetime | None:
        """Return the latest slot in (after, until], or None when there is none."""
        slot = self._slot(to_epoch_s(until) - self.phase_s)
        return slot if slot > after else None

    def _slot(self, since_phase_s: int) -> datetime:
        return from_ms((since_phase_s // self.period_s * self.period_s + self.phase_s) * 1000)


@dataclass(frozen=True, kw_only=True, slots=True)
class OnceSlots:
    """The single slot `moment`, aware UTC in whole seconds."""

    moment: datetime

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the slot if it comes strictly after `moment`, else None."""
        return self.moment if self.moment > moment else None

    def latest_between(self, after: datetime, until: datetime) -> datetime | None:
        """Return the slot if it lies in (after, until], else None."""
        return self.moment if after < self.moment <= until else None


def parse_rate(text: str) -> tuple[str, int]:
    """Return the canonical `rate(N unit)` and its period in seconds.

    Raises:
        InvalidScheduleError: no such form, or not between 1 minute and 366 days.
    """
    match = _RATE.fullmatch(text)
    unit = match[2].lower().removesuffix("s") if match else ""
    if match is None or unit not in {*_UNITS, "second"}:
        raise InvalidScheduleError(
            f"{quote(text)} is no rate; use rate(N unit) with a whole number and minutes, hours "
            "or days, for example rate(30 minutes)"
        )
    number = int(match[1])
    if unit == "second":
        raise InvalidScheduleError(
            f"{quote(text)}: rates are counted in minutes, hours or days, from rate(1 minute)"
        )
    period_s = number * _UNITS[unit]
    if not 0 < period_s <= MAX_PERIOD_DAYS * _UNITS["day"]:
        raise InvalidScheduleError(
            f"{quote(text)}: a rate is from 1 minute to {MAX_PERIOD_DAYS} days"
        )
    return _rate_text(number, unit), period_s


def rate_text(period_s: int) -> str:
    """Return the `rate(N unit)` of `period_s` seconds (whole minutes) in its largest unit."""
    unit = next(unit for unit in ("day", "hour", "minute") if period_s % _UNITS[unit] == 0)
    return _rate_text(period_s // _UNITS[unit], unit)


def _rate_text(number: int, unit: str) -> str:
    return f"rate({number} {unit}{'' if number == 1 else 's'})"


def parse_at(text: str) -> datetime:
    """Return the moment of `at(time)`, aware UTC.

    Raises:
        InvalidScheduleError: not an RFC 3339 time with an offset, in whole seconds, 1970 to 2199.
    """
    match = _AT.fullmatch(text)
    time = match[1] if match else ""
    if not _TIME.fullmatch(time):
        raise InvalidScheduleError(
            f"{quote(text)} is no moment; use at(time) with a full RFC 3339 time in whole seconds "
            "and with its offset, for example at(2026-12-01T09:00:05Z)"
        )
    try:
        moment = datetime.fromisoformat(time.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidScheduleError(f"{quote(text)}: there is no such time") from error
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise InvalidScheduleError(
            f"{quote(text)}: the year must be from {FIRST_YEAR} to {LAST_YEAR}"
        )
    return moment
