"""UUIDv7 identifiers (RFC 9562 section 5.7): random ones, and ones derived from a name.

A derived id has the same shape, so that it sorts by its time among the others, but its random bits
come from SHA-256 of a name: the same name and time give the same id on every machine, which is what
makes a run of one slot the same run however often it is dispatched.
"""

import hashlib
import os
import uuid
from datetime import datetime

from nightshift.core.clock import from_ms, to_ms

_RANDOM_BYTES = 10
_MAX_MS = (1 << 48) - 1


def new_id(now: datetime) -> str:
    """Return a fresh UUIDv7 whose timestamp is `now` in milliseconds."""
    return _uuid7(to_ms(now), os.urandom(_RANDOM_BYTES))


def derived_id(moment: datetime, *names: str) -> str:
    """Return the UUIDv7-shaped id that belongs to `moment` and `names`, always the same."""
    digest = hashlib.sha256("\x1f".join(names).encode()).digest()
    return _uuid7(to_ms(moment), digest[:_RANDOM_BYTES])


def first_id(ms: int) -> str:
    """Return the smallest UUIDv7 of a millisecond since the epoch, or the nearest that there is."""
    return _uuid7(min(max(0, ms), _MAX_MS), bytes(_RANDOM_BYTES))


def id_time(text: str) -> datetime:
    """Return the time in a UUIDv7's first 48 bits (milliseconds)."""
    return from_ms(uuid.UUID(text).int >> 80)


def is_id(text: str) -> bool:
    """Tell whether `text` is a UUIDv7 in canonical lower-case form."""
    try:
        parsed = uuid.UUID(text)
    except ValueError:
        return False
    return parsed.version == 7 and str(parsed) == text  # noqa: PLR2004 - the version in the name


def _uuid7(ms: int, tail: bytes) -> str:
    if not 0 <= ms <= _MAX_MS:
        raise ValueError("the time does not fit a UUIDv7")
    raw = bytearray(ms.to_bytes(6, "big") + tail)
    raw[6] = (raw[6] & 0x0F) | 0x70
    raw[8] = (raw[8] & 0x3F) | 0x80
    return str(uuid.UUID(bytes=bytes(raw)))
