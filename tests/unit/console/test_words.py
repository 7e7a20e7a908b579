"""Numbers, times and periods in words."""

import pytest

from nightshift.console import words
from nightshift.console.report.query import web_of
from nightshift.console.report.view import period_words


@pytest.mark.parametrize(
    ("age_s", "said"),
    [
        (0, "just now"), (59, "just now"), (60, "1 minute ago"), (3_599, "59 minutes ago"),
        (3_600, "1 hour ago"), (86_399, "23 hours ago"), (86_400, "1 day ago"),
        (2_592_000, "30 days ago"),
    ],
)  # fmt: skip
def test_an_age_is_said_as_one_would(age_s: int, said: str) -> None:
    """In the largest unit that fits."""
    assert said == words.ago(age_s)


@pytest.mark.parametrize(
    ("wait_s", "said"),
    [
        (1, "1 second"), (119, "119 seconds"), (120, "2 minutes"), (121, "3 minutes"),
        (7_199, "120 minutes"), (7_200, "2 hours"), (7_201, "3 hours"),
    ],
)  # fmt: skip
def test_a_wait_is_never_said_shorter_than_it_is(wait_s: int, said: str) -> None:
    """In the unit that one would say."""
    assert said == words.wait(wait_s)


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("7d", "the last 7 days"), ("365d", "the last 365 days"), ("2026", "2026"),
        ("2026-Q4", "the fourth quarter of 2026"), ("2026-02", "February 2026"),
        ("2026-W05", "week 5 of 2026"),
    ],
)  # fmt: skip
def test_each_period_has_words(label: str, said: str) -> None:
    """As they stand in a sentence."""
    assert said == period_words(label)


def test_times_and_lists() -> None:
    """To the minute, in UTC; with an "and"."""
    assert "5 October 2026, 09:03 UTC" == words.moment("2026-10-05T09:03:59Z")
    assert ("5 October 2026", "5 Oct") == (words.day("2026-10-05"), words.short_day("2026-10-05"))
    assert ["", "a", "a and b", "a, b and c"] == [
        words.listed(list(text)) for text in ("", "a", "ab", "abc")
    ]
    assert ("1 day", "2 days", "1,000 repositories") == (
        words.plural(1, "day"),
        words.plural(2, "day"),
        words.plural(1000, "repository", "repositories"),
    )


@pytest.mark.parametrize(
    ("api", "web"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://git.example.com/api/v3", "https://git.example.com"),
        ("http://127.0.0.1:8787/dev/github", ""),
    ],
)
def test_pull_requests_are_linked_where_their_pages_are_known(api: str, web: str) -> None:
    """The stand-in has none."""
    assert web == web_of(api)
