"""The stand-in's answers: paths, pages, entity tags, limits and errors as GitHub has them."""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from nightshift.core.clock import Clock, to_epoch_s
from nightshift.github_stand_in import views
from nightshift.github_stand_in.limits import Meter
from nightshift.github_stand_in.people import Person, find, number_of, person
from nightshift.github_stand_in.search import SearchError, search
from nightshift.github_stand_in.work import lines, starred

MAX_PER_PAGE = 100
STAR_PAGES_MAX = 400
STAR_MEDIA = "application/vnd.github.star+json"
RENAMED = "renamed-"
DOCS = "https://docs.github.com/rest"


class BrokenConnectionError(Exception):
    """A script wants this connection to break."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What is answered; `pause_s` is how long it takes."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    pause_s: float = 0.0


@dataclass(kw_only=True, slots=True)
class Trouble:
    """What goes wrong with requests whose target matches `pattern`, `times` times.

    `status` None breaks the connection; `body` is answered as it is.
    """

    pattern: str
    times: int
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b'{"message": "Server Error"}'


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """What a path stands for: JSON, or a list of which a page is shown."""

    data: Any
    is_list: bool = False
    pages_max: int = 10**6


class _Error(Exception):
    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.message, self.headers = status, message, headers or {}
        super().__init__(message)


class StandIn:
    """Answers requests; `asked` has the targets of all that were answered with a body."""

    def __init__(self, clock: Clock, *, base_url: str, meter: Meter | None = None) -> None:
        self._clock = clock
        self._base = base_url.rstrip("/")
        self._meter = meter or Meter()
        self._lock = threading.Lock()
        self.troubles: list[Trouble] = []
        self.renames: dict[str, str] = {}
        self.asked: list[str] = []
        self.not_modified = 0

    def answer(self, method: str, path: str, query: str, headers: Mapping[str, str]) -> Answer:
        """Answer a request; `path` is relative to the base address, header names in lower case.

        Raises:
            BrokenConnectionError: a script wants that.
        """
        target = f"{path}?{query}" if query else path
        with self._lock:
            trouble = self._trouble(target)
            if trouble is not None:
                return trouble
            if method != "GET":
                return self._problem(_Error(405, "Method Not Allowed"), {})
            return self._answer(path, dict(parse_qsl(query)), headers, target)

    def _trouble(self, target: str) -> Answer | None:
        for trouble in self.troubles:
            if trouble.times > 0 and re.search(trouble.pattern, target):
                trouble.times -= 1
                self.asked.append(target)
                if trouble.status is None:
                    raise BrokenConnectionError
                now = self._clock.now()
                told = {"date": format_datetime(now, usegmt=True), **trouble.headers}
                return Answer(status=trouble.status, headers=told, body=trouble.body)
        return None

    def _answer(
        self, path: str, query: Mapping[str, str], headers: Mapping[str, str], target: str
    ) -> Answer:
        now = self._clock.now()
        told = {
            "content-type": "application/json; charset=utf-8",
            "date": format_datetime(now, usegmt=True),
        }
        try:
            found = self._find(path, query, headers, now)
            data, link = self._page(path, query, found) if found.is_list else (found.data, "")
        except _Error as error:
            limits = self._count(path, headers, now, cost=1)
            if limits["x-ratelimit-remaining"] == "-1":
                return self._exhausted(limits, told)
            self.asked.append(target)
            return self._problem(error, told | limits)
        body = json.dumps(data, separators=(",", ":")).encode()
        tag = f'W/"{hashlib.sha256(body).hexdigest()}"'
        same = headers.get("if-none-match") == tag
        limits = self._count(path, headers, now, cost=0 if same else 1)
        if limits["x-ratelimit-remaining"] == "-1":
            return self._exhausted(limits, told)
        told |= limits | {"etag": tag, "cache-control": "public, max-age=60, s-maxage=60"}
        if link:
            told["link"] = link
        pause_s = 0.4 if "slow" in target else 0.0
        if same:
            self.not_modified += 1
            return Answer(status=304, headers=told, body=b"", pause_s=pause_s)
        self.asked.append(target)
        return Answer(status=200, headers=told, body=body, pause_s=pause_s)

    def _count(
        self, path: str, headers: Mapping[str, str], now: datetime, *, cost: int
    ) -> dict[str, str]:
        resource = "search" if path.startswith("/search/") else "core"
        has_token = "authorization" in headers
        return self._meter.look(resource, to_epoch_s(now), has_token=has_token, cost=cost)

    def _exhausted(self, limits: dict[str, str], told: dict[str, str]) -> Answer:
        error = _Error(403, "API rate limit exceeded for 127.0.0.1.")
        return self._problem(error, told | limits | {"x-ratelimit-remaining": "0"})

    def _problem(self, error: _Error, told: Mapping[str, str]) -> Answer:
        document = {
            "message": error.message,
            "documentation_url": DOCS,
            "status": str(error.status),
        }
        body = json.dumps(document).encode()
        return Answer(status=error.status, headers={**told, **error.headers}, body=body)

    def _find(
        self, path: str, query: Mapping[str, str], headers: Mapping[str, str], now: datetime
    ) -> _Found:
        if headers.get("authorization", "Bearer x") == "Bearer bad":
            raise _Error(401, "Bad credentials")
        if "broken" in path or "broken" in query.get("q", ""):
            raise _Error(502, "Server Error")
        for pattern, find_it in self._routes().items():
            matched = re.fullmatch(pattern, path)
            if matched:
                return find_it(*matched.groups(), query=query, headers=headers, now=now)
        raise _Error(404, "Not Found")

    def _routes(self) -> dict[str, Callable[..., _Found]]:
        return {
            r"/users/([^/]+)": self._user,
            r"/user/([0-9]+)": self._user_by_number,
            r"/users/([^/]+)/repos": self._repositories,
            r"/search/issues": self._search,
            r"/repos/([^/]+/[^/]+)/pulls/([0-9]+)": self._pull_request,
            r"/repos/([^/]+)/([^/]+)/stargazers": self._stargazers,
        }

    def _person(self, login: str) -> Person:
        if login.lower() in self.renames:
            raise _Error(404, "Not Found")
        for old, new in self.renames.items():
            if login.lower() == new.lower():
                return person(old)
        found = find(login)
        if found is None:
            raise _Error(404, "Not Found")
        return found

    def _user(self, login: str, **_: object) -> _Found:
        if login.startswith(RENAMED):
            there = {"location": f"{self._base}/users/{login.removeprefix(RENAMED)}"}
            raise _Error(301, "Moved Permanently", there)
        someone = self._person(login)
        shown = next((n for o, n in self.renames.items() if o == someone.login), someone.login)
        return _Found(data=views.user(someone, shown, self._base))

    def _user_by_number(self, number: str, **_: object) -> _Found:
        for old, new in self.renames.items():
            if str(number_of(old)) == number:
                return _Found(data=views.user(person(old), new, self._base))
        raise _Error(404, "Not Found")

    def _repositories(self, login: str, **_: object) -> _Found:
        own = self._person(login).own
        return _Found(data=[views.repository(one, self._base) for one in own], is_list=True)

    def _search(self, *, query: Mapping[str, str], **_: object) -> _Found:
        try:
            found = search(query, self._person_or_none)
        except SearchError as error:
            raise _Error(422, str(error)) from error
        return _Found(data=views.search(found, self._base))

    def _person_or_none(self, login: str) -> Person | None:
        try:
            return self._person(login)
        except _Error:
            return None

    def _pull_request(self, repository: str, number: str, **_: object) -> _Found:
        size = lines(repository, int(number))
        return _Found(data=views.pull_request(repository, int(number), size, self._base))

    def _stargazers(
        self, owner: str, name: str, *, headers: Mapping[str, str], now: datetime, **_: object
    ) -> _Found:
        own = {one.name: one for one in self._person(owner).own}
        if f"{owner}/{name}" not in own:
            raise _Error(404, "Not Found")
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        moments = starred(own[f"{owner}/{name}"], midnight)
        dated = headers.get("accept") == STAR_MEDIA
        gazers = [views.stargazer(at, dated=dated) for at in moments]
        return _Found(data=gazers, is_list=True, pages_max=STAR_PAGES_MAX)

    def _page(self, path: str, query: Mapping[str, str], found: _Found) -> tuple[Any, str]:
        size = min(MAX_PER_PAGE, max(1, _number(query.get("per_page"), 30)))
        number = max(1, _number(query.get("page"), 1))
        if number > found.pages_max:
            raise _Error(422, "In order to keep the API fast for everyone, pagination is limited.")
        last = max(1, -(-len(found.data) // size))
        shown = found.data[(number - 1) * size : number * size]
        return shown, self._link(path, query, number, min(last, found.pages_max))

    def _link(self, path: str, query: Mapping[str, str], number: int, last: int) -> str:
        pages = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
        wanted = ["prev", "first"] if number > 1 else []
        wanted += ["next", "last"] if number < last else []
        return ", ".join(
            f'<{self._base}{path}?{urlencode({**query, "page": pages[rel]})}>; rel="{rel}"'
            for rel in wanted
        )


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else default
