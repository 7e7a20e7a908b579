"""The bus port on EventBridge, and one in memory for tests."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from nightshift.core.clock import Clock, rfc3339
from nightshift.core.errors import UnavailableError
from nightshift.ports.bus import DomainEvent

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE = "nightshift"
BATCH_SIZE = 10


class EventBridgeBus:
    """Publishes CloudEvents as the detail of EventBridge events, ten at a time."""

    def __init__(
        self, client: Callable[[], "EventBridgeClient"], bus_name: str, clock: Clock
    ) -> None:
        self._client = client
        self._bus_name = bus_name
        self._clock = clock

    def publish(self, events: Sequence[DomainEvent]) -> None:
        """Publish all events; see `ports.bus.Bus`."""
        for start in range(0, len(events), BATCH_SIZE):
            answer = self._client().put_events(
                Entries=[
                    {
                        "EventBusName": self._bus_name,
                        "Source": SOURCE,
                        "DetailType": event.type,
                        "Detail": json.dumps(self._envelope(event)),
                    }
                    for event in events[start : start + BATCH_SIZE]
                ]
            )
            if answer["FailedEntryCount"]:
                raise UnavailableError("the event bus did not take all events")

    def _envelope(self, event: DomainEvent) -> dict[str, object]:
        return {
            "specversion": "1.0",
            "id": event.id,
            "source": SOURCE,
            "type": event.type,
            "subject": event.subject,
            "time": rfc3339(self._clock.now()),
            "datacontenttype": "application/json",
            "userid": event.user_id,
            "data": dict(event.data),
        }


class MemoryBus:
    """Keeps what was published, for tests; the same id twice is kept once."""

    def __init__(self) -> None:
        self.events: dict[str, DomainEvent] = {}

    def publish(self, events: Sequence[DomainEvent]) -> None:
        """Keep the events."""
        self.events.update({event.id: event for event in events})
