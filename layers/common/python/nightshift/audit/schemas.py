"""Inputs and answers of the audit log's routes."""

from typing import Self

from pydantic import Field

from nightshift.audit.model import AuditEvent, Detail, Outcome
from nightshift.http.routing import ID_PATTERN
from nightshift.http.schemas import ApiModel, PageQuery, UtcTime

ACTION_PATTERN = r"^[a-z_]+(\.[a-z_]+)+$"
MAX_ACTION_CHARS = 80


class AuditQuery(PageQuery):
    """Which events."""

    actor: str | None = Field(
        default=None, pattern=f"^{ID_PATTERN}$", description="The user who did it."
    )
    action: str | None = Field(
        default=None,
        pattern=ACTION_PATTERN,
        max_length=MAX_ACTION_CHARS,
        description="What was done, for example `role.changed`.",
    )
    since: UtcTime | None = Field(default=None, description="Not before this time.")
    until: UtcTime | None = Field(default=None, description="Not after this time.")


class AuditEventOut(ApiModel):
    """Something that was done."""

    id: str
    at: UtcTime
    action: str
    outcome: Outcome
    actor_id: str | None = Field(description="The user who did it; null when nobody is known.")
    subject: str | None = Field(description="What it was done to, as `kind:id`.")
    address: str | None = Field(description="The client's address.")
    detail: dict[str, object]

    @classmethod
    def of(cls, event: AuditEvent) -> Self:
        """Return the event as the API shows it."""
        return cls(
            id=event.event_id,
            at=event.at,
            action=event.action,
            outcome=event.outcome,
            actor_id=event.actor_id,
            subject=event.subject,
            address=event.address,
            detail=_plain(event.detail),
        )


class AuditPage(ApiModel):
    """A page of events, newest first; it may be short and still have a next one."""

    items: list[AuditEventOut]
    next_cursor: str | None


def _plain(detail: Detail) -> dict[str, object]:
    return dict(detail)
