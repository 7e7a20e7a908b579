"""Bodies and answers of the card and review API."""

from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from nightshift.http.schemas import ApiModel, PageQuery, QueryModel, UtcTime
from nightshift.memos.model import Card, CardState, Outcome
from nightshift.memos.reviews import CardStats, Next
from nightshift.memos.schemas import check_text
from nightshift.ports.cards import CardKind

MAX_SIDE_CHARS = 1_000
MAX_DAYS = 3_650

Side = Annotated[str, Field(min_length=1, max_length=MAX_SIDE_CHARS), AfterValidator(check_text)]
Timezone = Annotated[str, Field(max_length=64, description="An IANA name; days are counted in it.")]


class CardIn(ApiModel):
    """A card written by hand."""

    front: Side
    back: Side
    kind: CardKind = CardKind.QUESTION


class CardPatch(ApiModel):
    """What is to change of a card; what is left out stays."""

    front: Side | None = None
    back: Side | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if any(getattr(self, name) is None for name in self.model_fields_set):
            raise ValueError("A card needs both sides; leave one out to keep it")
        return self


class PostponeIn(ApiModel):
    """Until when a card is put off: by days, or to a time."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"days": 1}]})

    days: int | None = Field(
        default=None,
        ge=1,
        le=MAX_DAYS,
        description="Counted from the card's due time, or from now if that is past.",
    )
    until: UtcTime | None = Field(default=None, description="A time in the future.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.days is None) == (self.until is None):
            raise ValueError("Give either `days` or `until`")
        return self


class ReviewIn(ApiModel):
    """How a review went."""

    outcome: Outcome = Field(
        description="`again`: not remembered; `hard`, `good`, `easy`: remembered, with that effort."
    )


class StatsOfCard(ApiModel):
    """How well a card is remembered."""

    state: CardState
    reps: int = Field(description="Reviews so far.")
    lapses: int = Field(description="How often it was forgotten after it had been learnt.")
    stability_days: float | None = Field(
        description="After how many days it is remembered with 90 %."
    )
    difficulty: float | None = Field(description="From 1, easy, to 10, hard.")
    last_reviewed_at: UtcTime | None


class CardOut(ApiModel):
    """A flashcard."""

    id: str
    memo_id: str
    front: str
    back: str
    kind: str
    due_at: UtcTime
    stats: StatsOfCard
    is_edited: bool = Field(description="Whether somebody changed it by hand.")
    stale_source: bool = Field(description="Whether the memo's text no longer states its fact.")
    created_at: UtcTime
    updated_at: UtcTime
    version: int

    @classmethod
    def of(cls, card: Card) -> Self:
        """Return the API's form."""
        recall = card.recall
        return cls(
            id=card.id,
            memo_id=card.memo_id,
            front=card.front,
            back=card.back,
            kind=card.kind,
            due_at=card.due_at,
            stats=StatsOfCard(
                state=recall.state,
                reps=recall.reps,
                lapses=recall.lapses,
                stability_days=recall.stability,
                difficulty=recall.difficulty,
                last_reviewed_at=recall.last_review,
            ),
            is_edited=card.edited,
            stale_source=card.stale_source,
            created_at=card.created_at,
            updated_at=card.updated_at,
            version=card.version,
        )


class CardQuery(PageQuery):
    """Which cards to list."""

    due: bool = Field(
        default=False, description="Only cards that are due now, the most overdue first."
    )


class CardPage(ApiModel):
    """A page of cards."""

    items: list[CardOut]
    next_cursor: str | None


class NextQuery(QueryModel):
    """In which time zone the day's new cards are counted."""

    timezone: Timezone = "UTC"


class DueTimes(ApiModel):
    """When the card would be due again after each outcome."""

    again: UtcTime
    hard: UtcTime
    good: UtcTime
    easy: UtcTime


class NextOut(ApiModel):
    """The card to review now, or null, and when the next one comes up."""

    card: CardOut | None
    outcomes: DueTimes | None
    next_due_at: UtcTime | None

    @classmethod
    def of(cls, found: Next) -> Self:
        """Return the API's form."""
        outcomes = found.outcomes
        return cls(
            card=CardOut.of(found.card) if found.card else None,
            outcomes=DueTimes(**{o.value: at for o, at in outcomes.items()}) if outcomes else None,
            next_due_at=found.due_at,
        )


class CardStatsOut(ApiModel):
    """All of the caller's cards and reviews in numbers."""

    total: int
    due: int = Field(description="Cards to review now, new ones aside; counted up to 1000.")
    new: int = Field(description="Cards that were never reviewed.")
    learning: int = Field(description="Cards in their first short intervals, or forgotten lately.")
    review: int = Field(description="Cards in the long intervals.")
    reviews_today: int
    reviews_total: int
    streak_days: int = Field(description="Days in a row with a review, up to today or yesterday.")
    lapses: int = Field(description="How often cards were forgotten after they had been learnt.")
    retention: float | None = Field(
        description="Share of remembered ones among the last 30 days' reviews of cards known well "
        "(stability of 21 days or more); null without such reviews."
    )
    mature_reviews: int = Field(description="How many reviews `retention` is based on.")

    @classmethod
    def of(cls, found: CardStats) -> Self:
        """Return the API's form."""
        totals, habit = found.totals, found.habit
        return cls(
            total=totals.new + totals.learning + totals.review,
            due=found.due,
            new=totals.new,
            learning=totals.learning,
            review=totals.review,
            reviews_today=habit.reviews_today,
            reviews_total=totals.reviews,
            streak_days=habit.streak_days,
            lapses=totals.lapses,
            retention=habit.retention,
            mature_reviews=habit.mature_reviews,
        )
