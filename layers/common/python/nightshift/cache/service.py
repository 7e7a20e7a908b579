"""The cache's front door: look, keep, forget, and make once what many ask for."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from nightshift.aws.dynamo import ConditionCheck
from nightshift.cache.memory import Memory
from nightshift.cache.model import CacheKey, Entry, Failure, Level, Lookup, Marks, State, Work
from nightshift.cache.store import MAX_KEEP_S, CacheStore
from nightshift.core.clock import Clock, to_ms
from nightshift.observability import Log, count

WAIT_STEP_S = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How to make an entry and how long it is good: `fresh_s` as new, `keep_s` in all (seconds).

    One maker at a time has `make_s` seconds; who finds nothing meanwhile waits as long at most.
    """

    make: Callable[[], bytes]
    fresh_s: float
    keep_s: float
    make_s: float = 10.0


@dataclass(slots=True)
class _Flights:
    """The keys that this process makes right now, so that its threads do not make one twice."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    by_name: dict[str, threading.Lock] = field(default_factory=dict)

    def of(self, name: str) -> threading.Lock:
        with self.lock:
            return self.by_name.setdefault(name, threading.Lock())

    def forget(self, name: str) -> None:
        with self.lock:
            self.by_name.pop(name, None)


class Cache:
    """Two levels; see `model` for what is in them and `store` for how invalidation works."""

    def __init__(
        self,
        *,
        store: CacheStore,
        memory: Memory,
        clock: Clock,
        log: Log,
        new_token: Callable[[], str],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._memory = memory
        self._clock = clock
        self._log = log
        self._new_token = new_token
        self._sleep = sleep
        self._flights = _Flights()

    def get(self, key: CacheKey) -> Lookup:
        """Return what there is. A copy of this process costs no call, everything else one.

        The process's own copy may be as old as its time to live, whoever has invalidated it
        elsewhere meanwhile.
        """
        found = self._look(key)
        count("CacheLookups", 1, level=found.level.value if found.level else "none")
        return found

    def _look(self, key: CacheKey) -> Lookup:
        now = self._clock.now()
        copy = self._memory.get(key)
        if copy is not None and copy.entry.state(now) is not State.MISSING:
            entry, state = copy.entry, copy.entry.state(now)
            return Lookup(state=state, entry=entry, level=Level.L1, work=copy.work)
        return self.get_exact(key)

    def get_exact(self, key: CacheKey) -> Lookup:
        """Return what the table has, with the marks that `put` wants; one call."""
        entry, marks, work = self._store.look(key)
        if entry is None:
            self._memory.drop(key.name)
            return Lookup(state=State.MISSING, marks=marks, work=work)
        self._memory.put(key, entry, work)
        state = entry.state(self._clock.now())
        return Lookup(state=state, entry=entry, level=Level.L2, marks=marks, work=work)

    def put(
        self, key: CacheKey, body: bytes, *, fresh_s: float, keep_s: float, marks: Marks
    ) -> Entry:
        """Keep a body that was made after `marks` were taken; it need not be kept, see below.

        It is not where it was invalidated meanwhile, or a younger one stands.

        Raises:
            ValueError: the times are no times, or `keep_s` is over `MAX_KEEP_S`.
        """
        if not 0 <= fresh_s <= keep_s <= MAX_KEEP_S:
            raise ValueError(f"0 <= fresh_s <= keep_s <= {MAX_KEEP_S} seconds")
        now_ms = to_ms(self._clock.now())
        entry = Entry(
            body=body,
            made_ms=now_ms,
            fresh_until_ms=now_ms + round(fresh_s * 1000),
            gone_ms=now_ms + round(keep_s * 1000),
        )
        # The process's copy is renewed by the next look: only that sees whether the entry counts.
        self._store.put(key, entry, marks)
        self._memory.drop(key.name)
        return entry

    def delete(self, name: str) -> None:
        """Forget what is kept under a name; what is being made for it now will not stand."""
        self._store.delete(name)
        self._memory.drop(name)

    def delete_tag(self, tag: str) -> None:
        """Forget everything that has the tag, by one write."""
        self._store.delete_tag(tag)
        self._memory.drop_tag(tag)

    def begin(self, name: str, token: str, *, for_s: float, note: str = "") -> bool:
        """Say that somebody outside makes the entry anew: work called `token`, for `for_s` seconds.

        Whoever looks is told of it. Saying it again prolongs it. False, and nothing is said, where
        other work is under way, or this very work has ended: who speaks late says nothing wrong.
        """
        said = self._store.begin(name, token, for_s=for_s, note=note)
        self._memory.drop(name)
        return said

    def end(self, name: str, token: str, failure: Failure | None = None) -> None:
        """Say that the work `token` has ended, well or with a failure, which is kept for a while.

        Where other work has begun meanwhile, nothing is said.
        """
        self._store.end(name, token, failure)
        self._memory.drop(name)

    def unchanged(self, name: str, seen: Work | None) -> ConditionCheck:
        """Return the part of a transaction by which work is as a look found it.

        The transaction that begins work carries it. Otherwise work that began and ended after the
        look would be done once more.
        """
        return self._store.unchanged(name, seen)

    def get_or_make(self, key: CacheKey, recipe: Recipe) -> Entry:
        """Return what there is, or make it: once, however many ask.

        What is stale is made anew by the first who asks and served to all others, and to all if
        making it fails.

        Raises:
            Exception: whatever `recipe.make` raises, when there is nothing to serve instead.
        """
        found = self.get(key)
        if found.entry is not None and found.state is State.FRESH:
            return found.entry
        flight = self._flights.of(key.name)
        if found.entry is not None and flight.locked():
            return found.entry
        with flight:
            try:
                return self._make_or_wait(key, recipe)
            finally:
                self._flights.forget(key.name)

    def _make_or_wait(self, key: CacheKey, recipe: Recipe) -> Entry:
        token, waited_s = self._new_token(), 0.0
        while True:
            found = self.get_exact(key)
            if found.entry is not None and found.state is State.FRESH:
                return found.entry
            if self._store.claim(key.name, token, for_s=recipe.make_s):
                return self._make(key, recipe, found, token)
            if found.entry is not None:
                return found.entry
            if waited_s >= recipe.make_s:
                return self._make(key, recipe, found, token)
            self._sleep(WAIT_STEP_S)
            waited_s += WAIT_STEP_S

    def _make(self, key: CacheKey, recipe: Recipe, found: Lookup, token: str) -> Entry:
        try:
            body = recipe.make()
        except Exception:
            if found.entry is None:
                raise
            self._log.failure("cache.make_failed", key=key.name)
            return found.entry
        else:
            return self.put(
                key, body, fresh_s=recipe.fresh_s, keep_s=recipe.keep_s, marks=found.marks
            )
        finally:
            self._store.release(key.name, token)
