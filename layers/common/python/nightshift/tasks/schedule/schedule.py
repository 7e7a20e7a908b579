"""A schedule: when a task is due, worked out from its text, its time zone and its anchor."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from itertools import islice

from nightshift.core.clock import from_ms, rfc3339, to_epoch_s
from nightshift.tasks.schedule.cron import HORIZON_YEARS, CronSlots
from nightshift.tasks.schedule.errors import InvalidScheduleError, quote
from nightshift.tasks.schedule.expression import canonical_expression, is_zone_free
from nightshift.tasks.schedule.regular import (
    OnceSlots,
    RateSlots,
    parse_at,
    parse_rate,
    rate_text,
)
from nightshift.tasks.schedule.zones import load_zone

MAX_TEXT = 512
_EPOCH = from_ms(0)
_MINUTE_S = 60


class ScheduleKind(StrEnum):
    """What a schedule is written as."""

    CRON = "cron"
    RATE = "rate"
    AT = "at"


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """When a task is due. Two schedules are equal when their `spec` is.

    `text` is the canonical text, `timezone` an IANA name; `anchor` is where a rate counts from and
    is not looked at by the other kinds. `spec` names the slots: schedules with the same spec always
    have the same ones (the reverse is not promised).
    """

    text: str = field(compare=False)
    timezone: str = field(compare=False)
    anchor: datetime = field(compare=False)
    kind: ScheduleKind = field(compare=False)
    spec: str
    _slots: CronSlots | RateSlots | OnceSlots = field(compare=False, repr=False)

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first slot strictly after the aware `moment`, in UTC and whole seconds.

        None when there is none: an `at` that has passed, or a cron expression without a match in
        the next 50 years. Slots before the anchor count as slots.
        """
        return self._slots.next_after(moment)

    def upcoming(self, moment: datetime, n: int) -> list[datetime]:
        """Return the first `n` slots strictly after `moment`, fewer when there are no more."""
        return list(islice(self._after(moment), n))

    def latest_between(self, after: datetime, until: datetime) -> datetime | None:
        """Return the latest slot in (after, until], or None when there is none.

        Its cost grows with the logarithm of the range, not with the number of slots in it.
        """
        return self._slots.latest_between(after, until)

    def _after(self, moment: datetime) -> Iterator[datetime]:
        slot = self.next_after(moment)
        while slot is not None:
            yield slot
            slot = self.next_after(slot)


def parse(text: str, *, timezone: str, anchor: datetime) -> Schedule:
    """Return the schedule that `text` describes.

    Five cron fields or an alias, in `timezone`; `rate(N unit)`, counted in real time from `anchor`
    (aware, cut to whole seconds); or `at(time)`. Does not check that an `at` is still to come.

    Raises:
        InvalidTimezoneError: `timezone` is not a name of the IANA database.
        InvalidScheduleError: `text` is no schedule, or never comes.
    """
    load_zone(timezone)
    text = _checked(text)
    match text.partition("(")[0].strip().lower():
        case "rate":
            written, period_s = parse_rate(text)
            return _rate(period_s, anchor, text=written, timezone=timezone)
        case "at":
            return _once(parse_at(text), anchor, timezone=timezone)
    schedule = _cron(canonical_expression(text), anchor, timezone=timezone)
    if schedule.next_after(anchor) is None:
        raise InvalidScheduleError(f"{quote(text)} never comes in the next {HORIZON_YEARS} years")
    return schedule


@lru_cache(maxsize=4096)
def from_spec(spec: str) -> Schedule:
    """Return a schedule equal to the one whose `spec` this is; answers are kept for later calls.

    Raises:
        InvalidScheduleError: `spec` was not made by a schedule.
        InvalidTimezoneError: its zone is not, or no longer, in the database.
    """
    kind, _, rest = spec.partition("|")
    first, _, second = rest.partition("|")
    match kind:
        case ScheduleKind.CRON:
            load_zone(first)
            return _cron(canonical_expression(second), _EPOCH, timezone=first)
        case ScheduleKind.RATE if _is_period(first) and second.isdecimal():
            return _rate(int(first), from_ms(int(second) * 1000), text=rate_text(int(first)))
        case ScheduleKind.AT:
            return _once(parse_at(f"at({first})"), _EPOCH)
        case _:
            raise InvalidScheduleError(f"{quote(spec)} is not the spec of a schedule")


def _checked(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise InvalidScheduleError(f"a schedule has at most {MAX_TEXT} characters")
    if not text.isascii():
        raise InvalidScheduleError(f"{quote(text)} holds characters that no schedule has")
    return text.strip()


def _is_period(text: str) -> bool:
    return text.isdecimal() and int(text) > 0 and int(text) % _MINUTE_S == 0


def _cron(expression: str, anchor: datetime, *, timezone: str) -> Schedule:
    zone = "UTC" if is_zone_free(expression) else timezone
    return Schedule(
        text=expression,
        timezone=timezone,
        anchor=anchor,
        kind=ScheduleKind.CRON,
        spec=f"{ScheduleKind.CRON}|{zone}|{expression}",
        _slots=CronSlots(expression=expression, timezone=zone),
    )


def _rate(period_s: int, anchor: datetime, *, text: str, timezone: str = "UTC") -> Schedule:
    phase_s = to_epoch_s(anchor) % period_s
    return Schedule(
        text=text,
        timezone=timezone,
        anchor=anchor,
        kind=ScheduleKind.RATE,
        spec=f"{ScheduleKind.RATE}|{period_s}|{phase_s}",
        _slots=RateSlots(period_s=period_s, phase_s=phase_s),
    )


def _once(moment: datetime, anchor: datetime, *, timezone: str = "UTC") -> Schedule:
    return Schedule(
        text=f"at({rfc3339(moment)})",
        timezone=timezone,
        anchor=anchor,
        kind=ScheduleKind.AT,
        spec=f"{ScheduleKind.AT}|{rfc3339(moment)}",
        _slots=OnceSlots(moment=moment),
    )
