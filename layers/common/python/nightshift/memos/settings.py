"""Settings of the memos context."""

from dataclasses import dataclass

from nightshift.core.environment import SettingsError, setting
from nightshift.ports.cards import MAX_CARDS

MAX_TEXT_CHARS = 100_000
GENERATORS = ("rules", "bedrock")


@dataclass(frozen=True, kw_only=True, slots=True)
class MemosTable:
    """Where memos and cards lie."""

    memos_table: str = setting(doc="The table of memos and flashcards.", wiring=True)


FSRS_PARAMETERS = 21
MAX_STEPS = 10
MAX_STEP_MIN = 1_440


def numbers(text: str) -> tuple[float, ...]:
    """Return the numbers of a setting that lists them.

    Raises:
        ValueError: one of them is no number.
    """
    return tuple(float(part) for part in text.replace(",", " ").split())


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
    review_max_interval_days: int = setting(
        default=3_650,
        unit="days",
        ge=1,
        le=36_500,
        doc="After how many days a card comes back at the latest, however well it is known.",
    )
    review_learning_steps: str = setting(
        default="1 10",
        unit="minutes",
        doc="The first intervals of a new card, separated by spaces; none if empty.",
    )
    review_relearning_steps: str = setting(
        default="10",
        unit="minutes",
        doc="The first intervals of a card that was forgotten, separated by spaces; none if empty.",
    )
    fsrs_parameters: str = setting(
        default="",
        doc="The 21 parameters of the FSRS-6 scheduler, separated by spaces or commas, as an "
        "optimiser finds them from a review log; empty for those that fit most people.",
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
    bedrock_max_calls: int = setting(
        default=8,
        unit="calls",
        ge=1,
        le=50,
        doc="How many calls the cards of one text may cost, repeats after malformed answers "
        "included; what they do not reach is told as a problem.",
    )
    bedrock_portion_chars: int = setting(
        default=12_000,
        unit="characters",
        ge=1_000,
        le=100_000,
        doc="How much of a text goes into one call.",
    )
    bedrock_max_tokens: int = setting(
        default=4_096,
        unit="tokens",
        ge=256,
        le=16_384,
        doc="The longest answer to one call; one that is cut off there keeps its whole cards.",
    )

    def __post_init__(self) -> None:
        """Refuse lists of numbers that are none.

        Raises:
            SettingsError: one of them cannot be meant.
        """
        for name in ("review_learning_steps", "review_relearning_steps"):
            _check_steps(f"NIGHTSHIFT_{name.upper()}", getattr(self, name))
        found = _numbers("NIGHTSHIFT_FSRS_PARAMETERS", self.fsrs_parameters)
        if len(found) not in {0, FSRS_PARAMETERS}:
            raise SettingsError(
                f"NIGHTSHIFT_FSRS_PARAMETERS has {len(found)} numbers; it takes {FSRS_PARAMETERS}, "
                "or none."
            )


def _check_steps(name: str, text: str) -> None:
    steps = _numbers(name, text)
    if len(steps) > MAX_STEPS or not all(0 < step <= MAX_STEP_MIN for step in steps):
        raise SettingsError(
            f"{name}={text!r} must be at most {MAX_STEPS} numbers of minutes, each over 0 and at "
            f"most {MAX_STEP_MIN}."
        )


def _numbers(name: str, text: str) -> tuple[float, ...]:
    try:
        return numbers(text)
    except ValueError as error:
        raise SettingsError(f"{name}={text!r} must be numbers.") from error
