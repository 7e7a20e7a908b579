"""Memos, their flashcards, and how well a card is remembered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NewType

from nightshift.core.access import UserId

MemoId = NewType("MemoId", str)
CardId = NewType("CardId", str)

CARDS_KIND = "memo.cards"
PURGE_KIND = "memo.purge"
EXCERPT_CHARS = 160
MATURE_STABILITY_DAYS = 21.0
"""From this stability on a card counts as known for good; the usual border among such programs."""


class MemoStatus(StrEnum):
    """How far a memo's cards are."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    COMPLETED_WITH_ERRORS = "completed_with_errors"
    FAILED = "failed"


OPEN = frozenset({MemoStatus.PENDING, MemoStatus.PROCESSING})
DONE = frozenset({MemoStatus.COMPLETED, MemoStatus.COMPLETED_WITH_ERRORS})


class CardState(StrEnum):
    """Where a card stands in its learning."""

    NEW = "new"
    LEARNING = "learning"
    REVIEW = "review"
    RELEARNING = "relearning"


class Outcome(StrEnum):
    """How a review went, in the reviewer's own judgement."""

    AGAIN = "again"
    HARD = "hard"
    GOOD = "good"
    EASY = "easy"


@dataclass(frozen=True, kw_only=True, slots=True)
class MakeCards:
    """The payload of `memo.cards`: make the cards of one generation of a memo."""

    memo_id: str
    generation: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class PurgeMemo:
    """The payload of `memo.purge`: remove what is left of a deleted memo."""

    memo_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Memo:
    """A memo without its text.

    `generation` counts the times that cards were asked for; `job_id` is the job of the newest one.
    `text_version` counts the texts, `made_of` is the one that the cards were made of. `worker` is
    the attempt that may save cards now. `gone` is a memo that was deleted and still has remains.
    `version` counts all changes.
    """

    id: MemoId
    owner_id: UserId
    created_at: datetime
    updated_at: datetime
    job_id: str
    title: str | None = None
    excerpt: str = ""
    status: MemoStatus = MemoStatus.PENDING
    generation: int = 1
    text_version: int = 1
    made_of: int | None = None
    generator: str | None = None
    card_count: int = 0
    problems: tuple[str, ...] = ()
    error: str | None = None
    error_message: str | None = None
    worker: str | None = None
    gone: bool = False
    version: int = 1

    @property
    def is_outdated(self) -> bool:
        """Whether the text changed since its cards were made."""
        return self.made_of is not None and self.made_of != self.text_version


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoText:
    """A memo's text, and the number of this text."""

    text: str
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Recall:
    """What the scheduler knows of a card's place in memory.

    `stability` is in days, `difficulty` between 1 and 10; both are None before the first review.
    `step` is the place among the short first intervals, None outside of them.
    """

    state: CardState = CardState.NEW
    step: int | None = None
    stability: float | None = None
    difficulty: float | None = None
    last_review: datetime | None = None
    reps: int = 0
    lapses: int = 0

    @property
    def is_mature(self) -> bool:
        """Whether the card is known for good, as far as anybody can tell."""
        return self.state is CardState.REVIEW and (self.stability or 0) >= MATURE_STABILITY_DAYS


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """A flashcard.

    `fact` and `core` identify what a generated card asks, with and without the line that says what
    it is about; a card written by hand has neither. `stale_source` marks one whose fact the text no
    longer states. `due_at` of a card that waits for its first review is its creation.
    """

    id: CardId
    owner_id: UserId
    memo_id: MemoId
    front: str
    back: str
    kind: str
    created_at: datetime
    updated_at: datetime
    due_at: datetime
    position: int = 0
    fact: str | None = None
    core: str | None = None
    edited: bool = False
    stale_source: bool = False
    recall: Recall = field(default_factory=Recall)
    version: int = 1

    @property
    def is_fresh(self) -> bool:
        """Whether the card waits in the line of new cards; one that was postponed does not."""
        return self.recall.state is CardState.NEW and self.due_at <= self.created_at

    @property
    def is_precious(self) -> bool:
        """Whether somebody has put work into the card."""
        return self.edited or self.recall.reps > 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A card before and after; None before is a new card, None after a removed one."""

    before: Card | None = None
    after: Card | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """One review that counts: an entry of the review log."""

    id: str
    card: Card
    outcome: Outcome
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """An owner's cards by state, learning and relearning as one, and all reviews ever."""

    new: int = 0
    learning: int = 0
    review: int = 0
    reviews: int = 0
    lapses: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Day:
    """The reviews of one UTC day.

    `reviews` and `first_reviews` count by quarter of an hour (0 to 95), since the offset of every
    time zone is a multiple of one. `mature` counts reviews of mature cards, `kept` those of them
    that were remembered.
    """

    date: date
    reviews: Mapping[int, int] = field(default_factory=dict)
    first_reviews: Mapping[int, int] = field(default_factory=dict)
    mature: int = 0
    kept: int = 0
