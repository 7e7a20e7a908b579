"""The generator port: rules and model keep the same promises."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from nightshift.memos.generators.rules import RulesGenerator
from nightshift.ports.cards import MAX_BACK, MAX_CARDS, MAX_FRONT, CardGenerator, CardKind
from tests.unit.memos.generators.bedrock import FACT, answer, generator

TEXT = "Odda was founded in 1912 by the company. The fjord is an arm of the sea in the west."


@pytest.fixture(params=["rules", "bedrock"])
def made(request: pytest.FixtureRequest) -> Iterator[CardGenerator]:
    if request.param == "rules":
        yield RulesGenerator()
        return
    fjord = {"front": "What is the fjord?", "back": "An arm of the sea", "kind": "definition"}
    with ExitStack() as stack:
        yield stack.enter_context(generator([answer([FACT, fjord])]))


def test_cards_of_a_text(made: CardGenerator) -> None:
    """Both sides are filled and bounded, fronts differ, the kind is one of ours."""
    generation = made.generate("Odda", TEXT)
    fronts = [card.front for card in generation.cards]
    assert 2 <= len(fronts) == len(set(fronts)) <= MAX_CARDS
    assert all(0 < len(c.front) <= MAX_FRONT for c in generation.cards)
    assert all(0 < len(c.back) <= MAX_BACK for c in generation.cards)
    assert {CardKind.DATE, CardKind.DEFINITION} <= {c.kind for c in generation.cards}
    assert () == generation.problems


def test_the_bound_holds(made: CardGenerator) -> None:
    """One card may be asked for."""
    assert 1 == len(made.generate("Odda", TEXT, max_cards=1).cards)


def test_generators_have_names_of_their_own(made: CardGenerator) -> None:
    """By them the configuration chooses."""
    assert made.name in {"rules", "bedrock"}
    made.generate("Odda", TEXT)


@pytest.mark.parametrize("text", ["", "   \n"])
def test_an_empty_text_gives_a_problem(text: str) -> None:
    """It is no error, and no model is asked."""
    with generator([]) as asked:
        for one in (RulesGenerator(), asked):
            generation = one.generate("", text)
            assert (0, 1) == (len(generation.cards), len(generation.problems))
