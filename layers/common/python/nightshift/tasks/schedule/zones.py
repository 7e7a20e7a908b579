"""Wall clocks: the way from a local time to the instants that show it.

A local time has one instant on most days, two in the overlap when clocks go back, and none in the
gap when they go forward (PEP 495). Names are those of the `tzdata` package, so that a task's zone
is known on every machine or on none.
"""

from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from pkgutil import get_data
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nightshift.tasks.schedule.errors import InvalidTimezoneError, quote

_SECOND = timedelta(seconds=1)


@lru_cache(maxsize=1024)
def load_zone(name: str) -> ZoneInfo:
    """Return the IANA zone called `name`, in the database's own spelling.

    Raises:
        InvalidTimezoneError: there is no such zone; the message names the likely one, if any.
    """
    known = _names()
    if known.get(name.lower()) != name:
        raise InvalidTimezoneError(_unknown(name, known.get(name.lower())))
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError as error:
        raise InvalidTimezoneError(_unknown(name, None)) from error


def wall_of(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return what a clock in `zone` shows at `moment`, naive, cut to whole seconds."""
    return moment.astimezone(zone).replace(tzinfo=None, microsecond=0)


def instants_of(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return when a clock in `zone` shows `wall`, in UTC and in order: never, once, or twice."""
    before, after = _offsets(wall, zone)
    if before < after:
        return []
    first = (wall - before).replace(tzinfo=UTC)
    return [first] if before == after else [first, (wall - after).replace(tzinfo=UTC)]


def first_instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return when a clock in `zone` first shows `wall`, or when the gap that omits it ends."""
    instants = instants_of(wall, zone)
    if instants:
        return instants[0]
    before, after = _offsets(wall, zone)
    early, late = (wall - after).replace(tzinfo=UTC), (wall - before).replace(tzinfo=UTC)
    return _change_between(early, late, zone)


def turning_back_after(moment: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when the clock goes back, if it will then show again what it shows at `moment`."""
    local = moment.astimezone(zone)
    before, after = _offsets(local.replace(tzinfo=None), zone)
    if local.fold or before <= after:
        return None
    start = moment.replace(microsecond=0)
    return _change_between(start, start + (before - after), zone)


def _offsets(wall: datetime, zone: ZoneInfo) -> tuple[timedelta, timedelta]:
    """Return the offsets read with fold 0 and 1: equal, falling in an overlap, rising in a gap."""
    first = wall.replace(tzinfo=zone, fold=0).utcoffset()
    second = wall.replace(tzinfo=zone, fold=1).utcoffset()
    return first or timedelta(), second or timedelta()


def _change_between(early: datetime, late: datetime, zone: ZoneInfo) -> datetime:
    """Return the first second in (early, late] whose offset is not the one at `early`."""
    offset = early.astimezone(zone).utcoffset()
    while late - early > _SECOND:
        middle = early + (late - early) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone).utcoffset() == offset:
            early = middle
        else:
            late = middle
    return late


@cache
def _names() -> dict[str, str]:
    """Return the zone names of the `tzdata` package by their lower-case spelling."""
    text = get_data("tzdata", "zones") or b""
    return {name.lower(): name for name in text.decode().split()}


def _unknown(name: str, meant: str | None) -> str:
    hint = f"did you mean {meant}?" if meant else "use one such as Europe/Berlin or UTC"
    return f"{quote(name)} is not a time zone of the IANA database; {hint}"
