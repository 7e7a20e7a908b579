"""The kinds of lines that a text is made of."""

import re

from nightshift.memos.generators.grammar import AUXILIARY
from nightshift.memos.generators.tokens import words

HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(\S.*)")
ITEM = re.compile(
    r"([ \t]*)(?:([-*+•‣\u2013])|(\d{1,3}|[a-z])[.)])[ \t]+(?:\[[ xX]\][ \t]+)?(\S.*)"
)
FENCE = re.compile(r" {0,3}(```|~~~)")
RULE = re.compile(r"[ \t]*[-=*_~#+]{3,}[ \t]*|[ \t]*(?:[-*_] ){2,}[-*_][ \t]*")
UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*")
ASKED = re.compile(r"(?:\*\*)?(?:Q(?:uestion)?|F(?:rage)?)\s?\d{0,3}[.:)](?:\*\*)?\s+(\S.*)")
ANSWER = re.compile(
    r"(?:\*\*)?(?:A(?:nswer|ntwort)?|R(?:éponse)?)\s?\d{0,3}[.:)](?:\*\*)?\s+(\S.*)"
)
PAIR = re.compile(r"([^:;.!?|\u2013—]{2,60}?)(?:\s?:\s+|\s+[-\u2013—]\s+)(\S.*)")
_NUMBERED = re.compile(r"([^\W\d_]+)\.?\s+(?:\d{1,3}|[IVXLC]{1,6})\b")
_ENDS = ".!:;,…。\uff01\uff1a"
_FINITE = AUXILIARY | {"ist", "sind", "war", "hat", "haben", "est", "sont", "ont"}
RUN_IN = re.compile(r"(?:\*\*|__)[^*_\n]{1,40}\.(?:\*\*|__)\s+(?=\S)")
"""A heading in bold that the paragraph goes on from."""

MAX_HEADING_WORDS = 9
MAX_HEADING = 80
MAX_TERM_WORDS = 6


def is_table_rule(line: str) -> bool:
    """Tell whether a line parts the header of a table from its rows."""
    return "--" in line and not set(line) - set("|-: \t")


def is_title(line: str) -> bool:
    """Tell whether a line that stands alone reads as a heading."""
    text = line.strip()
    if not text or len(text) > MAX_HEADING or text[-1] in _ENDS or "|" in text or "\t" in text:
        return False
    count = len(words(text))
    return 0 < count <= MAX_HEADING_WORDS and not text[0].islower() and text[0].isalnum()


def series(heading: str) -> str:
    """Return the word that a numbered heading begins with (`Section 3`: section), or nothing."""
    match = _NUMBERED.match(heading)
    return match[1].casefold() if match else ""


def is_prose(line: str) -> bool:
    """Tell whether a line is more than marks, numbers and code."""
    letters = sum(c.isalpha() for c in line)
    return letters * 2 >= len(line.replace(" ", ""))


def pair_of(line: str) -> tuple[str, str] | None:
    """Return term and text of a line such as `Router: a device ...`, or None."""
    match = PAIR.fullmatch(line)
    if match is None:
        return None
    term, text = match[1].strip(), match[2].strip()
    named = words(term)
    states = any(word in _FINITE for word in named[1:])
    good = len(named) in range(1, MAX_TERM_WORDS + 1) and bool(words(text)) and not states
    return (term, text) if good and not term[0].islower() else None
