"""Cards on a term and what stands beside it: glossaries, data sheets, vocabulary, roles."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from nightshift.memos.generators import grammar
from nightshift.memos.generators.languages import ENGLISH, Language
from nightshift.memos.generators.model import Candidate, Path
from nightshift.memos.generators.tokens import vocabulary, words
from nightshift.ports.cards import CardKind

_VERB_FIRST = re.compile(r"[a-z]+s\b")
_TERM_NOTE = re.compile(r"\s*\([^()]{1,80}\)$")
_DEFINES: Final = vocabulary(
    "a an the any one all when where how to every "
    "ein eine einer eines der die das jede jeder jedes wenn alle "
    "un une le la les tout toute quand"
)
"""Words that what something means begins with; what is merely stated of it seldom does."""

_DESCRIBED = re.compile(
    r", (?:(?:bei|in|mit|von|an|auf|für|zu) )?(?:die|der|das|den|dem) |"
    r" (?:that|which|who|whose) | qui "
)
_RELATIVE: Final = frozenset({"that", "which", "who", "whose", "by", "so", "to"})
_INDEFINITE: Final = frozenset({"A", "An", "Any"})
SCORE = 0.95
UNPLACED = 0.4
"""What a question such as `Capital?` is worth where nothing says of what."""
MIN_MEANING_WORDS = 3
LOOK_AHEAD = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A term with its text, and the number of its place."""

    term: str
    text: str
    number: int
    is_vocabulary: bool = False


def entries(path: Path, found: Sequence[Entry], language: Language) -> Iterator[Candidate]:
    """Yield a card for each of the entries that stand together under the same headings."""
    said = [entry for entry in found if not says_something(entry.text)]
    glossary = sum(map(_defines, said)) * 2 >= len(said)
    acting = sum(bool(_VERB_FIRST.match(entry.text)) for entry in said) * 2 > max(2, len(said))
    learnt = sum(entry.is_vocabulary for entry in said) * 2 > len(said)
    for entry in said:
        glossary = glossary or learnt
        form, placed = _form(entry, language, glossary=glossary, acting=acting)
        yield Candidate(
            front=form.format(term=_TERM_NOTE.sub("", entry.term)),
            back=entry.text.rstrip(" ."),
            kind=CardKind.DEFINITION,
            source=entry.number,
            score=SCORE if path or not placed else UNPLACED,
            path=path,
        )


def _form(entry: Entry, language: Language, *, glossary: bool, acting: bool) -> tuple[str, bool]:
    """Return the question's form, and whether it says little without its headings."""
    text = entry.text
    first = text.split(" ", 1)[0].strip(",")
    does = _VERB_FIRST.match(text) and (acting or grammar.is_verb(first))
    if language is ENGLISH and does and not entry.is_vocabulary:
        return language.doing, False
    means = glossary and len(words(text)) >= MIN_MEANING_WORDS and text[0].isalpha()
    if entry.is_vocabulary or means or _defines(entry):
        return language.meaning, False
    return "{term}?", True


def _defines(entry: Entry) -> bool:
    first = entry.text.split(" ", 1)[0].casefold()
    described = first in _DEFINES or bool(_DESCRIBED.search(entry.text))
    return described and len(words(entry.text)) >= MIN_MEANING_WORDS


def says_something(text: str) -> bool:
    """Tell whether what stands beside a term is a sentence of its own, and not its definition."""
    if not text.rstrip().endswith("."):
        return False
    parts = text.split(" ")
    if grammar.is_verb(parts[0].strip(",")):
        return False
    for at, word in enumerate(parts[:LOOK_AHEAD]):
        if word.strip(",") in _RELATIVE:
            return False
        indefinite = grammar.is_past(word) and (text[0].islower() or parts[0] in _INDEFINITE)
        if at and not indefinite and (word in grammar.AUXILIARY or grammar.acts(parts, at)):
            return True
    return False
