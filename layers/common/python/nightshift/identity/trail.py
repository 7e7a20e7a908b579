"""Where identity notes every act that concerns security."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

NOTHING: Mapping[str, str] = MappingProxyType({})
SUCCESS, FAILURE, DENIED = "success", "failure", "denied"


class AuditTrail(Protocol):
    """Keeps who did what, to what, from where, and how it ended."""

    def record(
        self,
        action: str,
        *,
        actor_id: str | None,
        subject: str | None,
        outcome: str,
        address: str | None,
        detail: Mapping[str, str] = NOTHING,
    ) -> None:
        """Note one act; never fails the act itself.

        `actor_id` is the user, None when nobody is known; `subject` is what it was done to, as
        `kind:id`; `outcome` is success, failure or denied; `detail` holds no secret.
        """
        ...


class NoTrail:
    """Notes nothing."""

    def record(
        self,
        action: str,
        *,
        actor_id: str | None,
        subject: str | None,
        outcome: str,
        address: str | None,
        detail: Mapping[str, str] = NOTHING,
    ) -> None:
        """Do nothing; see `AuditTrail`."""


def user_subject(user_id: str) -> str:
    """Return how a user is named as a subject."""
    return f"user:{user_id}"


def session_subject(session_id: str) -> str:
    """Return how a session is named as a subject."""
    return f"session:{session_id}"
