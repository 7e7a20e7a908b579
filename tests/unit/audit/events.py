"""Events of the audit log for tests."""

from datetime import datetime, timedelta
from itertools import count as numbers
from typing import Any

from nightshift.audit.model import AuditEvent, Outcome
from nightshift.core.ids import derived_id
from tests.contract.door import START

KEEP = timedelta(days=400)
ADA = "0193a5c0-7e1a-7b3c-8d2e-4f5a6b7c8d9e"
BOB = "0193a5c0-7e1a-7b3c-8d2e-4f5a6b7c8d9f"
_NUMBERS = numbers()


def event(at: datetime = START, **more: Any) -> AuditEvent:
    """Return an event; each has an id of its own."""
    said: dict[str, Any] = {
        "action": "toy.made",
        "outcome": Outcome.SUCCESS,
        "actor_id": ADA,
        "subject": None,
        "address": "203.0.113.7",
        "detail": {},
    }
    return AuditEvent(event_id=derived_id(at, str(next(_NUMBERS))), at=at, **(said | more))
