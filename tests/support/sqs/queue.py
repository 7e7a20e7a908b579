"""One queue: copies of messages by the moment at which they can be seen."""

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from nightshift.core.clock import to_ms
from tests.support.sqs.errors import RefusedError, bad_handle, bad_value

DEFAULT_VISIBILITY_S = 30
DEFAULT_RETENTION_S = 4 * 24 * 3600
MAX_VISIBILITY_S = 12 * 3600
REGION = "us-east-1"
ACCOUNT = "000000000000"


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What was sent."""

    id: str
    body: str
    attributes: dict[str, Any]
    sent_at: datetime
    size: int


@dataclass(kw_only=True, slots=True)
class Copy:
    """One stored copy of a message; duplicates are further copies of the same message."""

    message: Message
    number: int
    visible_at: datetime
    received: int = 0
    first_received_at: datetime | None = None
    handle: str = ""


@dataclass(kw_only=True, slots=True)
class Settings:
    """A queue's attributes, in seconds."""

    visibility_s: int = DEFAULT_VISIBILITY_S
    retention_s: int = DEFAULT_RETENTION_S
    delay_s: int = 0
    max_receive_count: int | None = None


@dataclass(slots=True)
class Queue:
    """A standard queue. Not thread-safe: its owner holds a lock."""

    name: str
    settings: Settings
    dead_letters: "Queue | None" = None
    copies: dict[int, Copy] = field(default_factory=dict)
    known: dict[str, Message] = field(default_factory=dict)
    _heap: list[tuple[datetime, int]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def url(self) -> str:
        """Return the queue's URL."""
        return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{self.name}"

    @property
    def arn(self) -> str:
        """Return the queue's ARN."""
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.name}"

    def add(self, message: Message, visible_at: datetime, *, received: int = 0) -> Copy:
        """Store a copy of a message."""
        number = next(self._numbers)
        copy = Copy(message=message, number=number, visible_at=visible_at, received=received)
        self.copies[number] = copy
        self.known[message.id] = message
        heapq.heappush(self._heap, (visible_at, number))
        return copy

    def take(self, limit: int, max_bytes: int, now: datetime, visibility_s: int) -> list[Copy]:
        """Receive up to `limit` visible copies of together `max_bytes`; the oldest come first.

        What was received too often goes to the dead letters instead; what is older than the
        retention is dropped.
        """
        taken: list[Copy] = []
        size = 0
        while len(taken) < limit and (copy := self._first()) and copy.visible_at <= now:
            if now - copy.message.sent_at >= timedelta(seconds=self.settings.retention_s):
                del self.copies[copy.number]
            elif self._is_poison(copy):
                self._bury(copy, now)
            elif taken and size + copy.message.size > max_bytes:
                break
            else:
                size += copy.message.size
                heapq.heappop(self._heap)
                taken.append(copy)
        for copy in taken:
            self._hand_out(copy, now, visibility_s)
        return taken

    def _first(self) -> Copy | None:
        """Return the copy that is or becomes visible first, dropping outdated heap entries."""
        while self._heap:
            visible_at, number = self._heap[0]
            copy = self.copies.get(number)
            if copy is not None and copy.visible_at == visible_at:
                return copy
            heapq.heappop(self._heap)
        return None

    def _is_poison(self, copy: Copy) -> bool:
        most = self.settings.max_receive_count
        return self.dead_letters is not None and most is not None and copy.received >= most

    def _bury(self, copy: Copy, now: datetime) -> None:
        assert self.dead_letters is not None
        del self.copies[copy.number]
        self.dead_letters.add(copy.message, now)

    def _hand_out(self, copy: Copy, now: datetime, visibility_s: int) -> None:
        copy.received += 1
        copy.first_received_at = copy.first_received_at or now
        copy.handle = f"{self.name}/{copy.message.id}/{copy.number}/{copy.received}"
        self.hide(copy, now + timedelta(seconds=visibility_s))

    def hide(self, copy: Copy, until: datetime) -> None:
        """Make a copy visible at another moment."""
        copy.visible_at = until
        heapq.heappush(self._heap, (until, copy.number))

    def find(self, handle: str) -> Copy | None:
        """Return the copy of a receipt handle; None when it is gone or was received again since.

        Raises:
            RefusedError: the handle is none of this queue's.
        """
        parts = handle.split("/")
        if len(parts) != 4 or parts[0] != self.name or not parts[2].isdigit():
            raise bad_handle(handle)
        copy = self.copies.get(int(parts[2]))
        return copy if copy is not None and copy.handle == handle else None

    def delete(self, handle: str) -> None:
        """Delete by receipt handle; one that is gone or outdated is no error and does nothing.

        Raises:
            RefusedError: the handle is none of this queue's.
        """
        copy = self.find(handle)
        if copy is not None:
            del self.copies[copy.number]

    def change_visibility(self, handle: str, timeout_s: int, now: datetime) -> None:
        """Let a received copy be seen again `timeout_s` from now.

        Raises:
            RefusedError: a bad timeout, or the copy is not in flight by this handle.
        """
        if not 0 <= timeout_s <= MAX_VISIBILITY_S:
            raise bad_value(timeout_s, "VisibilityTimeout", "Must be between 0 and 43200")
        copy = self.find(handle)
        if copy is None:
            raise bad_value(
                handle,
                "ReceiptHandle",
                "Message does not exist or is not available for visibility timeout change",
            )
        if copy.visible_at <= now:
            raise RefusedError("MessageNotInflight", "The specified message isn't in flight.")
        self.hide(copy, now + timedelta(seconds=timeout_s))

    def next_visible_at(self) -> datetime | None:
        """Return the moment at which the first copy is or becomes visible; None when empty."""
        first = self._first()
        return first.visible_at if first else None

    def counts(self, now: datetime) -> tuple[int, int, int]:
        """Return how many copies are visible, in flight, and delayed."""
        visible = flying = delayed = 0
        for copy in self.copies.values():
            if copy.visible_at <= now:
                visible += 1
            elif copy.received:
                flying += 1
            else:
                delayed += 1
        return visible, flying, delayed


def system_attributes(copy: Copy) -> dict[str, str]:
    """Return a received message's system attributes."""
    first = copy.first_received_at or copy.message.sent_at
    return {
        "ApproximateReceiveCount": str(copy.received),
        "SentTimestamp": str(to_ms(copy.message.sent_at)),
        "SenderId": "AIDAEXAMPLE",
        "ApproximateFirstReceiveTimestamp": str(to_ms(first)),
    }
