"""Settings: read by everybody, changed by administrators and by each user."""

from dataclasses import asdict
from typing import TypeVar

from nightshift.audit.service import Audit
from nightshift.aws.dynamo import TransactPart
from nightshift.core.access import Caller, UserId
from nightshift.core.errors import ConflictError, PreconditionFailedError
from nightshift.settings.model import (
    ServerSettings,
    Stored,
    UserSettings,
    Values,
    changed,
    effective,
)
from nightshift.settings.reader import ServerSettingsReader
from nightshift.settings.store import SettingsStore

S = TypeVar("S", ServerSettings, UserSettings)


class Settings:
    """The use cases. Permissions are checked before, at the edge."""

    def __init__(self, *, store: SettingsStore, reader: ServerSettingsReader, audit: Audit) -> None:
        self._store = store
        self._audit = audit
        self.reader = reader

    def get_server(self) -> tuple[ServerSettings, int]:
        """Return the server's settings as they stand, and their version."""
        found = self._store.find(None)
        return effective(ServerSettings, found.values), found.version

    def get_user(self, user_id: UserId) -> tuple[UserSettings, int]:
        """Return a user's settings and their version."""
        found = self._store.find(user_id)
        return effective(UserSettings, found.values), found.version

    def change_server(
        self, by: Caller, changes: Values, *, expected_version: int | None
    ) -> tuple[ServerSettings, int]:
        """Change what is given; None is the default. Written with its audit event or not at all.

        Raises:
            PreconditionFailedError: the version is not the expected one.
            ConflictError: somebody else changed them at the same moment.
        """
        before = self._store.find(None)
        after = _after(ServerSettings, before, changes, expected_version)
        if after is not before:
            event = self._event(by, before, after)
            if not self._store.change(None, before, after, also=event):
                raise ConflictError
            self.reader.forget()
        return effective(ServerSettings, after.values), after.version

    def change_user(
        self, user_id: UserId, changes: Values, *, expected_version: int | None
    ) -> tuple[UserSettings, int]:
        """Change what is given of a user's settings; None is the default.

        Raises:
            PreconditionFailedError: the version is not the expected one.
            ConflictError: another request changed them at the same moment.
        """
        before = self._store.find(user_id)
        after = _after(UserSettings, before, changes, expected_version)
        if after is not before and not self._store.change(user_id, before, after):
            raise ConflictError
        return effective(UserSettings, after.values), after.version

    def _event(self, by: Caller, before: Stored, after: Stored) -> list[TransactPart]:
        was = asdict(effective(ServerSettings, before.values))
        now = asdict(effective(ServerSettings, after.values))
        names = [name for name in now if was[name] != now[name]]
        return list(
            self._audit.parts(
                "settings.server_changed",
                actor_id=by.user_id,
                subject="settings:server",
                address=by.address,
                detail={
                    "before": {name: was[name] for name in names},
                    "after": {name: now[name] for name in names},
                },
            )
        )


def _after(model: type[S], before: Stored, changes: Values, expected: int | None) -> Stored:
    """Return what is to be stored: `before` itself when nothing changes."""
    if expected not in {None, before.version}:
        raise PreconditionFailedError
    values = changed(model, before.values, changes)
    if values == before.values:
        return before
    return Stored(values=values, version=before.version + 1)
