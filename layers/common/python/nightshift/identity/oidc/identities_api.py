"""The routes of the identities that sign in to one's own account."""

from nightshift.core.access import Permission
from nightshift.core.errors import ConflictError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import PathParam, Router
from nightshift.identity.edge import actor_of
from nightshift.identity.oidc.api import PROVIDER
from nightshift.identity.oidc.desk import Desk
from nightshift.identity.oidc.errors import (
    IdentityNotFoundError,
    LastWayInError,
    LinkUnverifiedError,
    ProviderNotFoundError,
    ProviderUnavailableError,
    SignInAgainError,
)
from nightshift.identity.oidc.schemas import IdentityList, IdentityOut, LinkIn, LinkStart

_IDENTITY = PathParam(pattern="[0-9a-f]{64}", doc="The identity's id.", example="9f86d081" * 8)

router: Router[Desk] = Router(tag="Sign-in")


@router.route(
    "POST",
    "/auth/oidc/{provider}/link",
    Permission.PROFILE_WRITE,
    body=LinkIn,
    answer=LinkStart,
    path_params={"provider": PROVIDER},
    limit="oidc-start",
    errors=(
        ProviderNotFoundError,
        ProviderUnavailableError,
        SignInAgainError,
        LinkUnverifiedError,
    ),
)
def link_identity(desk: Desk, request: Request[LinkIn]) -> Reply:
    """Begin to link an identity to one's own account; send the browser to the answer's `url`.

    It takes a verified address, a recent sign-in, and the same browser on both ways: a cookie
    binds what comes back to it.
    """
    provider_id = request.path["provider"]
    departure = desk.door.begin_link(
        provider_id,
        actor_of(request),
        request.caller.session_id,
        redirect_uri=desk.redirect_uri(request.raw, provider_id),
        way=request.body.next,
    )
    return Reply(
        body=LinkStart(url=departure.url, expires_at=departure.flow.ends_at),
        cookies=(desk.cookie(request.raw, departure.flow),),
    )


@router.route("GET", "/users/me/identities", Permission.PROFILE_READ, answer=IdentityList)
def list_identities(desk: Desk, request: Request) -> Reply:
    """List the ways to sign in to one's own account."""
    user, found = desk.linking.ways_in(request.caller.user_id)
    items = [IdentityOut.of(one) for one in found]
    return Reply(body=IdentityList(has_password=bool(user.password_hash), items=items))


@router.route(
    "DELETE",
    "/users/me/identities/{identity_id}",
    Permission.PROFILE_WRITE,
    status=204,
    path_params={"identity_id": _IDENTITY},
    errors=(IdentityNotFoundError, LastWayInError, SignInAgainError, ConflictError),
)
def unlink_identity(desk: Desk, request: Request) -> Reply:
    """Take a way to sign in away; takes a recent sign-in, and ends all other sessions.

    The last one stays: who has no password sets one first by the mail for forgotten ones.
    """
    desk.linking.unlink(actor_of(request), request.caller.session_id, request.path["identity_id"])
    return Reply()
