"""Users, sessions and attempts as items of the identity table."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from functools import cache
from typing import Any

from nightshift.aws.dynamo import Item, marshal_item, unmarshal_item
from nightshift.core.access import Role, RoleName, SessionId, UserId
from nightshift.core.clock import from_ms, to_epoch_s, to_ms
from nightshift.identity import keys
from nightshift.identity.attempts import Attempts
from nightshift.identity.links import Link, Purpose
from nightshift.identity.model import (
    NOBODY,
    Avatar,
    Device,
    Preferences,
    Rotation,
    Session,
    User,
)

SCHEMA = 1
_HASH_CHARS = 97
"""Of argon2id with the parameters of a deployed stack."""
USER_SCHEMA = 2
KEEP_ENDED = timedelta(days=7)
"""How long an ended session stays, so that its tokens are told what happened to them."""
KEEP_LINKS = timedelta(days=1)
"""The same for links."""


def from_user(user: User) -> Item:
    """Return the item of a user."""
    return keys.user(user.user_id) | {
        "schema": USER_SCHEMA,
        "user_id": user.user_id,
        "email": user.email,
        "name": user.name,
        "roles": list(user.roles),
        "password_hash": user.password_hash,
        "email_verified": user.email_verified,
        "disabled": user.disabled,
        "epoch": user.epoch,
        "version": user.version,
        "created_ms": to_ms(user.created_at),
        "updated_ms": to_ms(user.updated_at),
        "credential": user.credential,
        "pending_email": user.pending_email or None,
        "avatar": asdict(user.avatar) if user.avatar else None,
        "owned_epoch": user.owned_epoch or None,
        "change": user.change or None,
    }


def to_user(item: Item) -> User:
    """Return the user that an item holds; the first schema knew one role."""
    roles = item["roles"] if "roles" in item else [item["role"]]
    return User(
        user_id=UserId(item["user_id"]),
        email=item["email"],
        name=item["name"],
        roles=tuple(map(RoleName, roles)),
        password_hash=item["password_hash"],
        email_verified=item["email_verified"],
        disabled=item["disabled"],
        epoch=item["epoch"],
        version=item["version"],
        created_at=from_ms(item["created_ms"]),
        updated_at=from_ms(item["updated_ms"]),
        credential=item.get("credential", 0),
        pending_email=item.get("pending_email", ""),
        avatar=Avatar(**item["avatar"]) if "avatar" in item else None,
        owned_epoch=item.get("owned_epoch", 0),
        change=item.get("change", ""),
    )


def read_decoy() -> User:
    """Return a user who is nobody; it takes the work of reading one whom the table has."""
    return to_user(unmarshal_item(_decoy()))


@cache
def _decoy() -> Mapping[str, Any]:
    nobody = User(
        user_id=NOBODY,
        email="nobody@example.com",
        name="Nobody",
        roles=(RoleName(Role.MEMBER),),
        password_hash="x" * _HASH_CHARS,
        email_verified=False,
        disabled=False,
        epoch=0,
        version=1,
        created_at=from_ms(0),
        updated_at=from_ms(0),
    )
    return marshal_item(from_user(nobody))


def from_session(session: Session) -> Item:
    """Return the item of a session."""
    return keys.session(session.user_id, session.session_id) | {
        "schema": SCHEMA,
        "session_id": session.session_id,
        "user_id": session.user_id,
        "epoch": session.epoch,
        "family_key": session.family_key,
        "current_hash": session.current_hash,
        "recent": [_from_rotation(r) for r in session.recent],
        "user_agent": session.user_agent,
        "address": session.address,
        "created_ms": to_ms(session.created_at),
        "last_used_ms": to_ms(session.last_used_at),
        "ends_ms": to_ms(session.ends_at),
        "revoked_ms": None if session.revoked_at is None else to_ms(session.revoked_at),
        "expires_at": to_epoch_s(session.ends_at + KEEP_ENDED),
    }


def to_session(item: Item) -> Session:
    """Return the session that an item holds."""
    return Session(
        session_id=SessionId(item["session_id"]),
        user_id=UserId(item["user_id"]),
        epoch=item["epoch"],
        family_key=bytes(item["family_key"]),
        current_hash=item["current_hash"],
        recent=tuple(_to_rotation(r) for r in item["recent"]),
        user_agent=item["user_agent"],
        address=item["address"],
        created_at=from_ms(item["created_ms"]),
        last_used_at=from_ms(item["last_used_ms"]),
        ends_at=from_ms(item["ends_ms"]),
        revoked_at=from_ms(item["revoked_ms"]) if "revoked_ms" in item else None,
    )


def from_attempts(kind: str, who: str, attempts: Attempts) -> Item:
    """Return the item of the attempts at an account or from an address."""
    return keys.attempts(kind, who) | {
        "failures": attempts.failures,
        "not_before_ms": to_ms(attempts.not_before),
        "forgotten_ms": to_ms(attempts.forgotten_at),
        "expires_at": to_epoch_s(attempts.forgotten_at) + 1,
    }


def to_attempts(item: Item) -> Attempts:
    """Return the attempts that an item holds."""
    return Attempts(
        failures=item["failures"],
        not_before=from_ms(item["not_before_ms"]),
        forgotten_at=from_ms(item["forgotten_ms"]),
    )


def from_link(link: Link) -> Item:
    """Return the item of a mailed link."""
    return keys.link(link.user_id, link.purpose, link.secret_hash) | {
        "schema": SCHEMA,
        "user_id": link.user_id,
        "purpose": link.purpose.value,
        "secret_hash": link.secret_hash,
        "email": link.email,
        "credential": link.credential,
        "created_ms": to_ms(link.created_at),
        "ends_ms": to_ms(link.expires_at),
        "used_by": link.used_by,
        "expires_at": to_epoch_s(link.expires_at + KEEP_LINKS),
    }


def to_link(item: Item) -> Link:
    """Return the mailed link that an item holds."""
    return Link(
        purpose=Purpose(item["purpose"]),
        user_id=UserId(item["user_id"]),
        secret_hash=item["secret_hash"],
        email=item["email"],
        credential=item["credential"],
        created_at=from_ms(item["created_ms"]),
        expires_at=from_ms(item["ends_ms"]),
        used_by=item.get("used_by"),
    )


def from_device(device: Device) -> Item:
    """Return the item of a device."""
    return keys.device(device.user_id, device.fingerprint) | {
        "schema": SCHEMA,
        "ends_ms": to_ms(device.known_until),
        "expires_at": to_epoch_s(device.known_until) + 1,
    }


def from_preferences(preferences: Preferences) -> Item:
    """Return the item of a user's preferences."""
    at = preferences.updated_at
    return keys.preferences(preferences.user_id) | {
        "schema": SCHEMA,
        "user_id": preferences.user_id,
        "time_zone": preferences.time_zone,
        "locale": preferences.locale,
        "version": preferences.version,
        "updated_ms": None if at is None else to_ms(at),
    }


def to_preferences(item: Item) -> Preferences:
    """Return the preferences that an item holds."""
    return Preferences(
        user_id=UserId(item["user_id"]),
        time_zone=item["time_zone"],
        locale=item["locale"],
        version=item["version"],
        updated_at=from_ms(item["updated_ms"]) if "updated_ms" in item else None,
    )


def _from_rotation(rotation: Rotation) -> Item:
    return {
        "used_hash": rotation.used_hash,
        "nonce": rotation.nonce,
        "used_ms": to_ms(rotation.used_at),
    }


def _to_rotation(item: Item) -> Rotation:
    return Rotation(
        used_hash=item["used_hash"],
        nonce=bytes(item["nonce"]),
        used_at=from_ms(item["used_ms"]),
    )
