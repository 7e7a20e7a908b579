"""Users and sessions as the rest of the context sees them."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from nightshift.core.access import RoleName, SessionId, UserId

NOBODY = UserId("00000000-0000-7000-8000-000000000000")
"""Stands for the user of an address that is nobody's, so that both take the same reads and writes.

In the audit log it is who was tried to sign in as.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """Where a request comes from, and what the program calls itself.

    `domain` is the name under which the gateway was called, as the gateway says it.
    """

    address: str
    user_agent: str
    domain: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who does something: the user, by which session or, without one, by a key, from where."""

    user_id: UserId
    session_id: SessionId | None
    client: Client


@dataclass(frozen=True, kw_only=True, slots=True)
class Avatar:
    """A user's picture: where it lies in the bucket, its media type, its size in pixels."""

    key: str
    content_type: str
    width: int
    height: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Preferences:
    """A user's preferences; of one who never said any, the defaults as version 0.

    `time_zone` is an IANA name, `locale` a language tag (RFC 5646).
    """

    user_id: UserId
    time_zone: str = "UTC"
    locale: str = "en"
    version: int = 0
    updated_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """An account.

    Attributes:
        email: as the user wrote it; `email_key` of it is what must be unique.
        roles: at least one; what they allow adds up.
        password_hash: argon2id with its parameters.
        epoch: raised to end all sessions at once; a session of another epoch is over.
        version: raised by every change that the user can see.
        credential: raised when the password changes; links given out for an older one are void.
        pending_email: the address that the user wants instead, until it is verified; else empty.
        owned_epoch: the first epoch after somebody who reads the address's mail took an unverified
            account over; whoever made it may be a stranger, so API keys and identities of before
            are void.
        change: a fresh token of the latest change of identities, by which that knows its own write
            again even beside another one that leaves the same user.
    """

    user_id: UserId
    email: str
    name: str
    roles: tuple[RoleName, ...]
    password_hash: str
    email_verified: bool
    disabled: bool
    epoch: int
    version: int
    created_at: datetime
    updated_at: datetime
    credential: int = 0
    pending_email: str = ""
    avatar: Avatar | None = None
    owned_epoch: int = 0
    change: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """What a user signs in with, as far as it can be known again; see `devices`."""

    user_id: UserId
    fingerprint: str
    known_until: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Rotation:
    """A refresh token that was used: its hash, when, and what its successor is derived with."""

    used_hash: str
    nonce: bytes
    used_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One sign-in of one client: a family of refresh tokens of which one is current.

    Attributes:
        family_key: proves that a refresh token was given out for this session.
        current_hash: hash of the one secret that may be used.
        recent: the latest rotations, oldest first; those past the grace are dropped when writing.
        ends_at: when the current refresh token expires.
        revoked_at: when it was ended, by whom it may concern.
    """

    session_id: SessionId
    user_id: UserId
    epoch: int
    family_key: bytes
    current_hash: str
    recent: tuple[Rotation, ...]
    user_agent: str
    address: str
    created_at: datetime
    last_used_at: datetime
    ends_at: datetime
    revoked_at: datetime | None = None

    def is_live(self, user: User, now: datetime) -> bool:
        """Tell whether the session still stands for `user` at `now`."""
        return (
            self.revoked_at is None
            and self.epoch == user.epoch
            and self.ends_at > now
            and not user.disabled
        )


def email_key(email: str) -> str:
    """Return the form of an address under which it is unique: NFC, lower case, no outer blanks."""
    return unicodedata.normalize("NFC", email.strip()).lower()
