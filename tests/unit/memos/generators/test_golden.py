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
    """All give cards but one, which states nothing but moods; some the rules were not made on."""
    without = {path.stem for path in TEXTS if not cards_of(path)["cards"]}
    untuned = [path for path in TEXTS if path.parent.name == "untuned"]
    assert {"opinion_blog"} == without
    assert 40 <= len(TEXTS)
    assert 10 <= len(untuned)
