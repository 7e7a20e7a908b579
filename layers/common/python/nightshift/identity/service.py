"""Accounts: register, sign in, and a user's own data."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from nightshift.aws.dynamo import TransactPart
from nightshift.core.access import Role, RoleName, UserId
from nightshift.core.clock import Clock, from_ms, to_ms
from nightshift.core.errors import ConflictError, PreconditionFailedError
from nightshift.identity.attempts import Patience, after_failure, wait
from nightshift.identity.errors import (
    AccountDisabledError,
    InvalidCredentialsError,
    RegistrationClosedError,
    TooManyAttemptsError,
    UserNotFoundError,
)
from nightshift.identity.model import User, email_key
from nightshift.identity.passwords import Passwords, check_acceptable
from nightshift.identity.sessions import Client, Sessions, Tokens
from nightshift.identity.store import IdentityStore
from nightshift.observability import Log

ACCOUNT = "ACCOUNT"
ADDRESS = "ADDRESS"
_ROUNDS = 8


Farewell = Callable[[UserId], Sequence[TransactPart]]


def anybody() -> bool:
    """Return that new accounts are taken."""
    return True


def nobody_else(_: UserId) -> Sequence[TransactPart]:
    """Return the farewell of a product in which only identity knows users."""
    return ()


class Accounts:
    """What a user can do with an account. Permissions are checked before, at the edge."""

    def __init__(
        self,
        *,
        store: IdentityStore,
        sessions: Sessions,
        passwords: Passwords,
        clock: Clock,
        log: Log,
        account_patience: Patience,
        address_patience: Patience,
        farewell: Farewell,
        may_register: Callable[[], bool] = anybody,
        unverified_admin: str = "",
    ) -> None:
        """Take what the use cases stand on.

        `unverified_admin` is the address that is admin without being verified; for the local stack.
        `farewell` gives the writes by which others let go of a user whose account is deleted.
        `may_register` tells whether new accounts are taken at the moment.
        """
        self._may_register = may_register
        self._farewell = farewell
        self._store = store
        self.sessions = sessions
        self._passwords = passwords
        self._clock = clock
        self._log = log
        self._account_patience = account_patience
        self._address_patience = address_patience
        self._unverified_admin = email_key(unverified_admin)

    def register(
        self, *, user_id: str, email: str, password: str, name: str, client: Client
    ) -> tuple[User, Tokens]:
        """Make an account and sign in.

        `user_id` is fresh, or the same again when the request is run again.

        Raises:
            InvalidInputError: the password is not acceptable.
            EmailTakenError: the address has an account.
            RegistrationClosedError: no new accounts are taken.
        """
        if not self._may_register():
            raise RegistrationClosedError
        check_acceptable(password, email=email)
        now = self._now()
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
        session, tokens = self.sessions.prepare(user.user_id, user.epoch, client)
        user = self._store.add_user(user, session)
        self._log.info("user.registered", user_id=user.user_id, session_id=session.session_id)
        return user, tokens

    def login(self, *, email: str, password: str, client: Client) -> tuple[User, Tokens]:
        """Sign in; takes the same steps and the same work whether the address is known or not.

        An attempt at an account is counted before the password is looked at, so that many
        at once are no way around the delay; a right password forgets what was counted.

        Raises:
            TooManyAttemptsError: the delay of this account or this address is not over.
            InvalidCredentialsError: the address or the password is wrong.
            AccountDisabledError: both are right, but the account is disabled.
        """
        normal = email_key(email)
        self._check_address(client.address)
        self._count(ACCOUNT, normal, self._account_patience)
        user = self._store.find_user_by_email(email)
        right = self._passwords.verify(user.password_hash if user else None, password)
        if user is None or not right:
            self._record(ADDRESS, client.address, self._address_patience)
            self._log.warning("login.refused", user_id=user.user_id if user else None)
            raise InvalidCredentialsError
        self._store.forget_attempts(ACCOUNT, normal)
        if user.disabled:
            raise AccountDisabledError
        self._rehash(user, password)
        tokens = self.sessions.begin(user, client)
        self._log.info("login.succeeded", user_id=user.user_id)
        return user, tokens

    def get_user(self, user_id: UserId) -> User:
        """Return the user.

        Raises:
            UserNotFoundError: the account is gone.
        """
        user = self._store.find_user(user_id)
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
            updated_at=self._now(),
        )
        if not self._store.change_user(before, after):
            raise ConflictError
        return after

    def delete(self, user_id: UserId, *, expected_version: int | None) -> None:
        """Delete the account; its sessions are over at once and its address is free.

        What others keep for the user is given up in the same transaction.

        Raises:
            PreconditionFailedError: the version is not the expected one.
            UserNotFoundError: the account is gone.
            ConflictError: somebody else changed the user at the same moment.
        """
        user = self.get_user(user_id)
        _check_version(user, expected_version)
        if not self._store.delete_user(user, self._farewell(user_id)):
            raise ConflictError
        self._log.info("user.deleted", user_id=user_id)
        try:
            self._store.forget_api_keys(user_id)
        except Exception:  # noqa: BLE001 - the account is gone, and so are its keys; only their items are left
            self._log.failure("user.keys_left", user_id=user_id)

    def _role_of(self, email: str) -> RoleName:
        is_admin = email_key(email) == self._unverified_admin
        return RoleName(Role.ADMIN if is_admin else Role.MEMBER)

    def _check_address(self, address: str) -> None:
        seen = self._store.find_attempts(ADDRESS, address)
        left = wait(seen, self._clock.now())
        if left is not None:
            raise TooManyAttemptsError(retry_after_s=_whole(left.total_seconds()))

    def _count(self, kind: str, who: str, patience: Patience) -> None:
        """Count an attempt, or refuse it while the delay runs."""
        for _ in range(_ROUNDS):
            now = self._now()
            seen = self._store.find_attempts(kind, who)
            left = wait(seen, now)
            if left is not None:
                raise TooManyAttemptsError(retry_after_s=_whole(left.total_seconds()))
            if self._store.change_attempts(kind, who, seen, after_failure(seen, now, patience)):
                return
        raise TooManyAttemptsError(retry_after_s=1)

    def _record(self, kind: str, who: str, patience: Patience) -> None:
        """Count a failure; gives up when many others write at the same moment."""
        for _ in range(_ROUNDS):
            seen = self._store.find_attempts(kind, who)
            after = after_failure(seen, self._now(), patience)
            if self._store.change_attempts(kind, who, seen, after):
                return

    def _rehash(self, user: User, password: str) -> None:
        """Keep the password under today's parameters; a lost race is left to the next sign-in."""
        if self._passwords.is_outdated(user.password_hash):
            stronger = replace(user, password_hash=self._passwords.hash(password))
            self._store.change_user(user, stronger)
            self._log.info("password.rehashed", user_id=user.user_id)

    def _now(self) -> datetime:
        return from_ms(to_ms(self._clock.now()))


def _check_version(user: User, expected: int | None) -> None:
    if expected is not None and expected != user.version:
        raise PreconditionFailedError


def _whole(seconds: float) -> int:
    return max(1, int(-(-seconds // 1)))
