"""Events as items of the audit table."""

import json
from datetime import timedelta

from nightshift.audit import keys
from nightshift.audit.model import AuditEvent, Outcome
from nightshift.aws.dynamo import Item
from nightshift.core.clock import from_ms, to_epoch_s, to_ms

SCHEMA = 1


def from_event(event: AuditEvent, pk: str, keep: timedelta) -> Item:
    """Return the copy of an event that stands in the partition `pk`."""
    return {
        "pk": pk,
        "sk": keys.position(event.at, event.event_id),
        "schema": SCHEMA,
        "event_id": event.event_id,
        "at_ms": to_ms(event.at),
        "action": event.action,
        "outcome": event.outcome.value,
        "actor_id": event.actor_id,
        "subject": event.subject,
        "address": event.address,
        "detail": json.dumps(event.detail, separators=(",", ":"), ensure_ascii=False),
        "expires_at": to_epoch_s(event.at + keep),
    }


def to_event(item: Item) -> AuditEvent:
    """Return the event that an item holds."""
    return AuditEvent(
        event_id=item["event_id"],
        at=from_ms(item["at_ms"]),
        action=item["action"],
        outcome=Outcome(item["outcome"]),
        actor_id=item.get("actor_id"),
        subject=item.get("subject"),
        address=item.get("address"),
        detail=json.loads(item["detail"]),
    )
