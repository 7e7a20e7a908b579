"""How schedules may be written, how they are written back, and what is refused and why."""

import string
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from nightshift.tasks.schedule import (
    InvalidScheduleError,
    InvalidTimezoneError,
    Schedule,
    ScheduleKind,
    from_spec,
    parse,
)
from tests.unit.tasks.schedule_strategies import expressions

ANCHOR = datetime(2026, 3, 1, 12, 0, 37, tzinfo=UTC)

CANONICAL = [
    ("*/5 * * * *", "*/5 * * * *"),
    ("  */5\t*  * * *\n", "*/5 * * * *"),
    ("*/1 * * * *", "* * * * *"),
    ("*/05 * * * *", "*/5 * * * *"),
    ("*,5 * * * *", "* * * * *"),
    ("*/20,40,7 * * * *", "*/20,7 * * * *"),
    ("05 09 01 02 *", "5 9 1 2 *"),
    ("0 9 * * MON-FRI", "0 9 * * 1-5"),
    ("0 9 * * mon,Tue,WED", "0 9 * * 1-3"),
    ("0 9 * * sun", "0 9 * * 0"),
    ("0 9 * * 7", "0 9 * * 0"),
    ("0 9 * * 6-7", "0 9 * * 0,6"),
    ("0 9 * * */2,0/1", "0 9 * * */2,1,3,5"),
    ("0 9 * jan-mar,DEC *", "0 9 * 1-3,12 *"),
    ("30,0,15 * * * *", "0,15,30 * * * *"),
    ("1,2 * * * *", "1,2 * * * *"),
    ("5-5/10 * * * *", "5 * * * *"),
    ("50/3 * * * *", "50,53,56,59 * * * *"),
    ("0-59 0-23 * * *", "0-59 0-23 * * *"),
    ("5,* * * * *", "0-59 * * * *"),
    ("0 0 l * *", "0 0 L * *"),
    ("0 0 lw,L,3 * *", "0 0 3,L,LW * *"),
    ("0 0 * * 5l", "0 0 * * 5L"),
    ("0 0 * * 7L", "0 0 * * 0L"),
    ("0 0 * * fri#2,7#1", "0 0 * * 0#1,5#2"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@Monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@MIDNIGHT", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
    ("rate(1 minute)", "rate(1 minute)"),
    ("rate(1 minutes)", "rate(1 minute)"),
    ("Rate ( 030  Minute )", "rate(30 minutes)"),
    ("rate(12 hours)", "rate(12 hours)"),
    ("rate(366 days)", "rate(366 days)"),
    ("rate(527040 minutes)", "rate(527040 minutes)"),
    ("at(2026-12-01T09:00:05Z)", "at(2026-12-01T09:00:05Z)"),
    ("AT( 2026-12-01t09:00:05.000z )", "at(2026-12-01T09:00:05Z)"),
    ("at(2026-12-01T09:00:05+05:45)", "at(2026-12-01T03:15:05Z)"),
    ("at(2020-01-01T00:00:00Z)", "at(2020-01-01T00:00:00Z)"),
]

REFUSED = [
    ("", "is no schedule"),
    ("   ", "is no schedule"),
    ("hello", "is no schedule"),
    ("* * * *", "is no schedule"),
    ("0 * * * * *", "six fields"),
    ("* * * * * *", "six fields"),
    ("* * * * * * *", "is no schedule"),
    ("@reboot", "@reboot is not supported"),
    ("@every 5m", "is no alias; use one of @yearly"),
    ("@", "is no alias"),
    ("60 * * * *", "minute field '60' is not valid; it takes 0-59"),
    ("-1 * * * *", "minute field"),
    ("5-1 * * * *", "minute field"),
    ("*/0 * * * *", "minute field"),
    ("*/ * * * *", "minute field"),
    ("/5 * * * *", "minute field"),
    ("*5 * * * *", "minute field"),
    ("*-5 * * * *", "minute field"),
    ("1,,2 * * * *", "minute field"),
    ("1, * * * *", "minute field"),
    ("1/2/3 * * * *", "minute field"),
    ("1-2-3 * * * *", "minute field"),
    ("1.5 * * * *", "minute field"),
    ("+1 * * * *", "minute field"),
    ("1_0 * * * *", "minute field"),
    ("0x1 * * * *", "minute field"),
    ("L * * * *", "minute field"),
    ("* 24 * * *", "hour field '24' is not valid; it takes 0-23"),
    ("* 1#2 * * *", "hour field"),
    ("* * 0 * *", "day-of-month field '0' is not valid; it takes 1-31, L or LW"),
    ("* * 32 * *", "day-of-month field"),
    ("* * ? * *", "day-of-month field"),
    ("* * 15W * *", "day-of-month field"),
    ("* * L-3 * *", "day-of-month field"),
    ("* * 1-L * *", "day-of-month field"),
    ("* * * 0 *", "month field '0' is not valid; it takes 1-12 or JAN-DEC"),
    ("* * * 13 *", "month field"),
    ("* * * january *", "month field"),
    ("* * * mon *", "month field"),
    ("* * * * 8", "day-of-week field '8' is not valid; it takes 0-7 or SUN-SAT"),
    ("* * * * jan", "day-of-week field"),
    ("* * * * sat-sun", "day-of-week field"),
    ("* * * * L", "day-of-week field"),
    ("* * * * FRIL", "day-of-week field"),
    ("* * * * 5L/2", "day-of-week field"),
    ("* * * * 1#0", "day-of-week field"),
    ("* * * * 1#6", "day-of-week field"),
    ("* * * * 1-5#2", "day-of-week field"),
    ("* * * * #2", "day-of-week field"),
    ("0 0 30 2 *", "never comes"),
    ("0 0 31 2,4,6,9,11 *", "never comes"),
    ("0 0 */29 2 5#5", "never comes"),
    ("rate", "is no rate"),
    ("rate()", "is no rate"),
    ("rate(5)", "is no rate"),
    ("rate(minutes)", "is no rate"),
    ("rate(five minutes)", "is no rate"),
    ("rate(1.5 hours)", "is no rate"),
    ("rate(-5 minutes)", "is no rate"),
    ("rate(5minutes)", "is no rate"),
    ("rate(5 minutess)", "is no rate"),
    ("rate(2 months)", "is no rate"),
    ("rate(5 minutes) x", "is no rate"),
    ("rate(5 minutes", "is no rate"),
    ("rate(9999999999 minutes)", "is no rate"),
    ("rate(0 minutes)", "from 1 minute to 366 days"),
    ("rate(367 days)", "from 1 minute to 366 days"),
    ("rate(527041 minutes)", "from 1 minute to 366 days"),
    ("rate(30 seconds)", "counted in minutes, hours or days"),
    ("rate(1 second)", "counted in minutes, hours or days"),
    ("at", "is no moment"),
    ("at()", "is no moment"),
    ("at(tomorrow)", "is no moment"),
    ("at(2026-12-01)", "is no moment"),
    ("at(2026-12-01T09:00Z)", "is no moment"),
    ("at(2026-12-01T09:00:05)", "with its offset"),
    ("at(2026-12-01T09:00:05.5Z)", "whole seconds"),
    ("at(2026-12-01 09:00:05Z)", "is no moment"),
    ("at(20261201T090005Z)", "is no moment"),
    ("at(2026-W49-2T09:00:05Z)", "is no moment"),
    ("at(2026-12-01T24:00:00Z)", "is no moment"),
    ("at(2026-12-01T09:00:60Z)", "is no moment"),
    ("at(2026-12-01T09:00:05+24:00)", "is no moment"),
    ("at(2026-12-01T09:00:05+0100)", "is no moment"),
    ("at(1796115605)", "is no moment"),
    ("at(2026-02-30T00:00:00Z)", "there is no such time"),
    ("at(2026-00-01T00:00:00Z)", "there is no such time"),
    ("at(0000-01-01T00:00:00Z)", "there is no such time"),
    ("at(0001-01-01T00:00:00+23:59)", "there is no such time"),
    ("at(9999-12-31T23:59:59-23:59)", "there is no such time"),
    ("at(1969-12-31T23:59:59Z)", "the year must be from 1970 to 2199"),
    ("at(2200-01-01T00:00:00Z)", "the year must be from 1970 to 2199"),
    ("\u0665 * * * *", "characters that no schedule has"),
    ("0 0 * * \u017fun", "characters that no schedule has"),
    ("\ud800 * * * *", "characters that no schedule has"),
    ("\x00 * * * *", "minute field"),
    ("1," * 300 + "1 * * * *", "at most 512 characters"),
]


def schedule_of(text: str, timezone: str = "UTC", anchor: datetime = ANCHOR) -> Schedule:
    return parse(text, timezone=timezone, anchor=anchor)


@pytest.mark.parametrize(("text", "expected"), CANONICAL)
def test_every_form_is_written_back_in_one_way(text: str, expected: str) -> None:
    """Space, case, names, aliases and leading zeros make no difference; a leading star stays."""
    schedule = schedule_of(text)
    assert expected == schedule.text
    assert expected == schedule_of(expected).text
    assert schedule == schedule_of(expected)


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_what_is_no_schedule_is_refused_with_its_reason(text: str, reason: str) -> None:
    """The message names what is wrong, in printable ASCII, and the slug and status are stable."""
    with pytest.raises(InvalidScheduleError) as caught:
        schedule_of(text)
    assert reason in caught.value.message
    assert caught.value.message.isascii()
    assert caught.value.message.isprintable()
    expected = ("invalid_schedule", 422)
    assert expected == (caught.value.slug, caught.value.status)


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Mars/Olympus", "use one such as Europe/Berlin"),
        ("europe/berlin", "did you mean Europe/Berlin?"),
        ("utc", "did you mean UTC?"),
        ("Europe", "use one such as"),
        ("", "use one such as"),
        ("localtime", "use one such as"),
        ("posix/Europe/Berlin", "use one such as"),
        ("../UTC", "use one such as"),
        ("/etc/localtime", "use one such as"),
        ("UTC\x00", "use one such as"),
        ("+01:00", "use one such as"),
        ("\ud800", "use one such as"),
        ("x" * 10_000, "use one such as"),
    ],
)
@pytest.mark.parametrize(
    "text", ["@daily", "rate(5 minutes)", "at(2026-12-01T09:00:05Z)", "nothing"]
)
def test_a_zone_is_named_as_the_database_names_it(zone: str, hint: str, text: str) -> None:
    """Anything else is refused before the schedule is looked at, whatever its kind."""
    with pytest.raises(InvalidTimezoneError) as caught:
        schedule_of(text, zone)
    assert hint in caught.value.message
    assert len(caught.value.message) < 200
    expected = ("invalid_timezone", 422)
    assert expected == (caught.value.slug, caught.value.status)


def test_a_schedule_that_its_zone_always_leaves_out_is_refused() -> None:
    """The first hour of the day on which Cairo's clocks skip it does not exist, in any year."""
    assert schedule_of("* 0 * 4 5L", "UTC").text == "* 0 * 4 5L"
    with pytest.raises(InvalidScheduleError, match="never comes"):
        schedule_of("* 0 * 4 5L", "Africa/Cairo")


def test_finding_that_a_schedule_never_comes_is_cheap() -> None:
    """It takes about 30 ms of CPU, so nobody can keep the server busy with such texts."""
    started = time.process_time()
    for text, zone in (("* 0 * 4 5L", "Africa/Cairo"), ("0 0 */29 2 5#5", "UTC")):
        with pytest.raises(InvalidScheduleError):
            schedule_of(text, zone)
    assert time.process_time() - started < 1.5


def test_a_schedule_says_what_it_was_made_of() -> None:
    """Kind, zone and anchor can be read back."""
    cron = schedule_of("@daily", "Europe/Berlin")
    expected = ("0 0 * * *", "Europe/Berlin", ANCHOR)
    assert expected == (cron.text, cron.timezone, cron.anchor)
    texts = ("@daily", "rate(5 minutes)", "at(2026-12-01T09:00:05Z)")
    assert list(ScheduleKind) == [schedule_of(text).kind for text in texts]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (schedule_of("0 9 * * MON"), schedule_of("00 9 * * 1")),
        (schedule_of("0 9 * * *"), schedule_of("0 9 * * *", anchor=ANCHOR + timedelta(hours=1))),
        (schedule_of("*/5 * * * *", "Europe/Berlin"), schedule_of("*/5 * * * *", "Asia/Kathmandu")),
        (schedule_of("rate(60 minutes)"), schedule_of("rate(1 hour)", "Asia/Tokyo")),
        (
            schedule_of("rate(1 hour)"),
            schedule_of("rate(1 hour)", anchor=ANCHOR + timedelta(hours=7, milliseconds=5)),
        ),
        (
            schedule_of("at(2026-12-01T09:00:05Z)"),
            schedule_of("at(2026-12-01T10:00:05+01:00)", "Asia/Tokyo"),
        ),
    ],
)
def test_schedules_with_the_same_slots_share_a_spec(one: Schedule, other: Schedule) -> None:
    """The spec is what tasks are grouped under, so it forgets what has no effect."""
    assert one.spec == other.spec
    assert one == other
    assert one.upcoming(ANCHOR, 20) == other.upcoming(ANCHOR, 20)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (schedule_of("0 9 * * *"), schedule_of("0 9 * * *", "Europe/Berlin")),
        (schedule_of("30 * * * *"), schedule_of("30 * * * *", "Asia/Kathmandu")),
        (schedule_of("*/10 * * * *"), schedule_of("*/10 * * * *", "Asia/Kathmandu")),
        (schedule_of("* 9 * * *"), schedule_of("* 9 * * *", "Europe/Berlin")),
        (schedule_of("0 0 */1 * 1"), schedule_of("0 0 1-31 * 1")),
        (schedule_of("rate(1 hour)"), schedule_of("rate(2 hours)")),
        (
            schedule_of("rate(1 hour)"),
            schedule_of("rate(1 hour)", anchor=ANCHOR + timedelta(seconds=1)),
        ),
    ],
)
def test_schedules_with_other_slots_have_another_spec(one: Schedule, other: Schedule) -> None:
    """Nothing that has an effect is forgotten."""
    assert one.spec != other.spec
    assert one.upcoming(ANCHOR, 20) != other.upcoming(ANCHOR, 20)


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "every",
        "cron|UTC|",
        "cron|UTC|61 * * * *",
        "rate|60",
        "rate|0|0",
        "rate|7|0",
        "rate|-60|0",
        "rate|x|0",
        "at|",
        "at|tomorrow",
        "every|60|0",
    ],
)
def test_a_spec_that_no_schedule_made_is_refused(spec: str) -> None:
    """What was stored wrongly is found when it is read."""
    with pytest.raises(InvalidScheduleError):
        from_spec(spec)


def test_a_spec_of_an_unknown_zone_is_refused() -> None:
    """A zone that the database has lost is named when the schedule is read, not when it is due."""
    with pytest.raises(InvalidTimezoneError):
        from_spec("cron|Mars/Olympus|0 9 * * *")


@settings(deadline=None, max_examples=500)
@given(expression=expressions)
def test_what_is_canonical_stays_as_it_is(expression: str) -> None:
    """Writing back twice changes nothing, and the leading stars that decide the rules stay."""
    try:
        canonical = schedule_of(expression).text
    except InvalidScheduleError as error:
        assume("never comes" not in error.message)
        raise
    assert canonical == schedule_of(canonical).text
    assert [f[0] == "*" for f in expression.split()] == [f[0] == "*" for f in canonical.split()]


_CRONISH = st.text(string.digits + "*/,-#?LWlwT:Z+.()@ \tsunmojaratei_%", max_size=40)
_FIELD = st.text("0123456789*/,-#LW", min_size=1, max_size=6)
_WRAPPED = st.sampled_from(["{}", "at({})", "rate({})", "@{}", "{} * * * *", "* * {} * {}"])


@settings(deadline=None, max_examples=1500)
@given(
    text=st.one_of(
        st.text(max_size=30),
        _CRONISH,
        st.lists(_FIELD, min_size=5, max_size=5).map(" ".join),
        st.builds(lambda shape, text: shape.format(text, text), _WRAPPED, _CRONISH),
    ),
    timezone=st.sampled_from(["UTC", "Europe/Berlin", "Africa/Cairo"]),
)
@example(text="* " * 5, timezone="UTC")
@example(text="0 0 29 2 *", timezone="Africa/Cairo")
def test_any_text_is_a_schedule_or_refused_as_one(text: str, timezone: str) -> None:
    """No text breaks the reader, and what it takes has a next slot or was a moment."""
    try:
        schedule = schedule_of(text, timezone)
    except InvalidScheduleError:
        return
    assert schedule.kind is ScheduleKind.AT or schedule.next_after(ANCHOR) is not None
    assert schedule == from_spec(schedule.spec)


@settings(deadline=None, max_examples=500)
@given(zone=st.text(max_size=30) | st.text("abcEUTGMTetc/+-_.0123", max_size=12))
def test_any_zone_is_a_zone_or_refused_as_one(zone: str) -> None:
    """No name reaches the file system or breaks the reader."""
    try:
        schedule = schedule_of("@daily", zone)
    except InvalidTimezoneError:
        return
    assert zone == schedule.timezone
