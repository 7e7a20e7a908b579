"""Routes of pages: what is served, to whom, and what a handler gets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from re import Pattern
from typing import Any
from urllib.parse import urlencode

from nightshift.core.access import Caller, Permission
from nightshift.core.errors import UnauthenticatedError
from nightshift.http.reply import Reply
from nightshift.http.request import RawRequest
from nightshift.http.routing import Access, LimitRule, PathParam, matcher_of


@dataclass(frozen=True, kw_only=True, slots=True)
class PageRequest:
    """A request for a page, or of a form on one.

    `query` and `form` hold the last value of each name; what a page does not know it leaves alone,
    since links gather parameters on their way. `caller` is None for nobody known.
    """

    raw: RawRequest
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    cookies: Mapping[str, str]
    caller: Caller | None

    @property
    def here(self) -> str:
        """The address of this page on this site, with its query."""
        return with_query(self.raw.path, self.query)

    @property
    def is_from_here(self) -> bool:
        """Whether the browser says that no other site is behind this request."""
        return self.raw.headers.get("sec-fetch-site") in {"same-origin", "none"}

    @property
    def known(self) -> Caller:
        """Who comes, on a page for nobody else.

        Raises:
            UnauthenticatedError: nobody known.
        """
        if self.caller is None:
            raise UnauthenticatedError
        return self.caller


Handler = Callable[[PageRequest], Reply]


@dataclass(frozen=True, kw_only=True, slots=True)
class PageRoute:
    """One method on one path.

    A route that changes something takes POST, and with it the guard: a form of another site is
    refused, and so is one of somebody else's session. `is_own_guard` marks the few that see to the
    second by themselves, since their visitor has no session yet or need not have one. Without
    `knows_visitor` it is not looked at who comes. `limit` counts by the network that requests come
    from, together with the route of the API that does the same.
    """

    method: str
    path: str
    access: Access
    handler: Handler
    path_params: Mapping[str, PathParam] = field(default_factory=dict)
    is_own_guard: bool = False
    knows_visitor: bool = True
    limit: LimitRule | None = None


def shown_and_done(
    path: str, *, show: Handler, sees: Permission, do: Handler, may: Permission
) -> list[PageRoute]:
    """Return the routes of a page that is shown to who may see it, and whose forms lead to it."""
    return [
        PageRoute(method="GET", path=path, access=sees, handler=show),
        PageRoute(method="POST", path=path, access=may, handler=do),
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The routes of a path by method, and the path's parameters."""

    by_method: Mapping[str, PageRoute]
    values: Mapping[str, str]


class PageTable:
    """All page routes of one function."""

    def __init__(self, routes: Sequence[PageRoute]) -> None:
        self._entries: dict[str, tuple[Pattern[str], dict[str, PageRoute]]] = {}
        for route in routes:
            _, by_method = self._entries.setdefault(route.path, (matcher_of(route.path), {}))
            by_method[route.method] = route

    def find(self, path: str) -> Found | None:
        """Return what there is at a path, or None."""
        for matcher, by_method in self._entries.values():
            matched = matcher.match(path)
            if matched:
                return Found(by_method=by_method, values=matched.groupdict())
        return None


def see_other(location: str, **more: Any) -> Reply:  # noqa: ANN401 - fields of Reply
    """Return the answer that sends the browser on with GET (RFC 9110 section 15.4.4)."""
    return Reply(status=303, headers={"location": location}, **more)


def same_again(location: str, **more: Any) -> Reply:  # noqa: ANN401 - fields of Reply
    """Return the answer that sends the very same request elsewhere (section 15.4.8)."""
    return Reply(status=307, headers={"location": location}, **more)


def with_query(path: str, query: Mapping[str, str]) -> str:
    """Return an address on this site."""
    return f"{path}?{urlencode(query)}" if query else path
