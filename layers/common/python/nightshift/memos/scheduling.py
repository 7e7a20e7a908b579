"""When a card is due again: the FSRS scheduler, the one module that knows its library.

The library's random fuzz is off: a review repeated after a crash must give the same due time.
"""

from dataclasses import replace
from datetime import datetime
from functools import cache

import fsrs

from nightshift.memos.model import Card, CardState, Outcome, Recall

MAX_INTERVAL_DAYS = 3_650
"""A card known for good comes back after ten years at the latest."""

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


@cache
def _scheduler(desired_retention: float) -> fsrs.Scheduler:
    return fsrs.Scheduler(
        desired_retention=desired_retention,
        maximum_interval=MAX_INTERVAL_DAYS,
        enable_fuzzing=False,
    )


def reviewed(
    card: Card, outcome: Outcome, now: datetime, *, desired_retention: float
) -> tuple[Recall, datetime]:
    """Return what is known of the card after this review, and when it is due again.

    `desired_retention` is the probability with which it shall then still be remembered.
    """
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
    after, _ = _scheduler(desired_retention).review_card(given, _RATINGS[outcome], now)
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
