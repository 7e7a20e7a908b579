"""The routes of signing in with a provider."""

from nightshift.core.errors import ConflictError, NightshiftError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import BASE_PATH, PUBLIC, PathParam, Router
from nightshift.http.schemas import NoBody
from nightshift.identity.edge import client_of
from nightshift.identity.errors import (
    AccountDisabledError,
    EmailTakenError,
    RegistrationClosedError,
)
from nightshift.identity.oidc.desk import Desk
from nightshift.identity.oidc.errors import (
    AccountUnverifiedError,
    CodeInvalidError,
    EmailUnverifiedError,
    IdentityTakenError,
    IdTokenInvalidError,
    IssuerMismatchError,
    LinkUnverifiedError,
    NoPagesError,
    ProviderNotFoundError,
    ProviderRefusedError,
    ProviderUnavailableError,
    SignInAgainError,
    StateInvalidError,
    StateUsedError,
    TooManyIdentitiesError,
)
from nightshift.identity.oidc.model import Back
from nightshift.identity.oidc.schemas import CallbackQuery, ProviderList, ProviderOut, StartQuery
from nightshift.identity.oidc.ways import with_error
from nightshift.identity.schemas import AuthOut

PROVIDER = PathParam(pattern="[a-z][a-z0-9-]{0,31}", doc="The provider's id.", example="staff")

router: Router[Desk] = Router(tag="Sign-in")


@router.route("GET", "/auth/oidc", PUBLIC, answer=ProviderList)
def list_providers(desk: Desk, request: Request) -> Reply:
    """List whom one can sign in with."""
    base = desk.base_url(request.raw) + BASE_PATH
    found = [ProviderOut.of(provider, base) for provider in desk.door.providers()]
    return Reply(body=ProviderList(items=found))


@router.route(
    "GET",
    "/auth/oidc/{provider}/start",
    PUBLIC,
    query=StartQuery,
    status=302,
    path_params={"provider": PROVIDER},
    limit="oidc-start",
    errors=(ProviderNotFoundError, ProviderUnavailableError, NoPagesError),
)
def start_oidc(desk: Desk, request: Request[NoBody, StartQuery]) -> Reply:
    """Send the browser to the provider; a cookie binds what comes back to this browser."""
    provider_id, way = request.path["provider"], request.query.next
    if way and desk.pages is None:
        raise NoPagesError
    departure = desk.door.begin(
        provider_id, redirect_uri=desk.redirect_uri(request.raw, provider_id), way=way
    )
    return Reply(
        headers={"location": departure.url},
        cookies=(desk.cookie(request.raw, departure.flow),),
    )


@router.route(
    "GET",
    "/auth/oidc/{provider}/callback",
    PUBLIC,
    query=CallbackQuery,
    answer=AuthOut,
    statuses={
        204: "An identity was linked; the session that asked for it goes on.",
        303: "The same for a browser that came from a page: on to the next one.",
    },
    path_params={"provider": PROVIDER},
    errors=(
        ProviderNotFoundError,
        ProviderUnavailableError,
        StateInvalidError,
        StateUsedError,
        IssuerMismatchError,
        ProviderRefusedError,
        CodeInvalidError,
        IdTokenInvalidError,
        EmailUnverifiedError,
        AccountUnverifiedError,
        AccountDisabledError,
        EmailTakenError,
        RegistrationClosedError,
        SignInAgainError,
        LinkUnverifiedError,
        IdentityTakenError,
        TooManyIdentitiesError,
        ConflictError,
    ),
)
def finish_oidc(desk: Desk, request: Request[NoBody, CallbackQuery]) -> Reply:
    """Sign in with what the provider says; the answer is that of a sign-in with a password.

    Who comes for the first time gets an account, or is linked to the one of the same address if
    both sides have verified it. Who went to link an identity gets it linked instead.
    """
    provider_id, said = request.path["provider"], request.query
    back = Back(
        state=said.state,
        code=said.code,
        issuer=said.iss,
        error=said.error,
        cookies=desk.cookies(request.raw),
    )
    try:
        done = desk.door.complete(
            provider_id,
            back,
            redirect_uri=desk.redirect_uri(request.raw, provider_id),
            user_id=request.new_id(),
            client=client_of(request.raw),
        )
    except NightshiftError as error:
        way = desk.way_back(provider_id, back)
        if not way:
            raise
        return desk.send_back(request.raw, with_error(way, error.slug), said.state)
    if done.way:
        return desk.send_on(request.raw, done, said.state)
    cookies = (desk.no_cookie(request.raw, said.state),)
    if done.tokens is None:
        return Reply(status=204, cookies=cookies)
    return Reply(body=AuthOut.of(done.user, done.tokens), cookies=cookies)
