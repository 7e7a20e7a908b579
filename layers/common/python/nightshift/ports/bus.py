"""Bus: domain events for whoever may want to know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class DomainEvent:
    """Something that happened, in the words of CloudEvents 1.0; `data` is JSON.

    `id` is the same for the same event however often it is published; `user_id` says whose it is.
    """

    id: str
    type: str
    subject: str
    user_id: str
    data: Mapping[str, Any]


class Bus(Protocol):
    """Carries events at least once, in no order."""

    def publish(self, events: Sequence[DomainEvent]) -> None:
        """Publish all events.

        Raises:
            UnavailableError: the bus did not take them all; publishing all again is safe.
        """
        ...
