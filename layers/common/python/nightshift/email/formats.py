"""Times and figures as a reader is used to them.

Mails are in English; the locale's region decides about the order of a date and the clock, the time
zone about the time. Where two regions would read figures differently, the month stands as a word.
"""

import re
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

_MONTH_FIRST = frozenset({"US", "PH", "FM", "GU", "MH", "PR", "PW"})
_YEAR_FIRST = frozenset({"CN", "HU", "JP", "KR", "LT", "MN", "SE", "TW", "ZA"})
_TWELVE_HOURS = frozenset(
    {"AE", "AU", "BD", "CA", "CO", "EG", "IN", "JO", "MY", "NZ", "PH", "PK", "PR", "SA", "US"}
)
"""From the supplemental data of the Unicode CLDR: preferred order of dates, preferred hours."""

_REGION = re.compile(r"(?:^|[-_])([A-Za-z]{2})(?=$|[-_.@])")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_SIZES = ("kB", "MB", "GB")
_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
    ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip
NO_BREAK = "\u00a0"
MAX_DEVICE_CHARS = 60
MAX_NAME_CHARS = 40
_LOOKS_LIKE_ADDRESS = re.compile(r"://|www\.|[\w-]\.[a-z]{2,}|@", re.IGNORECASE)


class Formats:
    """Formats for one reader; an unknown time zone is UTC, an unknown locale day first, 24 h."""

    def __init__(self, locale: str, time_zone: str) -> None:
        self._region = region_of(locale)
        self._zone_name, self._zone = _zone(time_zone)

    def day(self, value: date) -> str:
        """Return a day, such as `5 March 2026`."""
        month = _MONTHS[value.month - 1]
        if self._region in _YEAR_FIRST:
            return value.isoformat()
        if self._region in _MONTH_FIRST:
            return f"{month} {value.day}, {value.year}"
        return f"{value.day} {month} {value.year}"

    def month(self, value: date) -> str:
        """Return a month, such as `March 2026`."""
        return f"{_MONTHS[value.month - 1]} {value.year}"

    def days(self, first: date, last: date) -> str:
        """Return a span of days, without saying twice what both have in common."""
        if self._region in _YEAR_FIRST | _MONTH_FIRST or first.year != last.year:
            return f"{self.day(first)} to {self.day(last)}"
        if first.month == last.month:
            return f"{first.day} to {self.day(last)}"
        return f"{first.day} {_MONTHS[first.month - 1]} to {self.day(last)}"

    def time(self, value: datetime) -> str:
        """Return a moment in the reader's time zone, with the zone's name."""
        local = value.astimezone(self._zone)
        return f"{self.day(local.date())}, {self._clock(local)} {self._zone_text}"

    def _clock(self, local: datetime) -> str:
        if self._region in _TWELVE_HOURS:
            half = "a.m." if local.hour < 12 else "p.m."  # noqa: PLR2004 - noon
            return f"{local.hour % 12 or 12}:{local.minute:02} {half}"
        return f"{local.hour:02}:{local.minute:02}"

    @property
    def _zone_text(self) -> str:
        return "UTC" if self._zone_name == "UTC" else f"({self._zone_name})"


def region_of(locale: str) -> str:
    """Return the region of a BCP 47 or POSIX locale in capitals, or nothing."""
    found = _REGION.findall(locale.partition("-u-")[0])
    return found[-1].upper() if len(found) > 1 else ""


def _zone(name: str) -> tuple[str, tzinfo]:
    if name in {"", "UTC", "Etc/UTC"}:
        return "UTC", UTC
    try:
        return name, ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return "UTC", UTC


def number(value: float) -> str:
    """Return a whole number with its thousands parted."""
    return f"{value:,.0f}"


def distance(metres: int) -> str:
    """Return metres as kilometres, to the hundred metres below a hundred kilometres."""
    km = metres / 1000
    return f"{km:,.1f}{NO_BREAK}km" if km < 100 else f"{km:,.0f}{NO_BREAK}km"  # noqa: PLR2004 - three digits are enough


def duration(seconds: int) -> str:
    """Return seconds as hours and minutes."""
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest}{NO_BREAK}min"
    whole = f"{hours:,}{NO_BREAK}h"
    return f"{whole} {rest:02}{NO_BREAK}min" if rest else whole


def size(count: int) -> str:
    """Return bytes in the largest unit of a thousand that leaves at least one."""
    if count < 1000:  # noqa: PLR2004 - the unit itself
        return f"{count}{NO_BREAK}bytes"
    value = float(count)
    for unit in _SIZES:
        value /= 1000
        if value < 999.95 or unit == _SIZES[-1]:  # noqa: PLR2004 - what would round to the next unit
            break
    return f"{value:.1f}{NO_BREAK}{unit}"


def plural(count: int, one: str, many: str = "") -> str:
    """Return the count with its word; `many` is `one` with an s unless given."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def device(user_agent: str) -> str:
    """Return what a User-Agent header comes to, such as `Firefox on Windows`."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or user_agent[:MAX_DEVICE_CHARS]


def greeting(name: str) -> str:
    """Return how a mail begins.

    A name that is long or looks like an address is left out: whoever registers somebody else's
    address must not be able to write to them through the name.
    """
    if not name or len(name) > MAX_NAME_CHARS or _LOOKS_LIKE_ADDRESS.search(name):
        return "Hello,"
    return f"Hello {name},"
