"""What each call to SQS bills: a request for every 64 KB of payload, at least one a call.

Source: the Amazon SQS pricing page ("each 64 KB chunk of a payload is billed as 1 request"). A
receive that finds nothing is a request too.
"""

import threading
from dataclasses import dataclass
from typing import NamedTuple

CHUNK_BYTES = 64 * 1024


class SqsCall(NamedTuple):
    """One call; `requests` is what it bills, `size` the bytes of bodies and attributes moved."""

    ordinal: int
    operation: str
    queue: str
    requests: int
    messages: int
    size: int
    error: str


@dataclass(slots=True)
class SqsUsage:
    """A sum over calls."""

    calls: int = 0
    requests: int = 0
    messages: int = 0


def billed_requests(size: int) -> int:
    """Return the requests that a payload of `size` bytes bills."""
    return max(1, -(-size // CHUNK_BYTES))


class SqsMeter:
    """Totals by operation and queue, and the calls themselves unless `keep_calls` is off."""

    def __init__(self, *, keep_calls: bool = True) -> None:
        self.keep_calls = keep_calls
        self.calls: list[SqsCall] = []
        self._cells: dict[tuple[str, str], SqsUsage] = {}
        self._lock = threading.Lock()

    def record(self, call: SqsCall) -> None:
        """Count one call."""
        with self._lock:
            cell = self._cells.setdefault((call.operation, call.queue), SqsUsage())
            cell.calls += 1
            cell.requests += call.requests
            cell.messages += call.messages
            if self.keep_calls:
                self.calls.append(call)

    def reset(self) -> None:
        """Forget everything counted; ordinals go on."""
        with self._lock:
            self.calls.clear()
            self._cells.clear()

    def total(self, *, operation: str | None = None, queue: str | None = None) -> SqsUsage:
        """Return the sum over the calls of one operation, of one queue, or of both."""
        total = SqsUsage()
        with self._lock:
            for (op, name), usage in self._cells.items():
                if operation in {None, op} and queue in {None, name}:
                    total.calls += usage.calls
                    total.requests += usage.requests
                    total.messages += usage.messages
        return total

    @property
    def requests(self) -> int:
        """Return all billed requests."""
        return self.total().requests
