"""Cards with a gap for a name or for a term of the text."""

import re
from collections import Counter
from collections.abc import Iterator

from nightshift.memos.generators import grammar
from nightshift.memos.generators.figures import figures
from nightshift.memos.generators.languages import ENGLISH, FRENCH, GERMAN, Language
from nightshift.memos.generators.model import (
    Candidate,
    Listing,
    Outline,
    Pair,
    Paragraph,
    Statement,
)
from nightshift.memos.generators.tokens import folded, holds, significant, vocabulary, words
from nightshift.ports.cards import CardKind

_UPPER = "A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĘĚĞĪĮİŁŃŇŌŐŒŘŚŞŠŢŤŪŮŰŹŻŽА-ЯЁΑ-Ω"
_CAPITAL = rf"[{_UPPER}][\w\u2019'\-]*\w"
_NAME = re.compile(
    rf"(?<![\w\u2019']){_CAPITAL}"
    rf"(?:(?: (?:of the|and of the|of|the|de|la|von|van|der|du|des|al|das|do|da|dos|del|di) |"
    rf" in (?=Literature|Phys|Chem)| )"
    rf"{_CAPITAL}){{0,5}}"
)
_ADJECTIVE = re.compile(r"(?:ian|ean|ish|ese|ic|man|ch|ais|ien|oise)s?$")
_TECHNICAL = re.compile(r"[$_@]|\w{3,}/\w|\w\.\w{2,4}\b(?! )|--\w")
"""Paths, settings and options: what is left out of such a sentence is seldom worth knowing."""

_DETERMINER = re.compile(r"^(?:The|A|An|Each|Every|Most|Many) ")
_NEVER_BEFORE = (".", ":", "“", '"', "(", "-", "'", "$", "/", "_", "@", "#", "=")
_ADJECTIVES = re.compile(rf" (?:and|or) [{_UPPER}][a-z]+ [a-z]")
"""What follows `Chinese` in `Chinese and Nepali authorities`: it is no name."""
_MORE = re.compile(rf", (?:and |or )?[{_UPPER}]\w*[,.]?(?: and| or|,)? ")
_ARTICLE = re.compile(r"\b(?:a|an|each|every|no|une?|chaque) (\w+)")
MIN_NOTED = 4
_EVERYDAY = vocabulary("Europe Asia Africa America Earth God Internet Europa Asien Afrika Amerika")
COMMON = 0.3
LISTED = 0.15
"""What a name loses as one of several that stand in a row."""
MIN_ROLE = 3
ROLE_SHARE = 0.2
"""A name in more of the sentences is a word of this text, such as a contract's `the Tenant`."""
MANY = 3
TWICE = 2
ACRONYM = 5
MIN_SENTENCE_WORDS = 6
MIN_REST_WORDS = 4
MIN_TERM = 4
MAX_TERM_WORDS = 6
LONG_NOUN = 9
_ORDINALS = vocabulary("first second third fourth fifth last next final other another same")
_VAGUE = vocabulary(
    "thing things part parts way ways place number people person time day year years result "
    "example case name kind form use end beginning life world list next first last same most many "
    "some each every all few another one two nobody nothing everyone boxes bread city country "
    "island king office budget"
)


class Namer:
    """Knows what the whole text is about, and so which of its names are worth asking for."""

    def __init__(self, outline: Outline, found: list[Statement], language: Language) -> None:
        self._language = language
        self._bold = outline.bold
        inner = [w for s in found for w in words(s.text)[1:]]
        noted = [m[1] for s in found for m in _ARTICLE.finditer(s.text)]
        capitals = sum(word[0].isupper() for word in noted)
        self._plain_case = len(noted) < MIN_NOTED or capitals * 2 <= len(noted)
        self._names = Counter(m[0] for s in found for m in _NAME.finditer(s.text))
        self._count = len(found)
        told = [b.text for b in outline.blocks if isinstance(b, Paragraph | Pair)]
        told += [item for b in outline.blocks if isinstance(b, Listing) for item in b.items]
        self._mentions = Counter(
            _DETERMINER.sub("", m[0]) for text in told for m in _NAME.finditer(text)
        )
        self._small = Counter(word for word in inner if word[0].islower())

    def names(self, statement: Statement) -> Iterator[Candidate]:
        """Yield a gap for each proper name inside the sentence."""
        cased = self._language is not GERMAN and self._plain_case and not statement.step
        technical = _TECHNICAL.search(statement.text)
        if technical or not cased or len(words(statement.text)) < MIN_SENTENCE_WORDS:
            return
        for match in _NAME.finditer(statement.text):
            if match.start() and self._is_name(statement, match):
                weight = (
                    self._weight(statement)
                    - self._familiar(match[0])
                    + min(len(match[0]), 12) / 200
                    - LISTED * bool(_MORE.match(statement.text, match.end()))
                )
                yield self._gap(statement, match.start(), match.end(), "name", weight)

    def _familiar(self, name: str) -> float:
        """Return what a name loses for standing in the text more than once."""
        if name in _EVERYDAY:
            return COMMON
        times = self._names[name]
        return COMMON if times >= MANY else COMMON / 2 if times == TWICE else 0.0

    def _weight(self, statement: Statement) -> float:
        """Names in a sentence that pins them down by a figure or another name weigh more."""
        pinned = bool(figures(statement.text, self._language))
        others = sum(1 for match in _NAME.finditer(statement.text) if match.start())
        return 0.58 + 0.1 * pinned + 0.05 * min(2, others - 1)

    def _is_name(self, statement: Statement, match: re.Match[str]) -> bool:
        name = match[0]
        before = statement.text[: match.start()].rstrip()
        if before.endswith(_NEVER_BEFORE) or before[-1:].isdigit() or not name[0].isupper():
            return False
        if any(c.isdigit() for c in name) or (name.isupper() and len(name) <= ACRONYM):
            return False
        parts = words(name)
        after = statement.text[match.end() :].lstrip(" ")
        if self._is_common(statement, name) or after.startswith((".", "/", "_", "(", "=")):
            return False
        following = words(after[:30])[:1]
        glued = bool(following) and after[:1].islower() and following[0] not in self._language.stop
        verb = bool(following) and (grammar.is_verb(following[0]) or grammar.is_past(following[0]))
        adjective = bool(_ADJECTIVE.search(name))
        paired = adjective and bool(_ADJECTIVES.match(statement.text, match.end()))
        if paired or _is_shown(statement.text, match):
            return False
        return not (glued and not verb and (adjective or len(parts) == 1))

    def _is_common(self, statement: Statement, name: str) -> bool:
        """Tell whether a name is told above, a day or month, or a word of this text."""
        parts = words(name)
        calendar = {*self._language.months, *self._language.days}
        told = {word for heading in statement.path for word in significant(heading)}
        times = self._mentions[name]
        return (
            significant(name) <= told
            or any(part in calendar or part.removesuffix("s") in calendar for part in parts)
            or (len(parts) == 1 and self._small[name.lower()] > 0)
            or (times >= MIN_ROLE and times > ROLE_SHARE * self._count)
        )

    def terms(self, statement: Statement) -> Iterator[Candidate]:
        """Yield a gap for the subject of a plain fact, or for a term set in bold."""
        technical = _TECHNICAL.search(statement.text)
        if technical or statement.step or len(words(statement.text)) < MIN_SENTENCE_WORDS:
            return
        yield from self._bolds(statement)
        if self._language is ENGLISH:
            yield from self._subjects(statement)
        elif self._language in (GERMAN, FRENCH):
            yield from self._nouns(statement)

    def _bolds(self, statement: Statement) -> Iterator[Candidate]:
        lower = statement.text.lower()
        for term in sorted(self._bold):
            at = lower.find(term)
            whole = at >= 0 and holds(statement.text, term)
            if whole and len(words(term)) <= MAX_TERM_WORDS and len(term) >= MIN_TERM:
                yield self._gap(statement, at, at + len(term), "", 0.5)

    def _subjects(self, statement: Statement) -> Iterator[Candidate]:
        """Hide the subject of a sentence in the present tense."""
        found = grammar.subject_of(statement.text)
        if found is None:
            return
        subject, verb, rest = found
        if len(words(rest)) < MIN_REST_WORDS:
            return
        bare = _DETERMINER.sub("", subject)
        told = words(bare)
        ordinal = told[:1] != [] and told[0].casefold() in _ORDINALS
        bald = bare != subject and len(told) == 1 and verb != "shall"
        vague = ordinal or bald or folded(bare) in _VAGUE
        known = any(holds(heading, bare) for heading in statement.path)
        fits = len(told) <= MAX_TERM_WORDS and len(bare) >= MIN_TERM
        score = self._telling(subject, verb)
        if score and fits and not vague and not known:
            start = len(subject) - len(bare)
            yield self._gap(statement, start, start + len(bare), "", score)

    def _telling(self, subject: str, verb: str) -> float:
        """Return how well a fact with this verb names its subject."""
        if verb == "shall":
            return 0.56 if not subject.startswith(("No ", "All ")) else 0.0
        if verb in {"is", "are", "give", "can"}:
            return 0.57 if grammar.is_person(subject) and verb == "is" else 0.42
        return 0.5 if verb.endswith("s") and verb not in {"was", "has", "does"} else 0.0

    def _nouns(self, statement: Statement) -> Iterator[Candidate]:
        """Hide the rarest long word, in languages whose sentences the rules cannot take apart."""
        long = [
            match
            for match in re.finditer(r"[^\W\d_][\w\-]{8,}", statement.text)
            if self._language is FRENCH or match[0][0].isupper()
        ]
        fresh = [m for m in long if not any(holds(h, m[0]) for h in statement.path)]
        if fresh:
            best = max(fresh, key=lambda match: (len(match[0]), -match.start()))
            yield self._gap(statement, best.start(), best.end(), "", 0.45)

    def _gap(
        self, statement: Statement, start: int, end: int, hint: str, score: float
    ) -> Candidate:
        text = statement.text
        shown = self._language.hints.get(hint, "...")
        return Candidate(
            front=f"{text[:start]}[{shown}]{text[end:]}.",
            back=text[start:end],
            kind=CardKind.CLOZE,
            source=statement.number,
            score=score,
            path=statement.path,
            gaps=True,
        )


def _is_shown(text: str, match: re.Match[str]) -> bool:
    """Tell whether the sentence has a person's last name elsewhere, not as part of another name."""
    parts = words(match[0])
    if not parts[1:] or not grammar.is_person(match[0]):
        return False
    rest = f"{text[: match.start()]} {text[match.end() :]}".split(" ")
    pairs = zip(["", *rest], rest, strict=False)
    return any(one.strip(",.;") == parts[-1] and not before[:1].isupper() for before, one in pairs)
