"""What the sign-in pages ask of accounts, and accounts as they answer it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from nightshift.core.access import Caller
from nightshift.core.ids import new_id
from nightshift.identity.errors import SessionNotFoundError
from nightshift.identity.model import Actor, Client
from nightshift.identity.oidc.model import Provider
from nightshift.identity.sessions import Sessions, Tokens
from nightshift.identity.sign_in import SignIn


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """The tokens of a session, and for how many seconds it can be carried on."""

    access: str
    refresh: str
    for_s: int


class SignInDoor(Protocol):
    """Sessions as a browser begins, carries on and ends them."""

    def login(self, email: str, password: str, client: Client) -> Pair:
        """Begin a session.

        Raises:
            InvalidCredentialsError: the address or the password is wrong, it is not said which.
            TooManyAttemptsError: says when to try again.
            AccountDisabledError: both are right, but the account is disabled.
        """
        ...

    def register(self, *, name: str, email: str, password: str, client: Client) -> Pair:
        """Make an account, begin a session, and mail a link that verifies the address.

        Raises:
            RegistrationClosedError: no new accounts are taken.
            InvalidInputError: the password is not acceptable.
            EmailTakenError: the address has an account.
        """
        ...

    def takes_new(self) -> bool:
        """Tell whether new accounts are taken at the moment."""
        ...

    def refresh(self, token: str, client: Client) -> Pair:
        """Carry a session on; the same token gives the same pair for some seconds.

        Raises:
            TokenError: the session has ended, or the token was used before.
        """
        ...

    def end(self, caller: Caller, client: Client) -> None:
        """End the session that the caller has signed in with, if it has not ended."""
        ...

    def providers(self) -> Sequence[Provider]:
        """Return the providers that one can sign in with, in the order to be shown."""
        ...


class AccountsDoor:
    """The accounts of identity."""

    def __init__(
        self,
        sign_in: SignIn,
        sessions: Sessions,
        providers: Callable[[], Sequence[Provider]],
        now: Callable[[], datetime],
    ) -> None:
        self._now = now
        self._sign_in = sign_in
        self._sessions = sessions
        self._providers = providers

    def login(self, email: str, password: str, client: Client) -> Pair:
        """Begin a session; see `SignInDoor`."""
        _, tokens = self._sign_in.login(email=email, password=password, client=client)
        return _pair(tokens)

    def register(self, *, name: str, email: str, password: str, client: Client) -> Pair:
        """Make an account; see `SignInDoor`."""
        _, tokens = self._sign_in.register(
            user_id=new_id(self._now()), email=email, password=password, name=name, client=client
        )
        return _pair(tokens)

    def takes_new(self) -> bool:
        """Tell whether new accounts are taken; see `SignInDoor`."""
        return self._sign_in.takes_new()

    def refresh(self, token: str, client: Client) -> Pair:
        """Carry a session on; see `SignInDoor`."""
        _, tokens = self._sessions.refresh(token, client)
        return _pair(tokens)

    def end(self, caller: Caller, client: Client) -> None:
        """End a session; see `SignInDoor`."""
        actor = Actor(user_id=caller.user_id, session_id=caller.session, client=client)
        try:
            self._sessions.end(actor, caller.session_id)
        except SessionNotFoundError:
            return

    def providers(self) -> Sequence[Provider]:
        """Return the providers; see `SignInDoor`."""
        return self._providers()


def _pair(tokens: Tokens) -> Pair:
    return Pair(
        access=tokens.access_token,
        refresh=tokens.refresh_token,
        for_s=tokens.refresh_expires_in,
    )
