"""The routes of registering, signing in and out."""

from nightshift.core.access import Permission
from nightshift.core.errors import ConflictError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import PUBLIC, Router
from nightshift.identity.edge import actor_of, client_of
from nightshift.identity.errors import (
    AccountDisabledError,
    EmailTakenError,
    InvalidCredentialsError,
    RefreshExpiredError,
    RefreshMalformedError,
    RefreshReusedError,
    RefreshUnknownError,
    RegistrationClosedError,
    TokenRevokedError,
    TooManyAttemptsError,
)
from nightshift.identity.schemas import AuthOut, LoginIn, RefreshIn, RegisterIn
from nightshift.identity.sessions import Sessions
from nightshift.identity.sign_in import SignIn

router: Router[SignIn] = Router(tag="Sign-in")
refresh_router: Router[Sessions] = Router(tag="Sign-in")


@router.route(
    "POST",
    "/auth/register",
    PUBLIC,
    body=RegisterIn,
    answer=AuthOut,
    status=201,
    idempotent=True,
    sealed=True,
    limit="register",
    errors=(EmailTakenError, RegistrationClosedError, ConflictError),
)
def register(sign_in: SignIn, request: Request[RegisterIn]) -> Reply:
    """Make an account and sign in.

    A link that verifies the address is mailed to it. With an Idempotency-Key the first answer is
    kept for ten minutes, sealed under the request.
    """
    body = request.body
    user, tokens = sign_in.register(
        user_id=request.new_id(),
        email=body.email,
        password=body.password,
        name=body.name,
        client=client_of(request.raw),
    )
    return Reply(body=AuthOut.of(user, tokens), headers={"location": "/api/v1/users/me"})


@router.route(
    "POST",
    "/auth/login",
    PUBLIC,
    body=LoginIn,
    answer=AuthOut,
    errors=(InvalidCredentialsError, AccountDisabledError, TooManyAttemptsError),
)
def login(sign_in: SignIn, request: Request[LoginIn]) -> Reply:
    """Sign in.

    Every sign-in begins a session of its own; an Idempotency-Key has no effect here. The answer is
    the same, and takes as long, whether there is no such account or the password is wrong.
    """
    user, tokens = sign_in.login(
        email=request.body.email,
        password=request.body.password,
        client=client_of(request.raw),
    )
    return Reply(body=AuthOut.of(user, tokens))


@refresh_router.route(
    "POST",
    "/auth/refresh",
    PUBLIC,
    body=RefreshIn,
    answer=AuthOut,
    errors=(
        RefreshMalformedError,
        RefreshUnknownError,
        RefreshExpiredError,
        RefreshReusedError,
        TokenRevokedError,
    ),
)
def refresh(sessions: Sessions, request: Request[RefreshIn]) -> Reply:
    """Get a new pair of tokens.

    A refresh token is good for one use. Repeated within the grace (10 s by default) it gives the
    same successor again, for a client that lost the answer; used later, it ends the session.
    """
    user, tokens = sessions.refresh(request.body.refresh_token, client_of(request.raw))
    return Reply(body=AuthOut.of(user, tokens))


@refresh_router.route("POST", "/auth/logout", Permission.SESSIONS_WRITE, status=204)
def logout(sessions: Sessions, request: Request) -> Reply:
    """End this session."""
    sessions.end(actor_of(request), request.caller.session_id)
    return Reply()


@refresh_router.route("POST", "/auth/logout-all", Permission.SESSIONS_WRITE, status=204)
def logout_all(sessions: Sessions, request: Request) -> Reply:
    """End all sessions of the user, this one too."""
    sessions.end_all(actor_of(request))
    return Reply()
