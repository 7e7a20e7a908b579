"""A user's own account: reading, changing and deleting it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from nightshift.aws.dynamo import TransactPart
from nightshift.core.access import UserId
from nightshift.core.errors import ConflictError, PreconditionFailedError
from nightshift.identity.errors import UserNotFoundError
from nightshift.identity.ground import Ground
from nightshift.identity.leaving import Leaver
from nightshift.identity.model import Actor, User
from nightshift.identity.trail import user_subject

Farewell = Callable[[UserId], Sequence[TransactPart]]


def nobody_else(_: UserId) -> Sequence[TransactPart]:
    """Return the farewell of a product in which only identity knows users."""
    return ()


class Accounts:
    """What a user can do with an account. Permissions are checked before, at the edge.

    `farewell` gives the writes by which others let go of a user whose account is deleted, `leaver`
    sees to it that the rest is removed.
    """

    def __init__(self, *, ground: Ground, farewell: Farewell, leaver: Leaver) -> None:
        self._ground = ground
        self._farewell = farewell
        self._leaver = leaver

    def get_user(self, user_id: UserId) -> User:
        """Return the user.

        Raises:
            UserNotFoundError: the account is gone.
        """
        user = self._ground.store.find_user(user_id)
        if user is None:
            raise UserNotFoundError
        return user

    def change_profile(
        self, user_id: UserId, *, name: str | None, expected_version: int | None
    ) -> User:
        """Change what is given and return the user as it then is.

        Raises:
            PreconditionFailedError: the version is not the expected one.
            ConflictError: somebody else changed the user at the same moment.
            UserNotFoundError: the account is gone.
        """
        before = self.get_user(user_id)
        _check_version(before, expected_version)
        if name is None or name == before.name:
            return before
        after = replace(
            before,
            name=name,
            version=before.version + 1,
            updated_at=self._ground.now(),
        )
        if not self._ground.store.change_user(before, after):
            raise ConflictError
        return after

    def delete(self, actor: Actor, *, expected_version: int | None) -> None:
        """Delete the account; its sessions are over at once and its address is free.

        What others keep for the user is given up in the same transaction; what is left is removed
        by a job.

        Raises:
            PreconditionFailedError: the version is not the expected one.
            UserNotFoundError: the account is gone.
            ConflictError: somebody else changed the user at the same moment.
            LastAdminError: nobody would be left who can administer.
        """
        user = self.get_user(actor.user_id)
        _check_version(user, expected_version)
        self.remove(user, actor)

    def remove(self, user: User, by: Actor) -> None:
        """Delete an account as it was read; who does it was judged before.

        Raises:
            ConflictError: somebody else changed the user at the same moment.
            LastAdminError: nobody would be left who can administer.
        """
        if not self._ground.store.delete_user(
            user,
            self._farewell(user.user_id),
            lambda writes: self._leaver.leave(user.user_id, writes),
        ):
            raise ConflictError
        self._ground.log.info("user.deleted", user_id=user.user_id)
        self._ground.note(
            "user.delete",
            client=by.client,
            actor_id=by.user_id,
            subject=user_subject(user.user_id),
        )


def _check_version(user: User, expected: int | None) -> None:
    if expected is not None and expected != user.version:
        raise PreconditionFailedError
