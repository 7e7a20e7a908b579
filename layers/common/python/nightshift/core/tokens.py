"""Opaque tokens: how they are made, shown and kept.

A token is random bytes shown as base64url behind a prefix that says what it is (so that a leaked
one is recognised by secret scanners). What is stored is its SHA-256: the secret has 256 random
bits, so a slow hash would add nothing.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable

SECRET_BYTES = 32
RandomBytes = Callable[[int], bytes]


def b64url(data: bytes) -> str:
    """Return base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_b64url(text: str) -> bytes:
    """Return the bytes of canonical unpadded base64url.

    Raises:
        ValueError: the text has other characters, padding, or unused bits that are not zero.
    """
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise ValueError("this is not base64url") from error
    if b64url(data) != text:
        raise ValueError("this is not canonical base64url")
    return data


def digest(secret: bytes) -> str:
    """Return the hex SHA-256 under which a secret is kept at rest."""
    return hashlib.sha256(secret).hexdigest()


def keyed(key: bytes, *parts: bytes) -> bytes:
    """Return HMAC-SHA256 over `parts`, each bound to its length so that no two lists collide."""
    mac = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        mac.update(len(part).to_bytes(8, "big"))
        mac.update(part)
    return mac.digest()


def same(left: bytes, right: bytes) -> bool:
    """Compare two secrets or digests in constant time."""
    return hmac.compare_digest(left, right)
