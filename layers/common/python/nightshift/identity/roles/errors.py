"""What can be wrong with roles and with giving them."""

from collections.abc import Iterable

from nightshift.core.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError


class RoleNotFoundError(NotFoundError):
    """There is no such role."""

    slug = "role_not_found"


class RoleExistsError(ConflictError):
    """A role of this name exists."""

    slug = "role_exists"


class RoleBuiltInError(ConflictError):
    """This role comes with the product and cannot be changed; make one of your own."""

    slug = "role_built_in"


class RoleInUseError(ConflictError):
    """Somebody has this role; take it from its users before you delete it."""

    slug = "role_in_use"


class RoleLimitError(ConflictError):
    """There are as many roles as there can be; delete one that nobody uses."""

    slug = "role_limit"


class UnknownRoleError(InvalidInputError):
    """There is no role of this name to give."""

    slug = "unknown_role"


class LastAdminError(ConflictError):
    """This is the last administrator who can sign in; make somebody else one before."""

    slug = "last_admin"


class PermissionNotHeldError(ForbiddenError):
    """Nobody can give, change or take away what goes beyond the own permissions."""

    slug = "permission_not_held"

    def __init__(self, missing: Iterable[str]) -> None:
        """Name the permissions that the caller lacks."""
        super().__init__(f"This goes beyond your own permissions: {', '.join(sorted(missing))}.")
