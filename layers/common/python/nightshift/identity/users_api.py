"""The routes of one's own user."""

from nightshift.core.access import Permission
from nightshift.core.errors import ConflictError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import Router
from nightshift.identity.edge import actor_of
from nightshift.identity.roles.errors import LastAdminError
from nightshift.identity.schemas import ProfileIn, UserOut
from nightshift.identity.service import Accounts

router: Router[Accounts] = Router(tag="Users")


@router.route("GET", "/users/me", Permission.PROFILE_READ, answer=UserOut, etag=True)
def get_me(accounts: Accounts, request: Request) -> Reply:
    """Read one's own user."""
    user = accounts.get_user(request.caller.user_id)
    return Reply(body=UserOut.of(user), version=user.version)


@router.route(
    "PATCH",
    "/users/me",
    Permission.PROFILE_WRITE,
    body=ProfileIn,
    answer=UserOut,
    etag=True,
    if_match=True,
    errors=(ConflictError,),
)
def change_me(accounts: Accounts, request: Request[ProfileIn]) -> Reply:
    """Change one's own user."""
    user = accounts.change_profile(
        request.caller.user_id,
        name=request.body.name or None,
        expected_version=request.expected_version(),
    )
    return Reply(body=UserOut.of(user), version=user.version)


@router.route(
    "DELETE",
    "/users/me",
    Permission.PROFILE_WRITE,
    status=204,
    if_match=True,
    errors=(ConflictError, LastAdminError),
)
def delete_me(accounts: Accounts, request: Request) -> Reply:
    """Delete one's own account; all its sessions end at once."""
    accounts.delete(actor_of(request), expected_version=request.expected_version())
    return Reply()
