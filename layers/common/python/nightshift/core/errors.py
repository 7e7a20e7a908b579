"""The one exception root; every expected failure of the product descends from it.

A subclass sets `slug` (stable, snake_case, part of the API) and `status` (the HTTP status that the
edge answers with). Its docstring is the message a user reads when the raiser gives none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

MAX_ERRORS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldError:
    """One field of the input that is wrong, and what would be right.

    `field` is a dotted path from the root of the input ("retry.delay_s", "task_ids.3").
    """

    field: str
    message: str


class NightshiftError(Exception):
    """Something went wrong."""

    slug: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500

    def __init__(
        self,
        message: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        retry_after_s: int | None = None,
    ) -> None:
        """Build the error; `message` falls back to the class's docstring.

        `errors` names the fields at fault; `retry_after_s` is whole seconds until a retry may work.
        """
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.errors = _bounded(errors)
        self.retry_after_s = retry_after_s
        super().__init__(self.message)


def _bounded(errors: Sequence[FieldError]) -> tuple[FieldError, ...]:
    """Keep the first few: an answer must not grow with what is wrong in the question."""
    if len(errors) <= MAX_ERRORS:
        return tuple(errors)
    rest = f"{len(errors) - MAX_ERRORS} more fields are wrong."
    return (*errors[:MAX_ERRORS], FieldError(field="", message=rest))


class BadRequestError(NightshiftError):
    """The request cannot be understood."""

    slug = "bad_request"
    status = 400


class InvalidInputError(NightshiftError):
    """The input is not valid."""

    slug = "validation_failed"
    status = 422


class UnauthenticatedError(NightshiftError):
    """Credentials are missing or wrong."""

    slug = "unauthenticated"
    status = 401


class ForbiddenError(NightshiftError):
    """You lack the permission for this."""

    slug = "forbidden"
    status = 403


class NotFoundError(NightshiftError):
    """There is no such resource."""

    slug = "not_found"
    status = 404


class ConflictError(NightshiftError):
    """The resource changed meanwhile; read it again and retry."""

    slug = "conflict"
    status = 409


class PreconditionFailedError(NightshiftError):
    """The version in If-Match is not the current one."""

    slug = "precondition_failed"
    status = 412


class PayloadTooLargeError(NightshiftError):
    """The request body is larger than allowed."""

    slug = "payload_too_large"
    status = 413


class TooManyRequestsError(NightshiftError):
    """Too many requests; try again later."""

    slug = "too_many_requests"
    status = 429


class UnavailableError(NightshiftError):
    """A dependency does not answer; try again later."""

    slug = "unavailable"
    status = 503
