"""A request: first as it came from API Gateway (payload 2.0), then as a handler sees it."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic

from typing_extensions import TypeVar

from nightshift.core.access import Caller
from nightshift.core.errors import BadRequestError, PreconditionFailedError, UnauthenticatedError
from nightshift.core.ids import derived_id, new_id
from nightshift.core.pagination import CursorSigner, Position
from nightshift.http.schemas import ApiModel, NoBody, NoQuery, PageQuery, QueryModel

B = TypeVar("B", bound=ApiModel, default=NoBody)
Q = TypeVar("Q", bound=QueryModel, default=NoQuery)


@dataclass(frozen=True, kw_only=True, slots=True)
class RawRequest:
    """One HTTP request, nothing of it judged yet. Header names are in lower case.

    `domain` is the name under which the gateway was called, by its own word; the header `host` is
    the client's. `cookies` are by name; of two of one name the first counts (RFC 6265 section 5.4
    puts the one for the longer path first).
    """

    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes
    source_ip: str
    request_id: str
    domain: str = ""
    cookies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Once:
    """That this request carries an Idempotency-Key: its first time, and what names it."""

    name: str
    first_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Request(Generic[B, Q]):
    """What a handler gets: validated input, and who asks.

    `path` holds the route's parameters, `route` its template; `principal` is None on public routes,
    and on those that take who does not sign in as well.
    """

    raw: RawRequest
    received_at: datetime
    route: str
    path: Mapping[str, str]
    body: B
    query: Q
    principal: Caller | None
    cursors: CursorSigner | None = None
    once: Once | None = None

    @property
    def caller(self) -> Caller:
        """The authenticated caller.

        Raises:
            UnauthenticatedError: the route is public, so there is none.
        """
        if self.principal is None:
            raise UnauthenticatedError
        return self.principal

    def position(self) -> Position | None:
        """Return where this list goes on, None at its beginning.

        Raises:
            InvalidCursorError: the cursor was not given out for this caller, route and filters.
        """
        query = self.query
        if not isinstance(query, PageQuery) or query.cursor is None or self.cursors is None:
            return None
        return self.cursors.decode(query.cursor, scope=self._cursor_scope())

    def next_cursor(self, position: Mapping[str, str | int] | None) -> str | None:
        """Return the signed cursor for `position`; None for None, which ends the list."""
        if position is None or self.cursors is None:
            return None
        return self.cursors.encode(position, scope=self._cursor_scope())

    def expected_version(self) -> int | None:
        """Return the version that `If-Match` asks for, None when any will do.

        Raises:
            PreconditionFailedError: the header names no version that ever was.
        """
        return read_if_match(self.raw.headers.get("if-match"))

    @property
    def only_existing(self) -> bool:
        """Whether `If-Match: *` asks that there be something to change (RFC 9110 13.1.1)."""
        return self.raw.headers.get("if-match", "").strip() == "*"

    @property
    def only_new(self) -> bool:
        """Whether `If-None-Match: *` asks that there be nothing yet (RFC 9110 13.1.2)."""
        return self.raw.headers.get("if-none-match", "").strip() == "*"

    def new_id(self) -> str:
        """Return the id for what this request creates.

        With an Idempotency-Key it is derived from the key, so that a request run again after a
        crash makes the same id, and a conditional put recognises its own first write.
        """
        if self.once is None:
            return new_id(self.received_at)
        return derived_id(self.once.first_at, self.once.name)

    def _cursor_scope(self) -> str:
        filters = self.query.model_dump(mode="json", exclude={"cursor", "limit"})
        who = self.principal.user_id if self.principal else ""
        return json.dumps([who, self.raw.method, self.route, self.path, filters], sort_keys=True)


def read_if_match(header: str | None) -> int | None:
    """Return the version in an If-Match header (RFC 9110 section 13.1.1); None for none and `*`.

    Raises:
        PreconditionFailedError: a weak, malformed or foreign tag, which can match nothing.
    """
    if header is None or header.strip() == "*":
        return None
    tag = header.strip()
    digits = tag[1:-1]
    if len(tag) < 3 or tag[0] != '"' or tag[-1] != '"' or not digits.isascii():  # noqa: PLR2004
        raise PreconditionFailedError('If-Match takes one ETag as it was given, for example "3".')
    if not digits.isdigit() or len(digits) > 18:  # noqa: PLR2004 - what fits 64 bits
        raise PreconditionFailedError
    return int(digits)


def parse_event(event: Mapping[str, Any], request_id: str) -> RawRequest:
    """Read an HTTP API event; `request_id` is used when the gateway gave none.

    Raises:
        BadRequestError: the body claims to be base64 and is not.
    """
    context = event.get("requestContext") or {}
    http = context.get("http") or {}
    return RawRequest(
        method=str(http.get("method", "GET")).upper(),
        path=_path(str(event.get("rawPath") or "/"), str(context.get("stage") or "$default")),
        query_string=str(event.get("rawQueryString") or ""),
        headers={str(k).lower(): str(v) for k, v in (event.get("headers") or {}).items()},
        body=_body(event),
        source_ip=str(http.get("sourceIp") or "unknown"),
        request_id=str(context.get("requestId") or request_id),
        domain=str(context.get("domainName") or ""),
        cookies=_cookies(event),
    )


def _cookies(event: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the cookies; API Gateway gives them as a list apart from the headers."""
    found: dict[str, str] = {}
    for text in event.get("cookies") or ():
        for pair in str(text).split(";"):
            name, mark, value = pair.strip().partition("=")
            if mark:
                found.setdefault(name, value)
    return found


def _path(raw_path: str, stage: str) -> str:
    if stage != "$default" and raw_path.startswith(f"/{stage}/"):
        return raw_path[len(stage) + 1 :]
    return raw_path


def _body(event: Mapping[str, Any]) -> bytes:
    text = str(event.get("body") or "")
    if not event.get("isBase64Encoded"):
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequestError("The body is not valid base64.") from error
