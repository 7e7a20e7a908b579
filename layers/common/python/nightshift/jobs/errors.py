"""Expected failures of the engine."""

from nightshift.core.errors import ConflictError, NotFoundError


class JobNotFoundError(NotFoundError):
    """There is no such run."""

    slug = "run_not_found"


class JobNotOpenError(ConflictError):
    """The run has already ended, so it cannot be cancelled."""

    slug = "run_already_ended"


class JobNotEndedError(ConflictError):
    """The run has not ended yet, so it cannot be retried."""

    slug = "run_not_ended"


class DeadLetterNotFoundError(NotFoundError):
    """There is no such dead letter."""

    slug = "dead_letter_not_found"


class SupersededError(Exception):
    """Somebody else has closed this attempt or taken the seat over; what was held is void."""


class UnreadableMessageError(ValueError):
    """A queue message is none of ours."""
