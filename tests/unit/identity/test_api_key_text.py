"""What an API key looks like, and the networks that it names."""

import hashlib
import re
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightshift.identity.api_keys.errors import ApiKeyChecksumError, ApiKeyMalformedError
from nightshift.identity.api_keys.model import is_within, plain_cidrs
from nightshift.identity.api_keys.secret import checksum, hash_of, new_secret


class TestText:
    """What a key looks like."""

    @pytest.mark.parametrize(
        ("body", "crc", "digits"),
        [
            ("0" * 30, 2_011_552_642, "2C8GjS"),
            ("abcdefghijklmnopqrstuvwxyzABCD", 4_246_480_780, "4dNndU"),
            ("", 0, "000000"),
        ],
    )
    def test_the_checksum_is_crc32_in_base62(self, body: str, crc: int, digits: str) -> None:
        """Most significant digit first: 0-9, A-Z, a-z; keys that are out there depend on it."""
        assert (crc, digits) == (zlib.crc32(body.encode()), checksum(body))

    @given(st.randoms(use_true_random=False))
    @settings(max_examples=50, deadline=None)
    def test_new_ones_are_well_formed(self, random: Any) -> None:
        """nsk_, 30 characters of base62, 6 of checksum; and they are taken as such."""
        secret = new_secret(random.randbytes)
        assert re.fullmatch(r"nsk_[0-9A-Za-z]{36}", secret)
        assert hashlib.sha256(secret.encode()).hexdigest() == hash_of(secret)

    def test_every_character_is_as_likely(self) -> None:
        """Bytes that would favour some characters are drawn again."""
        drawn = iter([bytes([248, 255] * 15), bytes(range(30))])
        secret = new_secret(lambda _: next(drawn))
        assert "0123456789ABCDEFGHIJKLMNOPQRST" == secret[4:34]

    @given(st.integers(4, 39), st.sampled_from("0Az9_-é "))
    @settings(max_examples=150, deadline=None)
    def test_one_wrong_character_is_noticed(self, place: int, character: str) -> None:
        """Wherever it stands: CRC-32 finds every error of so few bits."""
        secret = new_secret(lambda n: bytes(range(n)))
        wrong = secret[:place] + character + secret[place + 1 :]
        if wrong != secret:
            with pytest.raises((ApiKeyChecksumError, ApiKeyMalformedError)):
                hash_of(wrong)

    @pytest.mark.parametrize("tail", ["", "\n", "x", "0" * 100])
    def test_a_wrong_length_is_noticed(self, tail: str) -> None:
        """Neither more nor less than forty characters."""
        secret = new_secret(lambda n: bytes(range(n)))
        with pytest.raises(ApiKeyMalformedError):
            hash_of(secret + tail if tail else secret[:-1])


@pytest.mark.parametrize(
    ("address", "cidrs", "expected"),
    [
        ("10.1.2.3", ["10.0.0.0/8"], True),
        ("11.1.2.3", ["10.0.0.0/8"], False),
        ("10.1.2.3", ["192.0.2.0/24", "10.1.2.3/32"], True),
        ("::1", ["0.0.0.0/0"], False),
        ("::1", ["::/0"], True),
        ("", ["0.0.0.0/0"], False),
        ("10.1.2.3, 1.1.1.1", ["10.0.0.0/8"], False),
        ("fe80::1%eth0", ["fe80::/10"], True),
    ],
)
def test_networks(address: str, cidrs: list[str], expected: bool) -> None:
    """An address is in a network or it is not; a text that is none is in no network."""
    assert expected == is_within(address, cidrs)


def test_networks_have_one_spelling() -> None:
    """And each stands once."""
    texts = ["192.0.2.1", "192.0.2.1/32", "2001:DB8:0::/32"]
    assert ("192.0.2.1/32", "2001:db8::/32") == plain_cidrs(texts)
