"""Errors of the HTTP edge itself."""

from nightshift.core.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NightshiftError,
    NotFoundError,
    TooManyRequestsError,
)


class MalformedJsonError(BadRequestError):
    """The body is not valid JSON."""

    slug = "malformed_json"


class RouteNotFoundError(NotFoundError):
    """There is no such route; /api/v1/docs lists them."""

    slug = "route_not_found"


class MethodNotAllowedError(NightshiftError):
    """This route does not take this method."""

    slug = "method_not_allowed"
    status = 405

    def __init__(self, allowed: tuple[str, ...]) -> None:
        """Name the methods that the route does take."""
        self.allowed = allowed
        super().__init__(f"This route takes {', '.join(allowed)}.")


class UnsupportedMediaTypeError(NightshiftError):
    """The body must be sent as application/json in UTF-8."""

    slug = "unsupported_media_type"
    status = 415


class EmailUnverifiedError(ForbiddenError):
    """This takes a verified e-mail address; POST /api/v1/auth/verify-email/resend mails a link."""

    slug = "email_not_verified"


class RateLimitedError(TooManyRequestsError):
    """Too many requests; Retry-After says in how many seconds to go on."""

    slug = "rate_limited"


class IdempotencyKeyReusedError(InvalidInputError):
    """This Idempotency-Key was used with another body; use a fresh key for a new request."""

    slug = "idempotency_key_reused"


class IdempotencyKeyInvalidError(BadRequestError):
    """Idempotency-Key must be 1 to 255 visible ASCII characters."""

    slug = "idempotency_key_invalid"


class IdempotencyInProgressError(ConflictError):
    """The first request with this Idempotency-Key is still running; repeat it shortly."""

    slug = "idempotency_in_progress"


class IdempotentAnswerGoneError(ConflictError):
    """The first request succeeded, but its answer was too large to keep; read the resource."""

    slug = "idempotency_answer_gone"


class AnswerTooLargeError(InvalidInputError):
    """The answer would be larger than 6 MB; ask for fewer items with `limit`."""

    slug = "answer_too_large"
