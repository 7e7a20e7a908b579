"""Each way in which an API key can be wrong, and what can be wrong with managing keys."""

from nightshift.core.errors import ConflictError, InvalidInputError, NotFoundError
from nightshift.identity.errors import TokenError


class ApiKeyError(TokenError):
    """The API key is not valid."""

    slug = "api_key_invalid"


class ApiKeyMalformedError(ApiKeyError):
    """This is not an API key of this service: nsk_ and 36 letters and digits."""

    slug = "api_key_malformed"


class ApiKeyChecksumError(ApiKeyError):
    """The API key was mistyped or cut off: its checksum does not fit."""

    slug = "api_key_checksum"


class ApiKeyUnknownError(ApiKeyError):
    """This API key was never given out, or is long gone."""

    slug = "api_key_unknown"


class ApiKeyRevokedError(ApiKeyError):
    """This API key was revoked."""

    slug = "api_key_revoked"


class ApiKeyRotatedError(ApiKeyError):
    """This API key was rotated, and the time in which the old secret still worked is over."""

    slug = "api_key_rotated"


class ApiKeyExpiredError(ApiKeyError):
    """This API key has expired."""

    slug = "api_key_expired"


class ApiKeyOwnerError(ApiKeyError):
    """The account of this API key is disabled or gone."""

    slug = "api_key_owner_gone"


class ApiKeyAddressError(ApiKeyError):
    """This API key cannot be used from this address."""

    slug = "api_key_address_not_allowed"


KEY_ERRORS: tuple[type[ApiKeyError], ...] = (
    ApiKeyMalformedError,
    ApiKeyChecksumError,
    ApiKeyUnknownError,
    ApiKeyRevokedError,
    ApiKeyRotatedError,
    ApiKeyExpiredError,
    ApiKeyOwnerError,
    ApiKeyAddressError,
)


class ApiKeyNotFoundError(NotFoundError):
    """There is no such API key."""

    slug = "api_key_not_found"


class ApiKeyLimitError(ConflictError):
    """You have as many API keys as you can have; revoke one that you do not use."""

    slug = "api_key_limit"


class ApiKeyScopeError(InvalidInputError):
    """An API key cannot have this scope."""

    slug = "scope_not_for_keys"


class ApiKeyLifetimeError(InvalidInputError):
    """The API key would expire in the past, or live longer than the administrators allow."""

    slug = "api_key_lifetime"
