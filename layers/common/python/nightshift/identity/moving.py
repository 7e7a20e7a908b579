"""Changing one's address: the new one counts once a link that was mailed there was used."""

from dataclasses import replace

from nightshift.core.access import UserId
from nightshift.core.errors import ConflictError
from nightshift.core.ids import new_id
from nightshift.identity.errors import UserNotFoundError
from nightshift.identity.ground import Ground
from nightshift.identity.guard import Guard
from nightshift.identity.model import Actor, User, email_key
from nightshift.identity.recovery import Recovery
from nightshift.identity.verification import Verification

_ROUNDS = 5


class Moving:
    """Lets users move to another address; it takes the password, as a password's change does."""

    def __init__(
        self, *, ground: Ground, guard: Guard, recovery: Recovery, verification: Verification
    ) -> None:
        self._ground = ground
        self._guard = guard
        self._recovery = recovery
        self._verification = verification

    def begin(self, actor: Actor, *, email: str, password: str) -> None:
        """Mail a link to the new address; until it is used, the old one stays.

        The user's own address takes back what was begun. For an address that is somebody else's the
        same is done, and the link opens nothing: whose it is, is not told.

        Raises:
            TooManyAttemptsError: the delay of this account, network or address is not over.
            InvalidCredentialsError: the password is wrong.
            UserNotFoundError: the account is gone.
            ConflictError: others changed the user at the same moments.
        """
        user = self._get_user(actor.user_id)
        self._recovery.check_current(user, password, actor.client, action="email.change_request")
        if email_key(email) == email_key(user.email):
            self._await(user, "")
            return
        self._guard.admit_mail(email_key(email))
        taken = self._ground.store.find_user_by_email(email) is not None
        user = self._await(user, email)
        reader = replace(user, user_id=UserId(new_id(self._ground.now()))) if taken else user
        link, letter = self._verification.invite(reader, email, actor.client)
        self._ground.store.add_link(link, self._ground.posting(letter))
        self._ground.log.info("email.change_requested", user_id=user.user_id)
        self._ground.note("email.change_request", client=actor.client, actor_id=user.user_id)

    def _await(self, user: User, email: str) -> User:
        """Note which address is to be verified; links to another one are void from now on."""
        for _ in range(_ROUNDS):
            if user.pending_email == email:
                return user
            after = replace(
                user,
                pending_email=email,
                version=user.version + 1,
                updated_at=self._ground.now(),
            )
            if self._ground.store.change_user(user, after):
                return after
            user = self._get_user(user.user_id)
        raise ConflictError

    def _get_user(self, user_id: UserId) -> User:
        user = self._ground.store.find_user(user_id)
        if user is None:
            raise UserNotFoundError
        return user
