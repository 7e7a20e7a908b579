"""The queues as an administrator sees them: how full they are, and whether they are paused.

A paused queue's messages are dropped by the workers, for a message is only a hint: after the pause
the sweeper finds every open job by its claim and sends it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from nightshift.aws.dynamo import Table
from nightshift.core.clock import Clock, from_ms, to_ms
from nightshift.jobs import keys
from nightshift.jobs.errors import QueueFullError
from nightshift.jobs.model import QueueName
from nightshift.ports.queue import Depth, Queue

STATE_KEPT = timedelta(seconds=5)
"""How long a process believes what it has read of pauses and depths."""
RETRY_AFTER_S = 30
WEIGHTS = {QueueName.CRITICAL: 6, QueueName.DEFAULT: 3, QueueName.LOW: 1}
"""How what may run at once is shared out; the template sets the numbers that follow from it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueView:
    """A queue: its depth in messages, and since when and by whom it is paused, if it is."""

    name: QueueName
    depth: Depth
    paused_at: datetime | None
    paused_by: str | None


class Queues:
    """The queues, their depth and their pauses."""

    def __init__(
        self, table: Table, queues: Mapping[QueueName, Queue], clock: Clock, *, max_depth: int
    ) -> None:
        self._table = table
        self._queues = queues
        self._clock = clock
        self._max_depth = max_depth
        self._paused: tuple[datetime, dict[str, dict[str, object]]] | None = None
        self._depths: dict[QueueName, tuple[datetime, Depth]] = {}

    def check_room(self, name: QueueName) -> None:
        """Raise if the queue is as full as it may be.

        Raises:
            QueueFullError: it is; nothing was enqueued.
        """
        if self._depth(name).total >= self._max_depth:
            raise QueueFullError(
                f"The queue {name} holds {self._max_depth} messages; try again later.",
                retry_after_s=RETRY_AFTER_S,
            )

    def _depth(self, name: QueueName) -> Depth:
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

    def _read(self) -> dict[str, dict[str, object]]:
        return {item["sk"]: item for item in self._table.query(keys.QUEUES)}

    def pause(self, name: QueueName, *, by: str) -> QueueView:
        """Let nothing of the queue begin any more; what runs goes on. Pausing twice is pausing."""
        now_ms = to_ms(self._clock.now())
        self._table.put(keys.queue_state(name) | {"at": now_ms, "by": by})
        return self.view(name)

    def resume(self, name: QueueName) -> QueueView:
        """Let the queue go on; what was left comes back with the sweeps of the next minutes."""
        self._table.delete(keys.queue_state(name))
        return self.view(name)

    def view(self, name: QueueName) -> QueueView:
        """Return the queue as it is now."""
        self._paused = None
        self._depths.pop(name, None)
        state = self._table.get(keys.queue_state(name), consistent=True)
        return QueueView(
            name=name,
            depth=self._depth(name),
            paused_at=from_ms(state["at"]) if state else None,
            paused_by=state["by"] if state else None,
        )

    def views(self) -> list[QueueView]:
        """Return all queues."""
        return [self.view(name) for name in QueueName]
