"""Finding the route of a path; fixed paths win over parameters."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nightshift.core.access import Permission
from nightshift.core.errors import NotFoundError
from nightshift.http.errors import MethodNotAllowedError, RouteNotFoundError
from nightshift.http.routing import (
    BASE_PATH,
    Mounted,
    OptionalSignIn,
    PathParam,
    Public,
    Route,
    Section,
)

_DEFAULT_PARAM = PathParam()


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """The route that serves a request, its service and its path parameters."""

    route: Route
    service: Callable[[], Any]
    path: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entry:
    matcher: re.Pattern[str]
    methods: dict[str, tuple[Route, Callable[[], Any]]]


class RouteTable:
    """All routes of one function, each checked when it is added; `limits` are those it may name."""

    def __init__(
        self, mounted: Sequence[Mounted | Section], *, limits: Collection[str] = ()
    ) -> None:
        self._limits = frozenset(limits)
        self._fixed: dict[str, _Entry] = {}
        self._patterns: dict[str, _Entry] = {}
        self._closed: dict[str, Section] = {}
        for mount in mounted:
            if isinstance(mount, Section):
                self._closed |= dict.fromkeys(mount.segments, mount)
            else:
                self._mount(mount)

    def _mount(self, mount: Mounted) -> None:
        for route in mount.router.routes:
            self._add(route, mount.service)

    def _open(self, segment: str) -> None:
        """Import the section of this first segment, if it is one and was not opened yet."""
        section = self._closed.get(segment)
        if section is None:
            return
        for mount in section.load():
            self._mount(mount)
        for opened in section.segments:
            del self._closed[opened]

    def all(self) -> Iterator[Route]:
        """Yield every route; this opens all sections."""
        for segment in list(self._closed):
            self._open(segment)
        for entry in (*self._fixed.values(), *self._patterns.values()):
            for route, _ in entry.methods.values():
                yield route

    def find(self, method: str, path: str) -> Match:
        """Return the match; HEAD is answered by GET.

        Raises:
            RouteNotFoundError: no route has this path.
            MethodNotAllowedError: some have, with other methods.
            NotFoundError: a path parameter does not look like what it stands for.
        """
        found = self._entry(path)
        if found is None:
            raise RouteNotFoundError
        entry, values = found
        wanted = "GET" if method == "HEAD" and "HEAD" not in entry.methods else method
        if wanted not in entry.methods:
            raise MethodNotAllowedError(_allowed(entry))
        route, service = entry.methods[wanted]
        for name, value in values.items():
            check_param(route.path_params.get(name, _DEFAULT_PARAM), name, value)
        return Match(route=route, service=service, path=values)

    def _entry(self, path: str) -> tuple[_Entry, dict[str, str]] | None:
        self._open(_first_segment(path))
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed, {}
        for entry in self._patterns.values():
            matched = entry.matcher.match(path)
            if matched:
                return entry, matched.groupdict()
        return None

    def _add(self, route: Route, service: Callable[[], Any]) -> None:
        _check_access(route)
        if route.limit is not None and route.limit not in self._limits:
            raise ValueError(f"{route.full_path} names the unknown limit {route.limit}")
        entries = self._patterns if route.parameters() else self._fixed
        entry = entries.setdefault(route.full_path, _Entry(matcher=route.matcher(), methods={}))
        if route.method in entry.methods:
            raise ValueError(f"{route.method} {route.full_path} is declared twice")
        entry.methods[route.method] = (route, service)


def _first_segment(path: str) -> str:
    return path.removeprefix(f"{BASE_PATH}/").partition("/")[0]


def _check_access(route: Route) -> None:
    """Refuse a route without a rule; the type says so too, but types do not run."""
    if not isinstance(route.access, Permission | Public | OptionalSignIn):
        raise TypeError(f"{route.method} {route.full_path} declares no permission")


def check_param(param: PathParam, name: str, value: str) -> None:
    """Let a path parameter pass that looks like what it stands for.

    Raises:
        NotFoundError: it does not.
    """
    if not re.fullmatch(param.pattern, value, re.ASCII):
        raise NotFoundError(f"There is no such resource: {name} is like {param.example}.")


def _allowed(entry: _Entry) -> tuple[str, ...]:
    methods = set(entry.methods) | ({"HEAD"} if "GET" in entry.methods else set())
    return tuple(sorted(methods))
