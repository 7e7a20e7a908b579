"""Card generator: makes flashcards of a text."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Protocol

from nightshift.core.errors import NightshiftError

MAX_FRONT = 500
"""Characters of a card's front, at most."""

MAX_BACK = 500
"""Characters of a card's back, at most."""

MAX_CARDS = 30
"""Cards of one text, unless the caller says otherwise."""


class CardKind(StrEnum):
    """What a card asks for."""

    DEFINITION = "definition"
    ABBREVIATION = "abbreviation"
    LIST = "list"
    STEP = "step"
    DATE = "date"
    NUMBER = "number"
    CAUSE = "cause"
    QUESTION = "question"
    CLOZE = "cloze"


@dataclass(frozen=True, kw_only=True, slots=True)
class CardDraft:
    """A card that nobody has saved yet.

    `front` may have a first line that says what the card is about; neither side is empty or longer
    than `MAX_FRONT` and `MAX_BACK`.
    """

    front: str
    back: str
    kind: CardKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Generation:
    """The cards of a text in its order, and one sentence on each thing that could not be made."""

    cards: tuple[CardDraft, ...]
    problems: tuple[str, ...] = ()


class GeneratorError(NightshiftError):
    """The card generator could not make cards.

    `retryable` tells whether the same call may succeed later; `retry_after_s` then says in how many
    seconds, where that is known.
    """

    slug = "generator_failed"
    status = 502
    retryable: ClassVar[bool] = False


class GeneratorThrottledError(GeneratorError):
    """The card generator is asked too often; try again later."""

    slug = "generator_throttled"
    status = 503
    retryable = True


class GeneratorUnavailableError(GeneratorError):
    """The card generator does not answer; try again later."""

    slug = "generator_unavailable"
    status = 503
    retryable = True


class GeneratorDeniedError(GeneratorError):
    """The card generator may not be used: the model is not there or access to it is not granted."""

    slug = "generator_denied"


class GeneratorRejectedError(GeneratorError):
    """The card generator refuses the request as invalid."""

    slug = "generator_rejected"


class CardGenerator(Protocol):
    """Makes cards; the same text twice may be asked for, nothing is remembered."""

    @property
    def name(self) -> str:
        """The word by which the configuration and a memo's record call it."""
        ...

    def generate(self, title: str, text: str, *, max_cards: int = MAX_CARDS) -> Generation:
        """Make at most `max_cards` cards, at least none, in the order of the text.

        A text that gives no card is no error: the generation then says so among its problems.

        Raises:
            GeneratorError: nothing could be made; see `retryable`.
        """
        ...
