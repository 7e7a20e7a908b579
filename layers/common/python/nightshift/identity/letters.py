"""The letters that identity writes: which template, with what in it, and where its link leads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from nightshift.core.clock import rfc3339
from nightshift.core.environment import SettingsError
from nightshift.identity import links
from nightshift.identity.links import Link, Purpose
from nightshift.identity.model import Client, User

PATHS = {Purpose.RESET: "/reset-password", Purpose.VERIFY: "/verify-email"}
FORGOT_PATH = "/forgot-password"
SESSIONS_PATH = "/sessions"
_MAX_AGENT_CHARS = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """A mail to be sent; see `mailer.Mailer` for the meaning of its parts."""

    to: str
    template: str
    data: Mapping[str, Any]
    user_id: str


class Letters:
    """Writes letters. `public_url` is where users find the product, without a trailing slash.

    When it is empty, links lead to the name under which the gateway was called. That name is the
    gateway's own and not what a client put into the header `Host`: a request for somebody else's
    new password cannot make the link lead elsewhere.
    """

    def __init__(self, public_url: str) -> None:
        """Take the address.

        Raises:
            SettingsError: it is none.
        """
        if public_url and not _is_origin(public_url):
            raise SettingsError(
                "NIGHTSHIFT_PUBLIC_URL must be like https://nightshift.example.com, with no "
                "slash at its end"
            )
        self._public_url = public_url

    def link(self, link: Link, secret: bytes, *, name: str, client: Client) -> Letter:
        """Return the letter that carries a link of single use."""
        token = links.encode(link.purpose, link.user_id, secret)
        template = "reset" if link.purpose is Purpose.RESET else "verification"
        data = {
            "name": name,
            "link": self._url(client, f"{PATHS[link.purpose]}?token={token}"),
            "expires_at": rfc3339(link.expires_at),
        }
        return Letter(to=link.email, template=template, data=data, user_id=link.user_id)

    def welcome(self, user: User, client: Client) -> Letter:
        """Return the letter to a user who has just verified the address."""
        data = {"name": user.name, "link": self._url(client, "/")}
        return Letter(to=user.email, template="welcome", data=data, user_id=user.user_id)

    def password_changed(self, user: User, client: Client, at: datetime) -> Letter | None:
        """Return the letter that tells of a new password; see `_notice`."""
        data = {"changed_at": rfc3339(at), "link": self._url(client, FORGOT_PATH)}
        return self._notice(user, "password_changed", data, client)

    def new_sign_in(self, user: User, client: Client, at: datetime) -> Letter | None:
        """Return the letter that tells of a sign-in from a new device; see `_notice`."""
        data = {"signed_in_at": rfc3339(at), "link": self._url(client, SESSIONS_PATH)}
        return self._notice(user, "new_sign_in", data, client)

    def _notice(
        self, user: User, template: str, data: Mapping[str, Any], client: Client
    ) -> Letter | None:
        """Return a letter that tells of something done to the account.

        There is none for an address that was not verified: it may be a stranger's, who would get
        mail for whatever the holder of the account does.
        """
        if not user.email_verified:
            return None
        where = {
            "name": user.name,
            "address": client.address,
            "user_agent": client.user_agent[:_MAX_AGENT_CHARS],
        }
        return Letter(
            to=user.email, template=template, data={**where, **data}, user_id=user.user_id
        )

    def _url(self, client: Client, path: str) -> str:
        return (self._public_url or f"https://{client.domain}") + path


def _is_origin(text: str) -> bool:
    found = urlsplit(text)
    return (
        found.scheme in {"http", "https"}
        and bool(found.hostname)
        and not found.query
        and not found.fragment
        and not text.endswith("/")
    )
