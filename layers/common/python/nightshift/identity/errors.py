"""Everything that can be wrong with an account, a token or a session."""

from nightshift.core.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    TooManyRequestsError,
    UnauthenticatedError,
)


class InvalidCredentialsError(UnauthenticatedError):
    """The e-mail address or the password is wrong."""

    slug = "invalid_credentials"


class EmailTakenError(ConflictError):
    """An account with this e-mail address exists; sign in, or reset its password."""

    slug = "email_taken"


class AccountDisabledError(ForbiddenError):
    """This account is disabled."""

    slug = "account_disabled"


class TooManyAttemptsError(TooManyRequestsError):
    """Too many attempts to sign in; Retry-After says in how many seconds to try again."""

    slug = "too_many_attempts"


class RegistrationClosedError(ForbiddenError):
    """No new accounts are taken at the moment."""

    slug = "registration_closed"


class UserNotFoundError(NotFoundError):
    """There is no such user."""

    slug = "user_not_found"


class SessionNotFoundError(NotFoundError):
    """There is no such session, or it has ended."""

    slug = "session_not_found"


class TokenError(UnauthenticatedError):
    """The token is not valid."""

    slug = "token_invalid"


class TokenExpiredError(TokenError):
    """The access token has expired; get a new one with POST /api/v1/auth/refresh."""

    slug = "token_expired"


class TokenMalformedError(TokenError):
    """The token is not a JSON Web Token of this service."""

    slug = "token_malformed"


class TokenSignatureInvalidError(TokenError):
    """The token was not signed by this service."""

    slug = "token_signature_invalid"


class TokenWrongTypeError(TokenError):
    """This is a token of another kind; an access token is needed here."""

    slug = "token_wrong_type"


class TokenWrongIssuerError(TokenError):
    """The token comes from another issuer."""

    slug = "token_wrong_issuer"


class TokenWrongAudienceError(TokenError):
    """The token is meant for another audience."""

    slug = "token_wrong_audience"


class TokenNotYetValidError(TokenError):
    """The token says that it was issued in the future."""

    slug = "token_not_yet_valid"


class TokenRevokedError(TokenError):
    """The session of this token has ended; sign in again."""

    slug = "token_revoked"


class RefreshMalformedError(TokenError):
    """This is not a refresh token of this service."""

    slug = "refresh_malformed"


class RefreshWrongTypeError(TokenError):
    """This is a token of another kind; a refresh token is needed here."""

    slug = "token_wrong_type"


class RefreshUnknownError(TokenError):
    """The refresh token was never given out, or its session is long gone."""

    slug = "refresh_unknown"


class RefreshExpiredError(TokenError):
    """The refresh token has expired; sign in again."""

    slug = "refresh_expired"


class RefreshReusedError(TokenError):
    """The refresh token was used before, so its session was ended; sign in again."""

    slug = "refresh_reused"
