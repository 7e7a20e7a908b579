"""What periods are called, and when they are."""

from datetime import UTC, datetime

import pytest

from nightshift.reports import periods

NOW = datetime(2026, 10, 5, 12, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("7d", "2026-09-29", "2026-10-06"),
        ("30d", "2026-09-06", "2026-10-06"),
        ("90d", "2026-07-08", "2026-10-06"),
        ("365d", "2025-10-06", "2026-10-06"),
        ("2026", "2026-01-01", "2027-01-01"),
        ("2008", "2008-01-01", "2009-01-01"),
        ("2026-10", "2026-10-01", "2026-11-01"),
        ("2025-12", "2025-12-01", "2026-01-01"),
        ("2024-02", "2024-02-01", "2024-03-01"),
        ("2026-Q3", "2026-07-01", "2026-10-01"),
        ("2025-Q4", "2025-10-01", "2026-01-01"),
        ("2026-W40", "2026-09-28", "2026-10-05"),
        ("2020-W53", "2020-12-28", "2021-01-04"),
        ("2026-W01", "2025-12-29", "2026-01-05"),
    ],
)
def test_a_period_is_whole_days(text: str, start: str, end: str) -> None:
    """From midnight to midnight in UTC; days count back from today, today included."""
    found = periods.parse(text, NOW)
    assert (text, start, end) == (found.label, f"{found.start:%Y-%m-%d}", f"{found.end:%Y-%m-%d}")
    assert {"00:00:00+0000"} == {f"{moment:%H:%M:%S%z}" for moment in (found.start, found.end)}


@pytest.mark.parametrize(
    "text",
    [
        *("", "30", "31d", "30D", " 30d", "0d", "-7d", "2026-13", "2026-00", "2026-1", "2026-Q0"),
        *("2026-Q5", "2026-q3", "2026-W00", "2026-W54", "2025-W53", "2026-10-05", "20261", "٢٠٢٦"),
        *("2007", "0001-01", "0000", "2007-W01", "2026-11", "2027", "2026-Q4x", "2026-W42", "9999"),
    ],
)
def test_what_is_no_period_is_refused(text: str) -> None:
    """With a word on what would be right; also what has not begun, or was before GitHub."""
    with pytest.raises(ValueError, match=r"period|GitHub"):
        periods.parse(text, NOW)


def test_a_period_that_goes_on_is_taken() -> None:
    """It has begun, and is not over; it is a day after its end."""
    found = periods.parse("2026-Q4", NOW)
    assert not found.is_over(NOW)
    past = periods.parse("2026-W40", NOW)
    assert not past.is_over(NOW)
    assert past.is_over(datetime(2026, 10, 6, tzinfo=UTC))
