"""The periods that a report can be of, and what they are called. All in UTC."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

FIRST_YEAR = 2008
"""GitHub began in this year."""
ROLLING_DAYS = (7, 30, 90, 365)
DEFAULT = "30d"
MAX_CHARS = 10
FORMS = "7d, 30d, 90d, 365d, a year (2026), quarter (2026-Q3), month (2026-10) or week (2026-W40)"
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """A time from `start` up to and without `end`, both midnights; today is over at its end."""

    label: str
    start: datetime
    end: datetime

    def is_over(self, now: datetime) -> bool:
        """Tell whether nothing can happen in it any more; a day's grace lets GitHub catch up."""
        return now >= self.end + _DAY


def parse(text: str, now: datetime) -> Period:
    """Return the period that a text names.

    A number of days ends with today.

    Raises:
        ValueError: it names none, or one that has not begun, with what would be right.
    """
    for form, make in _FORMS:
        matched = re.fullmatch(form, text, re.ASCII)
        if matched:
            period = _made(make, matched, text, now)
            break
    else:
        raise ValueError(f"A period is {FORMS}.")
    if period.start > now:
        raise ValueError("This period has not begun yet.")
    return period


def _made(
    make: "Callable[[re.Match[str], datetime], tuple[datetime, datetime]]",
    matched: "re.Match[str]",
    text: str,
    now: datetime,
) -> Period:
    try:
        start, end = make(matched, now)
    except ValueError as error:
        raise ValueError(f"There is no such period. A period is {FORMS}.") from error
    if start.year < FIRST_YEAR:
        raise ValueError(f"There was no GitHub before {FIRST_YEAR}.")
    return Period(label=text, start=start, end=end)


def _days(matched: "re.Match[str]", now: datetime) -> tuple[datetime, datetime]:
    end = datetime.combine(now.astimezone(UTC).date(), time.min, UTC) + _DAY
    return end - timedelta(days=int(matched[1])), end


def _year(matched: "re.Match[str]", _: datetime) -> tuple[datetime, datetime]:
    year = int(matched[1])
    return _first(year, 1), _first(year + 1, 1)


def _quarter(matched: "re.Match[str]", _: datetime) -> tuple[datetime, datetime]:
    return _months(int(matched[1]), int(matched[2]) * 3 - 2, 3)


def _month(matched: "re.Match[str]", _: datetime) -> tuple[datetime, datetime]:
    return _months(int(matched[1]), int(matched[2]), 1)


def _months(year: int, month: int, count: int) -> tuple[datetime, datetime]:
    after = month + count
    return _first(year, month), _first(year + (after - 1) // 12, (after - 1) % 12 + 1)


def _week(matched: "re.Match[str]", _: datetime) -> tuple[datetime, datetime]:
    start = datetime.fromisocalendar(int(matched[1]), int(matched[2]), 1).replace(tzinfo=UTC)
    return start, start + 7 * _DAY


def _first(year: int, month: int) -> datetime:
    return datetime(year, month, 1, tzinfo=UTC)


_FORMS: tuple[tuple[str, "Callable[[re.Match[str], datetime], tuple[datetime, datetime]]"], ...] = (
    (f"({'|'.join(map(str, ROLLING_DAYS))})d", _days),
    ("([0-9]{4})", _year),
    ("([0-9]{4})-Q([1-4])", _quarter),
    ("([0-9]{4})-(0[1-9]|1[0-2])", _month),
    ("([0-9]{4})-W([0-5][0-9])", _week),
)
