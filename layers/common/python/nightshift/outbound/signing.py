"""Signatures of outgoing calls by Standard Webhooks (standardwebhooks.com, version 1.0.0).

The signature is HMAC-SHA256 over `id.timestamp.body`, base64, under the header `webhook-signature`
as `v1,<signature>`; while a secret is being rotated there is one for each secret, with spaces
between. A secret is shown as `whsec_` and the base64 of 24 to 64 random bytes.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from nightshift.core.clock import to_epoch_s

SECRET_PREFIX: Final = "whsec_"
MIN_SECRET_BYTES: Final = 24
MAX_SECRET_BYTES: Final = 64
TOLERANCE: Final = timedelta(minutes=5)
"""How far a receiver lets the timestamp be from its own clock, either way."""

_VERSION = "v1"


def new_secret(random: bytes) -> str:
    """Return the secret made of `random`, 24 to 64 bytes from a cryptographic source.

    Raises:
        ValueError: too few or too many bytes.
    """
    if not MIN_SECRET_BYTES <= len(random) <= MAX_SECRET_BYTES:
        raise ValueError(f"a secret has {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes")
    return SECRET_PREFIX + base64.b64encode(random).decode("ascii")


def sign(secrets: Iterable[str], message_id: str, timestamp: datetime, body: bytes) -> str:
    """Return the value of `webhook-signature`, one signature for each secret, in their order.

    `message_id` and the whole seconds of `timestamp` are what `webhook-id` and `webhook-timestamp`
    carry.

    Raises:
        ValueError: a secret is not in the form of `new_secret`, or `message_id` is empty or holds
            a full stop, which would let one signature fit two messages.
    """
    if not message_id or "." in message_id:
        raise ValueError("a message id is not empty and holds no full stop")
    content = b"%b.%d.%b" % (message_id.encode(), to_epoch_s(timestamp), body)
    return " ".join(f"{_VERSION},{_signature(secret, content)}" for secret in secrets)


def signed_headers(
    secrets: Iterable[str], message_id: str, timestamp: datetime, body: bytes
) -> dict[str, str]:
    """Return the three headers of a signed call: webhook-id, webhook-timestamp, webhook-signature.

    Raises:
        ValueError: see `sign`.
    """
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(to_epoch_s(timestamp)),
        "webhook-signature": sign(secrets, message_id, timestamp, body),
    }


def verify(
    secret: str,
    message_id: str,
    timestamp: str,
    signature: str,
    body: bytes,
    *,
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> bool:
    """Tell whether a call is genuine and recent; for receivers and tests.

    `message_id`, `timestamp` and `signature` are the headers as received. Whether the id was seen
    before is not checked. Signatures of other versions than v1 are passed over.
    """
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):  # noqa: PLR2004
        return False
    if abs(to_epoch_s(now) - int(timestamp)) > tolerance.total_seconds():
        return False
    content = b"%b.%d.%b" % (message_id.encode(), int(timestamp), body)
    expected = f"{_VERSION},{_signature(secret, content)}".encode()
    found = [hmac.compare_digest(expected, each.encode()) for each in signature.split(" ")]
    return any(found)


def _signature(secret: str, content: bytes) -> str:
    digest = hmac.digest(_key(secret), content, hashlib.sha256)
    return base64.b64encode(digest).decode("ascii")


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(SECRET_PREFIX) or not MIN_SECRET_BYTES <= len(key) <= MAX_SECRET_BYTES:
        raise ValueError("the secret is not in the form whsec_<base64 of 24 to 64 bytes>") from None
    return key
