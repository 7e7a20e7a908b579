"""The resolver: one HTTP API event in, one answer out, and every error through the one map.

What happens to a request, in this order: size, route, method, credentials, limits, permission,
input, Idempotency-Key, handler. Nothing of a request is stored before its input was found valid.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Protocol

from nightshift.core.access import Caller
from nightshift.core.clock import Clock, monotonic
from nightshift.core.errors import (
    ForbiddenError,
    NightshiftError,
    PayloadTooLargeError,
    TooManyRequestsError,
    UnauthenticatedError,
)
from nightshift.core.networks import network_of
from nightshift.core.pagination import CursorSigner
from nightshift.core.tokens import keyed
from nightshift.http.dressing import dressed, has_current
from nightshift.http.errors import EmailUnverifiedError
from nightshift.http.failures import as_domain_error
from nightshift.http.idempotency import Attempt, Begun, IdempotencyKeys
from nightshift.http.inputs import read_body, read_query
from nightshift.http.limits import Limiter
from nightshift.http.matching import Match, RouteTable
from nightshift.http.problem import problem_reply
from nightshift.http.reply import RawReply, render, to_gateway
from nightshift.http.request import Once, RawRequest, Request, parse_event
from nightshift.http.routing import (
    PUBLIC,
    LimitRule,
    Mounted,
    OptionalSignIn,
    Public,
    Route,
    Section,
)
from nightshift.http.schemas import PageQuery
from nightshift.http.settings import HttpSettings
from nightshift.observability import Log

_QUIET = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


class Authenticator(Protocol):
    """Who stands behind a bearer token."""

    def authenticate(self, token: str, *, address: str) -> Caller:
        """Return the caller as the session or the API key stands now, for a client at `address`.

        Raises:
            UnauthenticatedError: with a slug for each way to be wrong.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Edge:
    """What the resolver needs from outside.

    `key` gives the secret behind cursors, `asks_verified` whether routes that want a verified
    e-mail address insist on it at the moment. `start` comes before the first answer; a function
    that it raises in answers nothing but an error, and tries again with the next request.
    """

    settings: HttpSettings
    clock: Clock
    log: Log
    authenticator: Authenticator
    limiter: Limiter
    idempotency: IdempotencyKeys
    key: Callable[[], bytes]
    asks_verified: Callable[[], bool] = lambda: False
    start: Callable[[], None] = lambda: None


@dataclass(kw_only=True, slots=True)
class _Trace:
    """What is known of the request so far, for the log and the error."""

    request_id: str
    started: float
    raw: RawRequest | None = None
    route: str | None = None
    error: str | None = None


class App:
    """A callable Lambda handler for API Gateway HTTP APIs (payload format 2.0)."""

    def __init__(
        self,
        mounted: Sequence[Mounted | Section],
        edge: Edge,
        *,
        rules: Sequence[LimitRule] = (),
    ) -> None:
        self._edge = edge
        self._started = False
        self._rules = {rule.name: rule for rule in rules}
        self._routes = RouteTable(mounted, limits=self._rules)
        settings = edge.settings
        self._per_caller = LimitRule(
            name="caller", limit=settings.rate_limit_caller, window_s=settings.rate_window_s
        )
        self._per_address = LimitRule(
            name="address", limit=settings.rate_limit_address, window_s=settings.rate_window_s
        )

    @property
    def routes(self) -> tuple[Route, ...]:
        """Every route that this function serves."""
        return tuple(self._routes.all())

    def __call__(self, event: Mapping[str, Any], context: object) -> dict[str, Any]:
        """Answer one event; never raises."""
        trace = _Trace(
            request_id=str(getattr(context, "aws_request_id", "") or "unknown"),
            started=monotonic(),
        )
        try:
            raw = trace.raw = parse_event(event, trace.request_id)
            trace.request_id = raw.request_id
            self._edge.log.bind(request_id=raw.request_id)
            reply = self._answer(raw, trace)
        except Exception as error:  # noqa: BLE001 - the outermost handler: no stack trace may leave
            reply = self._problem(as_domain_error(error), trace)
        self._log(trace, reply)
        return to_gateway(dressed(reply, trace.raw, trace.request_id, _QUIET))

    def _answer(self, raw: RawRequest, trace: _Trace) -> RawReply:
        if not self._started:
            self._edge.start()
            self._started = True
        if len(raw.body) > self._edge.settings.body_limit_bytes:
            limit = self._edge.settings.body_limit_bytes
            raise PayloadTooLargeError(f"The request body is larger than {limit} bytes.")
        match = self._routes.find(raw.method, raw.path)
        trace.route = match.route.full_path
        caller = self._admit(raw, match)
        query = read_query(raw, match.route.query)
        given = replace(raw, body=b"") if match.route.any_body else raw
        body, content = read_body(given, match.route.body)
        request: Request[Any, Any] = Request(
            raw=raw,
            received_at=self._edge.clock.now(),
            route=match.route.full_path,
            path=match.path,
            body=body,
            query=query,
            principal=caller,
            cursors=self._cursors() if isinstance(query, PageQuery) else None,
        )
        key = raw.headers.get("idempotency-key")
        if match.route.idempotent and key is not None:
            return self._once(match, request, key, content)
        return self._run(match, request)

    def _admit(self, raw: RawRequest, match: Match) -> Caller | None:
        """Check credentials, limits and permission: the one place where access is enforced."""
        access = match.route.access
        if isinstance(access, OptionalSignIn):
            access = access.permission if "authorization" in raw.headers else PUBLIC
        if isinstance(access, Public):
            self._edge.limiter.check(self._per_address, network_of(raw.source_ip))
            if match.route.limit is not None:
                self._edge.limiter.check(self._rules[match.route.limit], network_of(raw.source_ip))
            return None
        try:
            caller = self._edge.authenticator.authenticate(bearer_token(raw), address=raw.source_ip)
        except UnauthenticatedError:
            self._edge.limiter.check(self._per_address, network_of(raw.source_ip))
            raise
        self._edge.log.bind(user_id=caller.user_id)
        self._edge.limiter.check(self._per_caller, caller.user_id)
        if access not in caller.permissions:
            raise ForbiddenError(f"This needs the permission {access}.")
        if match.route.verified and not caller.email_verified and self._edge.asks_verified():
            raise EmailUnverifiedError
        return caller

    def _once(self, match: Match, request: Request[Any, Any], key: str, content: bytes) -> RawReply:
        who = request.principal.user_id if request.principal else ""
        attempt = Attempt(
            scope=f"{who}\n{request.raw.method}\n{request.raw.path}",
            key=key,
            content=request.raw.query_string.encode("utf-8", "replace") + b"\n" + content,
            sealed=match.route.sealed,
        )
        begun = self._edge.idempotency.begin(attempt)
        if not isinstance(begun, Begun):
            return begun
        once = Once(name=begun.name, first_at=begun.first_at)
        try:
            reply = self._run(match, replace(request, once=once))
        except Exception as error:
            failure = as_domain_error(error)
            kept = problem_reply(failure, request_id=request.raw.request_id)
            self._edge.idempotency.finish(begun, kept)
            raise
        self._edge.idempotency.finish(begun, reply)
        return reply

    def _run(self, match: Match, request: Request[Any, Any]) -> RawReply:
        reply = render(
            match.route.handler(match.service(), request), default_status=match.route.status
        )
        tag = reply.headers.get("etag")
        if tag and has_current(request.raw, tag):
            return RawReply(status=HTTPStatus.NOT_MODIFIED, headers={"etag": tag}, body=b"")
        return reply

    def _cursors(self) -> CursorSigner:
        return CursorSigner(keyed(self._edge.key(), b"cursors"))

    def _problem(self, error: NightshiftError, trace: _Trace) -> RawReply:
        trace.error = error.slug
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self._edge.log.failure("http.failed", error=error.slug, route=trace.route)
        elif isinstance(error, UnauthenticatedError):
            self._edge.log.warning("auth.refused", error=error.slug, route=trace.route)
        elif isinstance(error, ForbiddenError):
            self._edge.log.warning("access.denied", error=error.slug, route=trace.route)
        elif isinstance(error, TooManyRequestsError):
            self._edge.log.warning("http.limited", error=error.slug, route=trace.route)
        sent = trace.raw is not None and "authorization" in trace.raw.headers
        return problem_reply(error, request_id=trace.request_id, challenge=sent)

    def _log(self, trace: _Trace, reply: RawReply) -> None:
        self._edge.log.info(
            "http.request",
            method=trace.raw.method if trace.raw else None,
            route=trace.route,
            status=reply.status,
            error=trace.error,
            duration_ms=int((monotonic() - trace.started) * 1000),
        )
        self._edge.log.unbind("request_id", "user_id", "api_key_id")


def bearer_token(raw: RawRequest) -> str:
    """Return the token of the Authorization header (RFC 6750 section 2.1).

    Raises:
        UnauthenticatedError: there is none, or the scheme is not Bearer.
    """
    scheme, _, token = raw.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise UnauthenticatedError("Send `Authorization: Bearer <access token>`.")
    return token.strip()
