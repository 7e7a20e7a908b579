"""Roles as the rest of the context sees them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from nightshift.core.access import Permission, Role, RoleName, permissions_of

DESCRIPTIONS: Mapping[Role, str] = {
    Role.ADMIN: "May everything, for everybody.",
    Role.MEMBER: "May everything with what is one's own.",
    Role.VIEWER: "May read what is one's own, and look after one's own account.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomRole:
    """A role that administrators made; its name is its id and never changes.

    Attributes:
        origin: the id of the request that made it.
        holders: how many users have it; one that somebody has cannot be deleted.
    """

    name: RoleName
    origin: str
    description: str
    permissions: frozenset[Permission]
    holders: int
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltInRole:
    """A role that comes with the product and cannot be changed."""

    name: RoleName
    description: str
    permissions: frozenset[Permission]


AnyRole = BuiltInRole | CustomRole


def built_in_roles() -> list[BuiltInRole]:
    """Return the roles that come with the product."""
    return [
        BuiltInRole(
            name=RoleName(role), description=DESCRIPTIONS[role], permissions=permissions_of(role)
        )
        for role in Role
    ]
