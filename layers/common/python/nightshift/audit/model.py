"""An event of the audit log, and which events somebody asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

DetailValue = str | int | bool | None | Sequence[str]
Detail = Mapping[str, DetailValue]


class Outcome(StrEnum):
    """How an act ended: done, not done because it went wrong, or refused."""

    SUCCESS = "success"
    FAILURE = "failure"
    DENIED = "denied"


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEvent:
    """Who did what, on what, when, from where, and how it ended.

    Attributes:
        actor_id: the user; None when nobody is known, as at a failed sign-in.
        subject: what it was done to, as `kind:id` ("user:0193...", "role:support"); None when it
            was done to nothing in particular.
        address: of the client, as the gateway saw it; None for what no client asked for.
        detail: what else is worth knowing; no secrets, and small.
    """

    event_id: str
    at: datetime
    action: str
    outcome: Outcome
    actor_id: str | None
    subject: str | None
    address: str | None
    detail: Detail

    def people(self) -> frozenset[str]:
        """Return the users whom it concerns: who did it, and to whom."""
        kind, _, subject_id = (self.subject or "").partition(":")
        found = {self.actor_id, subject_id if kind == "user" else None}
        return frozenset(person for person in found if person)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which events; None is no condition. `since` and `until` are both inclusive.

    Attributes:
        person: a user whom the event concerns.
        actor: the user who did it.
    """

    person: str | None = None
    actor: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def matches(self, event: AuditEvent) -> bool:
        """Tell whether the event fits `actor` and `action`; the rest is for the store's keys."""
        return self.actor in {None, event.actor_id} and self.action in {None, event.action}
