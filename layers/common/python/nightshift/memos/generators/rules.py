"""The generator that needs no model: it reads a text's form and asks for what it states."""

from collections.abc import Iterator

from nightshift.memos.generators.definitions import definitions
from nightshift.memos.generators.facts import facts
from nightshift.memos.generators.languages import Language, detect
from nightshift.memos.generators.model import Candidate, Listing, Outline, Statement
from nightshift.memos.generators.names import Namer
from nightshift.memos.generators.reading import read
from nightshift.memos.generators.relations import relations
from nightshift.memos.generators.selection import choose
from nightshift.memos.generators.statements import BLOCK, statements, steps
from nightshift.memos.generators.structures import sentences_of, structures
from nightshift.memos.generators.tokens import words
from nightshift.memos.generators.topics import titled
from nightshift.ports.cards import MAX_CARDS, Generation

MAX_TEXT = 400_000
NOTHING_TO_READ = "The text has no words to make cards of."
NOTHING_FOUND = "The text states nothing that a card could ask for."
TOO_LONG = f"Only the first {MAX_TEXT} characters were read."


class RulesGenerator:
    """Makes cards by rules: offline, the same cards for the same text, time linear in its length.

    It knows English best, German and French well; other languages give cards on structure and
    figures.
    """

    name = "rules"

    def generate(self, title: str, text: str, *, max_cards: int = MAX_CARDS) -> Generation:
        """Make the cards; see `ports.cards.CardGenerator`. Never raises."""
        outline = titled(read(title, text[:MAX_TEXT]))
        language = detect(text, title)
        chosen = choose(
            _candidates(outline, language),
            language,
            max_cards=max(0, max_cards),
            size=len(words(text[:MAX_TEXT])),
        )
        problems = [TOO_LONG] if len(text) > MAX_TEXT else []
        if not chosen and max_cards > 0:
            problems.append(NOTHING_FOUND if outline.blocks else NOTHING_TO_READ)
        return Generation(cards=chosen, problems=tuple(problems))


def _candidates(outline: Outline, language: Language) -> Iterator[Candidate]:
    yield from structures(outline, language)
    said = [*statements(outline, language), *_listed(outline)]
    namer = Namer(outline, said, language)
    for statement in said:
        yield from definitions(statement, language)
        yield from relations(statement, language)
        yield from facts(statement, language)
        yield from namer.names(statement)
        yield from namer.terms(statement)


def _listed(outline: Outline) -> Iterator[Statement]:
    """Yield what lists say in whole sentences."""
    for place, block in enumerate(outline.blocks):
        if isinstance(block, Listing):
            number = place * BLOCK
            if block.ordered:
                yield from steps(block.path, block.items, number)
            else:
                yield from sentences_of(block, number)
