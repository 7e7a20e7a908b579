"""Cards on dates and numbers: a question where the sentence allows one, a gap otherwise."""

import re
from collections.abc import Iterator

from nightshift.memos.generators import grammar
from nightshift.memos.generators.figures import Figure, figures, has_unit
from nightshift.memos.generators.languages import ENGLISH, Language
from nightshift.memos.generators.model import Candidate, Statement
from nightshift.memos.generators.tokens import is_unspaced, words
from nightshift.memos.generators.verbs import PARTICIPLES
from nightshift.ports.cards import CardKind

_SCORES = {"date": 0.85, "year": 0.85, "number": 0.75, "range": 0.8, "count": 0.55, "century": 0.8}
_KINDS = {"date": CardKind.DATE, "year": CardKind.DATE, "century": CardKind.DATE}
_PREPOSITION = re.compile(r" (in|on|since)(?: (?:about|around|the year))? $")
_CUT = re.compile(r",| and |;| which | who | by which ")
_LISTED = re.compile(r" [a-z]+: \S")
"""What follows a number whose things are named one by one: nobody has to know it then."""
_RELATIVE = re.compile(r"\b(?:which|who|that|where)\b")
MAX_TAIL_WORDS = 9
UNITLESS = 0.15
STEP_BONUS = 0.1


def facts(statement: Statement, language: Language) -> Iterator[Candidate]:
    """Yield a card for each date and each number of a sentence.

    Where the sentence has several, those inside its subject are conditions and nobody asks for
    them.
    """
    found = figures(statement.text, language)
    parts = grammar.subject_of(statement.text) if language is ENGLISH and found else None
    begin = len(parts[0]) if parts and statement.text.startswith(parts[0]) else 0
    supposed = statement.text.startswith(("A ", "An "))
    for figure in found:
        if figure.end <= begin and (found[-1].start > begin or supposed):
            continue
        if _LISTED.match(statement.text, figure.end):
            continue
        asked = when(statement, figure) if language is ENGLISH else None
        yield asked or _gap(statement, figure, language)


def _gap(statement: Statement, figure: Figure, language: Language) -> Candidate:
    text = statement.text
    hint = language.hints.get("number" if figure.kind == "count" else figure.kind, "...")
    stop = "。" if is_unspaced(text) else "."
    score = _SCORES[figure.kind]
    if figure.kind == "number" and not has_unit(text, figure):
        score -= UNITLESS
    return Candidate(
        front=f"{text[: figure.start]}[{hint}]{text[figure.end :]}{stop}",
        back=text[figure.start : figure.end].strip(),
        kind=_KINDS.get(figure.kind, CardKind.NUMBER),
        source=statement.number,
        score=score + (STEP_BONUS if statement.step else 0),
        path=statement.path,
        gaps=True,
    )


def when(statement: Statement, figure: Figure) -> Candidate | None:
    """Return a question such as `When was the Althing founded?`, if the sentence is passive."""
    before = statement.text[: figure.start]
    preposition = _PREPOSITION.search(before)
    if figure.kind not in _KINDS or preposition is None or preposition[1] == "since":
        return None
    found = grammar.subject_of(before)
    if found is None or found[1] not in {"was", "were"}:
        return None
    subject, verb, rest = found
    rest = rest.strip().removesuffix(preposition[0].strip()).strip()
    first = rest.split(" ", 1)[0]
    if not (first in PARTICIPLES or grammar.is_past(first)) or _CUT.search(rest):
        return None
    tail = _CUT.split(statement.text[figure.end :], maxsplit=1)[0].strip(" .")
    tail = tail if len(words(tail)) <= MAX_TAIL_WORDS else ""
    if _RELATIVE.search(tail):
        return None
    question = " ".join(filter(None, ("When", verb, inside(statement, subject), rest, tail)))
    return Candidate(
        front=f"{question}?",
        back=statement.text[figure.start : figure.end],
        kind=CardKind.DATE,
        source=statement.number,
        score=0.95,
        path=statement.path,
    )


def inside(statement: Statement, phrase: str) -> str:
    """Return a phrase of the statement as it reads inside a question about it."""
    first = statement.text.split(" ", 1)[0]
    if statement.common and phrase.startswith(first):
        return phrase[0].lower() + phrase[1:]
    return grammar.lowered(phrase)
