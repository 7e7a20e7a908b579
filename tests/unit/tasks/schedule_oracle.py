"""A second opinion on cron, slow and simple: every minute is looked at, nothing is jumped over."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]


class Oracle:
    """A five-field expression, read independently of the library."""

    def __init__(self, expression: str) -> None:
        minute, hour, day, month, weekday = expression.lower().split()
        self.fixed = not minute.startswith("*") and not hour.startswith("*")
        self._both = day.startswith("*") or weekday.startswith("*")
        self._minutes = _numbers(minute, 0, 59, [])
        self._hours = _numbers(hour, 0, 23, [])
        self._months = _numbers(month, 1, 12, ["", *_MONTHS])
        self._day_terms = [_day_term(term) for term in day.split(",")]
        self._weekday_terms = [_weekday_term(term) for term in weekday.split(",")]

    def has_day(self, day: date) -> bool:
        """Tell whether `day` holds slots."""
        if day.month not in self._months:
            return False
        hits = [any(term(day) for term in t) for t in (self._day_terms, self._weekday_terms)]
        return all(hits) if self._both else any(hits)

    def shows(self, wall: datetime) -> bool:
        """Tell whether the wall-clock minute `wall` matches."""
        return (
            wall.minute in self._minutes and wall.hour in self._hours and self.has_day(wall.date())
        )

    def utc_slots(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yield the slots in (start, end] in UTC, day by day and minute by minute."""
        day = start.date()
        while day <= end.date():
            if self.has_day(day):
                for hour in sorted(self._hours):
                    for minute in sorted(self._minutes):
                        slot = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
                        if start < slot <= end:
                            yield slot
            day += timedelta(days=1)

    def zone_slots(self, start: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
        """Return the slots in (start, end], walking real minutes and reading the clock at each.

        `start` is a whole minute outside every overlap.
        """
        slots = []
        shown = start.astimezone(zone).replace(tzinfo=None)
        moment = start
        while (moment := moment + MINUTE) <= end:
            local = moment.astimezone(zone)
            wall = local.replace(tzinfo=None)
            if self.fixed:
                # Only what no earlier moment has shown counts, and all that was left out before.
                new = [shown + n * MINUTE for n in range(1, max(0, (wall - shown) // MINUTE) + 1)]
                due = any(self.shows(w) for w in new)
                shown = max(shown, wall)
            else:
                due = self.shows(wall)
            if due:
                slots.append(moment)
        return slots


def _numbers(field: str, low: int, high: int, names: list[str]) -> set[int]:
    found: set[int] = set()
    for term in field.split(","):
        span, slash, step = term.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            start, stop = low, high
        else:
            start = names.index(first) if first in names[low:] else int(first)
            stop = start if not dash else names.index(last) if last in names[low:] else int(last)
            stop = high if slash and not dash else stop
        found.update(range(start, stop + 1, int(step or 1)))
    return found


def _day_term(term: str) -> Callable[[date], bool]:
    if term == "l":
        return lambda day: day.month != (day + timedelta(days=1)).month
    if term == "lw":
        return lambda day: day == _last_working_day(day)
    numbers = _numbers(term, 1, 31, [])
    return lambda day: day.day in numbers


def _last_working_day(day: date) -> date:
    last = (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    while last.isoweekday() > 5:
        last -= timedelta(days=1)
    return last


def _weekday_term(term: str) -> Callable[[date], bool]:
    if term.endswith("l"):
        number = int(term[:-1]) % 7
        return lambda day: (
            day.isoweekday() % 7 == number and (day + timedelta(days=7)).month != day.month
        )
    name, nth_mark, nth = term.partition("#")
    numbers = {number % 7 for number in _numbers(name, 0, 7, _DAYS)}
    if nth_mark:
        return lambda day: day.isoweekday() % 7 in numbers and (day.day - 1) // 7 + 1 == int(nth)
    return lambda day: day.isoweekday() % 7 in numbers
