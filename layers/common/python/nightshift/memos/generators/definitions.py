"""Cards that ask what something is, and what something is called."""

import re
from collections.abc import Iterator
from typing import Final

from nightshift.memos.generators import grammar
from nightshift.memos.generators.facts import inside
from nightshift.memos.generators.languages import ENGLISH, FRENCH, GERMAN, Language
from nightshift.memos.generators.model import Candidate, Statement
from nightshift.memos.generators.tokens import vocabulary, words
from nightshift.ports.cards import CardKind

MAX_ANSWER = 200
MIN_ANSWER_WORDS = 3
MAX_TERM_WORDS = 6
_HEDGE = re.compile(r"(?:also|usually|generally|essentially|simply|therefore|basically) ")
_NOUN = re.compile(r"(?:an?|the|one of|any) \S")
_VERBS: Final = {"means": "What does {} mean?", "states": "What does {} state?"}
_SAYING: Final = {"says": "say", "states": "state"}
_PHRASES: Final = (("is defined as ", "What is {}?"), ("refers to ", "What does {} refer to?"))
_CALLED = re.compile(r"(?:also |often |usually )?(?:called|known as|termed) (?P<name>[^,;.]+)")
_TAIL = re.compile(
    r"; | because |, (?:so|but|while|whereas|since|from) |: |"
    r", and (?=(?:it|they|he|she|is|are|was|were|has|have|the \w+ (?:is|are|was|were|has|have)) )"
)
_APPOSITION = re.compile(
    r"(?P<term>(?:[Tt]he )?[A-Z][\w\u2019'\-]+(?: (?:of |the |de )?[A-Z][\w\u2019'\-]+){0,4}), "
    r"(?P<text>(?:an?|one of the|the) [^,;()]{8,120}?)(?P<end>,| to [A-Z]|$)"
)
_HUMAN = re.compile(r"(?:man|woman|ist|herd|smith|wright)$")
_HEAD = re.compile(r" (?:of|in|at|from|for|to|who|that|which|and|during|by|on|with)\b")
_NAME = re.compile(
    r"(?:the )?(?:[A-ZÀ-ÞĀ-Ž]\w*)(?: (?:of |the |de )?[A-ZÀ-ÞĀ-Ž]\w*){0,3}(?: [a-z]+(?=, an? ))?"
)
_THAT = re.compile(r"^that,? ")
_PAST = re.compile(r"\b(?:1\d{3}|was|were|had|\w{3,}ed)\b")
_GERMAN: Final = (
    (
        re.compile(
            r"(?P<term>(?:(?:Ein|Eine|Der|Die|Das) )?[A-ZÄÖÜ][\w\-]+(?: [\w\-]+){0,3}) "
            r"(?P<verb>ist|sind|war|waren) "
            r"(?P<text>(?:ein|eine|einer|eines|der|die|das|jede|jeder|jedes) \S.{10,})"
        ),
        "Was {verb} {term}?",
    ),
    (
        re.compile(
            r"(?P<term>(?:Der|Die|Das) [a-zäöü]+ste \w+(?: \w+){0,3}) (?P<verb>ist|war) "
            r"(?P<text>(?:der|die|das) \S.{3,})"
        ),
        "Was {verb} {term}?",
    ),
    (
        re.compile(r"Als (?P<term>[^,]{3,40}) bezeichnet man (?P<text>.{10,})"),
        "Was bezeichnet man als {term}?",
    ),
    (
        re.compile(r"Unter (?P<term>[^,]{3,40}) versteht man (?P<text>.{10,})"),
        "Was versteht man unter {term}?",
    ),
)
_FRENCH: Final = (
    (
        re.compile(
            r"(?P<term>(?:L['\u2019]|Le |La |Les |Un |Une )?[\w\-]+(?: [\w\-]+){0,4}) "
            r"(?:est|était) (?P<text>(?:une? |le |la |les |l['\u2019]|des )\S.{8,})"
        ),
        "Qu\u2019est-ce que {term} ?",
    ),
    (
        re.compile(
            r"(?P<term>(?:Les |Des )?[\w\-]+(?: [\w\-]+){0,4}) (?P<verb>sont|étaient) "
            r"(?P<text>(?:le |la |les |l['\u2019]|des )\S.{8,})"
        ),
        "Que {verb} {term} ?",
    ),
    (
        re.compile(
            r"On appelle (?P<term>[^,]{3,40}?) (?P<text>(?:une? |le |la |les |l['\u2019]).{8,})"
        ),
        "Qu\u2019appelle-t-on {term} ?",
    ),
)
_ARTICLES: Final = vocabulary("Der Die Das Ein Eine Le La Les Un Une Des")


def definitions(statement: Statement, language: Language) -> Iterator[Candidate]:
    """Yield the cards on what the sentence defines or names."""
    if statement.step:
        return
    if language is ENGLISH:
        yield from _english(statement)
    elif language is GERMAN:
        yield from _patterns(statement, _GERMAN)
    elif language is FRENCH:
        yield from _patterns(statement, _FRENCH)


def _english(statement: Statement) -> Iterator[Candidate]:
    yield from _appositions(statement)
    yield from _says(statement)
    found = grammar.subject_of(statement.text)
    if found is None:
        return
    subject, verb, rest = found
    if len(words(subject)) > MAX_TERM_WORDS:
        if verb in grammar.BE:
            yield from _called(statement, subject, verb, rest)
        return
    if verb in grammar.BE:
        yield from _called(statement, subject, verb, rest)
        yield from _is(statement, subject, verb, _HEDGE.sub("", rest, count=1))
    elif verb == "stands" and rest.startswith("for "):
        asked = f"What does {inside(statement, subject)} stand for?"
        yield _card(statement, asked, rest.removeprefix("for "))
    elif verb in _VERBS:
        yield _card(statement, _VERBS[verb].format(inside(statement, subject)), _THAT.sub("", rest))


def _says(statement: Statement) -> Iterator[Candidate]:
    """Ask for what stands behind a colon after `says`."""
    lead, _, text = statement.text.partition(": ")
    subject, _, verb = lead.rpartition(" ")
    base = _SAYING.get(verb)
    if base and len(words(subject)) in range(1, MAX_TERM_WORDS + 1) and grammar.is_subject(subject):
        yield _card(statement, f"What does {inside(statement, subject)} {base}?", text)


def _is(statement: Statement, subject: str, verb: str, rest: str) -> Iterator[Candidate]:
    for phrase, question in _PHRASES:
        if rest.startswith(phrase.split(" ", 1)[1]) and verb == phrase.split(" ", 1)[0]:
            yield _card(
                statement, question.format(inside(statement, subject)), rest[len(phrase) - 3 :]
            )
            return
    name = _NAME.match(rest)
    named = bool(name) and name is not None and rest[name.end() :][:2] in {"", ", "}
    if named and name is not None and subject.startswith("The "):
        yield Candidate(
            front=f"What {verb} {inside(statement, subject)}?",
            back=name[0],
            kind=CardKind.QUESTION,
            source=statement.number,
            score=0.95,
            path=statement.path,
        )
    elif _NOUN.match(rest) and len(words(rest)) >= MIN_ANSWER_WORDS:
        people = all(map(grammar.is_person, subject.split(" and ")))
        asked = "Who" if people or grammar.names_person(subject, verb, rest) else "What"
        yield _card(statement, f"{asked} {verb} {inside(statement, subject)}?", rest)


def _called(statement: Statement, subject: str, verb: str, rest: str) -> Iterator[Candidate]:
    match = _CALLED.match(rest)
    if match and len(words(match["name"])) <= MAX_TERM_WORDS:
        yield Candidate(
            front=f"What {verb} {inside(statement, subject)} called?",
            back=match["name"],
            kind=CardKind.DEFINITION,
            source=statement.number,
            score=0.9,
            path=statement.path,
        )


def _appositions(statement: Statement) -> Iterator[Candidate]:
    for match in _APPOSITION.finditer(statement.text):
        term = match["term"]
        follows = statement.text[match.end() :].lstrip()
        listed = follows.startswith(("and ", "or ")) or (
            match["text"].startswith("the ") and match.start()
        )
        if len(words(match["text"])) < MIN_ANSWER_WORDS or listed or not grammar.is_subject(term):
            continue
        verb = "was" if _PAST.search(statement.text) else "is"
        human = grammar.is_person(term) or bool(_HUMAN.search(_HEAD.split(match["text"])[0]))
        asked = "Who" if human else "What"
        yield _card(
            statement, f"{asked} {verb} {inside(statement, term)}?", match["text"], score=0.86
        )


def _patterns(
    statement: Statement, patterns: tuple[tuple[re.Pattern[str], str], ...]
) -> Iterator[Candidate]:
    for pattern, question in patterns:
        match = pattern.fullmatch(statement.text)
        if match:
            term = match["term"]
            first = term.split(" ", 1)[0]
            if first in _ARTICLES or term.startswith(("L\u2019", "L'")):
                term = term[0].lower() + term[1:]
            found = {"verb": "ist", **match.groupdict(), "term": term}
            yield _card(statement, _elided(question.format(**found)), match["text"])
            return


def _elided(question: str) -> str:
    """Write French `que` before a vowel as it is said."""
    return question.replace("que un", "qu\u2019un")


def _card(statement: Statement, front: str, text: str, *, score: float = 0.95) -> Candidate:
    """Make a definition's card; the answer ends where the sentence turns to something else."""
    answer = text
    if len(text) > MAX_ANSWER // 2:
        answer = _TAIL.split(text, maxsplit=1)[0]
    return Candidate(
        front=front,
        back=answer.strip(" .,;"),
        kind=CardKind.DEFINITION,
        source=statement.number,
        score=score if len(answer) <= MAX_ANSWER else score - 0.4,
        path=statement.path,
    )
