"""What the routes of identity take and answer."""

from typing import Annotated, Literal

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, StringConstraints

from nightshift.http.schemas import ApiModel, UtcTime
from nightshift.identity.devices import describe
from nightshift.identity.model import Session, User
from nightshift.identity.passwords import MAX_CHARS, MIN_CHARS
from nightshift.identity.sessions import Tokens

MAX_EMAIL_CHARS = 254
MAX_NAME_CHARS = 100
MAX_GIVEN_CHARS = 1024
MAX_TOKEN_CHARS = 4096
MAX_LINK_TOKEN_CHARS = 256


def check_email(text: str) -> str:
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


Email = Annotated[str, Field(max_length=MAX_EMAIL_CHARS), AfterValidator(check_email)]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME_CHARS),
    AfterValidator(_check_name),
]
NewPassword = Annotated[
    str,
    Field(
        min_length=MIN_CHARS,
        max_length=MAX_CHARS,
        description="8 to 128 characters, not among the most common.",
    ),
]
GivenPassword = Annotated[str, Field(min_length=1, max_length=MAX_GIVEN_CHARS)]
LinkToken = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_LINK_TOKEN_CHARS,
        description="What follows `token=` in the mailed link.",
    ),
]


class RegisterIn(ApiModel):
    """A new account."""

    email: Email = Field(description="Unique; upper and lower case are the same.")
    password: NewPassword
    name: Name = Field(description="How the user is called.")


class LoginIn(ApiModel):
    """Who signs in."""

    email: str = Field(min_length=1, max_length=MAX_EMAIL_CHARS)
    password: GivenPassword


class RefreshIn(ApiModel):
    """The refresh token of the last answer."""

    refresh_token: str = Field(min_length=1, max_length=MAX_TOKEN_CHARS)


class ChangePasswordIn(ApiModel):
    """A new password, and the one that it replaces."""

    current_password: GivenPassword
    new_password: NewPassword


class ForgotIn(ApiModel):
    """Whose password is forgotten."""

    email: Email


class ResetIn(ApiModel):
    """A mailed link's token, and the new password."""

    token: LinkToken
    password: NewPassword


class VerifyIn(ApiModel):
    """A mailed link's token."""

    token: LinkToken


class ProfileIn(ApiModel):
    """What of the user is to change; what is left out stays."""

    name: Name = Field(default="", description="How the user is called.")


class Accepted(ApiModel):
    """That something will be done, or would be."""

    detail: str


class UserOut(ApiModel):
    """A user as that user sees it."""

    id: str
    email: str
    name: str
    roles: list[str] = Field(description="Names of the roles; what they allow adds up.")
    email_verified: bool
    pending_email: str | None = Field(description="The address that is to be verified instead.")
    has_avatar: bool = Field(description="Whether GET /users/me/avatar shows a picture.")
    created_at: UtcTime
    updated_at: UtcTime
    version: int

    @classmethod
    def of(cls, user: User) -> "UserOut":
        """Return how a user is shown."""
        return cls(
            id=user.user_id,
            email=user.email,
            name=user.name,
            roles=list(user.roles),
            email_verified=user.email_verified,
            pending_email=user.pending_email or None,
            has_avatar=user.avatar is not None,
            created_at=user.created_at,
            updated_at=user.updated_at,
            version=user.version,
        )


class AuthOut(ApiModel):
    """A usable pair of tokens; lifetimes in seconds."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    refresh_token: str
    refresh_expires_in: int
    user: UserOut

    @classmethod
    def of(cls, user: User, tokens: Tokens) -> "AuthOut":
        """Return how tokens are handed out."""
        return cls(
            access_token=tokens.access_token,
            token_type="Bearer",  # noqa: S106 - the scheme's name (RFC 6750)
            expires_in=tokens.expires_in,
            refresh_token=tokens.refresh_token,
            refresh_expires_in=tokens.refresh_expires_in,
            user=UserOut.of(user),
        )


class SessionOut(ApiModel):
    """One sign-in."""

    id: str
    device: str = Field(description="What the client says it is, in plain words.")
    user_agent: str
    address: str
    created_at: UtcTime
    last_used_at: UtcTime
    expires_at: UtcTime
    current: bool = Field(description="Whether it is the session of this very request.")

    @classmethod
    def of(cls, session: Session, *, current: bool) -> "SessionOut":
        """Return how a session is shown."""
        return cls(
            id=session.session_id,
            device=describe(session.user_agent),
            user_agent=session.user_agent,
            address=session.address,
            created_at=session.created_at,
            last_used_at=session.last_used_at,
            expires_at=session.ends_at,
            current=current,
        )


class SessionPage(ApiModel):
    """A page of sessions, newest first."""

    items: list[SessionOut]
    next_cursor: str | None
