"""The texts of `tests/data/memos` and their cards; run as a program, it writes the cards anew."""

import json
from pathlib import Path
from typing import Any

from nightshift.memos.generators.rules import RulesGenerator

FOLDER = Path(__file__).resolve().parents[3] / "data" / "memos"
TEXTS = sorted(
    path
    for path in FOLDER.rglob("*")
    if path.suffix in {".md", ".txt"} and path.name != "SOURCES.md"
)


def cards_of(path: Path) -> dict[str, Any]:
    """Return what the rules make of a text, as JSON."""
    generation = RulesGenerator().generate("", path.read_text(encoding="utf-8"))
    cards = [{"kind": c.kind.value, "front": c.front, "back": c.back} for c in generation.cards]
    return {"cards": cards, "problems": list(generation.problems)}


def golden_of(path: Path) -> Path:
    """Return the file that keeps a text's cards."""
    return path.with_name(f"{path.stem}.cards.json")


def _write() -> None:
    for path in TEXTS:
        text = json.dumps(cards_of(path), ensure_ascii=False, indent=1)
        golden_of(path).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    _write()
