"""The tick: each minute, find what falls due soon, claim it and queue it for its second.

A cursor says up to which minute everything was queued. Whoever leases it works on, minute by
minute, to the horizon; a missed or cut-off tick is caught up by the next. A tick that runs out of
time within a minute saves its place; one that dies does not, and the next does the minute again:
the workers' claims make the second message of a run harmless.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice

from nightshift.core.clock import Clock, to_ms
from nightshift.jobs import keys
from nightshift.jobs.agenda import (
    CHECK_AFTER_MS,
    HORIZON_MS,
    MANIFEST_SIZE,
    MINUTE_MS,
    SHARDS,
    Agenda,
    Manifest,
    Progress,
    minute_of,
)
from nightshift.jobs.bucket import BucketReader, Groups
from nightshift.jobs.dispatch import Dispatcher, Pace
from nightshift.jobs.errors import SupersededError
from nightshift.jobs.model import Message

LEASE_MS = 55_000
FIRST_LOOK_BACK_MIN = 60
"""How far before its own time a stack's very first tick begins: tasks may be older than it."""
_END = "~"
"""After every place: the names of hints begin with capitals."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TickReport:
    """What a tick did. `lag_ms`: how late its first minute was; `skipped`: another was at it.

    `unread` says what could not be read, one sentence each.
    """

    minutes: int = 0
    messages: int = 0
    lag_ms: int = 0
    skipped: bool = False
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """What came of one shard of a minute; `place` is where it was left, None if it is done."""

    sent: int
    place: str | None


class Ticker:
    """Runs ticks; stateless between them."""

    def __init__(
        self,
        *,
        agenda: Agenda,
        dispatcher: Dispatcher,
        groups: Groups,
        clock: Clock,
        new_token: Callable[[], str],
        pool: Callable[[int], Executor],
        sleep: Callable[[float], None],
    ) -> None:
        self._pool = pool
        self._sleep = sleep
        self._agenda = agenda
        self._dispatcher = dispatcher
        self._groups = groups
        self._clock = clock
        self._new_token = new_token

    def run(self, *, deadline: datetime) -> TickReport:
        """Queue all that falls due up to the horizon, or as much as `deadline` allows."""
        token = self._new_token()
        try:
            progress = self._agenda.acquire(keys.TICK, token, lease_ms=LEASE_MS)
        except SupersededError:
            return TickReport(skipped=True)
        reader = partial(BucketReader, self._agenda, self._groups, self._clock)
        pace = Pace(self._clock, self._sleep)
        walk = _Walk(
            agenda=self._agenda,
            dispatcher=self._dispatcher,
            reader=reader,
            clock=self._clock,
            pace=pace,
            pool=self._pool,
        )
        with contextlib.suppress(SupersededError):
            walk.run(token, progress, deadline)
        return walk.report()


class _Walk:
    """One tick's way from its cursor to its horizon."""

    def __init__(
        self,
        *,
        agenda: Agenda,
        dispatcher: Dispatcher,
        reader: Callable[[Callable[[str], None]], BucketReader],
        clock: Clock,
        pace: Pace,
        pool: Callable[[int], Executor],
    ) -> None:
        self._agenda = agenda
        self._dispatcher = dispatcher
        self._clock = clock
        self._unread: list[str] = []
        self._reader = reader(self._unread.append)
        self._pace = pace
        self._pool = pool
        self._minutes = self._sent = self._lag_ms = 0

    def report(self) -> TickReport:
        """Return what was done."""
        return TickReport(
            minutes=self._minutes,
            messages=self._sent,
            lag_ms=self._lag_ms,
            unread=tuple(self._unread),
        )

    def run(self, token: str, progress: Progress, deadline: datetime) -> None:
        """Do minute by minute; save the place within one that `deadline` cuts off."""
        now_ms = to_ms(self._clock.now())
        target = minute_of(now_ms + HORIZON_MS)
        before = progress.minute
        if before is None:
            before = minute_of(now_ms) - FIRST_LOOK_BACK_MIN - 1
        else:
            self._lag_ms = max(0, now_ms - (before + 1) * MINUTE_MS)
        parts = progress.parts
        while before < target:
            parts = self._minute(before + 1, parts, deadline)
            before, cut_off = (before, True) if parts else (before + 1, False)
            last = cut_off or before == target or self._clock.now() >= deadline
            done = Progress(minute=before, parts=parts)
            self._agenda.advance(keys.TICK, token, done, release=last)
            if last:
                return
        self._agenda.advance(keys.TICK, token, progress, release=True)

    def _minute(self, minute: int, places: Mapping[str, str], deadline: datetime) -> dict[str, str]:
        """Return where each shard was left, by its number; nothing when the minute is done.

        Shards that are done while others are not are at the end of all places.
        """
        with self._pool(SHARDS) as pool:
            parts = list(
                pool.map(
                    lambda shard: self._shard(minute, shard, places.get(str(shard), ""), deadline),
                    range(SHARDS),
                )
            )
        self._sent += sum(part.sent for part in parts)
        if all(part.place is None for part in parts):
            self._minutes += 1
            return {}
        return {str(n): _END if p.place is None else p.place for n, p in enumerate(parts)}

    def _shard(self, minute: int, shard: int, after: str, deadline: datetime) -> _Part:
        sent = 0
        placed = self._reader.read(minute, shard, after=after)
        while chunk := list(islice(placed, MANIFEST_SIZE)):
            if self._clock.now() >= deadline:
                return _Part(sent=sent, place=after)
            self._send([p.message for p in chunk], minute, shard)
            sent += len(chunk)
            after = chunk[-1].place
        return _Part(sent=sent, place=None)

    def _send(self, messages: Sequence[Message], minute: int, shard: int) -> None:
        now_ms = to_ms(self._clock.now())
        latest_ms = max(now_ms, *(m.not_before_ms for m in messages))
        first = messages[0]
        name = f"T#{minute}#{shard}#{first.ref.job_id}#{first.attempt}"
        manifest = Manifest(messages=list(messages))
        self._agenda.claim(manifest, name=name, check_ms=latest_ms + CHECK_AFTER_MS)
        if latest_ms > now_ms:
            self._pace.wait()
        self._dispatcher.send(messages)
