"""What an answer of GitHub's asks us to do: take it, wait, ask again, or give up. Pure decisions.

GitHub has a primary limit, told by `x-ratelimit-*` for each resource, and secondary ones, told by
`retry-after` or by the words of the answer alone, with status 403 or 429 ("Rate limits for the REST
API" and "Best practices for using the REST API" in GitHub's documentation).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto

from nightshift.core.clock import to_epoch_s
from nightshift.outbound.retry_after import parse_retry_after

SECONDARY_WAIT_S = 60.0
"""How long to wait at a secondary limit that says nothing of its end."""
RESET_MARGIN_S = 1.0
_LIMIT_WORDS = re.compile(rb"(?i)rate limit|abuse detection")
_AGAIN = frozenset({408, 425, 500, 502, 503, 504})
_GONE = frozenset({404, 410, 451})
_LIMITS = frozenset({403, 429})
_TAKEN = frozenset({200, 304})
_MOVED = frozenset({301, 302, 307, 308})


class Verdict(Enum):
    """What to do with an answer."""

    TAKE = auto()
    MOVED = auto()
    WAIT = auto()
    AGAIN = auto()
    GONE = auto()
    INVALID = auto()
    REFUSED = auto()
    STRANGE = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer as it came; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def judge(answer: Answer) -> Verdict:
    """Return what to do with an answer."""
    status = answer.status
    if status in _LIMITS:
        return Verdict.WAIT if _is_limit(answer) else Verdict.REFUSED
    known = (
        (_TAKEN, Verdict.TAKE),
        (_MOVED, Verdict.MOVED),
        (_AGAIN, Verdict.AGAIN),
        (_GONE, Verdict.GONE),
        ({422}, Verdict.INVALID),
        ({401}, Verdict.REFUSED),
    )
    for statuses, verdict in known:
        if status in statuses:
            return verdict
    return Verdict.STRANGE


def _is_limit(answer: Answer) -> bool:
    return (
        answer.status == 429  # noqa: PLR2004 - HTTP's Too Many Requests
        or "retry-after" in answer.headers
        or answer.headers.get("x-ratelimit-remaining") == "0"
        or _LIMIT_WORDS.search(answer.body[:2_000]) is not None
    )


def wait_s(answer: Answer, now: datetime) -> float:
    """Return how many seconds a limit asks us to wait."""
    asked = parse_retry_after(answer.headers.get("retry-after", ""), _server_time(answer, now))
    if asked is not None:
        return max(RESET_MARGIN_S, asked)
    spent = spent_until(answer)
    if spent is not None:
        return max(RESET_MARGIN_S, spent[1] - to_epoch_s(_server_time(answer, now)))
    return SECONDARY_WAIT_S


def spent_until(answer: Answer) -> tuple[str, float] | None:
    """Return the resource whose limit this answer used up, and when it begins anew (epoch).

    None while there is some left.
    """
    headers = answer.headers
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") != "0" or not re.fullmatch(r"[0-9]{1,12}", reset):
        return None
    return headers.get("x-ratelimit-resource", "core"), int(reset) + RESET_MARGIN_S


def _server_time(answer: Answer, now: datetime) -> datetime:
    """Return the time by GitHub's clock, which is the one that its limits go by."""
    try:
        return parsedate_to_datetime(answer.headers["date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError):
        return now


def last_page(answer: Answer) -> int | None:
    """Return the number of the last page, as `rel="last"` has it (RFC 8288); None if it is this.

    Of the address only the number is read: where to ask is known without it.
    """
    for target, parameters in re.findall(r"<([^>]*)>([^,]*)", answer.headers.get("link", "")):
        if re.search(r'rel="?last"?', parameters):
            found = re.search(r"[?&]page=([0-9]{1,6})(?:&|$)", target)
            return int(found[1]) if found else None
    return None
