"""Which headers a user may add to a call (RFC 9110 section 5)."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from nightshift.core.errors import FieldError
from nightshift.outbound.errors import InvalidHeadersError

MAX_HEADERS: Final = 32
MAX_NAME_CHARS: Final = 128
MAX_HEADER_CHARS: Final = 8192
"""All names and values together."""

# Written by the sender alone: they frame the message or belong to one connection (RFC 9110 7.6.1).
CONNECTION_HEADERS: Final = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
RESERVED_PREFIXES: Final = ("webhook-", "x-nightshift-", "x-webhook-signature")

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"(?:[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?")


def check_headers(headers: Mapping[str, str], *, field: str = "headers") -> None:
    """Accept headers that a user adds to a call, before they are stored.

    User-Agent, Content-Type, Accept, Authorization and the like may be set. What the values mean
    is not checked.

    Raises:
        InvalidHeadersError: one entry in `errors` for each header at fault, under `field`.
    """
    errors = [
        FieldError(field=f"{field}.{name}" if _TOKEN.fullmatch(name) else field, message=problem)
        for name, problem in _problems(headers)
    ]
    if len(headers) > MAX_HEADERS:
        errors.append(FieldError(field=field, message=f"At most {MAX_HEADERS} headers are sent."))
    if sum(len(name) + len(value) for name, value in headers.items()) > MAX_HEADER_CHARS:
        message = f"Names and values together hold at most {MAX_HEADER_CHARS} characters."
        errors.append(FieldError(field=field, message=message))
    if errors:
        raise InvalidHeadersError(errors[0].message, errors=errors)


def syntax_problem(name: str, value: str) -> str | None:
    """Return what keeps the header from being sent at all, or None; holds for our own headers too.

    The sentence never repeats the value.
    """
    if not _TOKEN.fullmatch(name) or len(name) > MAX_NAME_CHARS:
        return f"A header's name is a token of 1 to {MAX_NAME_CHARS} letters, digits and hyphens."
    if name.lower() in CONNECTION_HEADERS:
        return f"{name} is set by the connection itself; leave it out."
    if not _VALUE.fullmatch(value):
        return (
            f"The value of {name} must be printable ASCII without line breaks and without spaces"
            " at its ends."
        )
    return None


def _problems(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for name, value in headers.items():
        lower = name.lower()
        problem = syntax_problem(name, value)
        if problem is None and lower.startswith(RESERVED_PREFIXES):
            problem = f"{name} is reserved: Nightshift writes it."
        if problem is None and lower in seen:
            problem = f"{name} is given twice; names do not tell upper from lower case."
        seen.add(lower)
        if problem is not None:
            yield name, problem
