"""Dates, years, numbers and ranges inside a sentence."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from nightshift.memos.generators.languages import Language
from nightshift.memos.generators.tokens import listed, vocabulary

_NUMERAL = r"\d{1,3}(?:[ ,.'\u00a0\u202f]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?"
_SCALE = (
    r"(?: (?:thousand|million|billion|trillion|Mio\.?|Mrd\.?|Millionen|Milliarden|Tausend|"
    r"millions?|milliards?))?"
)
_LETTER = r"A-Za-z\u00c0-\u0dff"
"""Letters of scripts that write spaces between words: a digit beside one is part of a name."""

_NUMBER = re.compile(
    rf"(?<![{_LETTER}\d_.,:/\-+^#=*])[-\u2212]?(?:{_NUMERAL}){_SCALE}"
    rf"(?![{_LETTER}\d_/]|[.,:]\d|-\d|:|\s?[=^*+])"
)
_LINK = re.compile(
    r"(?: (?P<unit>[^\s\d,;()]{1,4}))?(?: (?:to|and|bis|und|à|et) |\s?[\u2013-]\s?)\Z"
)
_RANGE_ON = re.compile(r"(?: (?:to|bis|à) |\s?[\u2013-]\s?)\d")
_UNIT = re.compile(
    r" ?(?:%|‰|°[CF]?|[kMGµmcdh]?(?:m|g|s|W|Hz|Pa|J|V|A|N|l|L|B|bit|eV|mol|t|ha|h|dB|K)\b[²³]?"
    r"(?:/[a-z]+)?|km²|m²|m³|[a-zA-Zäöüéèà]{3,})"
)
_LABELS = vocabulary(
    "rfc section article chapter figure fig table no nr step version lecture page part level port "
    "line room volume type class grade book act title item note step sev route group isbn "
    "je per pro par artikel kapitel abschnitt abbildung tabelle seite paragraph chapitre "
    "linie linea línea ligne artículo capítulo número numéro articolo capitolo"
)
_WORDS = listed(
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "twenty thirty forty fifty sixty hundred"
)
_ANY_WORD = "|".join(_WORDS)
_COUNT = re.compile(
    rf"\b(?P<count>(?:(?:one|{_ANY_WORD}) (?:to|or) )?(?:(?:{_ANY_WORD})[ -]?){{1,3}}) "
    r"(?!(?:has|is|was|does|as)\b)(?:[a-z]+(?:\s[a-z]+)?s|[A-Z][a-z]+s)\b",
    re.IGNORECASE,
)
_NO_COUNT_AFTER = vocabulary(
    "a the these those other all both first last next any some one between every or another"
)
_SURE_ERA = r"(?: (?:BCE?|AD|CE|v\. Chr\.?|n\. Chr\.?|av\. J\.-C\.))"
_ERA = rf"{_SURE_ERA}?"
_CAPITALISED = re.compile(r" [A-Z][a-z]{2,}")
MIN_NAMED = 3
_FOREIGN_DATE = re.compile(
    r"\b\d{1,2}\.?(?: de)? [^\W\d_]{3,12}(?: de| del)? \d{4}\b|\b\d{4}-\d\d-\d\d\b"
)
MAX_UNIT = 3
_EARLY = frozenset({"in", "year", "jahr", "jahre", "en"})
MIN_YEAR, MAX_YEAR = 1000, 2100
MIN_NAMING = 1500
"""A number from this on after `the` names an event by its year, as in `the 1973 oil crisis`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A date or number in a sentence: where it stands and what it is a case of.

    `kind` is one of date, year, century, number, range, count.
    """

    start: int
    end: int
    kind: str


@cache
def _date(months: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(months) or r"(?!)"
    day = r"(?:\d{1,2}(?:st|nd|rd|th|er|\.)?)"
    return re.compile(
        rf"\b(?:{day} (?:of )?(?:{names})\.?(?:,? \d{{4}})?|(?:{names}) {day}(?:, \d{{4}})?|"
        rf"(?:{names}) \d{{4}}|\d{{4}}-\d\d-\d\d)(?![\w])"
    )


_YEAR = re.compile(
    rf"(?<![\w.,:/\-])(?P<year>(?:AD|A\.D\.) \d{{1,4}}|\d{{1,2}}{_SURE_ERA}|\d{{3,4}}s?{_ERA})"
    rf"(?:(?: (?:to|and|until|bis|und|à|et) |\s?[\u2013-]\s?)\d{{2,4}}{_ERA})?"
    r"(?![\w/%°²³-]|[.,:]\d)"
)
_CENTURY = re.compile(
    r"\b(?:\d{1,2}(?:st|nd|rd|th|e|\.) (?:and|to|und|et) )?\d{1,2}(?:st|nd|rd|th|e|\.) "
    r"(?:century|centuries|Jahrhundert|Jh\.|siècle)\b"
)
_ALONE = re.compile(r" (?:der|die|das|den|dem|ein|eine|einen|in|im|zu|zum|zur|von|auf|mit|als)\b|$")
"""What follows a year that stands without preposition, as in German."""
_BEFORE = re.compile(r"([^\W\d_]+)[.\u2019']? ?\(?$")


def figures(text: str, language: Language) -> list[Figure]:
    """Return the figures of a sentence that a card may ask for, in order, without overlaps."""
    found = list(_dates(text, language))
    taken = [(figure.start, figure.end) for figure in found]
    for figure in _numbers(text, language):
        if all(figure.end <= start or figure.start >= end for start, end in taken):
            found.append(figure)
            taken.append((figure.start, figure.end))
    return sorted(found, key=lambda figure: figure.start)


def _dates(text: str, language: Language) -> Iterator[Figure]:
    covered = 0
    spans = []
    for match in _CENTURY.finditer(text):
        spans.append(match.span())
        yield Figure(start=match.start(), end=match.end(), kind="century")
    pattern = _date(language.months) if language.code else _FOREIGN_DATE
    for match in pattern.finditer(text):
        spans.append(match.span())
        yield Figure(start=match.start(), end=match.end(), kind="date")
    for match in _YEAR.finditer(text):
        inside = any(start < match.end() and match.start() < end for start, end in spans)
        if not inside and match.start() >= covered and _is_year(text, match, language):
            covered = match.end()
            yield Figure(start=match.start(), end=match.end(), kind="year")


def _is_year(text: str, match: re.Match[str], language: Language) -> bool:
    year = match["year"]
    if not year.isdigit():
        return True
    before = _BEFORE.search(text[max(0, match.start() - 20) : match.start()])
    word = before[1].casefold() if before else ""
    if language.code and word not in language.year_before and text[match.start() - 1] != "(":
        alone = language.code == "de" and _ALONE.match(text, match.end())
        return bool(word == "the" or alone) and MIN_NAMING <= int(year) <= MAX_YEAR
    unit = _UNIT.match(text, match.end())
    following = unit[0].strip() if unit else ""
    following = "" if following[:1].isupper() and len(following) > 1 else following.casefold()
    measured = following.endswith("s") or 0 < len(following) <= MAX_UNIT
    if measured and word != "year" and following not in language.stop:
        return False
    if int(year) < MIN_YEAR:
        return word in _EARLY and (not following or following in language.stop)
    return int(year) <= MAX_YEAR


def _numbers(text: str, language: Language) -> Iterator[Figure]:
    held: Figure | None = None
    for match in _NUMBER.finditer(text):
        if _is_label(text, match, language):
            continue
        now = Figure(start=match.start(), end=match.end(), kind="number")
        link = _LINK.fullmatch(text[held.end : now.start]) if held else None
        if held and link:
            unit = _UNIT.match(text, now.end) if link["unit"] else None
            held = Figure(start=held.start, end=unit.end() if unit else now.end, kind="range")
            continue
        if held:
            yield held
        held = now
    if held:
        yield held
    for match in _COUNT.finditer(text):
        before = text[: match.start()].casefold().split(" ")
        share = before[2:] != [] and before[-2] == "of" and before[-3] in {"out", *_WORDS}
        leads = text[match.end() : match.end() + 1] == ":"
        if not (share or leads) and (before[-2:] or [""])[0] not in _NO_COUNT_AFTER:
            yield Figure(start=match.start("count"), end=match.end("count"), kind="count")


def _is_label(text: str, match: re.Match[str], language: Language) -> bool:
    """Tell whether a number is a name, such as that of a section."""
    before = _BEFORE.search(text[max(0, match.start() - 20) : match.start()])
    if before and before[1].casefold() in _LABELS:
        return True
    if (
        language.code != "de"
        and len(match[0]) < MIN_NAMED
        and _CAPITALISED.match(text, match.end())
    ):
        return True
    alone = len(match[0]) == 1 and not _UNIT.match(text, match.end())
    return alone and not _RANGE_ON.match(text, match.end())


def has_unit(text: str, figure: Figure) -> bool:
    """Tell whether a unit or a noun follows the number."""
    return bool(_UNIT.match(text, figure.end))
