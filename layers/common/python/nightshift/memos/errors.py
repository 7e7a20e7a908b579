"""Expected failures of memos and cards."""

from nightshift.core.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PayloadTooLargeError,
    PreconditionFailedError,
)


class MemoNotFoundError(NotFoundError):
    """There is no such memo."""

    slug = "memo_not_found"


class MemoChangedError(ConflictError):
    """The memo changed meanwhile; read it again and retry."""

    slug = "memo_changed"


class MemoVersionError(PreconditionFailedError):
    """The version in If-Match is not the memo's current one."""

    slug = "precondition_failed"


class TextTooLongError(PayloadTooLargeError):
    """The text is longer than a memo may be."""

    slug = "text_too_long"


class CardNotFoundError(NotFoundError):
    """There is no such card."""

    slug = "card_not_found"


class CardChangedError(ConflictError):
    """The card changed meanwhile, perhaps by another review; read it again and retry."""

    slug = "card_changed"


class CardVersionError(PreconditionFailedError):
    """The version in If-Match is not the card's current one."""

    slug = "precondition_failed"


class TooManyCardsError(ConflictError):
    """The memo has as many cards as a memo may have; delete some first."""

    slug = "too_many_cards"


class InvalidPostponementError(InvalidInputError):
    """The time to postpone to must lie in the future, ten years ahead at most."""

    slug = "invalid_postponement"


class UnknownTimezoneError(InvalidInputError):
    """There is no time zone of this name."""

    slug = "invalid_timezone"


class WorkSupersededError(Exception):
    """The attempt may not save cards any more: the memo is gone, newer, or another's to work on."""
