"""Routes and routers: what is served, with what input, to whom.

A handler is a plain function of its context's service and the request, so nothing is found out
from signatures and the type checker sees all of it. Who may call a route is a required argument:
there is no route without a rule.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypedDict, TypeVar, Unpack

from nightshift.core.access import Permission
from nightshift.core.errors import NightshiftError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.schemas import ApiModel, NoBody, NoQuery, QueryModel

BASE_PATH = "/api/v1"
ID_PATTERN = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_PARAMETER = re.compile(r"\{([a-z_]+)\}")

S = TypeVar("S")
BodyT = TypeVar("BodyT", bound=ApiModel)
QueryT = TypeVar("QueryT", bound=QueryModel)


class Public:
    """The mark of a route that anyone may call."""

    def __repr__(self) -> str:
        return "PUBLIC"


@dataclass(frozen=True, kw_only=True, slots=True)
class OptionalSignIn:
    """The mark of a route that anyone may call, and that does more for who signs in.

    Who sends credentials must send good ones, and hold the permission.
    """

    permission: Permission


PUBLIC = Public()
Access: TypeAlias = Permission | Public | OptionalSignIn


@dataclass(frozen=True, kw_only=True, slots=True)
class PathParam:
    """What a path parameter may look like; a path that does not fit is 404.

    `example` shows a right one in the message and in the documentation.
    """

    pattern: str = ID_PATTERN
    doc: str = "The resource's id."
    example: str = "0193a5c0-7e1a-7b3c-8d2e-4f5a6b7c8d9e"


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitRule:
    """At most `limit` requests in `window_s` seconds; `name` is part of the stored key."""

    name: str
    limit: int
    window_s: int


class Options(TypedDict, total=False):
    """What a route may declare beside its method, path, access and input.

    Attributes:
        answer: the model of a success, for the documentation.
        status: of a success; `statuses` names further ones.
        idempotent: honours Idempotency-Key; with `sealed` the kept answer is encrypted under the
            request that made it, for answers that hold tokens.
        etag: the handler gives `Reply.version`; documentation only, as is the next.
        if_match: the handler asks `Request.expected_version`.
        path_params: shapes of path parameters that are no UUIDs.
        verified: takes a verified e-mail address, once the server's settings say so.
        errors: what the handler may raise, for the documentation.
        content_type: of a success that is no JSON.
        limit: a rule of the function, counted by address.
        any_body: the body is of any type and not read; the handler finds it in `request.raw`.
    """

    answer: type[ApiModel] | None
    status: int
    statuses: Mapping[int, str]
    idempotent: bool
    sealed: bool
    etag: bool
    if_match: bool
    verified: bool
    path_params: Mapping[str, PathParam]
    errors: tuple[type[NightshiftError], ...]
    content_type: str
    limit: str | None
    any_body: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One method on one path, relative to the base path; the rest as `Options` says."""

    method: str
    path: str
    access: Access
    handler: Callable[[Any, Request[Any, Any]], Reply]
    body: type[ApiModel]
    query: type[QueryModel]
    tag: str
    answer: type[ApiModel] | None = None
    status: int = 200
    statuses: Mapping[int, str] = field(default_factory=dict)
    idempotent: bool = False
    sealed: bool = False
    etag: bool = False
    if_match: bool = False
    verified: bool = False
    path_params: Mapping[str, PathParam] = field(default_factory=dict)
    errors: tuple[type[NightshiftError], ...] = ()
    content_type: str = "application/json"
    limit: str | None = None
    any_body: bool = False

    @property
    def full_path(self) -> str:
        """The path template from the root."""
        return BASE_PATH + self.path

    def parameters(self) -> tuple[str, ...]:
        """Return the names of the path's parameters, in order."""
        return tuple(_PARAMETER.findall(self.path))

    def matcher(self) -> re.Pattern[str]:
        """Return the expression that takes the full path apart, whatever the values look like."""
        return matcher_of(self.full_path)


def matcher_of(template: str) -> re.Pattern[str]:
    """Return the expression that takes a path apart by its template, whatever the values are."""
    text = "".join(
        f"(?P<{part}>[^/]+)" if index % 2 else re.escape(part)
        for index, part in enumerate(_PARAMETER.split(template))
    )
    return re.compile(text + r"\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mounted:
    """A router with the factory of the service that its handlers get; called at first use."""

    router: "Router[Any]"
    service: Callable[[], Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """Routers that are imported when a path below one of `segments` is asked for.

    A segment is the first one after the base path. A cold start so pays for the one context that it
    serves, however many there are.
    """

    segments: tuple[str, ...]
    load: Callable[[], "Sequence[Mounted]"]


@dataclass(kw_only=True, slots=True)
class Router(Generic[S]):
    """The routes of one context; `S` is the service its handlers get as their first argument."""

    tag: str
    routes: list[Route] = field(default_factory=list)

    def bind(self, service: Callable[[], S]) -> Mounted:
        """Return this router ready for `build_app`; `service` must be cheap to call again."""
        return Mounted(router=self, service=service)

    def route(
        self,
        method: str,
        path: str,
        access: Access,
        *,
        body: type[BodyT] = NoBody,  # type: ignore[assignment]  # the default binds the variable
        query: type[QueryT] = NoQuery,  # type: ignore[assignment]  # the default binds the variable
        **options: Unpack[Options],
    ) -> Callable[
        [Callable[[S, Request[BodyT, QueryT]], Reply]],
        Callable[[S, Request[BodyT, QueryT]], Reply],
    ]:
        """Register the decorated handler; its docstring is the summary and description."""

        def register(
            handler: Callable[[S, Request[BodyT, QueryT]], Reply],
        ) -> Callable[[S, Request[BodyT, QueryT]], Reply]:
            route = Route(
                method=method,
                path=path,
                access=access,
                handler=handler,
                body=body,
                query=query,
                tag=self.tag,
                **options,
            )
            self.routes.append(route)
            return handler

        return register
