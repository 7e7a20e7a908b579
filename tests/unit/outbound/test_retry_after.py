from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightshift.outbound.retry_after import MAX_RETRY_AFTER_S, parse_retry_after

NOW = datetime(2026, 12, 1, 9, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0" * 5000 + "7", 7.0),
        ("9" * 5000, MAX_RETRY_AFTER_S),
        ("999999999", MAX_RETRY_AFTER_S),
        ("Tue, 01 Dec 2026 09:01:40 GMT", 100.0),
        ("Tuesday, 01-Dec-26 09:01:40 GMT", 100.0),
        ("Tue Dec  1 09:01:40 2026", 100.0),
        ("Tue, 01 Dec 2026 08:00:00 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_RETRY_AFTER_S),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("+5", None),
        ("5s", None),
        ("\N{ARABIC-INDIC DIGIT SEVEN}", None),
        ("soon", None),
        ("Tue, 32 Dec 2026 09:00:00 GMT", None),
        ("Tue, 01 Dec 99999 09:00:00 GMT", None),
        ("Tue, 01 Dec 2026 25:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", MAX_RETRY_AFTER_S),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0.0),
    ],
)
def test_both_forms_are_read(value: str, expected: float | None) -> None:
    """Seconds and dates become seconds from now, bounded; anything else is no wish at all."""
    assert expected == parse_retry_after(value, NOW)


@settings(deadline=None)
@given(st.text(max_size=50))
def test_any_text_gives_a_bounded_wait_or_none(text: str) -> None:
    """Whatever the header says, the wait is none or within its bounds."""
    wait = parse_retry_after(text, NOW)
    assert wait is None or 0.0 <= wait <= MAX_RETRY_AFTER_S
