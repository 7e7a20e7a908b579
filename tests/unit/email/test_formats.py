"""Times and figures as their reader is used to them."""

from datetime import UTC, date, datetime

import pytest

from nightshift.email import formats
from nightshift.email.formats import Formats, region_of

MOMENT = datetime(2026, 3, 5, 23, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("locale", "zone", "text"),
    [
        ("", "", "5 March 2026, 23:05 UTC"),
        ("en-GB", "Europe/London", "5 March 2026, 23:05 (Europe/London)"),
        ("en-US", "America/New_York", "March 5, 2026, 6:05 p.m. (America/New_York)"),
        ("en-AU", "Australia/Sydney", "6 March 2026, 10:05 a.m. (Australia/Sydney)"),
        ("de-DE", "Europe/Berlin", "6 March 2026, 00:05 (Europe/Berlin)"),
        ("sv_SE.UTF-8", "Europe/Stockholm", "2026-03-06, 00:05 (Europe/Stockholm)"),
        ("zh-Hant-TW", "Asia/Taipei", "2026-03-06, 07:05 (Asia/Taipei)"),
        ("en-IN", "Asia/Kolkata", "6 March 2026, 4:35 a.m. (Asia/Kolkata)"),
        ("nonsense", "Not/AZone", "5 March 2026, 23:05 UTC"),
        ("en-US", "../../etc/passwd", "March 5, 2026, 11:05 p.m. UTC"),
        ("en-US", "Etc/UTC", "March 5, 2026, 11:05 p.m. UTC"),
    ],
)
def test_a_time_is_the_readers_own(locale: str, zone: str, text: str) -> None:
    """Order, clock and zone follow the reader; what is unknown is UTC, day first."""
    assert text == Formats(locale, zone).time(MOMENT)


def test_midnight_and_noon_have_their_names() -> None:
    """Twelve, not zero."""
    f = Formats("en-US", "UTC")
    midnight, noon = (datetime(2026, 3, 5, hour, 0, tzinfo=UTC) for hour in (0, 12))
    assert "March 5, 2026, 12:00 a.m. UTC" == f.time(midnight)
    assert "March 5, 2026, 12:00 p.m. UTC" == f.time(noon)


@pytest.mark.parametrize(
    ("locale", "first", "last", "text"),
    [
        ("", date(2026, 11, 16), date(2026, 11, 22), "16 to 22 November 2026"),
        ("", date(2026, 11, 30), date(2026, 12, 6), "30 November to 6 December 2026"),
        ("", date(2026, 12, 28), date(2027, 1, 3), "28 December 2026 to 3 January 2027"),
        ("en-US", date(2026, 11, 16), date(2026, 11, 22), "November 16, 2026 to November 22, 2026"),
        ("hu-HU", date(2026, 11, 16), date(2026, 11, 22), "2026-11-16 to 2026-11-22"),
    ],
)
def test_a_span_says_nothing_twice(locale: str, first: date, last: date, text: str) -> None:
    """Unless the order of a date asks for it."""
    assert text == Formats(locale, "").days(first, last)


@pytest.mark.parametrize(
    ("locale", "region"),
    [
        ("en-GB", "GB"),
        ("en_gb", "GB"),
        ("pt-BR-u-ca-gregory", "BR"),
        ("zh-Hant-TW", "TW"),
        ("de", ""),
        ("", ""),
        ("C", ""),
    ],
)
def test_a_region_is_found_in_any_spelling(locale: str, region: str) -> None:
    """BCP 47 or POSIX; a language alone has none."""
    assert region == region_of(locale)


def _plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def test_figures_are_rounded_as_one_says_them() -> None:
    """Distances, durations, sizes, counts."""
    assert ["0.0 km", "42.2 km", "100 km", "12,346 km"] == [
        _plain(formats.distance(m)) for m in (0, 42_195, 100_400, 12_345_678)
    ]
    assert ["0 min", "1 min", "1 h", "4 h 18 min", "1,000 h"] == [
        _plain(formats.duration(s)) for s in (20, 60, 3_600, 15_480, 3_600_000)
    ]
    assert ["999 bytes", "1.0 kB", "1.0 MB", "1.8 MB", "2.5 GB", "5000.0 GB"] == [
        _plain(formats.size(n))
        for n in (999, 1_000, 999_960, 1_843_200, 2_500_000_000, 5_000_000_000_000)
    ]
    assert ["1 run", "2 runs", "0 entries", "1,000 runs"] == [
        formats.plural(1, "run"),
        formats.plural(2, "run"),
        formats.plural(0, "entry", "entries"),
        formats.plural(1000, "run"),
    ]


@pytest.mark.parametrize(
    ("user_agent", "text"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0", "Firefox on Windows"),
        (
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
                "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
            ),
            "Safari on iPhone",
        ),
        (
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
                "Chrome/140.0.0.0 Safari/537.36"
            ),
            "Chrome on Linux",
        ),
        (
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
                "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
            ),
            "Edge on Windows",
        ),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", ""),
        ("x" * 100, "x" * 60),
    ],
)
def test_a_device_is_called_by_its_name(user_agent: str, text: str) -> None:
    """As far as its header tells; else the header itself, shortened."""
    assert text == formats.device(user_agent)
