"""When a card is due again: the FSRS scheduler, the one module that knows its library.

The library's random fuzz is off: a review repeated after a crash must give the same due time.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache

import fsrs

from nightshift.core.environment import SettingsError
from nightshift.memos.model import Card, CardState, Outcome, Recall
from nightshift.memos.settings import MemoSettings, numbers

_RATINGS = {
    Outcome.AGAIN: fsrs.Rating.Again,
    Outcome.HARD: fsrs.Rating.Hard,
    Outcome.GOOD: fsrs.Rating.Good,
    Outcome.EASY: fsrs.Rating.Easy,
}
_STATES = {
    CardState.NEW: fsrs.State.Learning,
    CardState.LEARNING: fsrs.State.Learning,
    CardState.REVIEW: fsrs.State.Review,
    CardState.RELEARNING: fsrs.State.Relearning,
}
_OWN_STATES = {state: own for own, state in _STATES.items() if own is not CardState.NEW}


@dataclass(frozen=True, kw_only=True, slots=True)
class Scheme:
    """How cards are scheduled.

    `desired_retention` is the probability with which a card shall still be remembered when it is
    due, the steps are the first intervals in minutes, `parameters` the weights of FSRS, empty for
    the library's own.
    """

    desired_retention: float
    max_interval_days: int
    learning_steps: tuple[float, ...]
    relearning_steps: tuple[float, ...]
    parameters: tuple[float, ...]


def scheme_of(settings: MemoSettings) -> Scheme:
    """Return how the settings have cards scheduled.

    Raises:
        SettingsError: the parameters are none that the scheduler takes.
    """
    scheme = Scheme(
        desired_retention=settings.desired_retention_percent / 100,
        max_interval_days=settings.review_max_interval_days,
        learning_steps=numbers(settings.review_learning_steps),
        relearning_steps=numbers(settings.review_relearning_steps),
        parameters=numbers(settings.fsrs_parameters),
    )
    try:
        _scheduler(scheme)
    except ValueError as error:
        raise SettingsError(f"NIGHTSHIFT_FSRS_PARAMETERS is refused: {error}") from error
    return scheme


@cache
def _scheduler(scheme: Scheme) -> fsrs.Scheduler:
    return fsrs.Scheduler(
        parameters=scheme.parameters or fsrs.Scheduler().parameters,
        desired_retention=scheme.desired_retention,
        learning_steps=_steps(scheme.learning_steps),
        relearning_steps=_steps(scheme.relearning_steps),
        maximum_interval=scheme.max_interval_days,
        enable_fuzzing=False,
    )


def _steps(minutes: tuple[float, ...]) -> tuple[timedelta, ...]:
    return tuple(timedelta(minutes=number) for number in minutes)


def reviewed(
    card: Card, outcome: Outcome, now: datetime, scheme: Scheme
) -> tuple[Recall, datetime]:  # fmt: skip
    """Return what is known of the card after this review, and when it is due again."""
    recall = card.recall
    given = fsrs.Card(
        card_id=0,
        state=_STATES[recall.state],
        step=recall.step,
        stability=recall.stability,
        difficulty=recall.difficulty,
        due=card.due_at,
        last_review=recall.last_review,
    )
    after, _ = _scheduler(scheme).review_card(given, _RATINGS[outcome], now)
    lapsed = recall.state is CardState.REVIEW and outcome is Outcome.AGAIN
    following = replace(
        recall,
        state=_OWN_STATES[after.state],
        step=after.step,
        stability=after.stability,
        difficulty=after.difficulty,
        last_review=now,
        reps=recall.reps + 1,
        lapses=recall.lapses + lapsed,
    )
    return following, after.due
