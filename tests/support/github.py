"""The stand-in of GitHub as the client meets it: over httpx, in virtual time, with no network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import httpx

from nightshift.adapters.github import Bounds, RestGitHub
from nightshift.adapters.github_http import GitHubHttp, HttpCache, Kept, Limits, new_client
from nightshift.core.clock import ManualClock
from nightshift.github_stand_in.limits import Meter
from nightshift.github_stand_in.service import BrokenConnectionError, StandIn

BASE = "https://github.test/api"


class MemoryHttpCache:
    """Keeps answers; `is_fresh` says whether they count as young."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.is_fresh = False

    def find(self, name: str) -> Kept | None:
        """Return what is kept."""
        found = self.kept.get(name)
        return replace(found, is_fresh=self.is_fresh) if found else None

    def keep(self, name: str, kept: Kept) -> None:
        """Keep it."""
        self.kept[name] = kept


@dataclass
class EasyPace:
    """A pace that counts; it waits for up to `patience_s` seconds at a time."""

    patience_s: float = 120.0
    asks: int = 0
    progress: list[tuple[int, int]] = field(default_factory=list)

    def asked(self) -> None:
        """Count."""
        self.asks += 1

    def got(self, done: int, total: int) -> None:
        """Keep it."""
        self.progress.append((done, total))

    def may_wait(self, seconds: float) -> bool:
        """Tell whether it is not too long."""
        return seconds <= self.patience_s


class GitHubScene:
    """One stand-in, and clients of it that sleep in virtual time."""

    def __init__(self, clock: ManualClock, *, meter: Meter | None = None) -> None:
        self.clock = clock
        self.stand_in = StandIn(clock, base_url=BASE, meter=meter)
        self.token: str | None = "good"
        self.cache: HttpCache = MemoryHttpCache()
        self.pace = EasyPace()
        self.slept: list[float] = []
        self.takes_s = 0.0
        self.sent: list[httpx.Request] = []
        self.handler: Callable[[httpx.Request], httpx.Response] = self._serve

    @property
    def memory(self) -> MemoryHttpCache:
        """The cache, where it is the one in memory."""
        assert isinstance(self.cache, MemoryHttpCache)
        return self.cache

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.clock.advance(seconds=seconds)

    def _serve(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api")
        try:
            found = self.stand_in.answer(
                request.method, path, request.url.query.decode(), dict(request.headers)
            )
        except BrokenConnectionError as error:
            raise httpx.ConnectError("broken", request=request) from error
        return httpx.Response(found.status, headers=found.headers, content=found.body)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        self.clock.advance(seconds=self.takes_s)
        return self.handler(request)

    def http(self, limits: Limits | None = None) -> GitHubHttp:
        """Return what a process has one of."""
        return GitHubHttp(
            new_client(httpx.MockTransport(self._handle)),
            base_url=BASE,
            token=lambda: self.token,
            cache=self.cache,
            clock=self.clock,
            sleep=self.sleep,
            random=lambda: 0.5,
            limits=limits or Limits(),
        )

    def github(self, bounds: Bounds | None = None, limits: Limits | None = None) -> RestGitHub:
        """Return a client at the scene's pace."""
        return RestGitHub(self.http(limits), self.pace, bounds or Bounds())


def scripted(answers: Sequence[httpx.Response]) -> Callable[[httpx.Request], httpx.Response]:
    """Return a handler that gives these answers in turn, the last one again and again."""
    left = list(answers)

    def handle(_: httpx.Request) -> httpx.Response:
        return left.pop(0) if len(left) > 1 else left[0]

    return handle
