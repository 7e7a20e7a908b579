"""Asking GitHub's REST API: one question, one answer, with its limits and our bounds kept.

Answers are kept as what was read from them, not as they came: a page of a search has a megabyte,
what is read from it a few kilobytes. A young one is used again without asking, which is what lets
work that was cut off go on where it was; an old one is asked for by its entity tag (RFC 9110
section 13.1.2), and costs none of the limit if it still holds.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import httpx

from nightshift import __version__
from nightshift.adapters.github_limits import (
    Answer,
    Verdict,
    judge,
    last_page,
    spent_until,
    wait_s,
)
from nightshift.core.clock import Clock, monotonic, to_epoch_s
from nightshift.ports.github import (
    GitHubError,
    GitHubMalformedError,
    GitHubRateLimitedError,
    GitHubRefusedError,
    GitHubUnavailableError,
    Pace,
)

JSON_MEDIA = "application/vnd.github+json"
API_VERSION = "2022-11-28"
MAX_WAITS = 4
"""How often one question waits at a limit before the work is put off instead."""
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 20.0


class GoneError(GitHubError):
    """GitHub has nothing there."""


class InvalidQuestionError(GitHubError):
    """GitHub does not take the question."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What was read from an answer, as JSON; `last_page` where there are more pages after it."""

    data: Any
    etag: str | None = None
    last_page: int | None = None
    is_fresh: bool = True


class HttpCache(Protocol):
    """Keeps what was read from answers by name, for as long as it likes."""

    def find(self, name: str) -> Kept | None:
        """Return what is kept, or None; `is_fresh` tells whether it is young."""
        ...

    def keep(self, name: str, kept: Kept) -> None:
        """Keep it, young from now on."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A path with its query, and how the answer is read.

    `read` returns plain JSON, and raises KeyError, TypeError or ValueError for what it does not
    know; `shape` names the form of what it returns. What `is_final` refuses is not kept.
    """

    path: str
    shape: str
    read: Callable[[Any], Any]
    query: Mapping[str, str] = field(default_factory=dict)
    media: str = JSON_MEDIA
    is_final: Callable[[Any], bool] = lambda _: True

    @property
    def target(self) -> str:
        """The path with its query."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How often a question is asked again, in what time in seconds, how large an answer may be."""

    tries: int = 3
    backoff_s: float = 0.5
    answer_s: float = 30.0
    max_bytes: int = 8 * 1_048_576


class GitHubHttp:
    """Asks by one shared connection pool; one for a process, safe for its threads."""

    def __init__(
        self,
        client: httpx.Client,
        *,
        base_url: str,
        token: Callable[[], str | None],
        cache: HttpCache,
        clock: Clock,
        sleep: Callable[[float], None],
        random: Callable[[], float],
        limits: Limits,
    ) -> None:
        self._client = client
        self._base = base_url.rstrip("/")
        self._token = token
        self._cache = cache
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._limits = limits
        self._spent: dict[str, float] = {}

    @property
    def has_token(self) -> bool:
        """Whether it asks with a token."""
        return bool(self._token())

    def ask(self, question: Question, pace: Pace) -> Kept:
        """Return what was read from the answer.

        Raises:
            GoneError, InvalidQuestionError: GitHub says 404 or 422.
            GitHubError: one subclass for each other way to fail.
        """
        name = f"{question.shape} {question.media} {self._base}{question.target}"
        kept = self._cache.find(name)
        if kept is not None and kept.is_fresh:
            return kept
        answer = self._answer(question, kept.etag if kept else None, pace)
        if answer.status == httpx.codes.NOT_MODIFIED:
            if kept is None:
                raise GitHubMalformedError("GitHub says that nothing changed, which was not asked.")
            new = kept
        else:
            new = _read(question, answer)
        if question.is_final(new.data):
            self._cache.keep(name, new)
        return new

    def _answer(self, question: Question, etag: str | None, pace: Pace) -> Answer:
        """Return a good answer; wait, ask again and follow one move within our own address."""
        answer = self._patiently(question.target, question.media, etag, pace)
        if judge(answer) is Verdict.MOVED:
            target = self._moved_to(answer)
            answer = self._patiently(target, question.media, etag, pace)
        if judge(answer) is not Verdict.TAKE:
            raise GitHubMalformedError(f"GitHub answers {answer.status}, which means nothing here.")
        return answer

    def _patiently(self, target: str, media: str, etag: str | None, pace: Pace) -> Answer:
        failures = waits = 0
        while True:
            self._respect(target, pace)
            pace.asked()
            answer = self._try(target, media, etag)
            verdict = Verdict.AGAIN if answer is None else judge(answer)
            if answer is not None and verdict in {Verdict.TAKE, Verdict.MOVED, Verdict.STRANGE}:
                return answer
            if answer is not None and verdict is Verdict.WAIT:
                waits += 1
                self._wait(wait_s(answer, self._clock.now()), pace, allowed=waits <= MAX_WAITS)
                continue
            if verdict is not Verdict.AGAIN:
                raise _refusal(verdict)
            failures += 1
            if failures >= self._limits.tries:
                raise GitHubUnavailableError(_trouble(answer))
            self._sleep(self._limits.backoff_s * 2 ** (failures - 1) * (0.5 + self._random() / 2))

    def _respect(self, target: str, pace: Pace) -> None:
        """Wait before a question that GitHub has said it would not answer yet."""
        until = self._spent.get("search" if target.startswith("/search/") else "core", 0.0)
        left_s = until - to_epoch_s(self._clock.now())
        if left_s > 0:
            self._wait(left_s, pace, allowed=True)

    def _wait(self, seconds: float, pace: Pace, *, allowed: bool) -> None:
        if not allowed or not pace.may_wait(seconds):
            raise GitHubRateLimitedError(retry_after_s=int(seconds) + 1)
        self._sleep(seconds)

    def _try(self, target: str, media: str, etag: str | None) -> Answer | None:
        """Return the answer, None if the connection broke or took too long."""
        headers = {
            "accept": media,
            "user-agent": f"nightshift/{__version__}",
            "x-github-api-version": API_VERSION,
        }
        token = self._token()
        if token:
            headers["authorization"] = f"Bearer {token}"
        if etag:
            headers["if-none-match"] = etag
        try:
            with self._client.stream("GET", self._base + target, headers=headers) as response:
                body = self._body(response)
        except httpx.TransportError:
            return None
        except httpx.HTTPError as error:
            raise GitHubMalformedError from error
        answer = Answer(status=response.status_code, headers=response.headers, body=body)
        spent = spent_until(answer)
        if spent is not None:
            self._spent[spent[0]] = spent[1]
        return answer

    def _body(self, response: httpx.Response) -> bytes:
        started, body = monotonic(), bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > self._limits.max_bytes:
                raise GitHubMalformedError("GitHub's answer is larger than an answer may be.")
            if monotonic() - started > self._limits.answer_s:
                raise httpx.ReadTimeout("the answer took too long")
        return bytes(body)

    def _moved_to(self, answer: Answer) -> str:
        """Return the target that a redirect names, if it lies below our own address."""
        there, here = urlsplit(answer.headers.get("location", "")), urlsplit(self._base)
        path = there.path.removeprefix(here.path)
        inside = there.path.startswith(f"{here.path}/") and ".." not in there.path
        if (there.scheme, there.netloc) != (here.scheme, here.netloc) or not inside:
            raise GitHubMalformedError("GitHub sends us elsewhere, where we do not go.")
        return f"{path}?{there.query}" if there.query else path


def _read(question: Question, answer: Answer) -> Kept:
    try:
        data = question.read(json.loads(answer.body))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise GitHubMalformedError from error
    return Kept(data=data, etag=answer.headers.get("etag"), last_page=last_page(answer))


def _refusal(verdict: Verdict) -> GitHubError:
    if verdict is Verdict.GONE:
        return GoneError()
    return InvalidQuestionError() if verdict is Verdict.INVALID else GitHubRefusedError()


def _trouble(answer: Answer | None) -> str:
    if answer is None:
        return "GitHub cannot be reached; try again later."
    return f"GitHub answers {answer.status}; try again later."


def new_client(transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """Return a client that follows nobody and believes no proxy of the environment."""
    timeout = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    return httpx.Client(
        timeout=timeout, follow_redirects=False, trust_env=False, transport=transport
    )
