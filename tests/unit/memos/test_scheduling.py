"""Due times: what the FSRS library says for each life of a card, under the settings' scheme."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import fsrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightshift.core.environment import SettingsError, load
from nightshift.core.ids import new_id
from nightshift.memos.model import Card, CardId, CardState, MemoId, Outcome, Recall
from nightshift.memos.scheduling import reviewed, scheme_of
from nightshift.memos.settings import MemoSettings
from tests.unit.memos.scene import ANNA

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CARD = Card(
    id=CardId(new_id(NOW)),
    owner_id=ANNA,
    memo_id=MemoId(new_id(NOW)),
    front="f",
    back="b",
    kind="question",
    created_at=NOW,
    updated_at=NOW,
    due_at=NOW,
)
SCHEME = scheme_of(MemoSettings())
RATINGS = {
    Outcome.AGAIN: fsrs.Rating.Again,
    Outcome.HARD: fsrs.Rating.Hard,
    Outcome.GOOD: fsrs.Rating.Good,
    Outcome.EASY: fsrs.Rating.Easy,
}
REVIEWS = st.lists(
    st.tuples(st.sampled_from(list(Outcome)), st.integers(0, 60 * 24 * 400)), min_size=1, max_size=8
)


@given(REVIEWS)
def test_a_card_lives_as_the_library_says(reviews: list[tuple[Outcome, int]]) -> None:
    """Any outcomes at any times: the same state, memory and due time as the library's own card."""
    scheduler = fsrs.Scheduler(enable_fuzzing=False, maximum_interval=3_650)
    own, theirs, now = CARD, fsrs.Card(card_id=1, due=NOW), NOW
    for outcome, minutes in reviews:
        now += timedelta(minutes=minutes)
        recall, due_at = reviewed(own, outcome, now, SCHEME)
        own = replace(own, recall=recall, due_at=due_at)
        theirs, _ = scheduler.review_card(theirs, RATINGS[outcome], now)
        assert (theirs.due, theirs.stability, theirs.difficulty, theirs.step) == (
            own.due_at,
            own.recall.stability,
            own.recall.difficulty,
            own.recall.step,
        )
        assert theirs.state.name.lower() == own.recall.state.value


@given(st.sampled_from(list(Outcome)), st.integers(-3, 3))
def test_a_clock_that_steps_back_harms_nothing(outcome: Outcome, seconds: int) -> None:
    """Two functions' clocks differ a little: the review counts, and is due after it."""
    recall = Recall(
        state=CardState.REVIEW, stability=9.0, difficulty=5.0, last_review=NOW, reps=3, lapses=1
    )
    now = NOW + timedelta(seconds=seconds)
    after, due_at = reviewed(replace(CARD, recall=recall), outcome, now, SCHEME)
    assert due_at > now
    assert (4, 1 + (outcome is Outcome.AGAIN)) == (after.reps, after.lapses)


def test_the_scheme_follows_the_settings() -> None:
    """First intervals, the longest one and the parameters are the server's to choose."""
    scheme = scheme_of(
        load(
            MemoSettings,
            {
                "NIGHTSHIFT_REVIEW_LEARNING_STEPS": "3, 30",
                "NIGHTSHIFT_REVIEW_RELEARNING_STEPS": "",
                "NIGHTSHIFT_REVIEW_MAX_INTERVAL_DAYS": "20",
                "NIGHTSHIFT_FSRS_PARAMETERS": " ".join(
                    str(number) for number in fsrs.Scheduler().parameters
                ),
            },
        )
    )
    first, due_at = reviewed(CARD, Outcome.AGAIN, NOW, scheme)
    assert (CardState.LEARNING, NOW + timedelta(minutes=3)) == (first.state, due_at)
    known = Recall(state=CardState.REVIEW, stability=900.0, difficulty=3.0, last_review=NOW)
    later = NOW + timedelta(days=900)
    _, due_at = reviewed(replace(CARD, recall=known), Outcome.EASY, later, scheme)
    assert later + timedelta(days=20) == due_at
    forgotten, _ = reviewed(replace(CARD, recall=known), Outcome.AGAIN, later, scheme)
    assert CardState.REVIEW is forgotten.state


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REVIEW_LEARNING_STEPS", "soon"),
        ("REVIEW_LEARNING_STEPS", "0"),
        ("REVIEW_LEARNING_STEPS", "nan"),
        ("REVIEW_RELEARNING_STEPS", "2000"),
        ("REVIEW_RELEARNING_STEPS", " ".join(["1"] * 11)),
        ("FSRS_PARAMETERS", "1 2 3"),
        ("FSRS_PARAMETERS", " ".join(["99"] * 21)),
        ("FSRS_PARAMETERS", " ".join(["nan"] * 21)),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_by_name(name: str, value: str) -> None:
    """With the setting's name in the message."""
    with pytest.raises(SettingsError, match=f"NIGHTSHIFT_{name}"):
        scheme_of(load(MemoSettings, {f"NIGHTSHIFT_{name}": value}))
