"""Serves pages: one HTTP API event in, one page out, and every failure as a page too.

What happens to a request, in this order: path, method, who it is, limits, permission, form, guard,
handler. Who it is, a cookie says (see `cookies`); an expired one is first carried on by the
function that can sign, to which the browser is sent and from there back, whatever the method.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from nightshift.console.cookies import CookieJar, read_cookies
from nightshift.console.errors import BadFormError, PageNotFoundError
from nightshift.console.guard import TOKEN_FIELD, Guard
from nightshift.console.pages import (
    Found,
    PageRequest,
    PageRoute,
    PageTable,
    same_again,
    see_other,
    with_query,
)
from nightshift.console.rendering import Renderer
from nightshift.console.ways import LOGIN_PATH, REFRESH_PATH
from nightshift.core.access import Caller, Permission
from nightshift.core.clock import monotonic
from nightshift.core.errors import (
    ForbiddenError,
    NightshiftError,
    PayloadTooLargeError,
    UnauthenticatedError,
)
from nightshift.core.networks import network_of
from nightshift.http.app import Authenticator
from nightshift.http.dressing import dressed, has_current
from nightshift.http.errors import MethodNotAllowedError
from nightshift.http.failures import as_domain_error
from nightshift.http.limits import Limiter
from nightshift.http.matching import check_param
from nightshift.http.reply import RawReply, render, to_gateway
from nightshift.http.request import RawRequest, parse_event
from nightshift.http.routing import LimitRule, OptionalSignIn
from nightshift.identity.errors import TokenExpiredError
from nightshift.observability import Log

MAX_FORM_BYTES = 16_384
MAX_FIELDS = 30
FORM_TYPE = "application/x-www-form-urlencoded"
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    # With no-referrer browsers would send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class PageEdge:
    """What pages need from outside; the limits are those of the API, counted together with it."""

    authenticator: Authenticator
    limiter: Limiter
    per_caller: LimitRule
    per_address: LimitRule
    guard: Guard
    jar: CookieJar
    renderer: Renderer
    log: Log


@dataclass(kw_only=True, slots=True)
class _Visit:
    """What is known of a request so far."""

    request_id: str
    started: float
    raw: RawRequest | None = None
    route: str | None = None
    error: str | None = None
    caller: Caller | None = None
    forgets: bool = False


class PageApp:
    """A callable Lambda handler for API Gateway HTTP APIs (payload format 2.0)."""

    def __init__(self, routes: Sequence[PageRoute], edge: PageEdge) -> None:
        self._table = PageTable(routes)
        self._edge = edge

    def __call__(self, event: Mapping[str, Any], context: object) -> dict[str, Any]:
        """Answer one event; never raises."""
        visit = _Visit(
            request_id=str(getattr(context, "aws_request_id", "") or "unknown"),
            started=monotonic(),
        )
        try:
            raw = visit.raw = parse_event(event, visit.request_id)
            visit.request_id = raw.request_id
            self._edge.log.bind(request_id=raw.request_id)
            reply = self._answer(raw, read_cookies(event), visit)
        except Exception as error:  # noqa: BLE001 - the outermost handler: no stack trace may leave
            reply = self._failed(as_domain_error(error), visit)
        if visit.forgets:
            reply = replace(reply, cookies=(*self._edge.jar.signed_out(), *reply.cookies))
        self._log(visit, reply)
        return to_gateway(dressed(reply, visit.raw, visit.request_id, HEADERS))

    def _answer(self, raw: RawRequest, cookies: Mapping[str, str], visit: _Visit) -> RawReply:
        found = self._table.find(raw.path)
        if found is None:
            raise PageNotFoundError
        route = _route(raw, found)
        visit.route = route.path
        query = _fields(raw.query_string)
        try:
            caller = visit.caller = self._who(raw, cookies, visit) if route.knows_visitor else None
        except TokenExpiredError:
            way = with_query(raw.path, query)
            return render(same_again(with_query(REFRESH_PATH, {"next": way})), default_status=307)
        self._limit(raw, caller, route.limit)
        if caller is None and isinstance(route.access, Permission):
            way = with_query(raw.path, query if raw.method != "POST" else {})
            return render(see_other(with_query(LOGIN_PATH, {"next": way})), default_status=303)
        _permit(route, caller)
        request = PageRequest(
            raw=raw,
            path=found.values,
            query=query,
            form=_form(raw) if raw.method == "POST" else {},
            cookies=cookies,
            caller=caller,
        )
        self._guard(route, request)
        return self._run(route, request)

    def _who(self, raw: RawRequest, cookies: Mapping[str, str], visit: _Visit) -> Caller | None:
        """Return who comes; a session that has ended is forgotten, and its visitor nobody.

        So is an API key: a browser signs in.

        Raises:
            TokenExpiredError: the session is to be carried on first.
        """
        token = cookies.get(self._edge.jar.session)
        if not token:
            return None
        try:
            caller = self._edge.authenticator.authenticate(token, address=raw.source_ip)
        except TokenExpiredError:
            raise
        except UnauthenticatedError as error:
            self._edge.log.warning("auth.refused", error=error.slug, route=visit.route)
            visit.forgets = True
            return None
        if caller.session is None:
            visit.forgets = True
            return None
        self._edge.log.bind(user_id=caller.user_id)
        return caller

    def _limit(self, raw: RawRequest, caller: Caller | None, own: LimitRule | None) -> None:
        if caller is None:
            self._edge.limiter.check(self._edge.per_address, network_of(raw.source_ip))
        else:
            self._edge.limiter.check(self._edge.per_caller, caller.user_id)
        if own is not None:
            self._edge.limiter.check(own, network_of(raw.source_ip))

    def _guard(self, route: PageRoute, request: PageRequest) -> None:
        if request.raw.method != "POST":
            return
        self._edge.guard.check_origin(request.raw)
        if request.caller is not None and not route.is_own_guard:
            token = request.form.get(TOKEN_FIELD, "")
            self._edge.guard.check_token(request.caller.session_id, token)

    def _run(self, route: PageRoute, request: PageRequest) -> RawReply:
        reply = render(route.handler(request), default_status=200)
        if has_current(request.raw, reply.headers.get("etag")):
            kept = {k: v for k, v in reply.headers.items() if k in {"etag", "cache-control"}}
            return RawReply(status=304, headers=kept, body=b"", cookies=reply.cookies)
        return reply

    def _failed(self, error: NightshiftError, visit: _Visit) -> RawReply:
        visit.error = error.slug
        if error.status >= 500:  # noqa: PLR2004 - server errors
            self._edge.log.failure("http.failed", error=error.slug, route=visit.route)
        return render(self._edge.renderer.failure(error, visit.request_id), default_status=500)

    def _log(self, visit: _Visit, reply: RawReply) -> None:
        self._edge.log.info(
            "http.request",
            method=visit.raw.method if visit.raw else None,
            route=visit.route,
            status=reply.status,
            error=visit.error,
            duration_ms=int((monotonic() - visit.started) * 1000),
        )
        self._edge.log.unbind("request_id", "user_id")


def _route(raw: RawRequest, found: Found) -> PageRoute:
    method = "GET" if raw.method == "HEAD" else raw.method
    route = found.by_method.get(method)
    if route is None:
        methods = set(found.by_method) | ({"HEAD"} if "GET" in found.by_method else set())
        raise MethodNotAllowedError(tuple(sorted(methods)))
    for name, param in route.path_params.items():
        check_param(param, name, found.values[name])
    return route


def _permit(route: PageRoute, caller: Caller | None) -> None:
    needed = route.access
    if isinstance(needed, OptionalSignIn):
        needed = needed.permission
    if caller is not None and isinstance(needed, Permission) and needed not in caller.permissions:
        raise ForbiddenError(f"This needs the permission {needed}.")


def _form(raw: RawRequest) -> dict[str, str]:
    """Return the fields of a form.

    Raises:
        PayloadTooLargeError: it is larger than any form of ours.
        BadFormError: it is none, or has too many fields.
    """
    if len(raw.body) > MAX_FORM_BYTES:
        raise PayloadTooLargeError(f"A form has at most {MAX_FORM_BYTES} bytes.")
    kind = raw.headers.get("content-type", "").partition(";")[0].strip().lower()
    if raw.body and kind != FORM_TYPE:
        raise BadFormError(f"A form is sent as {FORM_TYPE}.")
    return _fields(raw.body.decode("utf-8", "replace"))


def _fields(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, errors="strict", max_num_fields=MAX_FIELDS))
    except ValueError as error:
        raise BadFormError from error
