"""Reading a cron expression: what is refused and why, and the one canonical way to write it.

The grammar is `cronsim`'s, which is that of Debian's cron with `L`, `LW` and `#`. Day and weekday
are alternatives unless one of them begins with `*`: then both must hold. A leading `*` also decides
the daylight-saving rule, so the canonical text keeps it; all else is written by its values.
"""

from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from cronsim import CronSim, CronSimError

from nightshift.tasks.schedule.errors import InvalidScheduleError, quote

_Value = int | tuple[int, int]


class _Field(NamedTuple):
    """One of the five fields: its name, and what it takes in words."""

    name: str
    takes: str


_FIELDS = (
    _Field("minute", "0-59"),
    _Field("hour", "0-23"),
    _Field("day-of-month", "1-31, L or LW"),
    _Field("month", "1-12 or JAN-DEC"),
    _Field("day-of-week", "0-7 or SUN-SAT (0 and 7 are Sunday), 5L or 5#2"),
)
_WEEKDAY = 4
_WEEK = 7
_ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the calendar is asked about wall-clock times only
_SPECIAL_DAYS = {CronSim.LAST: "L", CronSim.LAST_WEEKDAY: "LW"}
_SHORTEST_RANGE = 3  # so many neighbours are written as a range


def canonical_expression(text: str) -> str:
    """Return the canonical form of the alias or five-field expression `text`.

    Does not check that it ever matches beyond days that its months lack (30 February).

    Raises:
        InvalidScheduleError: `text` is neither; the message names the field and what it takes.
    """
    if text.startswith("@"):
        return _alias(text)
    fields = text.upper().split()
    if len(fields) != len(_FIELDS):
        raise InvalidScheduleError(_wrong_count(text, len(fields)))
    parsed = [_values(index, field) for index, field in enumerate(fields)]
    expression = " ".join(map(_canonical, range(len(fields)), fields, parsed))
    try:
        calendar_of(expression)
    except CronSimError as error:
        raise InvalidScheduleError(
            f"{quote(text)} never comes: none of its months has such a day"
        ) from error
    return expression


@lru_cache(maxsize=1024)
def calendar_of(expression: str) -> CronSim:
    """Return the library's reading of a five-field expression; to be copied, never advanced.

    Raises:
        CronSimError: the library refuses it.
    """
    return CronSim(expression, _EPOCH)


def is_fixed(expression: str) -> bool:
    """Tell whether neither the minute nor the hour of `expression` begins with `*`."""
    minute, hour, *_ = expression.split()
    return not (minute.startswith("*") or hour.startswith("*"))


def is_zone_free(expression: str) -> bool:
    """Tell whether `expression` has the same slots in every zone.

    So it is when only its minutes are limited and a quarter of an hour maps them onto themselves,
    because every zone's offset since 1972 is a multiple of a quarter of an hour.
    """
    minutes = calendar_of(expression).minutes
    every_hour = expression.split()[1:] == ["*"] * (len(_FIELDS) - 1)
    return every_hour and minutes == {(minute + 15) % 60 for minute in minutes}


def _alias(text: str) -> str:
    expression = _ALIASES.get(text.lower())
    if expression is not None:
        return expression
    if text.lower() == "@reboot":
        raise InvalidScheduleError("@reboot is not supported: there is no machine that boots")
    raise InvalidScheduleError(f"{quote(text)} is no alias; use one of {', '.join(_ALIASES)}")


def _wrong_count(text: str, count: int) -> str:
    if count == len(_FIELDS) + 1:
        return (
            f"{quote(text)} has six fields, but there is none for seconds or years; "
            "use five: minute hour day-of-month month day-of-week"
        )
    return (
        f"{quote(text)} is no schedule; use five cron fields (minute hour day-of-month month "
        "day-of-week), an alias such as @daily, rate(5 minutes) or at(2026-12-01T09:00:05Z)"
    )


def _values(index: int, text: str) -> set[_Value]:
    """Return what one field stands for, read alone so that the message can name it."""
    field = _FIELDS[index]
    try:
        return set().union(*(_term_values(index, term) for term in text.split(",")))
    except CronSimError as error:
        raise InvalidScheduleError(
            f"the {field.name} field {quote(text)} is not valid; it takes {field.takes}, "
            "with lists (1,2), ranges (1-5) and steps (*/2)"
        ) from error


def _term_values(index: int, term: str) -> set[_Value]:
    values = _read_alone(index, term)
    span, _, step = term.partition("/")
    if step and "-" in span:
        # The library takes a step on a range of one number for a step from that number on.
        single = _read_alone(index, span)
        return single if len(single) == 1 else values
    return values


def _read_alone(index: int, text: str) -> set[_Value]:
    fields = ["*"] * len(_FIELDS)
    fields[index] = text
    read = CronSim(" ".join(fields), _EPOCH)
    values = (read.minutes, read.hours, read.days, read.months, read.weekdays)[index]
    return {_with_one_sunday(value) for value in values} if index == _WEEKDAY else set(values)


def _with_one_sunday(weekday: _Value) -> _Value:
    """Return the weekday with Sunday as 0, never 7."""
    if isinstance(weekday, tuple):
        return weekday[0] % _WEEK, weekday[1]
    return weekday % _WEEK


def _canonical(index: int, text: str, values: set[_Value]) -> str:
    if not text.startswith("*"):
        return _written(values)
    step = int(text.split(",", maxsplit=1)[0].partition("/")[2] or 1)
    if step == 1:
        return "*"
    rest = values - _read_alone(index, f"*/{step}")
    return f"*/{step},{_written(rest)}" if rest else f"*/{step}"


def _written(values: set[_Value]) -> str:
    plain: set[int] = set()
    special: set[str] = set()
    for value in values:
        if isinstance(value, tuple):
            day, nth = value
            special.add(f"{day}L" if nth == CronSim.LAST else f"{day}#{nth}")
        elif value in _SPECIAL_DAYS:
            special.add(_SPECIAL_DAYS[value])
        else:
            plain.add(value)
    return ",".join([*_ranges(sorted(plain)), *sorted(special)])


def _ranges(numbers: list[int]) -> list[str]:
    """Return the sorted `numbers` as terms, runs of three and more as a range."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return [
        f"{run[0]}-{run[-1]}" if len(run) >= _SHORTEST_RANGE else ",".join(map(str, run))
        for run in runs
    ]
