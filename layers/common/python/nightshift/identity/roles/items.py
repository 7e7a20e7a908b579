"""Roles as items of the identity table."""

from nightshift.aws.dynamo import Item
from nightshift.core.access import Permission, RoleName
from nightshift.core.clock import from_ms, to_ms
from nightshift.identity import keys
from nightshift.identity.roles.model import CustomRole

SCHEMA = 1
_KNOWN = frozenset(Permission)


def from_role(role: CustomRole) -> Item:
    """Return the item of a role."""
    return keys.role(role.name) | {
        "schema": SCHEMA,
        "name": role.name,
        "origin": role.origin,
        "description": role.description,
        "permissions": sorted(role.permissions),
        "holders": role.holders,
        "version": role.version,
        "created_ms": to_ms(role.created_at),
        "updated_ms": to_ms(role.updated_at),
    }


def to_role(item: Item) -> CustomRole:
    """Return the role that an item holds."""
    return CustomRole(
        name=RoleName(item["name"]),
        origin=item["origin"],
        description=item["description"],
        permissions=to_permissions(item),
        holders=item["holders"],
        version=item["version"],
        created_at=from_ms(item["created_ms"]),
        updated_at=from_ms(item["updated_ms"]),
    )


def to_permissions(item: Item) -> frozenset[Permission]:
    """Return what a role allows; a permission that the product no longer has allows nothing."""
    return frozenset(Permission(p) for p in item["permissions"] if p in _KNOWN)
