"""Which keys are refused, wherever a secret is read."""

import os

import pytest

from nightshift.core.weak_keys import is_weak

WEAK = {
    "nothing": b"",
    "31 bytes": bytes.fromhex("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a"),
    "zeros": bytes(32),
    "eight bytes four times": bytes.fromhex("9f86d081884c7d65") * 4,
    "of RFC 8037": bytes.fromhex(
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
    ),
    "a phrase": b"my-32-character-ultra-secure-and-ultra-long-secret",
    "digits not decoded": b"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "counting up": bytes(range(32)),
    "counting down": bytes(range(64, 0, -1)),
    "counting over the edge": bytes((240 + 3 * n) % 256 for n in range(32)),
}


@pytest.mark.parametrize("key", WEAK.values(), ids=WEAK)
def test_what_nobody_drew_is_weak(key: bytes) -> None:
    """Each for a reason of its own."""
    assert is_weak(key)


def test_what_was_drawn_is_not() -> None:
    """Nor is a long one."""
    drawn = [os.urandom(32 + n % 33) for n in range(20_000)]
    assert [] == [key for key in drawn if is_weak(key)]
