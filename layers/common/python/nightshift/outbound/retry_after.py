"""The Retry-After header (RFC 9110 section 10.2.3)."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

MAX_RETRY_AFTER_S: Final = 7 * 24 * 3600.0
"""What a receiver may ask for at most; whatever is longer counts as this."""

_SECONDS = re.compile(r"[0-9]+")
_SANE_DIGITS = 9


def parse_retry_after(value: str, now: datetime) -> float | None:
    """Return the seconds from `now` that the header asks to wait, 0 to MAX_RETRY_AFTER_S.

    Takes whole seconds and all three forms of an HTTP date; a date in the past is 0. None when the
    value is neither.
    """
    value = value.strip()
    if _SECONDS.fullmatch(value):
        digits = value.lstrip("0") or "0"
        return MAX_RETRY_AFTER_S if len(digits) > _SANE_DIGITS else _bounded(float(digits))
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _bounded((moment - now).total_seconds())


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)
