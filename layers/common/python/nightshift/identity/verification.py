"""Verifying addresses: by a link of single use that was mailed there."""

from dataclasses import replace
from datetime import timedelta

from nightshift.core.access import Role, RoleName
from nightshift.core.errors import ConflictError
from nightshift.core.tokens import SECRET_BYTES, digest
from nightshift.identity.errors import EmailVerifiedError, LinkError, UserNotFoundError
from nightshift.identity.ground import Ground
from nightshift.identity.guard import Guard
from nightshift.identity.letters import Letter, Letters
from nightshift.identity.links import Link, Purpose, judge, parse
from nightshift.identity.model import Actor, Client, User, email_key
from nightshift.identity.trail import FAILURE, user_subject

_ADMIN = RoleName(Role.ADMIN)
_ROUNDS = 5


class Verification:
    """Gives links out and takes them back.

    `admin_email` is the address whose user is administrator once it is verified; empty is nobody.
    """

    def __init__(
        self,
        *,
        ground: Ground,
        guard: Guard,
        letters: Letters,
        lifetime: timedelta,
        admin_email: str,
    ) -> None:
        self._ground = ground
        self._guard = guard
        self._letters = letters
        self._lifetime = lifetime
        self._admin = email_key(admin_email)

    def invite(self, user: User, email: str, client: Client) -> tuple[Link, Letter]:
        """Return a new link that verifies `email`, not yet stored, and the letter with it."""
        now = self._ground.now()
        secret = self._ground.random(SECRET_BYTES)
        link = Link(
            purpose=Purpose.VERIFY,
            user_id=user.user_id,
            secret_hash=digest(secret),
            email=email,
            credential=user.credential,
            created_at=now,
            expires_at=now + self._lifetime,
        )
        return link, self._letters.link(link, secret, name=user.name, client=client)

    def resend(self, actor: Actor) -> None:
        """Mail a fresh link to the address that is to be verified; older ones stay good.

        Raises:
            EmailVerifiedError: there is nothing to verify.
            TooManyAttemptsError: too many were asked for; says when the next one is sent.
            UserNotFoundError: the account is gone.
        """
        user = self._ground.store.find_user(actor.user_id)
        if user is None:
            raise UserNotFoundError
        email = user.pending_email or user.email
        if user.email_verified and not user.pending_email:
            raise EmailVerifiedError
        self._guard.admit_mail(email_key(email))
        link, letter = self.invite(user, email, actor.client)
        self._ground.store.add_link(link, self._ground.posting(letter))
        self._ground.log.info("email.verification_sent", user_id=user.user_id)
        self._ground.note("email.verification_request", client=actor.client, actor_id=user.user_id)

    def verify(self, token: str, client: Client) -> User:
        """Use a link; the user's address is then the one that it was mailed to, and verified.

        Raises:
            LinkError: one subclass for each way in which the link is not good.
            EmailTakenError: the address became somebody else's meanwhile.
            ConflictError: others changed the user at the same moments.
        """
        presented = parse(Purpose.VERIFY, token)
        nonce = self._ground.random(SECRET_BYTES).hex()
        try:
            for _ in range(_ROUNDS):
                found = self._ground.store.find_link(Purpose.VERIFY, presented)
                link, before = judge(*found, self._ground.now())
                after = self._verified(before, link.email)
                letter = None if before.email_verified else self._letters.welcome(after, client)
                commit = self._ground.posting(letter)
                if self._ground.store.use_link(link, nonce, before, after, commit):
                    return self._done(before, after, client)
        except LinkError as error:
            self._ground.log.warning("email.verification_refused", error=error.slug)
            self._ground.note(
                "email.verify",
                client=client,
                actor_id=None,
                subject=user_subject(presented.user_id),
                outcome=FAILURE,
                detail={"error": error.slug},
            )
            raise
        raise ConflictError

    def promoted(self, user: User) -> User:
        """Return the user with the role that the configuration gives to a verified address."""
        is_it = user.email_verified and bool(self._admin) and email_key(user.email) == self._admin
        if not is_it or _ADMIN in user.roles:
            return user
        return replace(user, roles=tuple(sorted({*user.roles, _ADMIN})))

    def _verified(self, user: User, email: str) -> User:
        return self.promoted(
            replace(
                user,
                email=email,
                email_verified=True,
                pending_email="" if email_key(email) == email_key(user.pending_email)
                else user.pending_email,
                version=user.version + 1,
                updated_at=self._ground.now(),
            )
        )  # fmt: skip

    def _done(self, before: User, after: User, client: Client) -> User:
        self._ground.log.info("email.verified", user_id=after.user_id)
        moved = email_key(before.email) != email_key(after.email)
        self._ground.note(
            "email.change" if moved else "email.verify", client=client, actor_id=after.user_id
        )
        self.note_promotion(before, after, client)
        return after

    def note_promotion(self, before: User, after: User, client: Client) -> None:
        """Note that the user has become administrator, if that is so."""
        if after.roles == before.roles:
            return
        self._ground.log.info("user.promoted", user_id=after.user_id)
        self._ground.note(
            "user.roles_changed",
            client=client,
            actor_id=None,
            subject=user_subject(after.user_id),
            detail={"roles": " ".join(after.roles), "why": "configured"},
        )
