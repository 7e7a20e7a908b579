"""The routes of roles, and of who has them."""

from nightshift.core.access import Permission, RoleName, UserId
from nightshift.core.errors import ConflictError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import Router
from nightshift.http.schemas import NoBody, PageQuery
from nightshift.identity.errors import UserNotFoundError
from nightshift.identity.model import User
from nightshift.identity.roles.errors import (
    LastAdminError,
    PermissionNotHeldError,
    RoleBuiltInError,
    RoleExistsError,
    RoleInUseError,
    RoleLimitError,
    RoleNotFoundError,
    UnknownRoleError,
)
from nightshift.identity.roles.model import CustomRole
from nightshift.identity.roles.schemas import (
    ROLE_PARAM,
    RoleIn,
    RoleOut,
    RolePage,
    RolePatch,
    UserRolesIn,
    UserRolesOut,
)
from nightshift.identity.roles.service import Roles

router: Router[Roles] = Router(tag="Roles")


@router.route("GET", "/roles", Permission.ROLES_READ, query=PageQuery, answer=RolePage)
def list_roles(roles: Roles, request: Request[NoBody, PageQuery]) -> Reply:
    """List all roles."""
    position = request.position()
    found, after = roles.page(
        after=RoleName(str(position["after"])) if position else None, limit=request.query.limit
    )
    return Reply(
        body=RolePage(
            items=[RoleOut.of(role) for role in found],
            next_cursor=request.next_cursor({"after": after} if after else None),
        )
    )


@router.route(
    "POST",
    "/roles",
    Permission.ROLES_WRITE,
    body=RoleIn,
    answer=RoleOut,
    status=201,
    idempotent=True,
    etag=True,
    errors=(PermissionNotHeldError, RoleExistsError, RoleLimitError),
)
def create_role(roles: Roles, request: Request[RoleIn]) -> Reply:
    """Make a role.

    It can allow at most what you may yourself.
    """
    role = roles.create(
        request.caller,
        origin=request.new_id(),
        name=RoleName(request.body.name),
        description=request.body.description,
        permissions=frozenset(request.body.permissions),
    )
    return _role(role, headers={"location": f"/api/v1/roles/{role.name}"})


@router.route(
    "GET",
    "/roles/{role_name}",
    Permission.ROLES_READ,
    answer=RoleOut,
    etag=True,
    path_params={"role_name": ROLE_PARAM},
    errors=(RoleNotFoundError,),
)
def get_role(roles: Roles, request: Request) -> Reply:
    """Read a role."""
    role = roles.get(RoleName(request.path["role_name"]))
    return Reply(body=RoleOut.of(role), version=getattr(role, "version", 1))


@router.route(
    "PATCH",
    "/roles/{role_name}",
    Permission.ROLES_WRITE,
    body=RolePatch,
    answer=RoleOut,
    etag=True,
    if_match=True,
    path_params={"role_name": ROLE_PARAM},
    errors=(PermissionNotHeldError, RoleBuiltInError, RoleNotFoundError, ConflictError),
)
def change_role(roles: Roles, request: Request[RolePatch]) -> Reply:
    """Change a role.

    It counts at once for everybody who has it. What is added or taken away must be yours.
    """
    permissions = request.body.permissions
    role = roles.change(
        request.caller,
        RoleName(request.path["role_name"]),
        description=request.body.description,
        permissions=None if permissions is None else frozenset(permissions),
        expected_version=request.expected_version(),
    )
    return _role(role)


@router.route(
    "DELETE",
    "/roles/{role_name}",
    Permission.ROLES_WRITE,
    status=204,
    if_match=True,
    path_params={"role_name": ROLE_PARAM},
    errors=(
        PermissionNotHeldError,
        RoleBuiltInError,
        RoleNotFoundError,
        RoleInUseError,
        ConflictError,
    ),
)
def delete_role(roles: Roles, request: Request) -> Reply:
    """Delete a role that nobody has."""
    name = RoleName(request.path["role_name"])
    roles.delete(request.caller, name, expected_version=request.expected_version())
    return Reply()


@router.route(
    "GET",
    "/users/{user_id}/roles",
    Permission.ROLES_READ,
    answer=UserRolesOut,
    etag=True,
    errors=(UserNotFoundError,),
)
def get_user_roles(roles: Roles, request: Request) -> Reply:
    """Read which roles a user has, and what they allow together."""
    return _user_roles(roles, roles.holder(UserId(request.path["user_id"])))


@router.route(
    "PUT",
    "/users/{user_id}/roles",
    Permission.ROLES_WRITE,
    body=UserRolesIn,
    answer=UserRolesOut,
    etag=True,
    if_match=True,
    errors=(
        PermissionNotHeldError,
        UnknownRoleError,
        LastAdminError,
        UserNotFoundError,
        ConflictError,
    ),
)
def set_user_roles(roles: Roles, request: Request[UserRolesIn]) -> Reply:
    """Give a user exactly these roles.

    It counts at once, for sessions and API keys too. What is given or taken must be yours, and one
    administrator is always left.
    """
    user = roles.assign(
        request.caller,
        UserId(request.path["user_id"]),
        [RoleName(name) for name in request.body.roles],
        expected_version=request.expected_version(),
    )
    return _user_roles(roles, user)


def _role(role: CustomRole, headers: dict[str, str] | None = None) -> Reply:
    return Reply(body=RoleOut.of(role), version=role.version, headers=headers or {})


def _user_roles(roles: Roles, user: User) -> Reply:
    body = UserRolesOut.of(user, roles.permissions_of(user.roles))
    return Reply(body=body, version=user.version)
