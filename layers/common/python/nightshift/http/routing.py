"""Routes and routers: what is served, with what input, to whom.

A handler is a plain function of its context's service and the request, so nothing is found out
from signatures and the type checker sees all of it. Who may call a route is a required argument:
there is no route without a rule.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

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


PUBLIC = Public()
Access: TypeAlias = Permission | Public


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One method on one path, and everything that is declared about it.

    `path` is relative to the base path. `idempotent` routes honour Idempotency-Key; with `sealed`
    the kept answer is encrypted under the request that made it, for answers that hold tokens.
    """

    method: str
    path: str
    access: Access
    handler: Callable[[Any, Request[Any, Any]], Reply]
    body: type[ApiModel]
    query: type[QueryModel]
    answer: type[ApiModel] | None
    status: int
    tag: str
    idempotent: bool
    sealed: bool
    etag: bool
    if_match: bool
    path_params: Mapping[str, PathParam]
    errors: tuple[type[NightshiftError], ...]
    content_type: str
    limit: str | None
    statuses: Mapping[int, str]

    @property
    def full_path(self) -> str:
        """The path template from the root."""
        return BASE_PATH + self.path

    def parameters(self) -> tuple[str, ...]:
        """Return the names of the path's parameters, in order."""
        return tuple(_PARAMETER.findall(self.path))

    def matcher(self) -> re.Pattern[str]:
        """Return the expression that takes the full path apart, whatever the values look like."""
        parts = _PARAMETER.split(self.full_path)
        text = "".join(
            f"(?P<{part}>[^/]+)" if index % 2 else re.escape(part)
            for index, part in enumerate(parts)
        )
        return re.compile(text + r"\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mounted:
    """A router with the factory of the service that its handlers get; called at first use."""

    router: "Router[Any]"
    service: Callable[[], Any]


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
        answer: type[ApiModel] | None = None,
        status: int = 200,
        idempotent: bool = False,
        sealed: bool = False,
        etag: bool = False,
        if_match: bool = False,
        path_params: Mapping[str, PathParam] | None = None,
        errors: tuple[type[NightshiftError], ...] = (),
        content_type: str = "application/json",
        limit: str | None = None,
        statuses: Mapping[int, str] | None = None,
    ) -> Callable[
        [Callable[[S, Request[BodyT, QueryT]], Reply]],
        Callable[[S, Request[BodyT, QueryT]], Reply],
    ]:
        """Register the decorated handler; its docstring is the summary and description.

        `limit` names a rule of the function, counted by address; `statuses` names further
        successes; `etag` and `if_match` only document what the handler does through
        `Reply.version` and `Request.expected_version`.
        """

        def register(
            handler: Callable[[S, Request[BodyT, QueryT]], Reply],
        ) -> Callable[[S, Request[BodyT, QueryT]], Reply]:
            self.routes.append(
                Route(
                    method=method,
                    path=path,
                    access=access,
                    handler=handler,
                    body=body,
                    query=query,
                    answer=answer,
                    status=status,
                    tag=self.tag,
                    idempotent=idempotent,
                    sealed=sealed,
                    etag=etag,
                    if_match=if_match,
                    path_params=path_params or {},
                    errors=errors,
                    content_type=content_type,
                    limit=limit,
                    statuses=statuses or {},
                )
            )
            return handler

        return register
