"""Processes that share one cache table and bucket."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import StringIO
from itertools import count
from typing import Any

from nightshift.adapters.blobs import MemoryBlobs
from nightshift.aws.dynamo import Table
from nightshift.cache.memory import Memory
from nightshift.cache.model import CacheKey
from nightshift.cache.service import Cache
from nightshift.cache.store import CacheStore
from nightshift.core.clock import ManualClock
from nightshift.observability import make_log
from tests.support.dynamo import FakeDynamoDB

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
KEY = CacheKey(name="report:ada:week", tags=("ada", "reports"))


class Scene:
    """Processes that share one table and bucket."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.dynamo = FakeDynamoDB(["cache"])
        self.blobs = MemoryBlobs()
        self._tokens: Iterator[int] = count()
        self.slept: list[float] = []
        self.on_sleep: Callable[[], None] = lambda: None

    def process(self, *, l1_ttl_s: float = 5, entries: int = 10, max_bytes: int = 10_000) -> Cache:
        """Return the cache of a new process."""
        table = Table(self.dynamo, "cache")  # type: ignore[arg-type]  # a fake
        return Cache(
            store=CacheStore(table, self.blobs, self.clock, self._token),
            memory=Memory(self.clock, entries=entries, max_bytes=max_bytes, ttl_s=l1_ttl_s),
            clock=self.clock,
            log=make_log(stream=StringIO()),
            new_token=self._token,
            sleep=self._sleep,
        )

    def _token(self) -> str:
        return f"t{next(self._tokens)}"

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(seconds=seconds)
        self.on_sleep()

    def calls(self, act: Callable[[], Any]) -> int:
        """Return how many calls of the table `act` makes."""
        before = len(self.dynamo.meter.calls)
        act()
        return len(self.dynamo.meter.calls) - before


def put(cache: Cache, body: bytes, key: CacheKey = KEY, *, keep_s: float = 600) -> None:
    """Keep a body, fresh for a minute."""
    cache.put(key, body, fresh_s=60, keep_s=keep_s, marks=cache.get_exact(key).marks)
