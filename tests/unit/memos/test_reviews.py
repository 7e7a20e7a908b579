"""Reviews: what comes next, what one changes, what counts once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from nightshift.core.clock import to_ms
from nightshift.core.ids import new_id
from nightshift.memos.errors import CardChangedError, CardNotFoundError, UnknownTimezoneError
from nightshift.memos.model import Card, CardState, Outcome
from nightshift.memos.settings import MemoSettings
from tests.support.faults import Fault, FaultMode, FaultPlan
from tests.unit.memos.scene import ANNA, BEN, START, Scene, check_order


def _review(scene: Scene, card: Card, outcome: Outcome = Outcome.GOOD, **more: object) -> Card:
    given: dict[str, object] = {"review_id": new_id(scene.clock.now())} | more
    return scene.context.reviews.review(ANNA, card.id, outcome, **given)  # type: ignore[arg-type]


def _next(scene: Scene, timezone: str = "UTC") -> Card | None:
    return scene.context.reviews.next(ANNA, timezone).card


def _log(scene: Scene) -> list[dict[str, object]]:
    return [row for row in scene.dynamo.items("memos") if str(row["pk"]).startswith("R#")]


def test_new_cards_come_in_the_order_of_memos_and_texts() -> None:
    """The older memo first, each from its beginning; what was reviewed is out of the line."""
    scene = Scene()
    scene.made("a = 1\nb = 2")
    scene.made("c = 3")
    seen = []
    while (card := _next(scene)) is not None:
        seen.append(card.front.strip())
        _review(scene, card, Outcome.EASY)
    assert ["a", "b", "c"] == seen
    check_order(scene)


def test_the_most_overdue_card_comes_first() -> None:
    """Due cards go before new ones, the one that waits longest before the others."""
    scene = Scene()
    cards = scene.cards(scene.made())
    _review(scene, cards[1])
    scene.clock.advance(seconds=120)
    _review(scene, cards[0])
    scene.clock.advance(seconds=3600)
    order = []
    for _ in range(3):
        card = _next(scene)
        assert card is not None
        order.append(card.front.strip())
        _review(scene, card, Outcome.EASY)
    assert ["b", "a", "c"] == order


def test_with_nothing_to_do_the_next_due_time_is_told() -> None:
    """No cards: no time. A card in ten minutes: that time."""
    scene = Scene()
    empty = scene.context.reviews.next(ANNA, "UTC")
    card = _review(scene, scene.cards(scene.made("a = 1"))[0])
    waiting = scene.context.reviews.next(ANNA, "UTC")
    assert (None, None) == (empty.card, empty.due_at)
    assert (None, card.due_at) == (waiting.card, waiting.due_at)


def test_new_cards_are_limited_by_the_users_day() -> None:
    """Two a day: the third comes after midnight in the user's zone, not in UTC."""
    start = datetime(2026, 3, 2, 21, 0, tzinfo=UTC)
    scene = Scene(settings=MemoSettings(new_cards_per_day=2), start=start)
    for card in scene.cards(scene.made())[:2]:
        _review(scene, card, Outcome.EASY)
    berlin = scene.context.reviews.next(ANNA, "Europe/Berlin")
    assert (None, datetime(2026, 3, 2, 23, 0, tzinfo=UTC)) == (berlin.card, berlin.due_at)
    scene.clock.set(datetime(2026, 3, 2, 23, 5, tzinfo=UTC))
    assert _next(scene) is None
    third = _next(scene, "Europe/Berlin")
    assert third is not None
    assert "c" == third.front.strip()


def test_a_card_seen_twice_on_a_day_is_one_new_card() -> None:
    """Only the first review of a card spends the day's number."""
    scene = Scene(settings=MemoSettings(new_cards_per_day=2))
    cards = scene.cards(scene.made())
    _review(scene, cards[0], Outcome.AGAIN)
    _review(scene, cards[0], Outcome.EASY)
    card = _next(scene)
    assert card is not None
    assert cards[1].id == card.id


def test_a_life_of_reviews_moves_a_card_through_its_states() -> None:
    """Learning, review, forgotten, learnt again; intervals grow and fall."""
    scene = Scene()
    card = scene.cards(scene.made("a = 1"))[0]
    states, gaps = [], []
    for outcome in ("good", "good", "good", "good", "again", "good"):
        card = _review(scene, card, Outcome(outcome))
        states.append(card.recall.state.value)
        gaps.append(card.due_at - scene.clock.now())
        scene.clock.set(card.due_at)
    assert ["learning", "review", "review", "review", "relearning", "review"] == states
    assert timedelta(minutes=10) == gaps[0] == gaps[4]
    assert timedelta(days=1) <= gaps[1] < gaps[2] < gaps[3] > gaps[5]
    assert (6, 1) == (card.recall.reps, card.recall.lapses)
    check_order(scene)


def test_the_offered_times_are_what_a_review_gives() -> None:
    """What `next` promises for each outcome is kept, whatever the state."""
    for outcome in Outcome:
        scene = Scene()
        scene.made("a = 1")
        for _ in range(3):
            found = scene.context.reviews.next(ANNA, "UTC")
            assert found.card is not None
            assert found.outcomes is not None
            after = _review(scene, found.card, outcome)
            assert found.outcomes[outcome] == after.due_at
            scene.clock.set(after.due_at + timedelta(hours=5))


def test_higher_retention_means_shorter_intervals() -> None:
    """The setting reaches the scheduler."""
    gaps = []
    for percent in (80, 95):
        scene = Scene(settings=MemoSettings(desired_retention_percent=percent))
        card = scene.cards(scene.made("a = 1"))[0]
        gaps.append(_review(scene, card, Outcome.EASY).due_at - scene.clock.now())
    assert gaps[0] > gaps[1] >= timedelta(days=1)


def test_each_review_is_logged_with_the_state_it_met() -> None:
    """What a later optimiser needs: outcome, time, and the card as it was; kept for good."""
    scene = Scene()
    card = scene.cards(scene.made("a = 1"))[0]
    first = _review(scene, card)
    scene.clock.advance(seconds=40)
    second = _review(scene, card, Outcome.HARD)
    log = _log(scene)
    scene.context.cards.delete(ANNA, card.id, expected=None)
    assert [("good", "new"), ("hard", "learning")] == [(r["outcome"], r["state"]) for r in log]
    assert log == _log(scene)
    assert [to_ms(first.updated_at), to_ms(second.updated_at)] == [r["at"] for r in log]
    assert all("expires_at" not in row for row in log)


def test_a_repeated_review_counts_once() -> None:
    """The same id again, later or with the old version expected: the card as it is."""
    scene = Scene()
    card = scene.cards(scene.made("a = 1"))[0]
    review_id = new_id(scene.clock.now())
    first = _review(scene, card, review_id=review_id, expected=card.version)
    scene.clock.advance(seconds=40)
    again = _review(scene, card, review_id=review_id, expected=card.version)
    third = _review(scene, card, review_id=review_id)
    assert first == again == third
    assert 1 == len(_log(scene)) == scene.context.reviews.stats(ANNA, "UTC").habit.reviews_today


def _meanwhile(scene: Scene, act: Callable[[], object]) -> None:
    """Let `act` happen between the next look and its write."""
    left = [act]

    def hook(operation: str, request: object) -> Fault | None:
        if operation == "TransactWriteItems" and left:
            return Fault(mode=FaultMode.DELAY, action=lambda: left.pop()() and None)
        return None

    scene.dynamo.faults = hook


def test_of_two_reviews_at_once_one_counts() -> None:
    """Both saw the same card: the slower one is told so, and nothing of it is stored."""
    scene = Scene()
    card = scene.cards(scene.made("a = 1"))[0]
    _meanwhile(scene, lambda: _review(scene, card, Outcome.EASY))
    with pytest.raises(CardChangedError):
        _review(scene, card, Outcome.AGAIN)
    scene.dynamo.faults = None
    after = scene.context.cards.get(ANNA, card.id)
    assert (CardState.REVIEW, 1) == (after.recall.state, after.recall.reps)
    assert ["easy"] == [row["outcome"] for row in _log(scene)]
    assert 1 == scene.context.reviews.stats(ANNA, "UTC").totals.reviews
    check_order(scene)


def test_twins_of_one_review_both_get_the_card() -> None:
    """A request and its own repetition at the same moment: one review, two good answers."""
    scene = Scene()
    card = scene.cards(scene.made("a = 1"))[0]
    review_id = new_id(scene.clock.now())
    _meanwhile(scene, lambda: _review(scene, card, review_id=review_id))
    after = _review(scene, card, review_id=review_id)
    assert 1 == after.recall.reps == len(_log(scene))


@pytest.mark.parametrize(
    "mode", [FaultMode.CRASH_BEFORE, FaultMode.CRASH_AFTER, FaultMode.ANSWER_LOST]
)
def test_a_review_that_died_is_repeated_and_counts_once(mode: FaultMode) -> None:
    """At each of its calls; the sums, the day and the place in line are in step."""
    for ordinal in (1, 2):
        scene = Scene()
        card = scene.cards(scene.made("a = 1"))[0]
        plan = FaultPlan({ordinal: Fault(mode=mode)})
        scene.dynamo.faults = plan
        review_id = new_id(scene.clock.now())
        scene.world.invoke(partial(_review, scene, card, review_id=review_id))
        assert plan.calls >= ordinal
        scene.dynamo.faults = None
        after = _review(scene, card, review_id=review_id)
        assert (1, 1) == (after.recall.reps, len(_log(scene)))
        stats = scene.context.reviews.stats(ANNA, "UTC")
        assert (1, 1) == (stats.totals.reviews, stats.habit.reviews_today)
        check_order(scene)


def test_nobody_reviews_or_sees_anothers_cards() -> None:
    """Ben's next is empty, and Anna's card is not found."""
    scene = Scene()
    card = scene.cards(scene.made("a = 1"))[0]
    assert scene.context.reviews.next(BEN, "UTC").card is None
    with pytest.raises(CardNotFoundError):
        scene.context.reviews.review(BEN, card.id, Outcome.GOOD, review_id=new_id(START))
    assert 0 == scene.context.reviews.stats(BEN, "UTC").totals.new


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "/etc/passwd", "a\0b"])
def test_an_unknown_zone_is_told(name: str) -> None:
    """Whatever is no IANA name is the caller's fault."""
    with pytest.raises(UnknownTimezoneError):
        Scene().context.reviews.next(ANNA, name)


def test_next_reads_two_small_rows_however_many_cards_there_are() -> None:
    """The read units with five hundred cards due are those with five."""
    units = []
    for many in (5, 500):
        scene = Scene()
        for start in range(0, many, 100):
            count = min(100, many - start)
            scene.made("\n".join(f"f{start + n} = b" for n in range(count)))
        for card, _ in zip(iter(partial(_next, scene), None), range(many), strict=False):
            scene.context.cards.postpone(ANNA, card.id, days=1)
        scene.clock.advance(seconds=3 * 86_400)
        scene.dynamo.meter.reset()
        assert _next(scene) is not None
        units.append(scene.dynamo.meter.read_units)
    assert [2.0, 2.0] == units
