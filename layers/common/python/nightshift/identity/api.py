"""The routes of accounts, sessions and the caller's own user."""

from typing import Annotated, Literal

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, StringConstraints

from nightshift.core.access import Permission, SessionId
from nightshift.core.errors import ConflictError
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import PUBLIC, Router
from nightshift.http.schemas import ApiModel, NoBody, PageQuery, UtcTime
from nightshift.identity.errors import (
    AccountDisabledError,
    EmailTakenError,
    InvalidCredentialsError,
    RefreshExpiredError,
    RefreshMalformedError,
    RefreshReusedError,
    RefreshUnknownError,
    RegistrationClosedError,
    SessionNotFoundError,
    TokenRevokedError,
    TooManyAttemptsError,
)
from nightshift.identity.model import Session, User
from nightshift.identity.roles.errors import LastAdminError
from nightshift.identity.service import Accounts
from nightshift.identity.sessions import Client, Tokens

MAX_EMAIL_CHARS = 254
MAX_NAME_CHARS = 100


def _check_email(text: str) -> str:
    """Return the address as RFC 5321 and RFC 6531 have it; whether it exists is not looked at."""
    try:
        found = validate_email(
            text, check_deliverability=False, globally_deliverable=False, strict=True
        )
    except EmailNotValidError as error:
        raise ValueError(f"This is no e-mail address like name@example.com: {error}") from error
    if "." not in found.domain:
        raise ValueError("The domain needs a dot, as in name@example.com")
    return found.normalized


def _check_name(text: str) -> str:
    if not text.isprintable():
        raise ValueError("A name has no control characters")
    return text


Email = Annotated[str, Field(max_length=MAX_EMAIL_CHARS), AfterValidator(_check_email)]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME_CHARS),
    AfterValidator(_check_name),
]
Password = Annotated[str, Field(min_length=8, max_length=128)]


class RegisterIn(ApiModel):
    """A new account."""

    email: Email = Field(description="Unique; upper and lower case are the same.")
    password: Password = Field(description="8 to 128 characters, not among the most common.")
    name: Name = Field(description="How the user is called.")


class LoginIn(ApiModel):
    """Who signs in."""

    email: str = Field(min_length=1, max_length=MAX_EMAIL_CHARS)
    password: str = Field(min_length=1, max_length=1024)


class RefreshIn(ApiModel):
    """The refresh token of the last answer."""

    refresh_token: str = Field(min_length=1, max_length=4096)


class ProfileIn(ApiModel):
    """What of the user is to change; what is left out stays."""

    name: Name = Field(default="", description="How the user is called.")


class UserOut(ApiModel):
    """A user as that user sees it."""

    id: str
    email: str
    name: str
    roles: list[str] = Field(description="Names of the roles; what they allow adds up.")
    email_verified: bool
    created_at: UtcTime
    updated_at: UtcTime
    version: int


class AuthOut(ApiModel):
    """A usable pair of tokens; lifetimes in seconds."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    refresh_token: str
    refresh_expires_in: int
    user: UserOut


class SessionOut(ApiModel):
    """One sign-in."""

    id: str
    user_agent: str
    address: str
    created_at: UtcTime
    last_used_at: UtcTime
    expires_at: UtcTime
    current: bool = Field(description="Whether it is the session of this very request.")


class SessionPage(ApiModel):
    """A page of sessions, newest first."""

    items: list[SessionOut]
    next_cursor: str | None


router: Router[Accounts] = Router(tag="Accounts")


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
def register(accounts: Accounts, request: Request[RegisterIn]) -> Reply:
    """Make an account and sign in.

    With an Idempotency-Key the first answer is kept for ten minutes, sealed under the request.
    """
    body = request.body
    user, tokens = accounts.register(
        user_id=request.new_id(),
        email=body.email,
        password=body.password,
        name=body.name,
        client=_client(request),
    )
    return Reply(body=_auth(user, tokens), headers={"location": "/api/v1/users/me"})


@router.route(
    "POST",
    "/auth/login",
    PUBLIC,
    body=LoginIn,
    answer=AuthOut,
    errors=(InvalidCredentialsError, AccountDisabledError, TooManyAttemptsError),
)
def login(accounts: Accounts, request: Request[LoginIn]) -> Reply:
    """Sign in.

    Every sign-in begins a session of its own; an Idempotency-Key has no effect here.
    """
    user, tokens = accounts.login(
        email=request.body.email, password=request.body.password, client=_client(request)
    )
    return Reply(body=_auth(user, tokens))


@router.route(
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
def refresh(accounts: Accounts, request: Request[RefreshIn]) -> Reply:
    """Get a new pair of tokens.

    A refresh token is good for one use. Repeated within the grace (10 s by default) it gives the
    same successor again, for a client that lost the answer; used later, it ends the session.
    """
    user, tokens = accounts.sessions.refresh(request.body.refresh_token)
    return Reply(body=_auth(user, tokens))


@router.route("POST", "/auth/logout", Permission.SESSIONS_WRITE, status=204)
def logout(accounts: Accounts, request: Request) -> Reply:
    """End this session."""
    accounts.sessions.end(request.caller.user_id, request.caller.session_id)
    return Reply()


@router.route("POST", "/auth/logout-all", Permission.SESSIONS_WRITE, status=204)
def logout_all(accounts: Accounts, request: Request) -> Reply:
    """End all sessions of the user, this one too."""
    accounts.sessions.end_all(request.caller.user_id)
    return Reply()


@router.route("GET", "/users/me", Permission.PROFILE_READ, answer=UserOut, etag=True)
def get_me(accounts: Accounts, request: Request) -> Reply:
    """Read one's own user."""
    user = accounts.get_user(request.caller.user_id)
    return Reply(body=_user(user), version=user.version)


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
    return Reply(body=_user(user), version=user.version)


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
    accounts.delete(request.caller.user_id, expected_version=request.expected_version())
    return Reply()


@router.route("GET", "/sessions", Permission.SESSIONS_READ, query=PageQuery, answer=SessionPage)
def list_sessions(accounts: Accounts, request: Request[NoBody, PageQuery]) -> Reply:
    """List one's own live sessions, newest first."""
    position = request.position()
    items, last = accounts.sessions.page(
        accounts.get_user(request.caller.user_id),
        limit=request.query.limit,
        after=SessionId(str(position["session_id"])) if position else None,
    )
    here = request.caller.session_id
    return Reply(
        body=SessionPage(
            items=[_session(s, current=s.session_id == here) for s in items],
            next_cursor=request.next_cursor({"session_id": last} if last else None),
        )
    )


@router.route(
    "DELETE",
    "/sessions/{session_id}",
    Permission.SESSIONS_WRITE,
    status=204,
    errors=(SessionNotFoundError,),
)
def end_session(accounts: Accounts, request: Request) -> Reply:
    """End one of one's own sessions."""
    accounts.sessions.end(request.caller.user_id, SessionId(request.path["session_id"]))
    return Reply()


def _client(request: Request[RegisterIn] | Request[LoginIn]) -> Client:
    return Client(
        address=request.raw.source_ip, user_agent=request.raw.headers.get("user-agent", "")
    )


def _auth(user: User, tokens: Tokens) -> AuthOut:
    return AuthOut(
        access_token=tokens.access_token,
        token_type="Bearer",  # noqa: S106 - the scheme's name (RFC 6750)
        expires_in=tokens.expires_in,
        refresh_token=tokens.refresh_token,
        refresh_expires_in=tokens.refresh_expires_in,
        user=_user(user),
    )


def _user(user: User) -> UserOut:
    return UserOut(
        id=user.user_id,
        email=user.email,
        name=user.name,
        roles=list(user.roles),
        email_verified=user.email_verified,
        created_at=user.created_at,
        updated_at=user.updated_at,
        version=user.version,
    )


def _session(session: Session, *, current: bool) -> SessionOut:
    return SessionOut(
        id=session.session_id,
        user_agent=session.user_agent,
        address=session.address,
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        expires_at=session.ends_at,
        current=current,
    )
