"""The audit log: writing what happened, and reading it again."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from nightshift.audit.model import AuditEvent, Detail, Outcome, Wanted
from nightshift.audit.store import AuditStore
from nightshift.aws.dynamo import Put
from nightshift.core.clock import Clock, from_ms, to_ms
from nightshift.core.ids import new_id
from nightshift.observability import Log, count, redact

MAX_DETAIL_CHARS = 2_000
MAX_TEXT_CHARS = 200
PAGE = 250
"""Events that an export reads at a time; so many of the largest are about a megabyte."""


class Audit:
    """Keeps events and finds them. Who may read what is decided before, at the edge."""

    def __init__(self, *, store: AuditStore, clock: Clock, log: Log) -> None:
        self._store = store
        self._clock = clock
        self._log = log

    def record(
        self,
        action: str,
        *,
        actor_id: str | None,
        subject: str | None,
        outcome: str,
        address: str | None,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """Keep an event on its own; see `AuditEvent` for the words.

        For what already happened, or did not happen at all, such as a refused sign-in: when the
        event cannot be kept, the log line `audit.lost` says so and the metric AuditLost counts it,
        and the caller goes on.

        Raises:
            ValueError: `outcome` is no outcome.
        """
        event = self._event(
            action,
            actor_id=actor_id,
            subject=subject,
            outcome=Outcome(outcome),
            address=address,
            detail=detail,
        )
        try:
            self._store.add(event)
        except Exception:  # noqa: BLE001 - whatever the table says, the act itself stands
            self._log.failure(
                "audit.lost",
                event_id=event.event_id,
                event_action=action,
                outcome=outcome,
                actor_id=actor_id,
                subject=subject,
            )
            count("AuditLost")

    def parts(
        self,
        action: str,
        *,
        actor_id: str | None,
        subject: str | None,
        address: str | None,
        detail: Mapping[str, object] | None = None,
    ) -> Sequence[Put]:
        """Return the writes by which an act that succeeds is kept in its own transaction.

        At most five. Without the event the act is not done.
        """
        return self._store.parts(
            self._event(
                action,
                actor_id=actor_id,
                subject=subject,
                outcome=Outcome.SUCCESS,
                address=address,
                detail=detail,
            )
        )

    def page(
        self, wanted: Wanted, *, after: str | None, limit: int
    ) -> tuple[list[AuditEvent], str | None]:
        """Return up to `limit` events, newest first, and where the next page begins."""
        return self._store.page(wanted, now=self._now(), after=after, limit=limit)

    def _event(
        self,
        action: str,
        *,
        actor_id: str | None,
        subject: str | None,
        outcome: Outcome,
        address: str | None,
        detail: Mapping[str, object] | None,
    ) -> AuditEvent:
        now = self._now()
        return AuditEvent(
            event_id=new_id(now),
            at=now,
            action=action,
            outcome=outcome,
            actor_id=actor_id,
            subject=None if subject is None else subject[:MAX_TEXT_CHARS],
            address=address,
            detail=_small(redact(detail or {})),
        )

    def _now(self) -> datetime:
        return from_ms(to_ms(self._clock.now()))


def _small(detail: Detail) -> Detail:
    """Return the detail as JSON can hold it; what is too long is left out, and that is said."""
    text = json.dumps(detail, default=str)
    if len(text) > MAX_DETAIL_CHARS:
        return {"left_out": True}
    plain: Detail = json.loads(text)
    return plain
