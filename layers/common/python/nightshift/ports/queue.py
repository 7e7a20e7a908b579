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


class Queue(Protocol):
    """A queue that delivers at least once and in no order."""

    def send(self, messages: Sequence[Outgoing]) -> None:
        """Send all messages, any number of them.

        Raises:
            UnavailableError: some were not accepted after the retries; any of them may have been.
        """
        ...
