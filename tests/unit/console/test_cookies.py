"""Cookies as API Gateway gives them, and as what stands in for it does."""

from typing import Any

import pytest

from nightshift.console.cookies import MAX_COOKIES, read_cookies


@pytest.mark.parametrize(
    ("event", "found"),
    [
        ({}, {}),
        ({"cookies": None, "headers": None}, {}),
        ({"cookies": ["a=1", "b=x.y-z_~+/="]}, {"a": "1", "b": "x.y-z_~+/="}),
        ({"headers": {"Cookie": "a=1; b=2"}}, {"a": "1", "b": "2"}),
        ({"cookies": ["a=1", "a=2"]}, {"a": "1"}),
        ({"cookies": ["a", "=b", "c=d e", 'q="x"', "ü=1", "ok=1"]}, {"a": "", "ü": "1", "ok": "1"}),
        ({"cookies": [f"n{i}=1" for i in range(99)]}, {f"n{i}": "1" for i in range(MAX_COOKIES)}),
    ],
)
def test_cookies_are_read(event: dict[str, Any], found: dict[str, str]) -> None:
    """The first of a name counts; what no cookie of ours can hold is left out."""
    assert found == read_cookies(event)
