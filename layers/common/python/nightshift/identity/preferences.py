"""What users prefer: time zone, language, and which mails they want."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from nightshift.core.access import UserId
from nightshift.core.errors import ConflictError, PreconditionFailedError
from nightshift.identity.ground import Ground
from nightshift.identity.model import Actor, Preferences
from nightshift.identity.preference_store import PreferenceStore


class MailChoices(Protocol):
    """Which mails users want, by category; the mails themselves ask the same place."""

    def wanted(self, user_id: str) -> Mapping[str, bool]:
        """Return each category and whether the user wants it."""
        ...

    def choose(self, user_id: str, wanted: Mapping[str, bool]) -> None:
        """Note what the user wants of the categories named."""
        ...


class NoMailChoices:
    """There are no mails to choose of."""

    def wanted(self, user_id: str) -> Mapping[str, bool]:  # noqa: ARG002 - as the port has it
        """Return nothing."""
        return {}

    def choose(self, user_id: str, wanted: Mapping[str, bool]) -> None:
        """Do nothing."""


class PreferenceService:
    """Reads and changes one's own preferences."""

    def __init__(self, *, ground: Ground, store: PreferenceStore, choices: MailChoices) -> None:
        self._ground = ground
        self._store = store
        self._choices = choices

    def get(self, user_id: UserId) -> tuple[Preferences, Mapping[str, bool]]:
        """Return the user's preferences, and which mails the user wants."""
        return self._find(user_id), self._choices.wanted(user_id)

    def put(
        self,
        actor: Actor,
        *,
        time_zone: str,
        locale: str,
        mails: Mapping[str, bool],
        expected_version: int | None,
    ) -> tuple[Preferences, Mapping[str, bool]]:
        """Set all preferences; a category of mails that is not named stays as it was.

        Raises:
            PreconditionFailedError: the version is not the expected one.
            ConflictError: somebody else changed them at the same moment.
        """
        before = self._find(actor.user_id)
        if expected_version not in {None, before.version}:
            raise PreconditionFailedError
        after = replace(
            before,
            time_zone=time_zone,
            locale=locale,
            version=before.version + 1,
            updated_at=self._ground.now(),
        )
        if not self._store.put(before, after):
            raise ConflictError
        self._choices.choose(actor.user_id, mails)
        return after, self._choices.wanted(actor.user_id)

    def _find(self, user_id: UserId) -> Preferences:
        return self._store.find(user_id) or Preferences(user_id=user_id)
