"""The queues as an administrator sees them: how full they are, and whether they are paused.

What comes to a paused queue's workers, and what the sweeper finds of its jobs, is held in the
table. Once the queue goes on, the next sweep sends all of it.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from nightshift.aws.dynamo import Condition, ConditionFailedError, Item, Table, Update
from nightshift.core.clock import Clock, from_ms, to_ms
from nightshift.jobs import keys
from nightshift.jobs.errors import QueueFullError
from nightshift.jobs.held import Held
from nightshift.jobs.lifecycle import Lifecycle
from nightshift.jobs.model import Message, QueueName
from nightshift.ports.queue import Depth, Queue

STATE_KEPT = timedelta(seconds=5)
"""How long a process believes what it has read of pauses and depths."""
RETRY_AFTER_S = 30
MAX_COUNTED = 1_000
LATE_HELD_MS = 60_000
"""For how long after the end of a pause a worker may still hold messages for it."""
WEIGHTS = {QueueName.CRITICAL: 6, QueueName.DEFAULT: 3, QueueName.LOW: 1}
"""How what may run at once is shared out; the template sets the numbers that follow from it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueView:
    """A queue: its depth in messages, and since when and by whom it is paused, if it is.

    `held` counts the messages that are kept back, up to `MAX_COUNTED`.
    """

    name: QueueName
    depth: Depth
    held: int
    paused_at: datetime | None
    paused_by: str | None


class Queues:
    """The queues, their depth and their pauses."""

    def __init__(
        self,
        table: Table,
        queues: Mapping[QueueName, Queue],
        lifecycle: Lifecycle,
        clock: Clock,
        *,
        max_depth: int,
    ) -> None:
        self._table = table
        self._lifecycle = lifecycle
        self._queues = queues
        self._clock = clock
        self._max_depth = max_depth
        self._held = Held(table)
        self._paused: tuple[datetime, frozenset[str]] | None = None
        self._depths: dict[QueueName, tuple[datetime, Depth]] = {}

    def check_room(self, name: QueueName) -> None:
        """Raise if the queue is as full as it may be.

        Raises:
            QueueFullError: it is; nothing was enqueued.
        """
        if self.depth(name).total >= self._max_depth:
            raise QueueFullError(
                f"The queue {name} holds {self._max_depth} messages; try again later.",
                retry_after_s=RETRY_AFTER_S,
            )

    def depth(self, name: QueueName) -> Depth:
        """Return how full the queue is, as of a few seconds ago."""
        now = self._clock.now()
        known = self._depths.get(name)
        if known is None or now - known[0] > STATE_KEPT:
            known = (now, self._queues[name].depth())
            self._depths[name] = known
        return known[1]

    def is_paused(self, name: QueueName) -> bool:
        """Tell whether the queue is paused, as of a few seconds ago."""
        now = self._clock.now()
        if self._paused is None or now - self._paused[0] > STATE_KEPT:
            self._paused = (now, self._read())
        return name in self._paused[1]

    def _read(self) -> frozenset[str]:
        return frozenset(item["sk"] for item in self._table.query(keys.QUEUES) if "end" not in item)

    def pause(self, name: QueueName, *, by: str) -> QueueView:
        """Let nothing of the queue begin any more; what runs goes on.

        Pausing twice is pausing once: who did it first, and when, stays.
        """
        now_ms = to_ms(self._clock.now())
        running = Condition(
            expression="attribute_not_exists(pk) OR attribute_exists(#end)", names={"#end": "end"}
        )
        with contextlib.suppress(ConditionFailedError):
            self._table.put(keys.queue_state(name) | {"at": now_ms, "by": by}, running)
            self._lifecycle.tell_queue("queue.paused", name, by=by)
        return self.view(name)

    def resume(self, name: QueueName, *, by: str) -> QueueView:
        """Let the queue go on; the next sweep, within a minute or so, sends what was held."""
        ending = Update(
            table=self._table.name,
            key=keys.queue_state(name),
            expression="SET #end = :now",
            names={"#end": "end"},
            values={":now": to_ms(self._clock.now())},
            condition=Condition(
                expression="attribute_exists(pk) AND attribute_not_exists(#end)",
                names={"#end": "end"},
            ),
        )
        with contextlib.suppress(ConditionFailedError):
            self._table.write(ending)
            self._lifecycle.tell_queue("queue.resumed", name, by=by)
        return self.view(name)

    def hold(self, messages: Sequence[Message]) -> None:
        """Keep messages back for as long as their queue is paused; twice is once."""
        self._held.keep(messages)

    def held_of_resumed(self, *, limit: int) -> list[Message]:
        """Return up to `limit` messages that are to be sent again; `forget` them then.

        What a worker held that had not yet heard of the end of the pause is found for a while.
        """
        for item in list(self._table.query(keys.QUEUES, consistent=True)):
            if "end" not in item:
                continue
            found = self._held.of(QueueName(item["sk"]), limit=limit)
            if found:
                return found
            if item["end"] + LATE_HELD_MS < to_ms(self._clock.now()):
                self._forget_pause(item)
        return []

    def _forget_pause(self, item: Item) -> None:
        same = Condition(
            expression="#end = :end", names={"#end": "end"}, values={":end": item["end"]}
        )
        with contextlib.suppress(ConditionFailedError):
            self._table.delete(keys.queue_state(item["sk"]), same)

    def forget(self, messages: Sequence[Message]) -> None:
        """Forget held messages that were sent."""
        self._held.forget(messages)

    def view(self, name: QueueName) -> QueueView:
        """Return the queue as it is now."""
        self._paused = None
        self._depths.pop(name, None)
        state = self._table.get(keys.queue_state(name), consistent=True)
        if state is not None and "end" in state:
            state = None
        return QueueView(
            name=name,
            depth=self.depth(name),
            held=len(self._held.of(name, limit=MAX_COUNTED)),
            paused_at=from_ms(state["at"]) if state else None,
            paused_by=state["by"] if state else None,
        )

    def views(self) -> list[QueueView]:
        """Return all queues."""
        return [self.view(name) for name in QueueName]
