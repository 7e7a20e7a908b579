"""Queue: where messages wait to be worked on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

MAX_DELAY_S = 900


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """One message to send: its text and the whole seconds to hold it back, 0 to 900."""

    body: str
    delay_s: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Depth:
    """How many messages a queue holds, about: to be received, held back, being worked on."""

    visible: int
    delayed: int = 0
    in_flight: int = 0

    @property
    def total(self) -> int:
        """All messages together."""
        return self.visible + self.delayed + self.in_flight


class Queue(Protocol):
    """A queue that delivers at least once and in no order."""

    def send(self, messages: Sequence[Outgoing]) -> None:
        """Send all messages, any number of them.

        Raises:
            UnavailableError: some were not accepted after the retries; any of them may have been.
        """
        ...

    def depth(self) -> Depth:
        """Return how full the queue is, approximately."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """One message taken from a queue; `receipt` is what deletes it."""

    message_id: str
    body: str
    receipt: str


class Source(Protocol):
    """A queue from which one takes by hand, without waiting."""

    def receive(self, limit: int) -> list[Received]:
        """Take up to `limit` messages, at most ten; they come back unless deleted."""
        ...

    def delete(self, messages: Sequence[Received]) -> None:
        """Delete messages that were worked on; one that is not deleted comes back."""
        ...

    def depth(self) -> Depth:
        """Return how full the queue is, approximately."""
        ...
