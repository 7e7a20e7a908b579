"""Links of single use that are mailed: how a token is built, and what a presented one means. Pure.

A token is a prefix that says what it is for, and base64url of user id and secret. The table holds
the SHA-256 of the secret alone: the secret has 256 random bits, so a slow hash would add nothing.

A link for a new password is void as soon as the password has changed, by whatever way; a link that
verifies an address is void as soon as the user has, and wants, another one. So nothing has to be
found and removed when that happens.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from nightshift.core.access import UserId
from nightshift.core.tokens import SECRET_BYTES, b64url, digest, from_b64url
from nightshift.identity.errors import (
    LinkExpiredError,
    LinkMalformedError,
    LinkUnknownError,
    LinkUsedError,
    LinkVoidError,
    LinkWrongTypeError,
)
from nightshift.identity.model import User, email_key

_ID_BYTES = 16


class Purpose(StrEnum):
    """What a link is for."""

    RESET = "reset"
    VERIFY = "verify"


PREFIXES = {Purpose.RESET: "nsp_", Purpose.VERIFY: "nsv_"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A link that was given out.

    Attributes:
        secret_hash: the SHA-256 under which it is found.
        email: the address that it was mailed to, and so proves.
        credential: the user's, when it was given out.
        used_by: a token of the request that used it, so that this one knows its own write again.
    """

    purpose: Purpose
    user_id: UserId
    secret_hash: str
    email: str
    credential: int
    created_at: datetime
    expires_at: datetime
    used_by: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PresentedLink:
    """A token taken apart; nothing of it is verified."""

    user_id: UserId
    secret_hash: str


def encode(purpose: Purpose, user_id: UserId, secret: bytes) -> str:
    """Return the token that carries `secret`."""
    return PREFIXES[purpose] + b64url(uuid.UUID(user_id).bytes + secret)


def parse(purpose: Purpose, token: str) -> PresentedLink:
    """Take a token apart.

    Raises:
        LinkWrongTypeError: it is for something else.
        LinkMalformedError: it is no token of a link.
    """
    prefix = PREFIXES[purpose]
    if not token.startswith(prefix):
        is_other = token.startswith(tuple(PREFIXES.values()))
        raise LinkWrongTypeError if is_other else LinkMalformedError
    try:
        raw = from_b64url(token.removeprefix(prefix))
    except ValueError as error:
        raise LinkMalformedError from error
    if len(raw) != _ID_BYTES + SECRET_BYTES:
        raise LinkMalformedError
    return PresentedLink(
        user_id=UserId(str(uuid.UUID(bytes=raw[:_ID_BYTES]))), secret_hash=digest(raw[_ID_BYTES:])
    )


def judge(link: Link | None, user: User | None, now: datetime) -> tuple[Link, User]:
    """Return link and user if the link may be used at `now`.

    Raises:
        LinkUnknownError: it was never given out, is long gone, or its user is gone or disabled.
        LinkUsedError: it was used.
        LinkExpiredError: it was not used in time.
        LinkVoidError: what it was given out for has changed meanwhile.
    """
    if link is None or user is None or user.disabled:
        raise LinkUnknownError
    if link.used_by is not None:
        raise LinkUsedError
    if link.expires_at <= now:
        raise LinkExpiredError
    if not _stands(link, user):
        raise LinkVoidError
    return link, user


def _stands(link: Link, user: User) -> bool:
    """Tell whether the user still is as the link was given out for."""
    email = email_key(link.email)
    if link.purpose is Purpose.RESET:
        return link.credential == user.credential and email == email_key(user.email)
    return email in {email_key(user.email), email_key(user.pending_email)}
