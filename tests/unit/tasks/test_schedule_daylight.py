"""Schedules where clocks change: every transition of 2026 to 2030 in every zone."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from nightshift.tasks.schedule import Schedule, parse
from tests.unit.tasks.schedule_oracle import MINUTE, Oracle

pytestmark = pytest.mark.no_cover
"""What runs here runs elsewhere too, and counting lines takes twice the time."""

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ZONES = resources.files("tzdata").joinpath("zones").read_text("utf-8").split()
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Change:
    """The clock's offset changes at `moment`, from `before` to `after`."""

    moment: datetime
    before: timedelta
    after: timedelta

    @property
    def length(self) -> timedelta:
        """How long the gap or the overlap is."""
        return abs(self.after - self.before)

    @property
    def wall(self) -> datetime:
        """The first wall-clock time of the gap or of the overlap."""
        return self.moment.replace(tzinfo=None) + min(self.before, self.after)


def changes_of(zone: ZoneInfo) -> Iterator[Change]:
    """Yield the zone's changes of offset, found by looking at each day and bisecting."""
    moment = START
    while moment < END:
        before, after = offset(zone, moment), offset(zone, moment + DAY)
        if before != after:
            low, high = 0, 86_400
            while high - low > 1:
                middle = (low + high) // 2
                if offset(zone, moment + middle * SECOND) == before:
                    low = middle
                else:
                    high = middle
            yield Change(moment + high * SECOND, before, after)
        moment += DAY


def offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


@cache
def all_changes() -> dict[Change, str]:
    """Every distinct change of all zones, with one zone that has it."""
    found: dict[Change, str] = {}
    for name in ZONES:
        for change in changes_of(ZoneInfo(name)):
            found.setdefault(change, name)
    return found


def fixed_shapes(change: Change) -> list[str]:
    """Return expressions at fixed times in, at the edges of, and around the gap or overlap."""
    start, inside = change.wall, change.wall + change.length / 2
    last, end = change.wall + change.length - MINUTE, change.wall + change.length
    hours = ",".join(str((start.hour + n) % 24) for n in range(-1, 4))
    return [
        *(f"{wall.minute} {wall.hour} * * *" for wall in (start, inside, last, end)),
        f"{inside.minute} {inside.hour} {inside.day} {inside.month} *",
        f"{inside.minute} {inside.hour} * * {inside.isoweekday()}",
        f"{start.minute}-59/7 {start.hour} * * *",
        f"0,15,30,45 {hours} * * *",
        "0-59 0-23 * * *",
    ]


def following_shapes(change: Change) -> list[str]:
    """Return expressions that follow the clock, in and around the gap or overlap."""
    start, inside = change.wall, change.wall + change.length / 2
    return [
        "* * * * *",
        "*/5 * * * *",
        "*/7 * * * *",
        f"{inside.minute} * * * *",
        f"{start.minute} */2 * * *",
        f"*/10 {inside.hour} * * *",
        f"*/10 {inside.hour} {inside.day} * *",
        f"*/15 {(start.hour + 1) % 24} * {start.month} {start.isoweekday()},{end_day(change)}",
    ]


def end_day(change: Change) -> int:
    return (change.wall + change.length).isoweekday()


def in_zone(expression: str, zone: str) -> Schedule:
    return parse(expression, timezone=zone, anchor=START)


def window(change: Change) -> tuple[datetime, datetime]:
    """Return a start and an end between which all effects of the change lie."""
    return change.moment - timedelta(hours=3), change.moment + timedelta(hours=4)


def walk(schedule: Schedule, start: datetime, end: datetime) -> list[datetime]:
    """Return the slots in (start, end] and the one that follows them."""
    slots = []
    slot = schedule.next_after(start)
    while slot is not None and slot <= end:
        slots.append(slot)
        slot = schedule.next_after(slot)
    return slots if slot is None else [*slots, slot]


def moments_around(change: Change) -> Iterator[datetime]:
    """Yield moments before, within and after the change, at and between whole seconds."""
    for offset_s in (-3600, -1800, 0, 1800, 3600, 7200):
        edge = change.moment + timedelta(seconds=offset_s)
        yield from (edge - SECOND, edge - SECOND / 2, edge, edge + SECOND)
    for minutes in range(-150, 211, 23):
        yield change.moment + timedelta(minutes=minutes, seconds=minutes % 60)


def check(change: Change, zone: str, expression: str) -> None:
    start, end = window(change)
    schedule = in_zone(expression, zone)
    expected = Oracle(expression).zone_slots(start, end, ZoneInfo(zone))
    slots = walk(schedule, start, end)
    assert expected == slots[: len(expected)], (change, zone, expression)
    assert all(slot > end for slot in slots[len(expected) :]), (change, zone, expression)
    assert all(one < next_ for one, next_ in pairwise(slots)), (change, zone, expression)
    for moment in moments_around(change):
        following = slots[bisect_right(slots, moment) :]
        found = schedule.next_after(moment)
        assert following[:1] == [found], (change, zone, expression, moment)
    for until in (change.moment + change.length / 2, end):
        latest = max((slot for slot in slots if slot <= until), default=None)
        assert latest == schedule.latest_between(start, until), (change, zone, expression)


def test_the_changes_are_those_that_one_expects() -> None:
    """The search finds gaps and overlaps of half an hour, an hour and two, in 200 zones."""
    found = all_changes()
    assert {1800, 3600, 7200} == {int(change.length.total_seconds()) for change in found}
    assert {True, False} == {change.after > change.before for change in found}
    assert len(found) > 250
    changing = [n for n in ZONES if any(True for _ in changes_of(ZoneInfo(n)))]
    assert len(changing) > 150


@pytest.mark.parametrize("year", range(2026, 2031))
def test_fixed_times_run_once_a_day_whatever_the_clock_does(year: int) -> None:
    """After the gap that holds them, at the first pass of the overlap: in every zone."""
    for change, zone in all_changes().items():
        if change.moment.year == year:
            for expression in fixed_shapes(change):
                check(change, zone, expression)


@pytest.mark.parametrize("year", range(2026, 2031))
def test_repeating_times_follow_the_clock(year: int) -> None:
    """Every real minute whose wall clock matches is a slot, no other is: in every zone."""
    for change, zone in all_changes().items():
        if change.moment.year == year:
            for expression in following_shapes(change):
                check(change, zone, expression)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def by_the_library(expression: str, zone: str, start: datetime, end: datetime) -> list[datetime]:
    slots = CronSim(expression, start.astimezone(ZoneInfo(zone)))
    return [slot.astimezone(UTC) for slot in takewhile(lambda slot: slot <= end, slots)]


def test_the_library_agrees_where_it_can_be_asked() -> None:
    """On fixed times everywhere; on others where whole hours change and none of them is midnight.

    Elsewhere its walk through a zone loses slots (Lord Howe, Azores) or never ends (Chatham).
    """
    for change, zone in all_changes().items():
        whole_hours = change.length.seconds % 3600 == change.wall.minute == 0
        followed = following_shapes(change) if whole_hours and change.wall.hour else []
        start, end = window(change)
        for expression in fixed_shapes(change) + followed:
            expected = by_the_library(expression, zone, start, end)
            found = [slot for slot in walk(in_zone(expression, zone), start, end) if slot <= end]
            assert expected == found, (change, zone, expression)


BERLIN_FORWARD = "2026-03-29T01:00:00Z"  # 02:00 becomes 03:00
BERLIN_BACK = "2026-10-25T01:00:00Z"  # 03:00 becomes 02:00


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-03-28T00:00:00Z",
            ["2026-03-28T01:30:00Z", BERLIN_FORWARD, "2026-03-30T00:30:00Z"],
        ),
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00:00Z",
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        ),
        (
            "0,20,40 2 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00:00Z",
            [BERLIN_FORWARD, "2026-03-30T00:00:00Z"],
        ),
        (
            "30 * * * *",
            "Europe/Berlin",
            "2026-03-29T00:00:00Z",
            ["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"],
        ),
        (
            "30 * * * *",
            "Europe/Berlin",
            "2026-10-25T00:00:00Z",
            ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"],
        ),
        (
            "*/5 * * * *",
            "Europe/Berlin",
            "2026-03-29T00:50:00Z",
            ["2026-03-29T00:55:00Z", BERLIN_FORWARD, "2026-03-29T01:05:00Z"],
        ),
        (
            "*/5 * * * *",
            "Europe/Berlin",
            "2026-10-25T00:50:00Z",
            ["2026-10-25T00:55:00Z", BERLIN_BACK, "2026-10-25T01:05:00Z"],
        ),
        (
            "*/30 2 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00:00Z",
            ["2026-03-30T00:00:00Z", "2026-03-30T00:30:00Z"],
        ),
        (
            "*/30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00:00Z",
            [
                "2026-10-25T00:00:00Z",
                "2026-10-25T00:30:00Z",
                BERLIN_BACK,
                "2026-10-25T01:30:00Z",
                "2026-10-26T01:00:00Z",
            ],
        ),
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T00:00:00Z",
            ["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"],
        ),
        (
            "0 0 * * *",
            "Africa/Cairo",
            "2026-04-23T00:00:00Z",
            ["2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"],
        ),
        (
            "30 1 * * *",
            "America/New_York",
            "2026-10-31T12:00:00Z",
            ["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"],
        ),
    ],
)
def test_the_rule_by_example(expression: str, zone: str, after: str, expected: list[str]) -> None:
    """Each line of the documented rule."""
    found = in_zone(expression, zone).upcoming(at(after), len(expected))
    assert [at(text) for text in expected] == found


def test_a_start_in_the_second_pass_never_answers_with_the_first() -> None:
    """02:15 comes twice in Berlin; asked at the second, 02:30 has already run."""
    schedule = in_zone("30 2 * * *", "Europe/Berlin")
    assert at("2026-10-26T01:30:00Z") == schedule.next_after(at("2026-10-25T01:15:00Z"))


def test_a_rate_does_not_know_the_zone() -> None:
    """A day is 86,400 real seconds across both changes."""
    schedule = parse("rate(1 day)", timezone="Europe/Berlin", anchor=at("2026-03-28T01:30:00Z"))
    found = schedule.upcoming(at("2026-03-28T02:00:00Z"), 300)
    assert {DAY} == {later - earlier for earlier, later in pairwise(found)}


def test_zones_that_never_change_are_utc_moved_by_their_offset() -> None:
    """Every zone is known, and reads its own clock."""
    moment = datetime(2026, 6, 15, 10, 7, tzinfo=UTC)
    for name in ZONES:
        slot = in_zone("30 9 * * *", name).next_after(moment)
        assert slot is not None
        assert f"{slot.astimezone(ZoneInfo(name)):%H:%M}" == "09:30"
        assert moment < slot <= moment + DAY
        if set(changes_of(ZoneInfo(name))) == set():
            week = in_zone("30 9 * * *", name).upcoming(moment, 7)
            assert {DAY} == {later - earlier for earlier, later in pairwise(week)}
