"""Users and sessions in the identity table."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from nightshift.aws.dynamo import (
    EXISTS,
    NOT_EXISTS,
    Condition,
    ConditionFailedError,
    Delete,
    Put,
    Table,
    TransactPart,
    Update,
)
from nightshift.core.access import SessionId, UserId
from nightshift.core.clock import to_ms
from nightshift.identity import keys
from nightshift.identity.api_keys.store import ApiKeyStore
from nightshift.identity.attempts import Attempts
from nightshift.identity.errors import EmailTakenError, UserNotFoundError
from nightshift.identity.items import (
    from_attempts,
    from_session,
    from_user,
    to_attempts,
    to_session,
    to_user,
)
from nightshift.identity.model import Session, User, email_key
from nightshift.identity.roles.errors import LastAdminError, UnknownRoleError
from nightshift.identity.roles.holders import holder_parts, is_admins

_NOBODY = UserId("nobody")
_DELETED_USER = 1
"""Where the user stands among the writes of a deletion."""


class IdentityStore:
    """One table; every read that decides about access is consistent."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add_user(self, user: User, session: Session) -> User:
        """Store a user with a first session, all or nothing; return the user as it stands.

        When the same user id is there already, the request is being run again, and gets its
        session.

        Raises:
            EmailTakenError: the address belongs to somebody else.
        """
        name = self._table.name
        address = keys.email(email_key(user.email)) | {"user_id": user.user_id}
        try:
            self._table.transact(
                [
                    Put(table=name, item=address, condition=NOT_EXISTS),
                    Put(table=name, item=from_user(user), condition=NOT_EXISTS),
                    Put(table=name, item=from_session(session), condition=NOT_EXISTS),
                    *holder_parts(name, None, user),
                ]
            )
        except ConditionFailedError as refused:
            if (refused.item or {}).get("user_id") != user.user_id:
                raise EmailTakenError from refused
            self.add_session(session)
            return self.find_user(user.user_id) or user
        return user

    def find_user(self, user_id: UserId) -> User | None:
        """Return the user, or None."""
        item = self._table.get(keys.user(user_id), consistent=True)
        return None if item is None else to_user(item)

    def find_user_by_email(self, email: str) -> User | None:
        """Return the user of an address, or None; both take the same two reads."""
        pointer = self._table.get(keys.email(email_key(email)), consistent=True)
        return self.find_user(UserId(pointer["user_id"]) if pointer else _NOBODY)

    def find_user_and_session(
        self, user_id: UserId, session_id: SessionId
    ) -> tuple[User, Session] | None:
        """Return both in one read, or None when either is missing."""
        wanted = [keys.user(user_id), keys.session(user_id, session_id)]
        items = {item["sk"]: item for item in self._table.get_many(wanted, consistent=True)}
        if len(items) < len(wanted):
            return None
        return to_user(items[wanted[0]["sk"]]), to_session(items[wanted[1]["sk"]])

    def change_user(self, before: User, after: User, also: Sequence[TransactPart] = ()) -> bool:
        """Write `after` if the user still is as `before`; tell whether it was.

        `also` is written in the same transaction; a condition of it that fails is raised as it is.

        Raises:
            LastAdminError: nobody would be left who can administer.
            UnknownRoleError: a role that is to be given was deleted.
        """
        unchanged = Condition(
            expression="#version = :version AND epoch = :epoch AND password_hash = :hash",
            names={"#version": "version"},
            values={
                ":version": before.version,
                ":epoch": before.epoch,
                ":hash": before.password_hash,
            },
        )
        put = Put(table=self._table.name, item=from_user(after), condition=unchanged)
        counts = holder_parts(self._table.name, before, after)
        try:
            if counts or also:
                self._table.transact([put, *counts, *also])
            else:
                self._table.write(put)
        except ConditionFailedError as refused:
            _check_counts(refused, counts, first=1)
            if refused.index:
                raise
            return refused.item is not None and to_user(refused.item) == after
        return True

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

    def delete_user(self, user: User, also: Sequence[TransactPart]) -> bool:
        """Remove the user and free the address, with the writes of others, or nothing of it.

        Sessions and API keys without their user are over. Returns False when the user changed
        meanwhile.

        Raises:
            LastAdminError: nobody would be left who can administer.
        """
        name = self._table.name
        own = Condition(
            expression="attribute_not_exists(pk) OR user_id = :me", values={":me": user.user_id}
        )
        same = Condition(
            expression="#version = :seen",
            names={"#version": "version"},
            values={":seen": user.version},
        )
        counts = holder_parts(name, user, None)
        try:
            self._table.transact(
                [
                    Delete(table=name, key=keys.email(email_key(user.email)), condition=own),
                    Delete(table=name, key=keys.user(user.user_id), condition=same),
                    *counts,
                    *also,
                ]
            )
        except ConditionFailedError as refused:
            is_gone = refused.index == _DELETED_USER and refused.item is None
            _check_counts(refused, counts, first=_DELETED_USER + 1)
            return is_gone
        return True

    def forget_api_keys(self, user_id: UserId) -> None:
        """Remove what is left of the API keys of a user who is gone; they are refused already."""
        ApiKeyStore(self._table).forget_all(user_id)

    def add_session(self, session: Session) -> None:
        """Store a new session."""
        self._table.put(from_session(session))

    def rotate(self, before: Session, after: Session) -> Session:
        """Replace the current secret if it still is `before`'s; return the session as it stands.

        A lost race is no error: the answer then differs from `after`.
        """
        still = Condition(
            expression="current_hash = :hash AND attribute_not_exists(revoked_ms)",
            values={":hash": before.current_hash},
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

    def find_attempts(self, kind: str, who: str) -> Attempts | None:
        """Return how sign-in went lately for an account or an address, if anything is known."""
        item = self._table.get(keys.attempts(kind, who), consistent=True)
        return None if item is None else to_attempts(item)

    def change_attempts(
        self, kind: str, who: str, before: Attempts | None, after: Attempts
    ) -> bool:
        """Write `after` if nothing changed since `before`; tell whether it was so."""
        unchanged = NOT_EXISTS
        if before is not None:
            unchanged = Condition(
                expression="failures = :failures AND forgotten_ms = :forgotten",
                values={
                    ":failures": before.failures,
                    ":forgotten": to_ms(before.forgotten_at),
                },
            )
        try:
            self._table.put(from_attempts(kind, who, after), unchanged)
        except ConditionFailedError:
            return False
        return True

    def forget_attempts(self, kind: str, who: str) -> None:
        """Begin anew after a success."""
        self._table.delete(keys.attempts(kind, who))


def _check_counts(refused: ConditionFailedError, counts: Sequence[Update], *, first: int) -> None:
    """Say what it means that the count of a role, the `first` write or one after it, was refused.

    Raises:
        LastAdminError: it was the last administrator.
        UnknownRoleError: the role was deleted.
    """
    if not first <= refused.index < first + len(counts):
        return
    if is_admins(counts[refused.index - first]):
        raise LastAdminError from refused
    raise UnknownRoleError from refused
