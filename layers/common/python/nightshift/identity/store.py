"""Users, sessions and mailed links in the identity table.

What must stand or fall together with a mail takes `commit`: it is given the writes, and does all of
them or none, raising ConditionFailedError with the index of the one that was refused.
"""

from collections.abc import Callable, Sequence

from nightshift.aws.dynamo import (
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
from nightshift.identity import keys
from nightshift.identity.errors import EmailTakenError, LinkUsedError
from nightshift.identity.items import (
    from_device,
    from_link,
    from_session,
    from_user,
    read_decoy,
    to_link,
    to_user,
)
from nightshift.identity.links import Link, PresentedLink, Purpose
from nightshift.identity.model import NOBODY, Device, Session, User, email_key
from nightshift.identity.roles.errors import LastAdminError, UnknownRoleError
from nightshift.identity.roles.holders import holder_parts, is_admins

Commit = Callable[[Sequence[TransactPart]], None]
_DELETED_USER = 2
"""Where the user stands among the writes of a deletion."""


class IdentityStore:
    """One table; every read that decides about access is consistent."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def commit(self, parts: Sequence[TransactPart]) -> None:
        """Do all of these writes or none.

        Raises:
            ConditionFailedError: `index` says which was refused.
        """
        match parts:
            case [Put() | Update() | Delete() as alone]:
                self._table.write(alone)
            case _:
                self._table.transact(parts)

    def add_user(
        self,
        user: User,
        session: Session,
        *,
        link: Link | None,
        device: Device,
        commit: Commit,
        also: Sequence[TransactPart] = (),
    ) -> User:
        """Store a user with a first session, link and device; return the user as it stands.

        When the same user id is there already, the request is being run again, and gets its
        session; the link went out with the first. `also` is written in the same transaction.

        Raises:
            EmailTakenError: the address, or what `also` claims, belongs to somebody else.
        """
        name = self._table.name
        parts: list[TransactPart] = [
            *self._claim_email_parts(user.email, user.user_id),
            Put(table=name, item=from_user(user), condition=NOT_EXISTS),
            Put(table=name, item=from_session(session), condition=NOT_EXISTS),
            *([] if link is None else [self._new_link_part(link)]),
            Put(table=name, item=from_device(device)),
            *holder_parts(name, None, user),
            *also,
        ]
        try:
            commit(parts)
        except ConditionFailedError as refused:
            if (refused.item or {}).get("user_id") != user.user_id:
                raise EmailTakenError from refused
            self._table.put(from_session(session))
            return self.find_user(user.user_id) or user
        return user

    def _claim_email_parts(self, email: str, user_id: UserId) -> list[TransactPart]:
        """Return the writes that make an address the user's, if it is nobody's."""
        normal = email_key(email)
        pointer = keys.email(normal) | {"user_id": user_id}
        entry = keys.entry(normal) | {"user_id": user_id}
        return [
            Put(table=self._table.name, item=pointer, condition=NOT_EXISTS),
            Put(table=self._table.name, item=entry),
        ]

    def _free_email_parts(self, email: str, user_id: UserId) -> list[TransactPart]:
        """Return the writes that free the user's address."""
        own = Condition(
            expression="attribute_not_exists(pk) OR user_id = :me", values={":me": user_id}
        )
        normal = email_key(email)
        return [
            Delete(table=self._table.name, key=key, condition=own)
            for key in (keys.email(normal), keys.entry(normal))
        ]

    def _new_link_part(self, link: Link) -> Put:
        return Put(table=self._table.name, item=from_link(link), condition=NOT_EXISTS)

    def add_link(self, link: Link, commit: Commit) -> None:
        """Store a new link."""
        commit([self._new_link_part(link)])

    def find_link(
        self, purpose: Purpose, presented: PresentedLink
    ) -> tuple[Link | None, User | None]:
        """Return the link and its user, in one read; either is None where there is none."""
        user_id = presented.user_id
        wanted = [keys.link(user_id, purpose, presented.secret_hash), keys.user(user_id)]
        items = {item["sk"]: item for item in self._table.get_many(wanted, consistent=True)}
        link, user = (items.get(key["sk"]) for key in wanted)
        return to_link(link) if link else None, to_user(user) if user else None

    def use_link(self, link: Link, token: str, before: User, after: User, commit: Commit) -> bool:
        """Use up a link and change its user; tell whether the user was still as `before`.

        When the address changes, the new one becomes the user's and the old one nobody's. `token`
        is fresh, so that a repeated write knows itself again.

        Raises:
            LinkUsedError: another request was faster.
            EmailTakenError: the new address became somebody else's meanwhile.
        """
        unused = Condition(expression="attribute_exists(pk) AND attribute_not_exists(used_by)")
        use = Update(
            table=self._table.name,
            key=keys.link(link.user_id, link.purpose, link.secret_hash),
            expression="SET used_by = :token",
            condition=unused,
            values={":token": token},
        )
        counts = holder_parts(self._table.name, before, after)
        parts: list[TransactPart] = [use, self._change_part(before, after), *counts]
        if email_key(before.email) != email_key(after.email):
            parts += self._claim_email_parts(after.email, after.user_id)
            parts += self._free_email_parts(before.email, before.user_id)
        try:
            commit(parts)
        except ConditionFailedError as refused:
            if refused.index == 0 and (refused.item or {}).get("used_by") != token:
                raise LinkUsedError from refused
            _check_counts(refused, counts, first=2)
            if refused.index > 1:
                raise EmailTakenError from refused
            return refused.index == 0
        return True

    def find_user(self, user_id: UserId) -> User | None:
        """Return the user, or None."""
        item = self._table.get(keys.user(user_id), consistent=True)
        return None if item is None else to_user(item)

    def find_users(self, user_ids: Sequence[UserId]) -> list[User]:
        """Return the users that exist, in the order of their ids as given."""
        items = self._table.get_many([keys.user(user_id) for user_id in user_ids], consistent=True)
        users = {item["user_id"]: to_user(item) for item in items}
        return [users[user_id] for user_id in user_ids if user_id in users]

    def directory(self, prefix: str, *, after: str | None, limit: int) -> list[tuple[str, UserId]]:
        """Return addresses that begin with `prefix`, in order, and whose they are.

        Addresses are in their normal form, those after `after` if given.
        """
        found = self._table.query(
            keys.DIRECTORY_PK, prefix=prefix, start_after=after, limit=limit, consistent=True
        )
        return [(item["sk"], UserId(item["user_id"])) for item in found]

    def find_user_by_email(self, email: str) -> User | None:
        """Return the user of an address, or None; both take the same two reads and as long."""
        pointer = self._table.get(keys.email(email_key(email)), consistent=True)
        user = self.find_user(UserId(pointer["user_id"]) if pointer else NOBODY)
        if user is None:
            read_decoy()
        return user

    def _change_part(self, before: User, after: User) -> Put:
        unchanged = Condition(
            expression="#version = :version AND epoch = :epoch AND password_hash = :hash",
            names={"#version": "version"},
            values={
                ":version": before.version,
                ":epoch": before.epoch,
                ":hash": before.password_hash,
            },
        )
        return Put(table=self._table.name, item=from_user(after), condition=unchanged)

    def change_user(
        self,
        before: User,
        after: User,
        *,
        also: Sequence[TransactPart] = (),
        staying: SessionId | None = None,
        commit: Commit | None = None,
    ) -> bool:
        """Write `after` if the user still is as `before`; tell whether it was.

        When `after` is of a new epoch, all sessions end but `staying`, which goes along. `also` is
        written in the same transaction; a condition of it that fails is raised as it is.

        Raises:
            LastAdminError: nobody would be left who can administer.
            UnknownRoleError: a role that is to be given was deleted.
        """
        parts: list[TransactPart] = [self._change_part(before, after)]
        if staying is not None:
            parts.append(self._carry_part(staying, before, after))
        own = len(parts)
        counts = holder_parts(self._table.name, before, after)
        try:
            (commit or self.commit)([*parts, *counts, *also])
        except ConditionFailedError as refused:
            _check_counts(refused, counts, first=own)
            if refused.index >= own:
                raise
            is_mine = refused.index == 0 and refused.item is not None
            return is_mine and to_user(refused.item or {}) == after
        return True

    def _carry_part(self, session_id: SessionId, before: User, after: User) -> Update:
        """Return the write that takes a live session along into the user's new epoch."""
        live = Condition(
            expression="epoch = :before AND attribute_not_exists(revoked_ms)",
            values={":before": before.epoch},
        )
        return Update(
            table=self._table.name,
            key=keys.session(before.user_id, session_id),
            expression="SET epoch = :after",
            condition=live,
            values={":after": after.epoch},
        )

    def delete_user(self, user: User, also: Sequence[TransactPart], commit: Commit) -> bool:
        """Remove the user and free the address, with the writes of others, or nothing of it.

        Sessions, links and API keys without their user are over. Returns False when the user
        changed meanwhile.

        Raises:
            LastAdminError: nobody would be left who can administer.
        """
        name = self._table.name
        same = Condition(
            expression="#version = :seen",
            names={"#version": "version"},
            values={":seen": user.version},
        )
        counts = holder_parts(name, user, None)
        try:
            commit(
                [
                    *self._free_email_parts(user.email, user.user_id),
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
