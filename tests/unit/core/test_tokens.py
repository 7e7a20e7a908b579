"""Opaque tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightshift.core.tokens import b64url, digest, from_b64url, keyed


@given(st.binary(max_size=100))
def test_base64url_goes_there_and_back(data: bytes) -> None:
    """What was shown as base64url is read again, without padding."""
    text = b64url(data)
    assert (data, False) == (from_b64url(text), "=" in text)


@pytest.mark.parametrize("text", ["a", "ab=", "ab==", "a+b/", "ab\n", "äb", "AB", "YQ "])
def test_refuses_other_spellings(text: str) -> None:
    """One value has one spelling, so that no token has a twin."""
    with pytest.raises(ValueError, match="base64url"):
        from_b64url(text)


def test_a_digest_is_sha_256() -> None:
    """The form at rest is plain SHA-256."""
    assert digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@given(st.lists(st.binary(max_size=4), max_size=3), st.lists(st.binary(max_size=4), max_size=3))
def test_different_parts_have_different_macs(left: list[bytes], right: list[bytes]) -> None:
    """Moving a byte from one part to the next changes the MAC."""
    assert (left == right) == (keyed(b"k", *left) == keyed(b"k", *right))
