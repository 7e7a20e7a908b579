"""Streak, today and retention from days of reviews, checked against a plain count."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightshift.memos.model import Day
from nightshift.memos.statistics import habit, start_of_day

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
ZONES = ["UTC", "Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York"]


def _days(moments: list[datetime]) -> list[Day]:
    """Return days as the table keeps them."""
    found: dict[date, Counter[int]] = {}
    for moment in moments:
        quarters = found.setdefault(moment.date(), Counter())
        quarters[(moment.hour * 60 + moment.minute) // 15] += 1
    return [Day(date=day, reviews=found[day]) for day in sorted(found, reverse=True)]


def _plain_streak(moments: list[datetime], zone: ZoneInfo) -> int:
    dates = {moment.astimezone(zone).date() for moment in moments}
    day = NOW.astimezone(zone).date()
    if day not in dates:
        day -= timedelta(days=1)
    count = 0
    while day in dates:
        count, day = count + 1, day - timedelta(days=1)
    return count


@given(
    st.sampled_from(ZONES),
    st.lists(st.integers(0, 12 * 96).map(lambda n: NOW - timedelta(minutes=15 * n)), max_size=40),
)
def test_streak_and_today_are_those_of_a_plain_count(name: str, moments: list[datetime]) -> None:
    """In any zone, also where a UTC day lies on two dates."""
    zone = ZoneInfo(name)
    found = habit(_days(moments), NOW, zone)
    today = NOW.astimezone(zone).date()
    assert _plain_streak(moments, zone) == found.streak_days
    assert sum(m.astimezone(zone).date() == today for m in moments) == found.reviews_today


@pytest.mark.parametrize(("ago", "streak"), [([0, 1, 2], 3), ([1, 2], 2), ([2, 3], 0), ([], 0)])
def test_a_streak_stands_until_a_whole_day_passed(ago: list[int], streak: int) -> None:
    """Today may still come; a day without a review ends it."""
    moments = [NOW - timedelta(days=n) for n in ago]
    assert streak == habit(_days(moments), NOW, UTC_ZONE).streak_days


def test_retention_counts_mature_reviews_of_thirty_days() -> None:
    """What is older does not count; without any there is no figure."""
    today = NOW.date()
    days = [
        Day(date=today, reviews={1: 5}, mature=4, kept=3),
        Day(date=today - timedelta(days=29), mature=4, kept=4),
        Day(date=today - timedelta(days=30), mature=100, kept=0),
    ]
    found = habit(days, NOW, UTC_ZONE)
    assert (0.875, 8) == (found.retention, found.mature_reviews)
    assert habit([], NOW, UTC_ZONE).retention is None


def test_only_the_days_that_matter_are_read() -> None:
    """Years of reviews with a gap: no day beyond the gap and the thirty days is asked for."""
    read = []

    def years() -> Iterator[Day]:
        for ago in (*range(5), *range(7, 3_000)):
            read.append(ago)
            yield Day(date=NOW.date() - timedelta(days=ago), reviews={0: 1})

    assert 5 == habit(years(), NOW, UTC_ZONE).streak_days
    assert 30 == max(read)


def test_a_day_begins_where_the_clock_says_so() -> None:
    """Midnight in the zone, also on the day on which its clocks are set forward."""
    zone = ZoneInfo("Europe/Berlin")
    assert datetime(2026, 3, 28, 23, tzinfo=UTC) == start_of_day(date(2026, 3, 29), zone)
    assert datetime(2026, 3, 29, 22, tzinfo=UTC) == start_of_day(date(2026, 3, 30), zone)
