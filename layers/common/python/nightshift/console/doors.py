"""What the sign-in pages ask of accounts, and accounts as they answer it."""

from dataclasses import dataclass
from typing import Protocol

from nightshift.core.access import Caller
from nightshift.identity.errors import SessionNotFoundError
from nightshift.identity.service import Accounts
from nightshift.identity.sessions import Client, Tokens


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

    def refresh(self, token: str, client: Client) -> Pair:
        """Carry a session on; the same token gives the same pair for some seconds.

        Raises:
            TokenError: the session has ended, or the token was used before.
        """
        ...

    def end(self, caller: Caller, client: Client) -> None:
        """End the session that the caller has signed in with, if it has not ended."""
        ...


class AccountsDoor:
    """The accounts of identity."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def login(self, email: str, password: str, client: Client) -> Pair:
        """Begin a session; see `SignInDoor`."""
        _, tokens = self._accounts.login(email=email, password=password, client=client)
        return _pair(tokens)

    def refresh(self, token: str, client: Client) -> Pair:  # noqa: ARG002 - the port's
        """Carry a session on; see `SignInDoor`."""
        _, tokens = self._accounts.sessions.refresh(token)
        return _pair(tokens)

    def end(self, caller: Caller, client: Client) -> None:  # noqa: ARG002 - the port's
        """End a session; see `SignInDoor`."""
        try:
            self._accounts.sessions.end(caller.user_id, caller.session_id)
        except SessionNotFoundError:
            return


def _pair(tokens: Tokens) -> Pair:
    return Pair(
        access=tokens.access_token,
        refresh=tokens.refresh_token,
        for_s=tokens.refresh_expires_in,
    )
