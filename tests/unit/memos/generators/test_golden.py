"""The cards of real texts are those that somebody read and would keep."""

import json
from pathlib import Path

import pytest

from tests.unit.memos.generators.golden import TEXTS, cards_of, golden_of


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_a_text_gives_the_cards_that_were_read(path: Path) -> None:
    """A change of the rules shows as a difference to be read before it is kept."""
    golden = json.loads(golden_of(path).read_text(encoding="utf-8"))
    assert golden == cards_of(path)


def test_there_are_texts_of_every_kind() -> None:
    """Ten that the rules were tuned on and three that they were not, each with cards."""
    untuned = [path for path in TEXTS if path.parent.name == "untuned"]
    assert (13, 3) == (len(TEXTS), len(untuned))
    assert all(len(cards_of(path)["cards"]) >= 10 for path in TEXTS)
