"""Inputs and answers of the roles' routes."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints

from nightshift.core.access import Permission
from nightshift.http.routing import PathParam
from nightshift.http.schemas import ApiModel, UtcTime, distinct, printable
from nightshift.identity.model import User
from nightshift.identity.roles.model import AnyRole, CustomRole
from nightshift.identity.roles.service import MAX_ROLES_OF_USER

NAME_PATTERN = "[a-z][a-z0-9-]{1,39}"
ROLE_PARAM = PathParam(pattern=NAME_PATTERN, doc="The role's name.", example="support")
MAX_DESCRIPTION_CHARS = 200


Name = Annotated[str, Field(pattern=f"^{NAME_PATTERN}$", examples=["member"])]
Description = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=MAX_DESCRIPTION_CHARS),
    AfterValidator(printable),
]
Permissions = Annotated[
    list[Permission], Field(max_length=len(Permission)), AfterValidator(distinct)
]


class RoleIn(ApiModel):
    """A new role."""

    name: Name = Field(description="Its id, for good: lower case letters, digits and hyphens.")
    description: Description = Field(default="", description="What the role is for.")
    permissions: Permissions = Field(description="What it allows; you must hold all of it.")


class RolePatch(ApiModel):
    """What of a role is to change; what is left out stays."""

    description: Description | None = Field(default=None, description="What the role is for.")
    permissions: Permissions | None = Field(default=None, description="What it allows.")


class RoleOut(ApiModel):
    """A role."""

    name: str
    description: str
    permissions: list[Permission]
    built_in: bool = Field(description="Whether it comes with the product and cannot be changed.")
    holders: int | None = Field(description="How many users have it; null for built-in roles.")
    created_at: UtcTime | None
    updated_at: UtcTime | None
    version: int

    @classmethod
    def of(cls, role: AnyRole) -> Self:
        """Return the role as the API shows it."""
        custom = role if isinstance(role, CustomRole) else None
        return cls(
            name=role.name,
            description=role.description,
            permissions=sorted(role.permissions),
            built_in=custom is None,
            holders=custom.holders if custom else None,
            created_at=custom.created_at if custom else None,
            updated_at=custom.updated_at if custom else None,
            version=custom.version if custom else 1,
        )


class RolePage(ApiModel):
    """A page of roles: the product's own, then the others by name."""

    items: list[RoleOut]
    next_cursor: str | None


class UserRolesIn(ApiModel):
    """The roles that a user is to have, and no others."""

    roles: Annotated[
        list[Name],
        Field(min_length=1, max_length=MAX_ROLES_OF_USER),
        AfterValidator(distinct),
    ]


class UserRolesOut(ApiModel):
    """The roles that a user has, and what they allow together."""

    user_id: str
    roles: list[str]
    permissions: list[Permission]
    version: int

    @classmethod
    def of(cls, user: User, permissions: frozenset[Permission]) -> Self:
        """Return the roles as the API shows them."""
        return cls(
            user_id=user.user_id,
            roles=list(user.roles),
            permissions=sorted(permissions),
            version=user.version,
        )
