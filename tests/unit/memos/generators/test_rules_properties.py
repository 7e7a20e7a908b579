"""What holds for every text, kind or hostile."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightshift.memos.generators.rules import MAX_TEXT, NOTHING_TO_READ, TOO_LONG, RulesGenerator
from nightshift.ports.cards import MAX_BACK, MAX_FRONT, CardDraft
from tests.unit.memos.generators.golden import TEXTS

pytestmark = pytest.mark.no_cover
"""What runs here runs elsewhere too, and counting lines takes twice the time."""

SIZE = 15_000
GROWTH = 4
SLACK_S = 0.1

_PIECES = [
    *(path.read_text(encoding="utf-8") for path in TEXTS),
    "**",
    "| a | b |\n|---|---|\n| c | 5 km |",
    "- item: 12 to 16 °C",
    "Q: why?\nA: since 1900",
    "```",
    "\u202e",
    "12.",
    "z. B. ",
    "(WHO)",
    "# ",
    "\n\n",
]
_LINES = st.sampled_from([line for piece in _PIECES for line in piece.split("\n")])
TEXT = st.one_of(
    st.text(max_size=300),
    st.lists(st.one_of(_LINES, st.text(max_size=12)), max_size=25).map("\n".join),
)


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _sound(card: CardDraft) -> bool:
    filled = bool(card.front.strip()) and bool(card.back.strip())
    short = len(card.front) <= MAX_FRONT and len(card.back) <= MAX_BACK
    return filled and short and f" {_words(card.back)} " not in f" {_words(card.front)} "


@settings(max_examples=200, deadline=None)
@given(title=st.text(max_size=40), text=TEXT, most=st.integers(min_value=0, max_value=40))
def test_every_text_gives_sound_cards_within_the_bound(title: str, text: str, most: int) -> None:
    """Never raises, never shows the answer, asks nothing twice, and does the same again."""
    generation = RulesGenerator().generate(title, text, max_cards=most)
    assert generation == RulesGenerator().generate(title, text, max_cards=most)
    assert all(_sound(card) for card in generation.cards)
    assert len(generation.cards) <= most
    assert len({card.front for card in generation.cards}) == len(generation.cards)
    assert generation.cards or generation.problems or not most


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_cards_of_real_texts_are_sound(path: Path) -> None:
    """The same holds where the cards are many."""
    cards = RulesGenerator().generate("", path.read_text(encoding="utf-8")).cards
    assert all(_sound(card) for card in cards)


def test_a_text_beyond_the_bound_is_read_to_there_and_told() -> None:
    """What was left out is said."""
    generation = RulesGenerator().generate("", "Odda was founded in 1912. " * (MAX_TEXT // 20))
    assert (TOO_LONG,) == generation.problems
    assert generation.cards
    beyond = RulesGenerator().generate("", "\n" * MAX_TEXT + "Odda was founded in 1912.")
    assert ((), (TOO_LONG, NOTHING_TO_READ)) == (beyond.cards, beyond.problems)


HOSTILE = [
    "".join(path.read_text(encoding="utf-8") for path in TEXTS),
    ". ",
    "a",
    "Aa ",
    "((",
    "[[",
    "**a",
    "_a ",
    "1",
    "1,111,",
    "12 to ",
    "a|b\n" + "-" * 200,
    "|",
    "A: ",
    "<a",
    "`",
    "- a\n",
    "Head\n\n",
    "a\tb\n\nc\td\n",
    "X is a ",
    "because ",
    "A, b, ",
    "水在100度沸腾。",
    "Odda was founded in 753 BC by Romulus and 30 men. ",
    "Q: a?\nA: b\n",
    '"',
    "A (AB) ",
    "Term: def of it\n",
    "The a of ",
    "an increase of ",
    ", so the ",
    "- a: b\n  - c: d\n    - e\n",
    "a -> b\n",
    "A ..... b\n",
    "**a**\nb\n\n",
    "1.1 Ab\n",
    "X: Y. Z.\n",
    "(a) b\n",
    "`a`",
    "In 1900 she ",
    "\U0001f600 ",
    "e\u0301",
]


@pytest.mark.parametrize("unit", HOSTILE, ids=lambda unit: repr(unit)[:16])
def test_time_grows_with_the_size_only(unit: str) -> None:
    """Four times the text takes about four times as long; squared, it would be sixteen."""
    text = unit * (GROWTH * SIZE // len(unit) + 1)
    small = min(_seconds(text[:SIZE]) for _ in range(2))
    large = min(_seconds(text[: GROWTH * SIZE]) for _ in range(2))
    assert large <= 2 * GROWTH * small + SLACK_S


def _seconds(text: str) -> float:
    begun = time.process_time()
    RulesGenerator().generate("", text)
    return time.process_time() - begun
