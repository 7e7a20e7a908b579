"""What every use case of identity stands on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from nightshift.core.clock import Clock, from_ms, to_ms
from nightshift.core.tokens import RandomBytes
from nightshift.identity.letters import Letter
from nightshift.identity.mailer import Mailer
from nightshift.identity.model import Client
from nightshift.identity.session_store import SessionStore
from nightshift.identity.store import Commit, IdentityStore
from nightshift.identity.trail import NOTHING, SUCCESS, AuditTrail, user_subject
from nightshift.observability import Log


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """The stores, the mail, the trail, and time."""

    store: IdentityStore
    sessions: SessionStore
    mailer: Mailer
    trail: AuditTrail
    clock: Clock
    log: Log
    random: RandomBytes

    def now(self) -> datetime:
        """Return the time in whole milliseconds, as the table keeps it."""
        return from_ms(to_ms(self.clock.now()))

    def posting(self, letter: Letter | None) -> Commit:
        """Return what does writes together with a letter; None is no letter."""
        if letter is None:
            return self.store.commit
        return lambda writes: self.mailer.send(
            to=letter.to,
            template=letter.template,
            data=letter.data,
            user_id=letter.user_id,
            writes=writes,
        )

    def note(
        self,
        action: str,
        *,
        client: Client,
        actor_id: str | None,
        subject: str | None = None,
        outcome: str = SUCCESS,
        detail: Mapping[str, str] = NOTHING,
    ) -> None:
        """Note an act on the trail; its subject is the actor's own account if nothing else."""
        if subject is None and actor_id is not None:
            subject = user_subject(actor_id)
        self.trail.record(
            action,
            actor_id=actor_id,
            subject=subject,
            outcome=outcome,
            address=client.address,
            detail=detail,
        )
