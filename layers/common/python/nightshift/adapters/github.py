"""The GitHub port over its REST API.

Only public facts are asked for, whatever the token could see: reports are read by strangers.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nightshift.adapters.github_http import (
    GitHubHttp,
    GoneError,
    InvalidQuestionError,
    Kept,
    Question,
)
from nightshift.adapters.github_read import (
    read_repositories,
    read_search,
    read_size,
    read_stars,
    read_user,
)
from nightshift.core.clock import parse_rfc3339, rfc3339
from nightshift.ports.github import (
    Contribution,
    Found,
    GitHubUser,
    GitHubUserNotFoundError,
    GitHubUserRenamedError,
    Pace,
    Repository,
    Size,
    Span,
    StarGain,
)

PAGE = 100
SEARCH_MAX = 1_000
"""How many results of one search GitHub shows, however many there are."""
PIECE = 800
"""How many results a piece of a span is meant to have, so that few pieces have too many."""
STAR_PAGES_MAX = 400
"""GitHub shows no stargazers beyond this page; the newest stand last."""
STAR_MEDIA = "application/vnd.github.star+json"
INCOMPLETE_TRIES = 2
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """How much is asked for of one user: pull requests in all, of other lists, pages."""

    pull_requests: int = 5_000
    listed: int = 300
    repository_pages: int = 5
    star_pages: int = 10


class RestGitHub:
    """Answers for one job, at its pace; see `ports.github.GitHub`."""

    def __init__(self, http: GitHubHttp, pace: Pace, bounds: Bounds) -> None:
        self._http = http
        self._pace = pace
        self._bounds = bounds

    @property
    def has_token(self) -> bool:
        """Whether it asks with a token."""
        return self._http.has_token

    def user(self, login: str) -> GitHubUser:
        """Return the user of this name; see the port."""
        user = self._user(f"/users/{login}")
        if user.login.lower() != login.lower():
            raise GitHubUserRenamedError(user.login)
        return user

    def login_of(self, number: int) -> str:
        """Return what the user of this number is called now; see the port."""
        return self._user(f"/user/{number}").login

    def _user(self, path: str) -> GitHubUser:
        try:
            data = self._ask(Question(path=path, shape="user-1", read=read_user)).data
        except GoneError as error:
            raise GitHubUserNotFoundError from error
        return GitHubUser(**data | {"created_at": parse_rfc3339(data["created_at"])})

    def merged(self, login: str, span: Span) -> Found[Contribution]:
        """Return the user's merged pull requests; see the port."""
        words = f"is:pr is:merged is:public author:{login}"
        return self._search(words, "merged", span, self._bounds.pull_requests)

    def reviewed(self, login: str, span: Span) -> Found[Contribution]:
        """Return what the user reviewed; see the port."""
        words = f"is:pr is:public reviewed-by:{login} -author:{login}"
        return self._search(words, "created", span, self._bounds.listed)

    def issues(self, login: str, span: Span) -> Found[Contribution]:
        """Return the issues that the user opened; see the port."""
        words = f"is:issue is:public author:{login}"
        return self._search(words, "created", span, self._bounds.listed)

    def _search(self, words: str, date: str, span: Span, limit: int) -> Found[Contribution]:
        """Return what a search finds, each once, newest first, `limit` at most."""
        found = _Findings(limit)
        try:
            for page in self._pages(words, date, span, found):
                found.take(page)
                self._pace.got(len(found), min(limit, found.total))
                if len(found) >= limit:
                    break
        except InvalidQuestionError as error:
            raise GitHubUserNotFoundError(
                "GitHub does not let anybody search for what this user did."
            ) from error
        return found.result()

    def _pages(
        self, words: str, date: str, span: Span, found: "_Findings", *, whole: bool = True
    ) -> Iterator[Kept]:
        """Yield the pages of a span, which is cut into pieces if GitHub would not show it all."""
        first = self._page(words, date, span, 1)
        total = first.data["total"]
        if whole:
            found.total = total
        if total > SEARCH_MAX and found.limit > SEARCH_MAX:
            pieces = _cut(span, math.ceil(total / PIECE))
            if len(pieces) > 1:
                for piece in pieces:
                    yield from self._pages(words, date, piece, found, whole=False)
                return
            found.is_complete = False
        yield first
        for number in range(2, math.ceil(min(total, SEARCH_MAX) / PAGE) + 1):
            yield self._page(words, date, span, number)

    def _page(self, words: str, date: str, span: Span, number: int) -> Kept:
        last = span.end - _SECOND
        query = {
            "q": f"{words} {date}:{rfc3339(span.start)}..{rfc3339(last)}",
            "sort": "created",
            "order": "desc",
            "per_page": str(PAGE),
            "page": str(number),
        }
        question = Question(
            path="/search/issues",
            query=query,
            shape="search-1",
            read=read_search,
            is_final=lambda data: bool(data["complete"]),
        )
        for _ in range(INCOMPLETE_TRIES):
            page = self._ask(question)
            if page.data["complete"]:
                break
        return page

    def size(self, pull_request: Contribution) -> Size | None:
        """Return how large a pull request is; see the port."""
        path = f"/repos/{pull_request.repository}/pulls/{pull_request.number}"
        try:
            data = self._ask(Question(path=path, shape="size-1", read=read_size)).data
        except GoneError:
            return None
        return Size(**data)

    def repositories(self, login: str) -> Found[Repository]:
        """Return the user's own repositories; see the port."""
        found: list[Repository] = []
        number, last = 1, 1
        while number <= min(last, self._bounds.repository_pages):
            query = {"type": "owner", "sort": "pushed", **_page_query(number)}
            page = self._ask(
                Question(
                    path=f"/users/{login}/repos",
                    query=query,
                    shape="repositories-1",
                    read=read_repositories,
                )
            )
            found += [Repository(**data) for data in page.data]
            last = page.last_page or number
            number += 1
        return Found(total=len(found), items=found, is_complete=number > last)

    def star_gain(self, repository: Repository, span: Span) -> StarGain:
        """Return how many stars were given in the span; see the port. Read from the end."""
        number = math.ceil(repository.stars / PAGE)
        if number > STAR_PAGES_MAX:
            return StarGain(gained=None, reason="too_many_stars")
        try:
            return self._star_gain(repository.name, number, span)
        except (GoneError, InvalidQuestionError):
            return StarGain(gained=None, reason="not_shown")

    def _star_gain(self, name: str, number: int, span: Span) -> StarGain:
        gained = 0
        for _ in range(self._bounds.star_pages):
            if number < 1:
                return StarGain(gained=gained)
            page = self._stars(name, number)
            if gained == 0 and page.last_page is not None and page.last_page > number:
                number = page.last_page
                page = self._stars(name, number)
            given = [parse_rfc3339(text) for text in page.data]
            gained += sum(span.start <= moment < span.end for moment in given)
            if given and min(given) < span.start:
                return StarGain(gained=gained)
            number -= 1
        if number < 1:
            return StarGain(gained=gained)
        return StarGain(gained=None, reason="too_many_new_stars")

    def _stars(self, name: str, number: int) -> Kept:
        question = Question(
            path=f"/repos/{name}/stargazers",
            query=_page_query(number),
            shape="stars-1",
            read=read_stars,
            media=STAR_MEDIA,
        )
        return self._ask(question)

    def _ask(self, question: Question) -> Kept:
        return self._http.ask(question, self._pace)


class _Findings:
    """What a search has found so far."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.total = 0
        self.is_complete = True
        self._by_id: dict[tuple[str, int], Contribution] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def take(self, page: Kept) -> None:
        """Take the items of a page; what stood on another page already counts once."""
        self.is_complete = self.is_complete and page.data["complete"]
        for repository, number, title, created, closed in page.data["items"]:
            self._by_id[repository, number] = Contribution(
                repository=repository,
                number=number,
                title=title,
                created_at=parse_rfc3339(created),
                closed_at=parse_rfc3339(closed) if closed else None,
            )

    def result(self) -> Found[Contribution]:
        """Return what was found, newest first."""
        items = sorted(self._by_id.values(), key=_moment, reverse=True)[: self.limit]
        total = max(self.total, len(items))
        return Found(total=total, items=items, is_complete=self.is_complete)


def _moment(found: Contribution) -> tuple[datetime, str, int]:
    return (found.closed_at or found.created_at, found.repository, found.number)


def _cut(span: Span, pieces: int) -> list[Span]:
    """Return the span in so many pieces of whole seconds, newest first; fewer if it is short."""
    seconds = int((span.end - span.start).total_seconds())
    pieces = min(pieces, seconds)
    edges = [span.start + timedelta(seconds=seconds * n // pieces) for n in range(pieces)]
    ends = [*edges[1:], span.end]
    return [replace(span, start=a, end=b) for a, b in zip(edges, ends, strict=True)][::-1]


def _page_query(number: int) -> dict[str, str]:
    return {"per_page": str(PAGE), "page": str(number)}
