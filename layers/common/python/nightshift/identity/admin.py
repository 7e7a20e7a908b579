"""What administrators can do with users: find, look at, disable, sign out, delete.

Whoever administers users may not do it to those who may do more: a role that is allowed to disable
users is no way to get rid of the administrators.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from nightshift.core.access import Permission, RoleName, UserId
from nightshift.core.errors import ConflictError, PreconditionFailedError
from nightshift.identity.errors import BeyondCallerError, OwnAccountError, UserNotFoundError
from nightshift.identity.ground import Ground
from nightshift.identity.model import Actor, User, email_key
from nightshift.identity.service import Accounts
from nightshift.identity.trail import user_subject

Allowed = Callable[[Sequence[RoleName]], frozenset[Permission]]
"""What somebody with these roles may."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Admin:
    """Who administers, and what that user may."""

    actor: Actor
    permissions: frozenset[Permission]


class Users:
    """All users, for those who may administer them."""

    def __init__(self, *, ground: Ground, accounts: Accounts, allowed: Allowed) -> None:
        self._ground = ground
        self._accounts = accounts
        self._allowed = allowed

    def page(self, *, email: str, after: str | None, limit: int) -> tuple[list[User], str | None]:
        """Return users by address, those whose address begins with `email`, and where to go on."""
        found = self._ground.store.directory(email_key(email), after=after, limit=limit + 1)
        shown = found[:limit]
        users = self._ground.store.find_users([user_id for _, user_id in shown])
        return users, shown[-1][0] if len(found) > limit else None

    def get(self, user_id: UserId) -> User:
        """Return a user.

        Raises:
            UserNotFoundError: there is none.
        """
        user = self._ground.store.find_user(user_id)
        if user is None:
            raise UserNotFoundError
        return user

    def disable(self, by: Admin, user_id: UserId, *, expected_version: int | None) -> User:
        """Lock a user out: all sessions end, keys are refused, and signing in is.

        Raises:
            OwnAccountError: it is the administrator's own account.
            BeyondCallerError: the user may more than the administrator.
            LastAdminError: nobody would be left who can administer.
            UserNotFoundError, PreconditionFailedError, ConflictError.
        """
        before = self._reachable(by, user_id, expected_version)
        if before.disabled:
            return before
        after = replace(before, disabled=True, epoch=before.epoch + 1)
        return self._change(by, before, after, "user.disable")

    def enable(self, by: Admin, user_id: UserId, *, expected_version: int | None) -> User:
        """Let a user in again; sessions of before stay ended.

        Raises:
            OwnAccountError, BeyondCallerError, UserNotFoundError, PreconditionFailedError,
            ConflictError: as `disable` says.
        """
        before = self._reachable(by, user_id, expected_version)
        if not before.disabled:
            return before
        return self._change(by, before, replace(before, disabled=False), "user.enable")

    def sign_out(self, by: Admin, user_id: UserId) -> None:
        """End all sessions of a user.

        Raises:
            BeyondCallerError: the user may more than the administrator.
            UserNotFoundError: there is none.
        """
        user = self.get(user_id)
        self._check_reach(by, user)
        self._ground.sessions.end_all_sessions(user_id)
        self._ground.log.info("session.ended_all", user_id=user_id)
        self._note(by, user_id, "user.sign_out")

    def delete(self, by: Admin, user_id: UserId, *, expected_version: int | None) -> None:
        """Delete an account, as its user could.

        Raises:
            OwnAccountError, BeyondCallerError, LastAdminError, UserNotFoundError,
            PreconditionFailedError, ConflictError: as `disable` says.
        """
        user = self._reachable(by, user_id, expected_version)
        self._accounts.remove(user, by.actor)

    def _reachable(self, by: Admin, user_id: UserId, expected_version: int | None) -> User:
        user = self.get(user_id)
        if expected_version not in {None, user.version}:
            raise PreconditionFailedError
        if user_id == by.actor.user_id:
            raise OwnAccountError
        self._check_reach(by, user)
        return user

    def _check_reach(self, by: Admin, user: User) -> None:
        if not self._allowed(user.roles) <= by.permissions:
            raise BeyondCallerError

    def _change(self, by: Admin, before: User, after: User, action: str) -> User:
        after = replace(after, version=before.version + 1, updated_at=self._ground.now())
        if not self._ground.store.change_user(before, after):
            raise ConflictError
        self._ground.log.info("user.changed", user_id=before.user_id, disabled=after.disabled)
        self._note(by, before.user_id, action)
        return after

    def _note(self, by: Admin, user_id: UserId, action: str) -> None:
        self._ground.note(
            action,
            client=by.actor.client,
            actor_id=by.actor.user_id,
            subject=user_subject(user_id),
        )
