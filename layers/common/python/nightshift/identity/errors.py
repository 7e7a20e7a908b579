"""Everything that can be wrong with an account, a token or a session."""

from nightshift.core.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    InvalidInputError,
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
    """Too many attempts; Retry-After says in how many seconds to try again."""

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


class LinkError(BadRequestError):
    """The token of this link is not valid."""

    slug = "link_invalid"


class LinkMalformedError(LinkError):
    """This is not the token of a mailed link; take all that follows `token=` in it."""

    slug = "link_malformed"


class LinkWrongTypeError(LinkError):
    """This is the token of a link of another kind."""

    slug = "link_wrong_type"


class LinkUnknownError(LinkError):
    """This link was never given out, or is long gone; ask for a new one."""

    slug = "link_unknown"


class LinkUsedError(LinkError):
    """This link was used before; ask for a new one."""

    slug = "link_used"


class LinkExpiredError(LinkError):
    """This link has expired; ask for a new one."""

    slug = "link_expired"


class LinkVoidError(LinkError):
    """This link was overtaken by a later change of the account; ask for a new one."""

    slug = "link_void"


class EmailVerifiedError(ConflictError):
    """The e-mail address is verified already."""

    slug = "email_already_verified"


class PictureError(InvalidInputError):
    """The upload is no picture that can be used."""

    slug = "picture_invalid"


class AvatarNotFoundError(NotFoundError):
    """The user has no picture."""

    slug = "avatar_not_found"


class OwnAccountError(ConflictError):
    """This is your own account; use /users/me, or ask another administrator."""

    slug = "own_account"


class BeyondCallerError(ForbiddenError):
    """This user may do what you may not; ask somebody who may."""

    slug = "beyond_caller"
