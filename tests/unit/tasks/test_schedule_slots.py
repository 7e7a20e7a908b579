"""When a schedule is due, against the library and against an oracle that walks every minute."""

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from itertools import islice, pairwise

import pytest
from cronsim import CronSim
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nightshift.tasks.schedule import InvalidScheduleError, Schedule, from_spec, parse
from tests.unit.tasks.schedule_oracle import Oracle
from tests.unit.tasks.schedule_strategies import expressions

ANCHOR = datetime(2026, 3, 1, 12, 0, 37, tzinfo=UTC)
MOMENTS = st.datetimes(
    min_value=datetime(2024, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2031, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.just(UTC),
)


def schedule_of(text: str, timezone: str = "UTC") -> Schedule:
    return parse(text, timezone=timezone, anchor=ANCHOR)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def parsed_or_assumed_away(expression: str) -> Schedule:
    try:
        return schedule_of(expression)
    except InvalidScheduleError as error:
        assume("never comes" not in error.message)
        raise


@settings(deadline=None, max_examples=150)
@given(expression=expressions, moment=MOMENTS)
def test_cron_in_utc_has_the_slots_of_a_walk_through_every_minute(
    expression: str, moment: datetime
) -> None:
    """Every slot of the next days, and no other, is found."""
    schedule = parsed_or_assumed_away(expression)
    end = moment + timedelta(days=40)
    expected = list(islice(Oracle(expression).utc_slots(moment, end), 25))
    actual = [slot for slot in schedule.upcoming(moment, 25) if slot <= end]
    assert expected == actual


@settings(deadline=None, max_examples=150)
@given(expression=expressions, moment=MOMENTS)
def test_cron_in_utc_agrees_with_the_library(expression: str, moment: datetime) -> None:
    """The canonical text means to the library what the user's text means to it."""
    schedule = parsed_or_assumed_away(expression)
    assert list(islice(CronSim(expression, moment), 10)) == schedule.upcoming(moment, 10)


@settings(deadline=None, max_examples=100)
@given(expression=expressions, moment=MOMENTS, minutes=st.integers(0, 5 * 1440))
def test_the_latest_slot_of_a_range_is_the_last_one_of_a_walk(
    expression: str, moment: datetime, minutes: int
) -> None:
    """Searching backwards finds what walking forwards would end with."""
    schedule = parsed_or_assumed_away(expression)
    until = moment + timedelta(minutes=minutes)
    expected = max(Oracle(expression).utc_slots(moment, until), default=None)
    assert expected == schedule.latest_between(moment, until)


@settings(deadline=None, max_examples=100)
@given(
    period=st.sampled_from(["1 minute", "7 minutes", "3 hours", "1 day", "11 days"]),
    anchor=MOMENTS,
    moment=MOMENTS,
)
def test_a_rate_counts_real_seconds_from_its_anchor(
    period: str, anchor: datetime, moment: datetime
) -> None:
    """Slots lie whole periods from the anchor, whatever the zone, the first right after asking."""
    schedule = parse(f"rate({period})", timezone="Europe/Berlin", anchor=anchor)
    number, unit = period.split()
    length = timedelta(**{unit.rstrip("s") + "s": int(number)})
    first, second = schedule.upcoming(moment, 2)
    assert timedelta() == (first - anchor.replace(microsecond=0)) % length
    assert moment < first <= moment + length
    assert first + length == second
    assert first == schedule.latest_between(moment, second - timedelta(seconds=1))
    assert schedule.latest_between(first, first + length / 2) is None


@pytest.mark.parametrize(
    ("text", "moment", "expected"),
    [
        ("*/5 * * * *", "2026-03-01T12:00:00Z", "2026-03-01T12:05:00Z"),
        ("*/5 * * * *", "2026-03-01T12:04:59.999999Z", "2026-03-01T12:05:00Z"),
        ("*/5 * * * *", "2026-03-01T12:05:00.000001Z", "2026-03-01T12:10:00Z"),
        ("0 0 L * *", "2028-02-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("0 0 LW * *", "2026-05-01T00:00:00Z", "2026-05-29T00:00:00Z"),
        ("0 9 * * 5L", "2026-03-01T00:00:00Z", "2026-03-27T09:00:00Z"),
        ("0 9 * * MON#2", "2026-03-01T00:00:00Z", "2026-03-09T09:00:00Z"),
        ("0 0 13 * 5", "2026-03-01T00:00:00Z", "2026-03-06T00:00:00Z"),
        ("0 0 */2 * 1", "2026-03-01T00:00:00Z", "2026-03-09T00:00:00Z"),
        ("0 0 29 2 *", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("0 0 * 2 MON#5", "2044-03-01T00:00:00Z", "2072-02-29T00:00:00Z"),
        ("0 0 * 2 MON#5", "2072-03-01T00:00:00Z", "2112-02-29T00:00:00Z"),
        ("@weekly", "2026-03-02T00:00:00Z", "2026-03-08T00:00:00Z"),
        ("rate(30 minutes)", "2026-03-01T12:00:37Z", "2026-03-01T12:30:37Z"),
        ("rate(30 minutes)", "2026-03-01T12:00:36Z", "2026-03-01T12:00:37Z"),
        ("at(2026-12-01T09:00:05Z)", "2026-12-01T09:00:04Z", "2026-12-01T09:00:05Z"),
        ("at(2026-12-01T09:00:05+05:45)", "2026-03-01T00:00:00Z", "2026-12-01T03:15:05Z"),
    ],
)
def test_the_next_slot_is_the_first_strictly_after_the_moment(
    text: str, moment: str, expected: str
) -> None:
    """Examples of every form."""
    assert at(expected) == schedule_of(text).next_after(at(moment))


def test_cron_is_read_in_the_zone_of_the_task() -> None:
    """Nine in Berlin is eight or seven in UTC."""
    schedule = schedule_of("0 9 * * *", "Europe/Berlin")
    assert at("2026-01-10T08:00:00Z") == schedule.next_after(at("2026-01-10T00:00:00Z"))
    assert at("2026-07-10T07:00:00Z") == schedule.next_after(at("2026-07-10T00:00:00Z"))


def test_moments_may_come_in_any_zone() -> None:
    """What counts is the instant, and the answer is in UTC."""
    moment = datetime(2026, 7, 10, 9, 30, tzinfo=timezone(timedelta(hours=2)))
    slot = schedule_of("0 * * * *").next_after(moment)
    assert at("2026-07-10T08:00:00Z") == slot
    assert slot is not None
    assert slot.tzinfo == UTC


def test_a_moment_that_has_come_is_not_due_again() -> None:
    """`at` has one slot, and none at or after it."""
    schedule = schedule_of("at(2026-12-01T09:00:05Z)")
    slot = at("2026-12-01T09:00:05Z")
    assert [slot] == schedule.upcoming(ANCHOR, 3)
    assert schedule.next_after(slot) is None
    assert slot == schedule.latest_between(ANCHOR, slot)
    assert schedule.latest_between(slot, slot + timedelta(days=1)) is None
    assert schedule.latest_between(ANCHOR, slot - timedelta(seconds=1)) is None


def test_the_latest_slot_of_ten_years_of_minutes_is_found_at_once() -> None:
    """The search does not walk: five million slots lie in the range."""
    schedule = schedule_of("* * * * *", "Europe/Berlin")
    until = at("2036-03-01T12:00:37Z")
    assert at("2036-03-01T12:00:00Z") == schedule.latest_between(ANCHOR, until)


@pytest.mark.parametrize("text", ["*/5 * * * *", "0 0 L * *", "rate(90 minutes)"])
def test_an_empty_range_has_no_latest_slot(text: str) -> None:
    """(t, t] and reversed ranges hold nothing, even at a slot."""
    schedule = schedule_of(text)
    slot = schedule.next_after(ANCHOR)
    assert slot is not None
    assert schedule.latest_between(slot, slot) is None
    assert schedule.latest_between(slot, ANCHOR) is None


@pytest.mark.parametrize("text", ["0 0 29 2 *", "* * * * *"])
def test_the_end_of_the_calendar_has_no_next_slot(text: str) -> None:
    """Year 9999 ends quietly."""
    end = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert schedule_of(text).next_after(end) is None


@settings(deadline=None, max_examples=100)
@given(expression=expressions, moment=MOMENTS)
def test_a_schedule_survives_being_stored_as_its_spec(expression: str, moment: datetime) -> None:
    """The spec rebuilds an equal schedule with the same slots."""
    schedule = parsed_or_assumed_away(expression)
    rebuilt = from_spec(schedule.spec)
    assert schedule == rebuilt
    assert schedule.upcoming(moment, 5) == rebuilt.upcoming(moment, 5)


def test_slots_rise_strictly_over_years() -> None:
    """A long walk never stands still and never turns back."""
    slots = schedule_of("13 */7 * * *", "America/New_York").upcoming(ANCHOR, 4000)
    assert all(before < after for before, after in pairwise(slots))


def test_threads_may_ask_for_slots_of_one_expression_at_once(
    request: pytest.FixtureRequest,
) -> None:
    """What is remembered of an expression is never moved by asking it."""
    request.addfinalizer(partial(sys.setswitchinterval, sys.getswitchinterval()))
    schedule = schedule_of("17 3 * * 1", "Europe/Berlin")
    moments = [ANCHOR + timedelta(days=97 * n) for n in range(80)]
    expected = [schedule.next_after(moment) for moment in moments]
    sys.setswitchinterval(1e-6)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: [schedule.next_after(m) for m in moments], range(80)):
            assert expected == found
