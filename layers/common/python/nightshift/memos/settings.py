"""Settings of the memos context."""

from dataclasses import dataclass

from nightshift.core.environment import setting
from nightshift.ports.cards import MAX_CARDS

MAX_TEXT_CHARS = 100_000
GENERATORS = ("rules", "bedrock")


@dataclass(frozen=True, kw_only=True, slots=True)
class MemosTable:
    """Where memos and cards lie."""

    memos_table: str = setting(doc="The table of memos and flashcards.", wiring=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoSettings:
    """How memos and reviews behave, for all users."""

    memo_max_chars: int = setting(
        default=MAX_TEXT_CHARS,
        unit="characters",
        ge=1,
        le=MAX_TEXT_CHARS,
        doc="The longest text of a memo.",
    )
    memo_max_cards: int = setting(
        default=MAX_CARDS,
        unit="cards",
        ge=1,
        le=200,
        doc="How many cards are made of one text at most.",
    )
    memo_cards_limit: int = setting(
        default=500,
        unit="cards",
        ge=1,
        le=2_000,
        doc="From how many cards on a memo takes no more that are written by hand.",
    )
    new_cards_per_day: int = setting(
        default=20,
        unit="cards",
        ge=0,
        le=10_000,
        doc="How many new cards a user is shown on one day, once nothing else is due.",
    )
    desired_retention_percent: int = setting(
        default=90,
        unit="percent",
        ge=70,
        le=97,
        doc="How likely a card is still to be remembered when it falls due; higher means more "
        "reviews.",
    )
    card_generator: str = setting(
        default="rules",
        choices=GENERATORS,
        doc="What makes cards of a text: `rules` works offline and costs nothing, `bedrock` asks a "
        "model of Amazon Bedrock.",
    )
    bedrock_model_id: str = setting(
        default="",
        doc="The model or inference profile that the generator `bedrock` asks; required with it.",
    )
