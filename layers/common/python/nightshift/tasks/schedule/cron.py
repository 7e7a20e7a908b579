"""The slots of a cron expression in a time zone.

The calendar is `cronsim`'s, asked about wall-clock times only; the time zone is applied here,
because the library's own walk through zones loses slots where clocks change by half an hour or at
midnight, and goes back in time when it starts in an overlap.

The daylight-saving rule is Debian cron's:

- an expression at fixed times (neither its minute nor its hour begins with `*`) runs once right
  after a gap that holds any of its slots, and at the first of the two instants of an overlap;
- every other expression follows the clock: what the gap leaves out does not run, and what the
  overlap shows twice runs in both passes, so that `*/5 * * * *` runs every five real minutes.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from nightshift.tasks.schedule.expression import calendar_of, is_fixed
from nightshift.tasks.schedule.zones import (
    first_instant_of,
    instants_of,
    load_zone,
    turning_back_after,
    wall_of,
)

HORIZON_YEARS = 50
_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)
_GALLOP = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class CronSlots:
    """The slots of a canonical `expression` in the IANA zone `timezone`."""

    expression: str
    timezone: str

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first slot strictly after `moment`, or None when none comes in 50 years."""
        zone = load_zone(self.timezone)
        start = wall_of(moment, zone)
        if is_fixed(self.expression):
            return self._next_fixed(start, moment, zone)
        slot = self._next_shown(start, moment, zone)
        turn = turning_back_after(moment, zone)
        if turn is None or (slot is not None and slot < turn):
            return slot
        return self._next_shown(wall_of(turn, zone) - _SECOND, turn - _SECOND, zone)

    def latest_between(self, after: datetime, until: datetime) -> datetime | None:
        """Return the latest slot in (after, until], or None; asks for some 40 slots at most."""
        slot = self._within(after, until)
        if slot is None:
            return None
        step, empty_from = _MINUTE, until
        while until - step > slot:
            near = self._within(until - step, until)
            if near is not None:
                slot = near
                break
            empty_from = until - step
            step *= _GALLOP
        return self._bisect(slot, empty_from)

    def _bisect(self, slot: datetime, empty_from: datetime) -> datetime:
        """Return the latest slot up to `empty_from`, given one and that none follows soon after."""
        while empty_from - slot >= _SECOND:
            middle = slot + (empty_from - slot) / 2
            later = self._within(middle, empty_from)
            if later is None:
                empty_from = middle
            else:
                slot = later
        return slot

    def _within(self, after: datetime, until: datetime) -> datetime | None:
        slot = self.next_after(after)
        return slot if slot is not None and slot <= until else None

    def _next_fixed(self, start: datetime, moment: datetime, zone: ZoneInfo) -> datetime | None:
        for wall in _walls_after(start, self.expression):
            slot = first_instant_of(wall, zone)
            if slot > moment:
                return slot
        return None

    def _next_shown(self, start: datetime, moment: datetime, zone: ZoneInfo) -> datetime | None:
        for wall in _walls_after(start, self.expression):
            for slot in instants_of(wall, zone):
                if slot > moment:
                    return slot
        return None


def _walls_after(start: datetime, expression: str) -> Iterator[datetime]:
    """Yield the matching wall-clock times after `start`, for 50 years at most."""
    calendar = copy.copy(calendar_of(expression))
    calendar.dt = start
    last_year = start.year + HORIZON_YEARS
    try:
        for wall in calendar:
            if wall.year > last_year:
                return
            yield wall
    except OverflowError:
        return
