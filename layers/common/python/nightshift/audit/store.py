"""The audit log in its table: events are put where nothing stands, and never touched again."""

import heapq
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import groupby

from nightshift.audit import keys
from nightshift.audit.items import from_event, to_event
from nightshift.audit.model import AuditEvent, Wanted
from nightshift.aws.dynamo import NOT_EXISTS, ConditionFailedError, Item, Put, Table
from nightshift.core.clock import to_epoch_s

MAX_EXAMINED = 5_000
"""Items that one page reads at most when it looks for a few among many."""
_CHUNK = 200
_KNOWN_SLOTS = 64


class AuditStore:
    """Events by person, by action and by time. Reads may lag by a moment."""

    def __init__(self, table: Table, *, keep: timedelta) -> None:
        self._table = table
        self._keep = keep
        self._marked: set[str] = set()

    def parts(self, event: AuditEvent) -> list[Put]:
        """Return the writes that keep an event, for a transaction.

        Notes in the calendar before that the day may have events, where it does not say so yet.
        """
        slot = keys.slot(event.at, event.event_id)
        self._mark(slot, event.at)
        partitions = [keys.day_pk(slot), keys.action_pk(event.action)]
        partitions += sorted(map(keys.person_pk, event.people()))
        return [
            Put(
                table=self._table.name,
                item=from_event(event, pk, self._keep),
                condition=NOT_EXISTS,
            )
            for pk in partitions
        ]

    def add(self, event: AuditEvent) -> None:
        """Keep an event, in all its places or in none."""
        self._table.transact(self.parts(event))

    def page(
        self, wanted: Wanted, *, now: datetime, after: str | None, limit: int
    ) -> tuple[list[AuditEvent], str | None]:
        """Return up to `limit` events, newest first, and where to go on; None at the end.

        What is older than the log keeps is left out even while it still stands. A page may hold
        fewer than `limit` and still say where to go on.
        """
        found: list[Item] = []
        for examined, item in enumerate(self._items(wanted, now, after, limit + 1), 1):
            if wanted.matches(to_event(item)):
                found.append(item)
            if len(found) > limit:
                return [to_event(i) for i in found[:limit]], found[limit - 1]["sk"]
            if examined == MAX_EXAMINED:
                return [to_event(i) for i in found], item["sk"]
        return [to_event(i) for i in found], None

    def _items(
        self, wanted: Wanted, now: datetime, after: str | None, count: int
    ) -> Iterator[Item]:
        oldest = now - self._keep
        since = max(wanted.since or oldest, oldest)
        low, high = keys.span(since, wanted.until or now + timedelta(days=1))
        high = min(high, after or high)
        if low > high:
            return
        who = wanted.person or wanted.actor
        if who is not None:
            size = count if wanted == Wanted(person=who) else _CHUNK
            yield from self._walk(keys.person_pk(who), low, high, after, size)
        elif wanted.action is not None:
            yield from self._walk(keys.action_pk(wanted.action), low, high, after, count)
        else:
            yield from self._days(low, high, after, count)

    def _days(self, low: str, high: str, after: str | None, size: int) -> Iterator[Item]:
        """Yield the events of all days, newest first, from the days that have any."""
        first, last = keys.day_of(low), keys.day_of(high)
        slots = self._table.query(keys.CALENDAR_PK, between=(first, last + "~"), descending=True)
        for _, shards in groupby(slots, key=lambda item: str(item["sk"]).partition("#")[0]):
            walks = [
                self._walk(keys.day_pk(shard["sk"]), low, high, after, size) for shard in shards
            ]
            yield from heapq.merge(*walks, key=lambda item: str(item["sk"]), reverse=True)

    def _walk(self, pk: str, low: str, high: str, after: str | None, size: int) -> Iterator[Item]:
        """Yield a partition's items newest first, reading `size` at a time."""
        while True:
            chunk: Sequence[Item] = list(
                self._table.query(pk, between=(low, high), descending=True, limit=size)
            )
            yield from (item for item in chunk if item["sk"] != after)
            if len(chunk) < size:
                return
            high = after = chunk[-1]["sk"]

    def _mark(self, slot: str, at: datetime) -> None:
        if slot in self._marked:
            return
        item = {
            "pk": keys.CALENDAR_PK,
            "sk": slot,
            "expires_at": to_epoch_s(at + self._keep + timedelta(days=1)),
        }
        with suppress(ConditionFailedError):  # another process was first
            self._table.put(item, NOT_EXISTS)
        if len(self._marked) >= _KNOWN_SLOTS:
            self._marked.clear()
        self._marked.add(slot)
