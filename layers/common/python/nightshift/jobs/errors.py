"""Expected failures of the engine."""

from nightshift.core.errors import ConflictError, NotFoundError, TooManyRequestsError


class JobNotFoundError(NotFoundError):
    """There is no such job."""

    slug = "job_not_found"


class JobNotOpenError(ConflictError):
    """The job has already ended, so it cannot be cancelled."""

    slug = "job_already_ended"


class JobNotEndedError(ConflictError):
    """The job has not ended yet."""

    slug = "job_not_ended"


class DeadLetterNotFoundError(NotFoundError):
    """There is no such dead letter."""

    slug = "dead_letter_not_found"


class UniqueKeyTakenError(ConflictError):
    """Another job of the same unique key is open; this one cannot be tried again beside it."""

    slug = "unique_key_taken"


class NoOutputError(NotFoundError):
    """The job has no file to download; what it came to, if anything, is in its `result`."""

    slug = "no_output"


class QueueFullError(TooManyRequestsError):
    """The queue holds as much as it may; try again later."""

    slug = "queue_full"


class JobLostError(Exception):
    """The attempt is cancelled, or another worker has taken it over: its work is void."""


class SupersededError(Exception):
    """Somebody else has closed this attempt or taken the seat over; what was held is void."""


class UnreadableMessageError(ValueError):
    """A queue message is none of ours."""


class DeadLettersLeftError(Exception):
    """Dead letters could not be kept; they come back."""
