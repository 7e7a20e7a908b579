"""Cards on lists, pairs, tables and questions that the text answers itself."""

import re
from collections.abc import Iterator
from itertools import groupby

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
from nightshift.memos.generators.pairs import Entry, entries, says_something
from nightshift.memos.generators.relations import abbreviations, which
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
MAX_NAMING = 4
"""Words of an item that only names something; longer ones with a full stop say something."""
MAX_ROWS = 20
_PHRASE = re.compile(r"(?:an?|the|any|one|all) ", re.IGNORECASE)
_IT = re.compile(r"^(?:It|They) (?=[a-z]+s? )")
_HANGING = re.compile(r" (?:you|we|they|it|if|when|that|who|which)$")
_OPEN = re.compile(
    r" (?:shall|must|should|may|can|will|cannot|to|by|of|with|for|from|include|includes|included|"
    r"contain|contains|comprise|comprises|need|needs|has|have|means|requires?)$"
)
_ARE = re.compile(r"(?P<subject>.{4,}) (?P<verb>are|is|sind|sont)", re.IGNORECASE)


def structures(outline: Outline, language: Language) -> Iterator[Candidate]:
    """Yield the cards on whatever of the outline is no running text."""
    for path, found in _runs(outline):
        yield from entries(path, found, language)
        for entry in found:
            yield from _spelled(path, entry, language)
    for place, block in enumerate(outline.blocks):
        number = place * BLOCK
        if isinstance(block, Listing):
            yield from _listing(block, number, language)
        elif isinstance(block, Grid):
            yield from _grid(block, number, language)
        elif isinstance(block, Answered):
            yield _made(block.question, block.answer, CardKind.QUESTION, (number, block.path), 1.0)


def _runs(outline: Outline) -> Iterator[tuple[Path, list[Entry]]]:
    """Yield the entries that follow each other under the same headings."""
    numbered = enumerate(outline.blocks)
    for pairs, run in groupby(numbered, key=lambda b: isinstance(b[1], Pair) and b[1].path):
        if pairs is not False:
            yield (
                pairs,
                [
                    Entry(
                        term=block.term,
                        text=block.text,
                        number=place * BLOCK,
                        is_vocabulary=block.is_vocabulary,
                    )
                    for place, block in run
                    if isinstance(block, Pair)
                ],
            )


def _spelled(path: Path, entry: Entry, language: Language) -> Iterator[Candidate]:
    """Ask for the long form that stands in brackets beside a short one, or the other way."""
    statement = Statement(path=path, text=entry.term, number=entry.number)
    text = entry.term if "(" in entry.term else entry.text[:100]
    yield from abbreviations(text, statement, language)


def pairs_of(listing: Listing, number: int = 0) -> list[Entry]:
    """Return the terms and texts of a list whose items are pairs, nearly all of them, or none."""
    pairs = [pair_of(item, listed=len(listing.items) > 1) for item in listing.items]
    nearly = sum(pair is None for pair in pairs) * 3 <= len(pairs)
    return [
        Entry(term=pair[0], text=pair[1], number=number + at)
        for at, pair in enumerate(pairs, start=1)
        if pair and nearly
    ]


def _listing(block: Listing, number: int, language: Language) -> Iterator[Candidate]:
    pairs = pairs_of(block, number)
    yield from entries(block.path, pairs, language)
    for entry in pairs:
        yield from _spelled(block.path, entry, language)
    if 0 < len(pairs) < len(block.items):
        return
    items = tuple(entry.term for entry in pairs) if pairs else block.items
    lead = leading(block.lead, block.path, language) if block.lead else ""
    if lead and not block.path and len(words(lead)) <= MIN_ITEMS:
        return
    fits = len(items) + bool(lead) > MIN_ITEMS and len(items) <= MAX_ITEMS
    told = sum(item.endswith(".") and len(words(item)) > MAX_NAMING for item in items) * 2
    rules = sum(bool(grammar.subject_of(item)) for item in items) * 2 if language is ENGLISH else 0
    stepwise = block.ordered and rules < len(items)
    named = stepwise or bool(lead) or told < len(items)
    short = named and all(0 < len(item) <= MAX_ITEM and not item.endswith(":") for item in items)
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
        lead = _IT.sub(f"{block.path[-1]} ", lead) if block.path else lead
        if grammar.points_elsewhere(lead.replace("following", "").replace("folgende", "")):
            lead = f"{block.path[-1]} \u2013 {lead}" if block.path else lead
        front = _led(lead, count, language)
    elif block.path[1:] and block.is_named:
        heading = block.path[-1]
        form = language.ordered if _are_steps(block) else language.unordered
        if heading.endswith("?") or _HANGING.search(heading):
            form = "{lead} ({count})" if heading.endswith("?") else "{lead} \u2026 ({count})"
        front = form.format(lead=heading, count=count)
    else:
        return
    mark = "{}. {}" if block.ordered else "- {1}"
    back = "\n".join(mark.format(at, item.rstrip(" ,;.")) for at, item in enumerate(items, start=1))
    yield _made(front, back, CardKind.LIST, (number, block.path), 0.9)


def _led(lead: str, count: int, language: Language) -> str:
    """Ask for the items that a sentence leads to."""
    are = _ARE.fullmatch(lead) if language is ENGLISH else None
    if are:
        subject = are["subject"][0].lower() + are["subject"][1:]
        return f"What {are['verb']} {subject}? ({count})"
    if language is ENGLISH and _OPEN.search(lead):
        return f"{lead} what? ({count})"
    if language is ENGLISH and _HANGING.search(lead):
        return f"{lead} \u2026 ({count})"
    return which(lead, count, language)


def _are_steps(block: Listing) -> bool:
    """Tell whether the items are to be done one after the other, not only numbered."""
    long = sum(len(words(item)) > MIN_ITEMS for item in block.items)
    return block.ordered and block.items[0][0].isupper() and long * 2 >= len(block.items)


def _sequence(block: Listing, number: int, language: Language) -> Iterator[Candidate]:
    """Ask for the step after each step of a list that is too long to be asked for whole."""
    for at, (step, after) in enumerate(zip(block.items, block.items[1:], strict=False), start=1):
        told = language is ENGLISH and grammar.subject_of(step)
        if max(len(step), len(after)) <= MAX_STEP and not told:
            front = language.next_step.format(step=step.rstrip("."))
            yield _made(front, after, CardKind.STEP, (number + at, block.path), 0.5)


def _grid(block: Grid, number: int, language: Language) -> Iterator[Candidate]:
    """Ask for each cell by its row and column; the first column names the row."""
    for at, row in enumerate(block.rows[:MAX_ROWS], start=1):
        for column, cell in zip(block.header[1:], row[1:], strict=True):
            if words(row[0]) and words(cell) and len(row[0]) + len(cell) <= MAX_CELL:
                key = f"{block.header[0]} {row[0]}" if row[0].isdigit() else row[0]
                front = language.cell.format(key=key, column=_small(column.rstrip("? "), language))
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
