"""Numbers, times and quantities as a reader wants them. Pure; all times in UTC."""

from datetime import datetime

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def number(value: float) -> str:
    """Return a number in groups of three digits."""
    return f"{value:,}"


def plural(count: int, one: str, many: str = "") -> str:
    """Return how many of something there are, in words that fit."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def ago(age_s: float) -> str:
    """Return an age as one would say it."""
    if age_s < MINUTE_S:
        return "just now"
    for unit_s, name in ((DAY_S, "day"), (HOUR_S, "hour"), (MINUTE_S, "minute")):
        if age_s >= unit_s:
            return f"{plural(int(age_s // unit_s), name)} ago"
    raise AssertionError("an age is a number")


def wait(wait_s: int) -> str:
    """Return how long it takes to wait, never less than it is: "45 seconds", "2 minutes"."""
    if wait_s < 2 * MINUTE_S:
        return plural(wait_s, "second")
    if wait_s < 2 * HOUR_S:
        return plural(-(-wait_s // MINUTE_S), "minute")
    return plural(-(-wait_s // HOUR_S), "hour")


def day(text: str, *, year: bool = True) -> str:
    """Return the day of an RFC 3339 time or of a date: "5 October 2026"."""
    moment = datetime.fromisoformat(text)
    words = f"{moment.day} {_MONTHS[moment.month - 1]}"
    return f"{words} {moment.year}" if year else words


def short_day(text: str) -> str:
    """Return a day in little room: "5 Oct"."""
    moment = datetime.fromisoformat(text)
    return f"{moment.day} {_MONTHS[moment.month - 1][:3]}"


def moment(text: str) -> str:
    """Return an RFC 3339 time to the minute: "5 October 2026, 12:00 UTC"."""
    return f"{day(text)}, {datetime.fromisoformat(text):%H:%M} UTC"


def listed(parts: list[str]) -> str:
    """Return a list as it stands in a sentence."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def month(number_of: int, year: int) -> str:
    """Return a month of a year: "October 2026"."""
    return f"{_MONTHS[number_of - 1]} {year}"
