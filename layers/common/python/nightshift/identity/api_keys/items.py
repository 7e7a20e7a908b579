"""API keys as items of the identity table.

The record stands with its owner. Beside it, under the hash of each secret, stands whose it is: that
never changes, so that a process that has seen a key once finds its record at once.
"""

from datetime import timedelta

from nightshift.aws.dynamo import Item
from nightshift.core.access import ApiKeyId, Permission, UserId
from nightshift.core.clock import from_ms, to_epoch_s, to_ms
from nightshift.identity import keys
from nightshift.identity.api_keys.model import ApiKey

SCHEMA = 1
KEEP_REVOKED = timedelta(days=30)
"""How long a revoked or rotated key is told what happened to it."""
_KNOWN = frozenset(Permission)
_TIMES = ("expires", "last_used", "rotated", "revoked", "old_until")


def from_key(key: ApiKey) -> Item:
    """Return the record of a key."""
    times = {
        "expires_ms": key.expires_at,
        "last_used_ms": key.last_used_at,
        "rotated_ms": key.rotated_at,
        "revoked_ms": key.revoked_at,
        "old_until_ms": key.old_until,
    }
    gone = None if key.revoked_at is None else to_epoch_s(key.revoked_at + KEEP_REVOKED)
    return (
        keys.api_key(key.owner_id, key.key_id)
        | {
            "schema": SCHEMA,
            "key_id": key.key_id,
            "owner_id": key.owner_id,
            "name": key.name,
            "shown": key.shown,
            "origin": key.origin,
            "secret_hash": key.secret_hash,
            "old_hash": key.old_hash,
            "scopes": sorted(key.scopes),
            "cidrs": list(key.cidrs),
            "version": key.version,
            "epoch": key.epoch,
            "created_ms": to_ms(key.created_at),
            "updated_ms": to_ms(key.updated_at),
            "expires_at": gone,
        }
        | {name: None if moment is None else to_ms(moment) for name, moment in times.items()}
    )


def to_key(item: Item) -> ApiKey:
    """Return the key that a record holds; scopes that the product no longer has are dropped."""
    times = {name: from_ms(item[f"{name}_ms"]) if f"{name}_ms" in item else None for name in _TIMES}
    return ApiKey(
        key_id=ApiKeyId(item["key_id"]),
        owner_id=UserId(item["owner_id"]),
        name=item["name"],
        shown=item["shown"],
        origin=item["origin"],
        secret_hash=item["secret_hash"],
        old_hash=item.get("old_hash"),
        scopes=frozenset(Permission(s) for s in item["scopes"] if s in _KNOWN),
        cidrs=tuple(item["cidrs"]),
        version=item["version"],
        created_at=from_ms(item["created_ms"]),
        updated_at=from_ms(item["updated_ms"]),
        expires_at=times["expires"],
        last_used_at=times["last_used"],
        rotated_at=times["rotated"],
        revoked_at=times["revoked"],
        old_until=times["old_until"],
        epoch=item.get("epoch", 0),
    )


def from_secret(key: ApiKey) -> Item:
    """Return what tells whose the key's present secret is."""
    return keys.api_key_secret(key.secret_hash) | {
        "owner_id": key.owner_id,
        "key_id": key.key_id,
    }
