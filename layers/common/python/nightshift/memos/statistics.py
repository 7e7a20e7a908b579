"""What the days of reviews say: today's number, the streak, retention."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from nightshift.memos.model import Day

RETENTION_DAYS = 30
QUARTER = timedelta(minutes=15)
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Habit:
    """How an owner reviews. `retention` is a share, None while no mature card was reviewed."""

    reviews_today: int
    streak_days: int
    retention: float | None
    mature_reviews: int


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """Return the date of a moment in a time zone."""
    return moment.astimezone(zone).date()


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return when a date begins in a time zone, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def on_day(day: date, zone: ZoneInfo, counts: Iterable[tuple[date, Mapping[int, int]]]) -> int:
    """Return the sum of the quarters, given by UTC day, that lie on a date in a time zone."""
    return sum(
        number
        for utc_day, quarters in counts
        for quarter, number in quarters.items()
        if _date_of(utc_day, quarter, zone) == day
    )


def _date_of(utc_day: date, quarter: int, zone: ZoneInfo) -> date:
    return local_day(datetime.combine(utc_day, time(), UTC) + quarter * QUARTER, zone)


def habit(days: Iterable[Day], now: datetime, zone: ZoneInfo) -> Habit:
    """Return what the days, newest first, say at `now`.

    Reads no more days than it needs: those of retention, and those of the streak. A streak that
    reached yesterday still stands today.
    """
    today, oldest = local_day(now, zone), now.astimezone(UTC).date() - RETENTION_DAYS * ONE_DAY
    reviews_today = mature = kept = 0
    streak = _Streak(today)
    for day in days:
        if day.date <= oldest and streak.broken:
            break
        reviews_today += on_day(today, zone, [(day.date, day.reviews)])
        if day.date > oldest:
            mature, kept = mature + day.mature, kept + day.kept
        for local in _local_dates(day, zone):
            streak.add(local)
    return Habit(
        reviews_today=reviews_today,
        streak_days=streak.days,
        retention=kept / mature if mature else None,
        mature_reviews=mature,
    )


def _local_dates(day: Day, zone: ZoneInfo) -> Iterator[date]:
    """Yield the dates in a time zone on which a UTC day's reviews lie, newest first."""
    dates = {_date_of(day.date, quarter, zone) for quarter in day.reviews}
    return iter(sorted(dates, reverse=True))


class _Streak:
    """Counts days in a row, given newest first, perhaps twice."""

    def __init__(self, today: date) -> None:
        self.days = 0
        self.broken = False
        self._last = today + ONE_DAY
        self._today = today

    def add(self, day: date) -> None:
        """Count a day with reviews if it follows the last one."""
        if self.broken or day >= self._last:
            return
        begins_yesterday = self.days == 0 and day == self._today - ONE_DAY
        if day == self._last - ONE_DAY or begins_yesterday:
            self.days, self._last = self.days + 1, day
        else:
            self.broken = True
