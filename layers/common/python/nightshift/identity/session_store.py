"""Sessions and devices in the identity table; what decides about access is read consistently."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from nightshift.aws.dynamo import (
    EXISTS,
    Condition,
    ConditionFailedError,
    Put,
    Table,
    Update,
)
from nightshift.core.access import SessionId, UserId
from nightshift.core.clock import from_ms, to_ms
from nightshift.identity import keys
from nightshift.identity.errors import UserNotFoundError
from nightshift.identity.items import from_device, from_session, to_session, to_user
from nightshift.identity.model import Device, Session, User
from nightshift.identity.store import Commit


class SessionStore:
    """The sessions of all users; users and links are the other store's."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find_user_and_session(
        self, user_id: UserId, session_id: SessionId
    ) -> tuple[User, Session] | None:
        """Return both in one read, or None when either is missing."""
        wanted = [keys.user(user_id), keys.session(user_id, session_id)]
        items = {item["sk"]: item for item in self._table.get_many(wanted, consistent=True)}
        if len(items) < len(wanted):
            return None
        return to_user(items[wanted[0]["sk"]]), to_session(items[wanted[1]["sk"]])

    def end_all_sessions(self, user_id: UserId) -> None:
        """Begin a new epoch, which no session of before belongs to.

        Raises:
            UserNotFoundError: the account is gone.
        """
        update = Update(
            table=self._table.name,
            key=keys.user(user_id),
            expression="SET epoch = epoch + :one",
            condition=EXISTS,
            values={":one": 1},
        )
        try:
            self._table.write(update)
        except ConditionFailedError as refused:
            raise UserNotFoundError from refused

    def add_session(
        self, session: Session, *, device: Device | None = None, commit: Commit | None = None
    ) -> None:
        """Store a new session, and with it the device that it came from."""
        if device is None:
            self._table.put(from_session(session))
            return
        items = (from_session(session), from_device(device))
        (commit or self._table.transact)([Put(table=self._table.name, item=i) for i in items])

    def find_device(self, user_id: UserId, fingerprint: str) -> datetime | None:
        """Return until when a device is known, or None."""
        item = self._table.get(keys.device(user_id, fingerprint), consistent=True)
        return None if item is None else from_ms(item["ends_ms"])

    def rotate(self, before: Session, after: Session) -> Session:
        """Replace the current secret if it still is `before`'s; return the session as it stands.

        A lost race is no error: the answer then differs from `after`.
        """
        still = Condition(
            expression=(
                "current_hash = :hash AND epoch = :epoch AND attribute_not_exists(revoked_ms)"
            ),
            values={":hash": before.current_hash, ":epoch": before.epoch},
        )
        try:
            self._table.put(from_session(after), still)
        except ConditionFailedError as refused:
            if refused.item is None:
                return replace(before, revoked_at=after.last_used_at)
            return to_session(refused.item)
        return after

    def revoke(self, user_id: UserId, session_id: SessionId, now: datetime) -> bool:
        """End a session; tell whether there is one, ended before or not."""
        update = Update(
            table=self._table.name,
            key=keys.session(user_id, session_id),
            expression="SET revoked_ms = if_not_exists(revoked_ms, :now)",
            condition=EXISTS,
            values={":now": to_ms(now)},
        )
        try:
            self._table.write(update)
        except ConditionFailedError:
            return False
        return True

    def sessions(self, user_id: UserId, *, after: SessionId | None = None) -> Iterator[Session]:
        """Yield a user's sessions, newest first, ended ones too; those after `after` if given."""
        edge = None if after is None else keys.SESSION_PREFIX + after
        found = self._table.query(
            keys.user_pk(user_id), prefix=keys.SESSION_PREFIX, start_after=edge, descending=True
        )
        return map(to_session, found)
