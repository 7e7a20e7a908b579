"""What becomes of cards when they are made anew, as a pure function."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightshift.core.ids import derived_id, new_id
from nightshift.memos.matching import core_of, fact_of, rework
from nightshift.memos.model import Card, CardId, CardState, Change, Memo, MemoId, Recall
from nightshift.ports.cards import CardDraft, CardKind
from tests.unit.memos.scene import ANNA, START

LATER = START + timedelta(hours=1)
MEMO = Memo(
    id=MemoId(derived_id(START, "memo")),
    owner_id=ANNA,
    created_at=START,
    updated_at=START,
    job_id=new_id(START),
)


def _draft(front: str, back: str = "back") -> CardDraft:
    return CardDraft(front=front, back=back, kind=CardKind.DEFINITION)


def _cards(changes: Sequence[Change], before: Sequence[Card] = ()) -> list[Card]:
    """Return the cards after the changes."""
    found = {card.id: card for card in before}
    for change in changes:
        if change.before is not None:
            del found[change.before.id]
        if change.after is not None:
            found[change.after.id] = change.after
    return list(found.values())


def _made(*fronts: str) -> list[Card]:
    return _cards(rework([], [_draft(front) for front in fronts], MEMO, START))


def _reviewed(card: Card) -> Card:
    recall = Recall(state=CardState.REVIEW, stability=5.0, difficulty=5.0, reps=2)
    return replace(card, recall=recall, version=card.version + 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is ATP?", "what  is\natp"),
        ("Cafe\u0301", "Café"),
        ("x² …", "x2"),
    ],
)
def test_a_fact_is_the_same_however_it_is_spaced_and_capitalised(one: str, other: str) -> None:
    """Case, spaces, composition and final stops do not make another fact."""
    assert fact_of(one, "b") == fact_of(other, "b")


def test_other_words_are_another_fact() -> None:
    """Neither side may differ, and no word may move from one side to the other."""
    assert fact_of("C", "b") != fact_of("C++", "b")
    assert fact_of("a", "b") != fact_of("a", "c")
    assert fact_of("a b", "c") != fact_of("a", "b c")
    assert core_of("Biology\nWhat is ATP?", "b") == fact_of("What is ATP?", "b")


def test_what_is_still_stated_is_left_alone() -> None:
    """The same facts, said again, give no change at all."""
    cards = _made("a", "b", "c")
    assert [] == rework(cards, [_draft("a"), _draft("b"), _draft("c")], MEMO, LATER)


def test_cards_follow_the_order_of_the_text() -> None:
    """A fact that moved moves its card, which keeps id and reviews; one before it makes room."""
    cards = [_reviewed(card) for card in _made("a", "b")]
    drafts = [_draft("new"), _draft("b"), _draft("a")]
    after = sorted(_cards(rework(cards, drafts, MEMO, LATER), cards), key=lambda c: c.position)
    assert ["new", "b", "a"] == [card.front for card in after]
    assert [cards[1].id, cards[0].id] == [card.id for card in after[1:]]
    assert [2, 2] == [card.recall.reps for card in after[1:]]


def test_a_fact_worded_otherwise_renews_the_card() -> None:
    """A capital letter mended in the text shows on the card, which keeps id and reviews."""
    card = _reviewed(_made("a")[0])
    (change,) = rework([card], [_draft("A.")], MEMO, LATER)
    assert change.after is not None
    assert (card.id, "A.", card.recall) == (
        change.after.id,
        change.after.front,
        change.after.recall,
    )


def test_new_facts_are_added_and_untouched_cards_without_fact_removed() -> None:
    """A card that nobody reviewed or edited goes with its fact."""
    cards = _made("a", "b")
    changes = rework(cards, [_draft("b"), _draft("c")], MEMO, LATER)
    assert ["b", "c"] == sorted(card.front for card in _cards(changes, cards))
    assert {"b": cards[1].id} == {c.front: c.id for c in _cards(changes, cards) if c.front == "b"}


@pytest.mark.parametrize("touch", [_reviewed, lambda c: replace(c, edited=True, front="mine")])
def test_what_was_reviewed_or_edited_stays_and_is_marked(touch: object) -> None:
    """The mark comes once, and goes when the fact is back."""
    card = touch(_made("a")[0])  # type: ignore[operator]
    (gone,) = rework([card], [_draft("z")], MEMO, LATER)[:1]
    assert gone.after is not None
    assert (True, card.front, card.recall, card.version + 1) == (
        gone.after.stale_source,
        gone.after.front,
        gone.after.recall,
        gone.after.version,
    )
    assert [] == [c for c in rework([gone.after], [], MEMO, LATER) if c.before]
    (back,) = rework([gone.after], [_draft("a")], MEMO, LATER)
    assert back.after is not None
    assert (False, card.id, card.front) == (
        back.after.stale_source,
        back.after.id,
        back.after.front,
    )


def test_an_edit_that_the_text_caught_up_with_is_no_second_card() -> None:
    """A typo mended on the card and then in the text: one card, with its reviews."""
    card = replace(_reviewed(_made("Mitochondira")[0]), front="Mitochondria", edited=True)
    after = _cards(rework([card], [_draft("mitochondria")], MEMO, LATER), [card])
    assert [(card.id, "Mitochondria", False)] == [(c.id, c.front, c.stale_source) for c in after]


def test_a_new_title_keeps_cards_and_renews_what_they_show() -> None:
    """The first line of a front may say what it is about; the fact is below it."""
    card = _reviewed(_made("Biology\nWhat is ATP?")[0])
    after = _cards(rework([card], [_draft("Cells\nWhat is ATP?")], MEMO, LATER), [card])
    assert [(card.id, "Cells\nWhat is ATP?", 2)] == [(c.id, c.front, c.recall.reps) for c in after]


def test_a_fact_under_two_headings_is_two_cards() -> None:
    """The core only matches what the whole does not."""
    cards = _made("A\nWhat is it?", "B\nWhat is it?")
    assert 2 == len(cards)
    drafts = [_draft("B\nWhat is it?"), _draft("A\nWhat is it?")]
    after = _cards(rework(cards, drafts, MEMO, LATER), cards)
    assert {c.id: c.front for c in cards} == {c.id: c.front for c in after}


def test_cards_written_by_hand_are_nobodys_business() -> None:
    """They have no fact, so they are never stale, even beside the same fact."""
    card = replace(_made("a")[0], fact=None, core=None, id=CardId(new_id(START)))
    after = _cards(rework([card], [_draft("b")], MEMO, LATER), [card])
    assert [card] == [c for c in after if c.id == card.id]


def test_ids_follow_from_memo_generation_and_fact() -> None:
    """The same generation made twice gives the same ids, another one others; all sort by memo."""
    again, other = _made("a"), rework([], [_draft("a")], replace(MEMO, generation=2), LATER)
    assert _made("a")[0].id == again[0].id != _cards(other)[0].id
    assert MEMO.id[:13] == again[0].id[:13]


FACTS = st.lists(st.sampled_from("abcdefgh"), max_size=8)


@given(FACTS, FACTS, st.sets(st.integers(0, 7)), st.integers(0, 20))
def test_however_often_it_is_cut_off_the_end_is_the_same(
    old: list[str], new: list[str], precious: set[int], cut: int
) -> None:
    """Some of the changes, then all over again: the facts of the text, each once, and the precious.

    Done again it changes nothing.
    """
    before = [_reviewed(c) if n in precious else c for n, c in enumerate(_made(*old))]
    memo = replace(MEMO, generation=2)
    drafts = [_draft(front) for front in new]
    whole = _cards(rework(before, drafts, memo, LATER), before)
    part = _cards(rework(before, drafts, memo, LATER)[:cut], before)
    resumed = _cards(rework(part, drafts, memo, LATER), part)
    assert {c.id: c for c in whole} == {c.id: c for c in resumed}
    assert sorted(set(new)) == sorted(c.front for c in whole if not c.stale_source)
    kept = {c.id for c in before if c.is_precious}
    assert kept <= {c.id for c in whole}
    assert [] == rework(whole, drafts, memo, LATER)
