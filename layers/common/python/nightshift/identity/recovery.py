"""Passwords: changing one that is known, and getting a new one by mail."""

from dataclasses import replace
from datetime import timedelta

from nightshift.core.access import UserId
from nightshift.core.errors import ConflictError
from nightshift.core.ids import new_id
from nightshift.core.tokens import SECRET_BYTES, digest
from nightshift.identity.errors import InvalidCredentialsError, LinkError, UserNotFoundError
from nightshift.identity.ground import Ground
from nightshift.identity.guard import Guard
from nightshift.identity.letters import Letters
from nightshift.identity.links import Link, PresentedLink, Purpose, judge, parse
from nightshift.identity.model import NOBODY, Actor, Client, User, email_key
from nightshift.identity.passwords import Passwords, check_acceptable
from nightshift.identity.trail import FAILURE, SUCCESS, user_subject
from nightshift.identity.verification import Verification

_ROUNDS = 5


class Recovery:
    """Changes passwords. Every change ends sessions and voids links that were given out before."""

    def __init__(
        self,
        *,
        ground: Ground,
        guard: Guard,
        passwords: Passwords,
        letters: Letters,
        verification: Verification,
        lifetime: timedelta,
    ) -> None:
        self._ground = ground
        self._guard = guard
        self._passwords = passwords
        self._letters = letters
        self._verification = verification
        self._lifetime = lifetime

    def change(self, actor: Actor, *, current: str, new: str) -> None:
        """Set a new password by the current one; all other sessions end.

        Raises:
            TooManyAttemptsError: the delay of this account or this network is not over.
            InvalidCredentialsError: `current` is wrong.
            InvalidInputError: `new` is not acceptable.
            UserNotFoundError: the account is gone.
            ConflictError: others changed the user at the same moments.
        """
        user = self._get_user(actor.user_id)
        self.check_current(user, current, actor.client, action="password.change")
        check_acceptable(new, email=user.email, name=user.name, field="new_password")
        new_hash = self._passwords.hash(new)
        for _ in range(_ROUNDS):
            after = self._with_password(user, new_hash)
            letter = self._letters.password_changed(user, actor.client, self._ground.now())
            commit = self._ground.posting(letter)
            staying = actor.session_id
            if self._ground.store.change_user(user, after, staying=staying, commit=commit):
                self._ground.log.info("password.changed", user_id=user.user_id)
                self._ground.note("password.change", client=actor.client, actor_id=user.user_id)
                return
            fresh = self._get_user(actor.user_id)
            if fresh.password_hash != user.password_hash or fresh.epoch != user.epoch:
                raise ConflictError
            user = fresh
        raise ConflictError

    def check_current(self, user: User, password: str, client: Client, *, action: str) -> None:
        """Accept the user's current password, or refuse what `action` says is being done.

        Raises:
            TooManyAttemptsError: the delay of this account or this network is not over.
            InvalidCredentialsError: it is wrong.
        """
        account = email_key(user.email)
        self._guard.admit(account, client.address)
        if not self._passwords.verify(user.password_hash, password):
            self._guard.failed(account, client.address)
            self._ground.log.warning("password.refused", user_id=user.user_id)
            self._ground.note(action, client=client, actor_id=user.user_id, outcome=FAILURE)
            raise InvalidCredentialsError("The current password is wrong.")
        self._guard.succeeded(account, client.address)

    def forget(self, email: str, client: Client) -> None:
        """Mail a link for a new password to the user of the address, if there is one.

        For an address that is nobody's the same is read and written: a link of a user that does
        not exist, and a mail to that user, which the mail's job then does not send.

        Raises:
            TooManyAttemptsError: too many were asked for; says when the next one is sent.
        """
        self._guard.admit_mail(email_key(email))
        found = self._ground.store.find_user_by_email(email)
        user = None if found is None or found.disabled else found
        now = self._ground.now()
        secret = self._ground.random(SECRET_BYTES)
        link = Link(
            purpose=Purpose.RESET,
            user_id=user.user_id if user else UserId(new_id(now)),
            secret_hash=digest(secret),
            email=user.email if user else email,
            credential=user.credential if user else 0,
            created_at=now,
            expires_at=now + self._lifetime,
        )
        letter = self._letters.link(link, secret, name=user.name if user else "", client=client)
        self._ground.store.add_link(link, self._ground.posting(letter))
        self._ground.log.info("password.reset_requested", user_id=user.user_id if user else None)
        self._ground.note(
            "password.reset_request",
            client=client,
            actor_id=None,
            subject=user_subject(user.user_id if user else NOBODY),
            outcome=SUCCESS if user else FAILURE,
        )

    def reset(self, token: str, new: str, client: Client) -> None:
        """Set a new password by a mailed link; every session ends.

        Whoever uses the link reads mail at the address, so it is verified, too. If it was not
        before, a stranger may have made the account: API keys and identities of before are void.

        Raises:
            LinkError: one subclass for each way in which the link is not good.
            InvalidInputError: `new` is not acceptable; the link stays good.
            ConflictError: others changed the user at the same moments.
        """
        presented = parse(Purpose.RESET, token)
        try:
            self._reset(presented, new, client)
        except LinkError as error:
            self._ground.log.warning("password.reset_refused", error=error.slug)
            self._ground.note(
                "password.reset",
                client=client,
                actor_id=None,
                subject=user_subject(presented.user_id),
                outcome=FAILURE,
                detail={"error": error.slug},
            )
            raise

    def _reset(self, presented: PresentedLink, new: str, client: Client) -> None:
        nonce = self._ground.random(SECRET_BYTES).hex()
        new_hash = ""
        for _ in range(_ROUNDS):
            found = self._ground.store.find_link(Purpose.RESET, presented)
            link, before = judge(*found, self._ground.now())
            check_acceptable(new, email=before.email, name=before.name)
            new_hash = new_hash or self._passwords.hash(new)
            after = self._with_password(before, new_hash)
            if not before.email_verified:
                after = replace(after, email_verified=True, owned_epoch=after.epoch)
            after = self._verification.promoted(after)
            letter = self._letters.password_changed(after, client, self._ground.now())
            commit = self._ground.posting(letter)
            if self._ground.store.use_link(link, nonce, before, after, commit):
                self._guard.succeeded(email_key(after.email), client.address)
                self._ground.log.info("password.reset", user_id=after.user_id)
                self._ground.note("password.reset", client=client, actor_id=after.user_id)
                self._verification.note_promotion(before, after, client)
                return
        raise ConflictError

    def _with_password(self, user: User, new_hash: str) -> User:
        """Return the user with a new password, in a new epoch, wanting no other address."""
        return replace(
            user,
            password_hash=new_hash,
            credential=user.credential + 1,
            pending_email="",
            epoch=user.epoch + 1,
            version=user.version + 1,
            updated_at=self._ground.now(),
        )

    def _get_user(self, user_id: UserId) -> User:
        user = self._ground.store.find_user(user_id)
        if user is None:
            raise UserNotFoundError
        return user
