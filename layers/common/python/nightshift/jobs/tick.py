"""The tick: each minute, find what falls due soon, claim it and queue it for its second.

A cursor says up to which minute everything was queued. Whoever leases it works on, minute by
minute, to the horizon; a missed or cut-off tick is caught up by the next. Within a minute nothing
is remembered: a tick that finds the minute unfinished does all of it again, and the workers' claims
make the second message of a run harmless.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from nightshift.core.clock import Clock, to_ms
from nightshift.jobs import keys
from nightshift.jobs.agenda import (
    CHECK_AFTER_MS,
    HORIZON_MS,
    MINUTE_MS,
    SHARDS,
    Agenda,
    Bucket,
    Manifest,
    Member,
    chunks,
    minute_of,
)
from nightshift.jobs.dispatch import Dispatcher, Pace
from nightshift.jobs.errors import SupersededError
from nightshift.jobs.model import Message

LEASE_MS = 55_000
FIRST_LOOK_BACK_MIN = 60
"""How far before its own time a stack's very first tick begins: tasks may be older than it."""


class Groups(Protocol):
    """What the tick must know of the recurring subjects behind a group's spec."""

    def next_slot_ms(self, spec: str, after_ms: int) -> int | None:
        """Return the first slot strictly after `after_ms`, None if there is none."""
        ...

    def expand(
        self, spec: str, slot_ms: int, members: Iterable[Member], now: datetime
    ) -> list[Message]:
        """Return the messages that the members want for a slot, misfire rules applied."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class TickReport:
    """What a tick did. `lag_ms`: how late its first minute was; `skipped`: another was at it."""

    minutes: int = 0
    messages: int = 0
    lag_ms: int = 0
    skipped: bool = False


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
        sleep: Callable[[float], None],
    ) -> None:
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
            position = self._agenda.acquire(keys.TICK, token, lease_ms=LEASE_MS)
        except SupersededError:
            return TickReport(skipped=True)
        now_ms = to_ms(self._clock.now())
        target = minute_of(now_ms + HORIZON_MS)
        first = minute_of(now_ms) - FIRST_LOOK_BACK_MIN if position is None else position + 1
        return self._walk(token, first, target, deadline)

    def _walk(self, token: str, first: int, target: int, deadline: datetime) -> TickReport:
        lag_ms = max(0, to_ms(self._clock.now()) - first * MINUTE_MS)
        sent = done = 0
        for minute in range(first, target + 1):
            sent += self._minute(minute)
            done += 1
            last = minute == target or self._clock.now() >= deadline
            try:
                self._agenda.advance(keys.TICK, token, minute, release=last)
            except SupersededError:
                break
            if last:
                break
        return TickReport(minutes=done, messages=sent, lag_ms=lag_ms)

    def _minute(self, minute: int) -> int:
        pace = Pace(self._clock, self._sleep)
        with ThreadPoolExecutor(SHARDS) as pool:
            counts = pool.map(lambda shard: self._shard(minute, shard, pace), range(SHARDS))
            return sum(counts)

    def _shard(self, minute: int, shard: int, pace: Pace) -> int:
        messages = self._due(self._agenda.bucket(minute, shard), minute, shard)
        for number, chunk in enumerate(chunks(messages)):
            latest_ms = max(m.not_before_ms for m in chunk)
            check_ms = max(latest_ms, to_ms(self._clock.now())) + CHECK_AFTER_MS
            name = f"T#{minute}#{shard}#{number}"
            self._agenda.claim(Manifest(messages=list(chunk)), name=name, check_ms=check_ms)
            pace.wait()
            self._dispatcher.send(chunk)
        return len(messages)

    def _due(self, bucket: Bucket, minute: int, shard: int) -> list[Message]:
        now_ms = to_ms(self._clock.now())
        messages = [
            s.message
            for s in bucket.singles
            if s.late_ok_ms is None or s.message.not_before_ms + s.late_ok_ms >= now_ms
        ]
        for spec in bucket.specs:
            messages += self._of_group(spec, minute, shard)
        return messages

    def _of_group(self, spec: str, minute: int, shard: int) -> list[Message]:
        members = list(self._agenda.members(spec, shard))
        if not members:
            return []
        start_ms = minute * MINUTE_MS
        slot_ms = self._groups.next_slot_ms(spec, start_ms - 1)
        following_ms = slot_ms
        if slot_ms is not None and slot_ms < start_ms + MINUTE_MS:
            following_ms = self._groups.next_slot_ms(spec, slot_ms)
        else:
            slot_ms = None
        if following_ms is not None:
            self._agenda.move_group(spec, shard, following_ms)
        if slot_ms is None:
            return []
        return self._groups.expand(spec, slot_ms, members, self._clock.now())
