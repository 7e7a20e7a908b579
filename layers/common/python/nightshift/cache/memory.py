"""The first level: a process's own copies, bounded by count, bytes and time."""

import threading
from datetime import datetime
from typing import NamedTuple

from cachetools import TTLCache

from nightshift.cache.model import CacheKey, Entry, Work
from nightshift.core.clock import Clock

OVERHEAD_BYTES = 256
"""What an entry costs beside its body, roughly."""


class Copy(NamedTuple):
    """An entry as the table had it, and what was known then of work on it."""

    entry: Entry
    work: Work | None
    weight: int


class Memory:
    """Copies of entries by key; the least recently used goes first."""

    def __init__(self, clock: Clock, *, entries: int, max_bytes: int, ttl_s: float) -> None:
        # One measure serves both bounds: an entry weighs its bytes, but at least its share.
        self._least = max_bytes // entries if entries else 0
        self._lock = threading.Lock()
        self._slots: TTLCache[CacheKey, Copy] = TTLCache(
            maxsize=max_bytes if entries else 0,
            ttl=ttl_s,
            timer=lambda: _seconds(clock.now()),
            getsizeof=lambda slot: slot.weight,
        )

    def get(self, key: CacheKey) -> Copy | None:
        """Return the copy, if there is one that is young enough."""
        with self._lock:
            return self._slots.get(key)

    def put(self, key: CacheKey, entry: Entry, work: Work | None = None) -> None:
        """Keep a copy, unless it alone is larger than all may be."""
        weight = max(self._least, len(entry.body) + OVERHEAD_BYTES)
        with self._lock:
            self._slots.pop(key, None)
            if weight <= self._slots.maxsize:
                self._slots[key] = Copy(entry, work, weight)

    def drop(self, name: str) -> None:
        """Forget the copies of a name."""
        self._drop([key for key in self._all() if key.name == name])

    def drop_tag(self, tag: str) -> None:
        """Forget the copies that have the tag."""
        self._drop([key for key in self._all() if tag in key.tags])

    def _all(self) -> list[CacheKey]:
        with self._lock:
            return list(self._slots)

    def _drop(self, keys: list[CacheKey]) -> None:
        with self._lock:
            for key in keys:
                self._slots.pop(key, None)

    @property
    def size_bytes(self) -> int:
        """What all copies weigh."""
        return int(self._slots.currsize)

    def __len__(self) -> int:
        """Return how many copies there are."""
        with self._lock:
            return len(self._slots)


def _seconds(moment: datetime) -> float:
    return moment.timestamp()
