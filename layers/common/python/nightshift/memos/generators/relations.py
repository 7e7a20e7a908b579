"""Cards on causes, on what letters stand for and on what something consists of."""

import re
from collections.abc import Iterator
from typing import Final

from nightshift.memos.generators import grammar
from nightshift.memos.generators.facts import inside
from nightshift.memos.generators.languages import ENGLISH, FRENCH, GERMAN, Language
from nightshift.memos.generators.model import Candidate, Statement
from nightshift.memos.generators.tokens import capitalised, vocabulary, words
from nightshift.memos.generators.verbs import PARTICIPLES
from nightshift.ports.cards import CardKind

_BECAUSE: Final = {
    ENGLISH.code: re.compile(
        r"(?P<clause>.{12,}?),? "
        r"(?P<cause>(?:because (?:of )?|due to |owing to )|(?<=, )since (?!\d))(?P<why>.{8,})"
    ),
    GERMAN.code: re.compile(r"(?P<clause>.{12,}?), (?P<cause>weil |da |denn )(?P<why>.{8,})"),
    FRENCH.code: re.compile(
        r"(?P<clause>.{12,}?),? (?P<cause>parce qu(?:e |['\u2019])|car |en raison )(?P<why>.{8,})"
    ),
}
_SO: Final = re.compile(
    r"(?P<why>.{12,}?)(?:, so |; therefore,? |; thus,? )(?!that|much|many)(?P<clause>.{12,})"
)
_EFFECT = re.compile(
    r"(?P<lead>(?:leads|led) to|(?:results|resulted) in|causes|caused) (?P<what>.{8,120})"
)
_DEPENDENT = re.compile(r"(?:it|they|he|she|its|their|this|these|that)\b", re.IGNORECASE)
_VAGUE = re.compile(r"(?:this|these|that|those|there) ", re.IGNORECASE)
_SHORT = re.compile(r"\((?P<short>[A-ZÄÖÜ][\w&\-]{1,9})\)")
_SPELLED = re.compile(r"\b(?P<short>[A-Z][A-Z0-9&\-]{1,9}) \((?P<full>[A-Za-z][^()\d]{6,80})\)")
_FILLERS: Final = vocabulary("of the and for in on to a de la le les des du et für und der die")
_PARTS: Final = {
    "consists": "of ",
    "consist": "of ",
    "comprises": "",
    "includes": "",
    "consisted": "of ",
}
_MADE_OF = re.compile(
    r"(?P<lead>(?:shall be|is|are|was|were) "
    r"(?:composed of|made up of|vested in|based on|named after))"
    r" (?P<what>.{4,300})"
)
_DEGREE = re.compile(r",? (?:probably|mainly|partly|largely|mostly|perhaps|simply|just|in part)$")
_NEXT_CLAUSE = re.compile(r", (?:which|and the|chosen)|;")
_ITEMS = re.compile(r", (?:and |or |und |oder |et |ou )?| and | or | und | oder | et | ou ")
_THERE_ARE = re.compile(r"There (?:are|is|were|was) ")
_SEVERAL = re.compile(
    r"\b(?:\d+|two|three|four|five|six|seven|eight|nine|ten|all|these|several|following)\b(?!-)",
    re.IGNORECASE,
)
MIN_TELLING = 5
"""Words of a lead such as `There are five classes`, from which on it may say of what."""
_NOTE = re.compile(r" \([^()]*\)$")
MIN_PARTS = 2
MAX_ITEMS = 9
MAX_ITEM_WORDS = 7
MAX_SUBJECT_WORDS = 9
MIN_SHORT = 2


def relations(statement: Statement, language: Language) -> Iterator[Candidate]:
    """Yield the cards on how the sentence ties things together."""
    yield from abbreviations(statement.text, statement, language)
    if statement.step:
        return
    yield from _causes(statement, language)
    yield from _colon(statement, language)
    if language is ENGLISH:
        yield from _so(statement, language)
        yield from _effects(statement)


def abbreviations(text: str, statement: Statement, language: Language) -> Iterator[Candidate]:
    """Yield a card for each abbreviation that stands beside its long form."""
    for match in _SHORT.finditer(text):
        full = _long_form(text[: match.start()].rstrip(), match["short"])
        if full:
            yield _stands(statement, language, match["short"], full)
    for match in _SPELLED.finditer(text):
        if _long_form(match["full"], match["short"]) == match["full"]:
            yield _stands(statement, language, match["short"], match["full"])


def _long_form(before: str, short: str) -> str:
    """Return the words that end `before` and whose initials are the letters of `short`."""
    letters = [c for c in short.casefold() if c.isalpha()]
    if sum(c.isupper() for c in short) < MIN_SHORT:
        return ""
    parts = before.split(" ")
    at, start = len(letters) - 1, len(parts)
    for index in range(len(parts) - 1, max(-1, len(parts) - 3 * len(letters)), -1):
        pieces = [p for p in re.split(r"[-/]", parts[index].strip("“”\"',").casefold()) if p]
        matched = at
        for piece in reversed(pieces):
            if matched >= 0 and piece[0] == letters[matched]:
                matched -= 1
        if matched == at and (parts[index].casefold() not in _FILLERS or at == len(letters) - 1):
            return _inner_form(parts, letters)
        at, start = matched, index
        if at < 0:
            return " ".join(parts[start:])
    return ""


def _inner_form(parts: list[str], letters: list[str]) -> str:
    """Return the last words if the letters stand in them in order, as in DeoxyriboNucleic Acid."""
    for count in (1, 2, 3):
        whole = " ".join(parts[-count:]).casefold()
        if len(parts) < count or whole[:1] != letters[0] or len(whole) < 3 * len(letters):
            continue
        rest = iter(whole)
        if all(letter in rest for letter in letters):
            return " ".join(parts[-count:])
    return ""


def _stands(statement: Statement, language: Language, short: str, full: str) -> Candidate:
    return Candidate(
        front=language.stands_for.format(short=short),
        back=full,
        kind=CardKind.ABBREVIATION,
        source=statement.number,
        score=0.9,
        path=statement.path,
    )


def _causes(statement: Statement, language: Language) -> Iterator[Candidate]:
    pattern = _BECAUSE.get(language.code)
    match = pattern.fullmatch(statement.text) if pattern else None
    if match and not _VAGUE.match(match["why"]) and not re.search(r"[;:]", match["clause"]):
        cause = match["cause"].replace("since ", "because ")
        yield _why(statement, language, match["clause"], capitalised(cause + match["why"]))


def _so(statement: Statement, language: Language) -> Iterator[Candidate]:
    match = _SO.fullmatch(statement.text)
    if match and not _DEPENDENT.match(match["clause"]) and grammar.subject_of(match["why"]):
        yield _why(
            statement,
            language,
            capitalised(match["clause"]),
            "Because " + inside(statement, match["why"]),
        )


def _why(statement: Statement, language: Language, clause: str, why: str) -> Candidate:
    return Candidate(
        front=language.why.format(clause=_DEGREE.sub("", clause).rstrip(",")),
        back=why,
        kind=CardKind.CAUSE,
        source=statement.number,
        score=0.9,
        path=statement.path,
    )


def _effects(statement: Statement) -> Iterator[Candidate]:
    found = grammar.subject_of(statement.text)
    if found is None or len(words(found[0])) > MAX_SUBJECT_WORDS:
        return
    subject, verb, rest = found
    match = _EFFECT.fullmatch(f"{verb} {rest}")
    if match:
        yield Candidate(
            front=f"{subject} {match['lead']} what?",
            back=match["what"],
            kind=CardKind.CAUSE,
            source=statement.number,
            score=0.6,
            path=statement.path,
        )
    made = _MADE_OF.fullmatch(f"{verb} {rest}")
    if made:
        yield Candidate(
            front=f"{subject} {made['lead']} what?",
            back=_NEXT_CLAUSE.split(made["what"], maxsplit=1)[0],
            kind=CardKind.QUESTION,
            source=statement.number,
            score=0.8,
            path=statement.path,
        )
    if verb in {"are", "were"}:
        yield from _are(statement, subject, verb, rest)
    if verb in _PARTS and rest.startswith(_PARTS[verb]):
        yield from _consists(statement, subject, verb, rest)


def _are(statement: Statement, subject: str, verb: str, rest: str) -> Iterator[Candidate]:
    """Ask for the members of what the sentence names one by one."""
    items = parts_of(_NOTE.sub("", rest))
    plural = words(subject)[:1] != [] and any(word.endswith("s") for word in words(subject))
    first = rest.split(" ", 1)[0]
    acted = grammar.is_past(first) or first in PARTICIPLES
    if len(items) > MIN_PARTS and plural and not acted and not _DEPENDENT.match(subject):
        yield Candidate(
            front=f"What {verb} {inside(statement, subject)}? ({len(items)})",
            back=rest,
            kind=CardKind.LIST,
            source=statement.number,
            score=0.92,
            path=statement.path,
        )


def _consists(statement: Statement, subject: str, verb: str, rest: str) -> Iterator[Candidate]:
    items = parts_of(rest.removeprefix(_PARTS[verb]))
    if len(items) < MIN_PARTS:
        return
    yield Candidate(
        front=f"{subject} {verb} {_PARTS[verb]}what?",
        back=rest.removeprefix(_PARTS[verb]),
        kind=CardKind.LIST,
        source=statement.number,
        score=0.85,
        path=statement.path,
    )


def _colon(statement: Statement, language: Language) -> Iterator[Candidate]:
    """Ask for what stands behind a colon, if it is a list."""
    lead, colon, rest = statement.text.partition(": ")
    items = parts_of(rest)
    bare = _THERE_ARE.match(lead) and len(words(lead)) < MIN_TELLING
    if colon and not bare and MIN_PARTS < len(items) <= MAX_ITEMS and len(words(lead)) > MIN_PARTS:
        yield Candidate(
            front=which(lead, len(items), language),
            back=rest,
            kind=CardKind.LIST,
            source=statement.number,
            score=0.92,
            path=statement.path,
        )


def which(lead: str, count: int, language: Language) -> str:
    """Ask for the things that a sentence names, or for all of them where it names a whole."""
    several = lead.endswith("s") or _SEVERAL.search(lead)
    form = language.lead if language is not ENGLISH or several else language.unordered
    return form.format(lead=lead, count=count)


def parts_of(text: str) -> list[str]:
    """Return the members of an enumeration such as `A, B and C`, or none if it is not one."""
    if "; " in text or ". " in text:
        return []
    items = [item.strip() for item in _ITEMS.split(text) if item.strip()]
    short = all(len(words(item)) in range(1, MAX_ITEM_WORDS + 1) for item in items)
    free = not any(re.search(r"\b(?:which|who|that|is|are|was|were)\b", item) for item in items)
    return items if short and free and len(items) > 1 else []
