"""Refresh tokens: how one is built, and what a presented one means. Pure.

A token is `nsr_` and base64url of user id, session id, secret and tag. The table holds only the
SHA-256 of the current secret. The tag is an HMAC of the secret under the family's own key: only a
token that was really given out can end a session by being reused; a made-up one cannot.

The successor of a secret is HMAC(secret, nonce), with a fresh nonce kept at the rotation. So a
client that repeats a refresh within the grace gets the very same successor, however many of its
requests run at once, while neither the table alone (it has no secret) nor an old token alone (it
has no nonce) can derive anything.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nightshift.core.access import SessionId, UserId
from nightshift.core.tokens import SECRET_BYTES, b64url, digest, from_b64url, keyed, same
from nightshift.identity.errors import RefreshMalformedError, RefreshWrongTypeError
from nightshift.identity.model import Rotation, Session

PREFIX = "nsr_"
MAX_RECENT = 20
NONCE_BYTES = 32
_ID_BYTES = 16
_TAG_BYTES = 16
_TOKEN_BYTES = 2 * _ID_BYTES + SECRET_BYTES + _TAG_BYTES


@dataclass(frozen=True, kw_only=True, slots=True)
class Presented:
    """A refresh token taken apart; nothing of it is verified."""

    user_id: UserId
    session_id: SessionId
    secret: bytes
    tag: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Rotate:
    """The token is current: its successor, and the session as it must then be stored."""

    successor: bytes
    session: Session


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeat:
    """The token was just used: the current secret, which its client did not get to see."""

    successor: bytes


class Reused:
    """The token was used before, longer ago than the grace."""


class Unknown:
    """The token was never given out for this session."""


Decision = Rotate | Repeat | Reused | Unknown


def encode(session: Session, secret: bytes) -> str:
    """Return the token that carries `secret` for `session`."""
    ids = uuid.UUID(session.user_id).bytes + uuid.UUID(session.session_id).bytes
    return PREFIX + b64url(ids + secret + _tag(session, secret))


def parse(token: str) -> Presented:
    """Take a token apart.

    Raises:
        RefreshWrongTypeError: it looks like an access token.
        RefreshMalformedError: it is no token at all.
    """
    if not token.startswith(PREFIX):
        raise RefreshWrongTypeError if token.count(".") == 2 else RefreshMalformedError  # noqa: PLR2004 - a JWT has two dots
    try:
        raw = from_b64url(token.removeprefix(PREFIX))
    except ValueError as error:
        raise RefreshMalformedError from error
    if len(raw) != _TOKEN_BYTES:
        raise RefreshMalformedError
    return Presented(
        user_id=UserId(str(uuid.UUID(bytes=raw[:_ID_BYTES]))),
        session_id=SessionId(str(uuid.UUID(bytes=raw[_ID_BYTES : 2 * _ID_BYTES]))),
        secret=raw[2 * _ID_BYTES : -_TAG_BYTES],
        tag=raw[-_TAG_BYTES:],
    )


def decide(
    session: Session,
    presented: Presented,
    *,
    now: datetime,
    grace: timedelta,
    lifetime: timedelta,
    nonce: bytes,
) -> Decision:
    """Return what the presented token means; `nonce` is fresh randomness for a rotation.

    Does not look at expiry, revocation or the user.
    """
    if not same(presented.tag, _tag(session, presented.secret)):
        return Unknown()
    used_hash = digest(presented.secret)
    if same(used_hash.encode(), session.current_hash.encode()):
        return _rotate(session, presented.secret, now=now, grace=grace, life=lifetime, nonce=nonce)
    head = _follow(session, presented.secret, now - grace)
    return Reused() if head is None else Repeat(successor=head)


def _rotate(
    session: Session,
    secret: bytes,
    *,
    now: datetime,
    grace: timedelta,
    life: timedelta,
    nonce: bytes,
) -> Rotate:
    successor = _successor(secret, nonce)
    used = Rotation(used_hash=session.current_hash, nonce=nonce, used_at=now)
    kept = [r for r in session.recent if r.used_at + grace >= now]
    changed = replace(
        session,
        current_hash=digest(successor),
        recent=(*kept, used)[-MAX_RECENT:],
        last_used_at=now,
        ends_at=now + life,
    )
    return Rotate(successor=successor, session=changed)


def _follow(session: Session, secret: bytes, since: datetime) -> bytes | None:
    """Return the current secret by way of the rotations from `secret`; None if it is too old."""
    following = False
    for rotation in session.recent:
        if not following:
            if rotation.used_hash != digest(secret):
                continue
            if rotation.used_at < since:
                return None
            following = True
        secret = _successor(secret, rotation.nonce)
    return secret if following and digest(secret) == session.current_hash else None


def _successor(secret: bytes, nonce: bytes) -> bytes:
    return keyed(secret, b"refresh successor", nonce)


def _tag(session: Session, secret: bytes) -> bytes:
    return keyed(session.family_key, b"refresh tag", secret)[:_TAG_BYTES]
