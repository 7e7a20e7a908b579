"""The routes by which administrators look after users."""

from nightshift.core.access import Permission, UserId
from nightshift.core.errors import ConflictError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import Router
from nightshift.http.schemas import NoBody
from nightshift.identity.admin import Admin, Users
from nightshift.identity.edge import actor_of
from nightshift.identity.errors import BeyondCallerError, OwnAccountError, UserNotFoundError
from nightshift.identity.model import User
from nightshift.identity.profile_schemas import ManagedUserOut, UserPage, UsersQuery
from nightshift.identity.roles.errors import LastAdminError

router: Router[Users] = Router(tag="Users")
_ERRORS = (UserNotFoundError, BeyondCallerError, OwnAccountError, LastAdminError, ConflictError)


@router.route("GET", "/users", Permission.USERS_READ, query=UsersQuery, answer=UserPage)
def list_users(users: Users, request: Request[NoBody, UsersQuery]) -> Reply:
    """List users by address, or those whose address begins with `email`."""
    position = request.position()
    found, after = users.page(
        email=request.query.email,
        after=str(position["after"]) if position else None,
        limit=request.query.limit,
    )
    return Reply(
        body=UserPage(
            items=[ManagedUserOut.of(user) for user in found],
            next_cursor=request.next_cursor({"after": after} if after else None),
        )
    )


@router.route(
    "GET",
    "/users/{user_id}",
    Permission.USERS_READ,
    answer=ManagedUserOut,
    etag=True,
    errors=(UserNotFoundError,),
)
def get_user(users: Users, request: Request) -> Reply:
    """Read a user."""
    return _shown(users.get(_user_id(request)))


@router.route(
    "POST",
    "/users/{user_id}/disable",
    Permission.USERS_WRITE,
    answer=ManagedUserOut,
    etag=True,
    if_match=True,
    errors=_ERRORS,
)
def disable_user(users: Users, request: Request) -> Reply:
    """Lock a user out.

    All sessions end at once, API keys are refused, and so is signing in. Nothing is deleted.
    """
    return _shown(
        users.disable(
            _admin(request), _user_id(request), expected_version=request.expected_version()
        )
    )


@router.route(
    "POST",
    "/users/{user_id}/enable",
    Permission.USERS_WRITE,
    answer=ManagedUserOut,
    etag=True,
    if_match=True,
    errors=_ERRORS,
)
def enable_user(users: Users, request: Request) -> Reply:
    """Let a user in again; sessions of before stay ended."""
    return _shown(
        users.enable(
            _admin(request), _user_id(request), expected_version=request.expected_version()
        )
    )


@router.route(
    "POST",
    "/users/{user_id}/logout",
    Permission.USERS_WRITE,
    status=204,
    errors=(UserNotFoundError, BeyondCallerError),
)
def sign_user_out(users: Users, request: Request) -> Reply:
    """End all sessions of a user."""
    users.sign_out(_admin(request), _user_id(request))
    return Reply()


@router.route(
    "DELETE",
    "/users/{user_id}",
    Permission.USERS_WRITE,
    status=204,
    if_match=True,
    errors=_ERRORS,
)
def delete_user(users: Users, request: Request) -> Reply:
    """Delete a user's account with all that is kept for it."""
    users.delete(_admin(request), _user_id(request), expected_version=request.expected_version())
    return Reply()


def _user_id(request: Request) -> UserId:
    return UserId(request.path["user_id"])


def _admin(request: Request) -> Admin:
    return Admin(actor=actor_of(request), permissions=request.caller.permissions)


def _shown(user: User) -> Reply:
    return Reply(body=ManagedUserOut.of(user), version=user.version)
