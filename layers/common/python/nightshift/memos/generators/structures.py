"""Cards on lists, pairs, tables and questions that the text answers itself."""

import re
from collections.abc import Iterator

from nightshift.memos.generators import grammar
from nightshift.memos.generators.languages import ENGLISH, Language
from nightshift.memos.generators.lines import pair_of
from nightshift.memos.generators.model import (
    Answered,
    Candidate,
    Grid,
    Listing,
    Outline,
    Pair,
    Path,
    Statement,
)
from nightshift.memos.generators.reading import ADMIN
from nightshift.memos.generators.relations import abbreviations
from nightshift.memos.generators.sentences import split
from nightshift.memos.generators.statements import BLOCK, leading, standalone
from nightshift.memos.generators.tokens import holds, words
from nightshift.ports.cards import CardKind

MIN_ITEMS = 2
STRIDE = 100
MAX_ITEMS = 7
MAX_ITEM = 110
MAX_STEP = 140
MAX_CELL = 160
MAX_ROWS = 20
_VERB_FIRST = re.compile(r"[a-z]+s\b")
_PHRASE = re.compile(r"(?:an?|the|any|one|all) ", re.IGNORECASE)
_TERM_NOTE = re.compile(r"\s*\([^()]{1,80}\)$")
_ARE = re.compile(r"(?P<subject>.{4,}) (?P<verb>are|is|sind|sont)", re.IGNORECASE)


def structures(outline: Outline, language: Language) -> Iterator[Candidate]:
    """Yield the cards on whatever of the outline is no running text."""
    for place, block in enumerate(outline.blocks):
        number = place * BLOCK
        if isinstance(block, Listing):
            yield from _listing(block, number, language)
        elif isinstance(block, Pair):
            yield from _pair(block.path, block.term, block.text, number, language)
        elif isinstance(block, Grid):
            yield from _grid(block, number, language)
        elif isinstance(block, Answered):
            yield _made(block.question, block.answer, CardKind.QUESTION, (number, block.path), 1.0)


def pairs_of(listing: Listing) -> list[tuple[str, str]]:
    """Return the terms and texts of a list whose items all are pairs, or none."""
    pairs = [pair_of(item) for item in listing.items]
    return [pair for pair in pairs if pair] if all(pairs) else []


def _listing(block: Listing, number: int, language: Language) -> Iterator[Candidate]:
    pairs = pairs_of(block)
    for index, (term, text) in enumerate(pairs, start=1):
        yield from _pair(block.path, term, text, number + index, language)
    items = tuple(term for term, _ in pairs) if pairs else block.items
    lead = leading(block.lead, block.path, language) if block.lead else ""
    fits = len(items) + bool(lead) > MIN_ITEMS and len(items) <= MAX_ITEMS
    short = all(0 < len(item) <= MAX_ITEM for item in items)
    if fits and short and len(items) >= MIN_ITEMS and not any("?" in item for item in items):
        yield from _whole(block, items, lead, number, language)
    elif block.ordered and not pairs:
        yield from _sequence(block, number, language)


def _whole(
    block: Listing, items: tuple[str, ...], lead: str, number: int, language: Language
) -> Iterator[Candidate]:
    """Ask for all items of a short list."""
    count = len(items)
    if lead:
        if grammar.points_elsewhere(lead.replace("following", "").replace("folgende", "")):
            lead = f"{block.path[-1]} \u2013 {lead}" if block.path else lead
        front = language.lead.format(lead=lead, count=count)
        are = _ARE.fullmatch(lead)
        if are and language is ENGLISH:
            subject = are["subject"][0].lower() + are["subject"][1:]
            front = f"What {are['verb']} {subject}? ({count})"
    elif block.path[1:]:
        form = language.ordered if block.ordered else language.unordered
        asked = block.path[-1].endswith("?")
        front = (
            f"{block.path[-1]} ({count})"
            if asked
            else form.format(lead=block.path[-1], count=count)
        )
    else:
        return
    mark = "{}. {}" if block.ordered else "- {1}"
    back = "\n".join(mark.format(at, item.rstrip(" ,;.")) for at, item in enumerate(items, start=1))
    yield _made(front, back, CardKind.LIST, (number, block.path), 0.9)


def _sequence(block: Listing, number: int, language: Language) -> Iterator[Candidate]:
    """Ask for the step after each step of a list that is too long to be asked for whole."""
    for at, (step, after) in enumerate(zip(block.items, block.items[1:], strict=False), start=1):
        if max(len(step), len(after)) <= MAX_STEP:
            front = language.next_step.format(step=step.rstrip("."))
            yield _made(front, after, CardKind.STEP, (number + at, block.path), 0.5)


def _pair(path: Path, term: str, text: str, number: int, language: Language) -> Iterator[Candidate]:
    if set(term.casefold().split()) & ADMIN:
        return
    statement = Statement(path=path, text=term, number=number)
    yield from abbreviations(_swapped(term, text), statement, language)
    if says_something(text):
        return
    bare = _TERM_NOTE.sub("", term)
    form = language.meaning
    first = text.split(" ", 1)[0]
    if language is ENGLISH and _VERB_FIRST.match(text) and grammar.is_verb(first.strip(",")):
        form = language.doing
    elif len(words(text)) <= MIN_ITEMS:
        form = "{term}?"
    yield _made(
        form.format(term=bare), text.rstrip(" ."), CardKind.DEFINITION, (number, path), 0.95
    )


def _swapped(term: str, text: str) -> str:
    """Return the term, with the long form before the brackets where the short one was."""
    return term if "(" in term else text[:100]


def says_something(text: str) -> bool:
    """Tell whether what stands beside a term is a sentence of its own, and not its definition."""
    if not text.rstrip().endswith("."):
        return False
    parts = text.split(" ")
    if grammar.is_verb(parts[0].strip(",")):
        return False
    for at, word in enumerate(parts[:8]):
        if word.strip(",") in {"that", "which", "who", "whose", "by", "so", "to"}:
            return False
        if at and grammar.is_verb(word) and parts[at - 1].casefold() not in {"the", "a", "an"}:
            return True
    return False


def _grid(block: Grid, number: int, language: Language) -> Iterator[Candidate]:
    """Ask for each cell by its row and column; the first column names the row."""
    for at, row in enumerate(block.rows[:MAX_ROWS], start=1):
        for column, cell in zip(block.header[1:], row[1:], strict=True):
            if words(row[0]) and words(cell) and len(row[0]) + len(cell) <= MAX_CELL:
                key = f"{block.header[0]} {row[0]}" if row[0].isdigit() else row[0]
                front = language.cell.format(key=key, column=_small(column, language))
                if not holds(front, cell):
                    yield _made(front, cell, CardKind.QUESTION, (number + at, block.path), 0.8)


def _small(column: str, language: Language) -> str:
    """Return a column's name as it reads inside a question."""
    usual = language is ENGLISH and column[1:].islower()
    return column.lower() if usual else column


def sentences_of(block: Listing, number: int) -> Iterator[Statement]:
    """Yield the whole sentences of an unordered list's items, as statements."""
    for at, item in enumerate(block.items, start=1):
        pair = pair_of(item)
        said = bool(pair) and pair is not None and says_something(pair[1])
        path = (*block.path, pair[0]) if pair and said else block.path
        for index, sentence in enumerate(split(pair[1] if pair and said else item)):
            whole = sentence.endswith(".") and (said or index or not pair)
            text = standalone(sentence[:1].upper() + sentence[1:] if said else sentence)
            if text and whole:
                yield Statement(path=path, text=text, number=number + at * STRIDE + index)


def _made(
    front: str, back: str, kind: CardKind, place: tuple[int, Path], score: float
) -> Candidate:
    number, path = place
    return Candidate(front=front, back=back, kind=kind, source=number, score=score, path=path)
