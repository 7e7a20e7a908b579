"""Registering and signing in."""

from collections.abc import Callable
from dataclasses import replace

from nightshift.core.access import Role, RoleName, UserId
from nightshift.identity.arrivals import Arrivals
from nightshift.identity.errors import (
    AccountDisabledError,
    InvalidCredentialsError,
    RegistrationClosedError,
    TooManyAttemptsError,
)
from nightshift.identity.ground import Ground
from nightshift.identity.guard import Guard
from nightshift.identity.model import NOBODY, Client, User, email_key
from nightshift.identity.passwords import Passwords, check_acceptable
from nightshift.identity.sessions import Sessions, Tokens
from nightshift.identity.trail import DENIED, FAILURE, user_subject
from nightshift.identity.verification import Verification


def anybody() -> bool:
    """Return that new accounts are taken."""
    return True


class SignIn:
    """Begins sessions of users, new and known.

    `may_register` tells whether new accounts are taken at the moment. `unverified_admin` is the
    address that is administrator without being verified; for the local stack alone.
    """

    def __init__(
        self,
        *,
        ground: Ground,
        guard: Guard,
        sessions: Sessions,
        arrivals: Arrivals,
        passwords: Passwords,
        verification: Verification,
        may_register: Callable[[], bool] = anybody,
        unverified_admin: str = "",
    ) -> None:
        self._ground = ground
        self._guard = guard
        self._sessions = sessions
        self._arrivals = arrivals
        self._passwords = passwords
        self._verification = verification
        self._may_register = may_register
        self._unverified_admin = email_key(unverified_admin)

    def takes_new(self) -> bool:
        """Tell whether new accounts are taken at the moment."""
        return self._may_register()

    def register(
        self, *, user_id: str, email: str, password: str, name: str, client: Client
    ) -> tuple[User, Tokens]:
        """Make an account, sign in, and mail a link that verifies the address.

        `user_id` is fresh, or the same again when the request is run again.

        Raises:
            InvalidInputError: the password is not acceptable.
            EmailTakenError: the address has an account.
            RegistrationClosedError: no new accounts are taken.
        """
        if not self.takes_new():
            raise RegistrationClosedError
        check_acceptable(password, email=email, name=name)
        now = self._ground.now()
        user = User(
            user_id=UserId(user_id),
            email=email,
            name=name,
            roles=(self._role_of(email),),
            password_hash=self._passwords.hash(password),
            email_verified=False,
            disabled=False,
            epoch=0,
            version=1,
            created_at=now,
            updated_at=now,
        )
        session, tokens = self._sessions.prepare(user.user_id, user.epoch, client)
        link, letter = self._verification.invite(user, email, client)
        commit = self._ground.posting(letter)
        device = self._arrivals.device(user.user_id, client)
        user = self._ground.store.add_user(user, session, link=link, device=device, commit=commit)
        self._guard.succeeded(email_key(email), client.address)
        self._ground.log.info(
            "user.registered", user_id=user.user_id, session_id=session.session_id
        )
        self._ground.note("auth.register", client=client, actor_id=user.user_id)
        return user, tokens

    def login(self, *, email: str, password: str, client: Client) -> tuple[User, Tokens]:
        """Sign in; takes the same steps and the same work whether the address is known or not.

        Raises:
            TooManyAttemptsError: a delay of this account or this network is not over.
            InvalidCredentialsError: the address or the password is wrong.
            AccountDisabledError: both are right, but the account is disabled.
        """
        user = self._checked(email, password, client)
        if user.disabled:
            self._ground.note("auth.login", client=client, actor_id=user.user_id, outcome=DENIED)
            raise AccountDisabledError
        self._guard.succeeded(email_key(email), client.address)
        user = self._refreshed(user, password, client)
        session, tokens = self._sessions.prepare(user.user_id, user.epoch, client)
        self._arrivals.begin(user, session, client)
        self._ground.log.info("login.succeeded", user_id=user.user_id)
        self._ground.note("auth.login", client=client, actor_id=user.user_id)
        return user, tokens

    def _checked(self, email: str, password: str, client: Client) -> User:
        """Return the user whose password it is."""
        account = email_key(email)
        try:
            self._guard.admit(account, client.address)
        except TooManyAttemptsError:
            self._ground.note("auth.login", client=client, actor_id=None, outcome=DENIED)
            raise
        user = self._ground.store.find_user_by_email(email)
        right = self._passwords.verify(user.password_hash if user else None, password)
        if user is None or not right:
            self._guard.failed(account, client.address)
            self._ground.log.warning("login.refused", user_id=user.user_id if user else None)
            self._ground.note(
                "auth.login",
                client=client,
                actor_id=None,
                subject=user_subject(user.user_id if user else NOBODY),
                outcome=FAILURE,
            )
            raise InvalidCredentialsError
        return user

    def _refreshed(self, user: User, password: str, client: Client) -> User:
        """Keep the password under today's parameters, and the role as the configuration has it.

        A lost race is left to the next sign-in.
        """
        after = self._verification.promoted(user)
        if self._passwords.is_outdated(user.password_hash):
            after = replace(after, password_hash=self._passwords.hash(password))
        if after == user:
            return user
        if after.roles != user.roles:
            after = replace(after, version=user.version + 1, updated_at=self._ground.now())
        if not self._ground.store.change_user(user, after):
            return user
        if after.password_hash != user.password_hash:
            self._ground.log.info("password.rehashed", user_id=user.user_id)
        self._verification.note_promotion(user, after, client)
        return after

    def _role_of(self, email: str) -> RoleName:
        is_admin = email_key(email) == self._unverified_admin
        return RoleName(Role.ADMIN if is_admin else Role.MEMBER)
