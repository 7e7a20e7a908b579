"""Users and sessions as the rest of the context sees them."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from nightshift.core.access import RoleName, SessionId, UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """An account.

    Attributes:
        email: as the user wrote it; `email_key` of it is what must be unique.
        roles: at least one; what they allow adds up.
        password_hash: argon2id with its parameters.
        epoch: raised to end all sessions at once; a session of another epoch is over.
        version: raised by every change that the user can see.
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
