"""The kinds of lines that a text is made of."""

import re
from itertools import pairwise

from nightshift.memos.generators.grammar import AUXILIARY
from nightshift.memos.generators.tokens import vocabulary, words

HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(\S.*)")
ITEM = re.compile(
    r"(?P<indent>[ \t]*)(?:[-*+•‣◦▪·\u2013\u2192]|[-=]>|(?P<number>(?:\d{1,3}|[a-z])[.)])|"
    r"(?P<letter>\((?:\d{1,2}|[a-z]|[ivx]{1,4})\)))[ \t]+(?:\[[ xX]\][ \t]+)?(?P<text>\S.*)"
)
"""An item of a list; `number` and `letter` are its mark where it is no bullet."""

BOLD = re.compile(r" {0,3}(\*\*|__)(?P<text>[^*_\n]{1,80})\1:?[ \t]*")
"""A line in bold that nothing follows on: a heading."""

SIGNATURE = re.compile(r"-- ?")
"""What mail programs put between a letter and the sender's address."""

CLAUSE = re.compile(r"^[ \t]*(?:§+ ?)?\d{1,3}(?:\.\d{1,3}){1,3}\.?[ \t]+(?=[^\W\d_a-z])")
"""The number of a clause, such as `2.1` in a contract."""

FENCE = re.compile(r" {0,3}(```|~~~)")
RULE = re.compile(r"[ \t]*[-=*_~#+]{3,}[ \t]*|[ \t]*(?:[-*_] ){2,}[-*_][ \t]*")
UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*")
ASKED = re.compile(r"(?:\*\*)?(?:Q(?:uestion)?|F(?:rage)?)\s?\d{0,3}[.:)](?:\*\*)?\s+(\S.*)")
ANSWER = re.compile(
    r"(?:\*\*)?(?:A(?:nswer|ntwort)?|R(?:éponse)?)\s?\d{0,3}[.:)](?:\*\*)?\s+(\S.*)"
)
PAIR = re.compile(
    r"(?P<term>[^:;.!?|=<>\u2013—\u2192]{1,80}?)"
    r"(?:\s?:\s+|\s*\.{3,}\s*|\s+(?P<sign>[-\u2013—=\u2192]|:=|->|=>)\s+)(?P<text>\S.*)"
)
_SMALL = vocabulary(
    "a an the of on in at to for and or by with from der die das und de la le du et"
)
_NOTE = re.compile(r" \([^()]*\)$")
_NUMBERED = re.compile(r"([^\W\d_]+)\.?\s+(?:\d{1,3}|[IVXLC]{1,6})\b")
_ENDS = ".!:;,…。\uff01\uff1a"
_DASHES = frozenset("-\u2013—")
_FINITE = AUXILIARY | {"ist", "sind", "war", "hat", "haben", "est", "sont", "ont"}
_SAYING = (["says"], ["states"], ["said"], ["stated"], ["means"], ["adds"], ["asks"])
RUN_IN = re.compile(
    r"(?:\*\*|__)[^*_\n]{1,40}\.(?:\*\*|__)\s+(?=\S)|"
    r"[^\W\d_a-z][\w ]{1,40}\.[\u2013—]\s?(?=[^\W\d_a-z])"
)
"""A heading that the paragraph goes on from: in bold, or before a full stop and a dash."""

MAX_HEADING_WORDS = 9
MAX_HEADING = 80
MAX_TERM_WORDS = 6
MIN_MEANING_WORDS = 2
MIN_WRAPPED = 60
"""Columns under which nobody wraps running text."""
MAX_WRAPPED = 100
"""Columns over which nobody does."""


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
    if " | " in line:
        return False
    letters = sum(c.isalpha() for c in line)
    return letters * 2 >= len(line.replace(" ", ""))


def pair_of(line: str, *, listed: bool = False) -> tuple[str, str] | None:
    """Return term and text of a line such as `Router: a device ...`, or None.

    A line that is `listed` among others of its kind may begin with a small letter. A dash that has
    a second one to close it stands in a sentence.
    """
    match = PAIR.fullmatch(line)
    if match is None:
        return None
    term, text, sign = match["term"].strip(), match["text"].strip(), match["sign"]
    named = words(_NOTE.sub("", term))
    states = any(word in _FINITE for word in named[1:]) or named[-1:] in _SAYING
    good = len(named) in range(1, MAX_TERM_WORDS + 1) and bool(words(text)) and not states
    inserted = (sign in _DASHES and f" {sign} " in text) or term.count("(") != term.count(")")
    formula = sign == "=" and not (is_prose(text) and len(words(text)) >= MIN_MEANING_WORDS)
    opens = term.lstrip("-/@$.")[:1].isalnum() and (listed or not term[0].islower())
    return (term, text) if good and opens and not inserted and not formula else None


def separator(line: str) -> str:
    """Return what parts the term of a line from its text, or nothing if the line is no pair."""
    match = PAIR.fullmatch(line)
    if match is None or pair_of(line, listed=True) is None:
        return ""
    return line[match.end("term") : match.start("text")].strip()[:3]


def is_vocabulary(line: str) -> bool:
    """Tell whether a line sets a word beside another by a dash or a sign, as learners do."""
    match = PAIR.fullmatch(line)
    return bool(match and match["sign"] and len(words(match["text"])) <= MAX_TERM_WORDS)


def quiet(heading: str) -> str:
    """Return a heading in capitals as it would be written without shouting."""
    first, *rest = heading.lower().split(" ")
    return " ".join([first.capitalize(), *(w if w in _SMALL else w.capitalize() for w in rest)])


def kind_of(item: re.Match[str]) -> str:
    """Return which kind of marks an item of a list has."""
    return "number" if item["number"] else "letter" if item["letter"] else "bullet"


def numbered_title(line: str, after: str) -> str:
    """Return the title of a line such as `2. Term`, unless the line `after` goes on as its list."""
    match = ITEM.fullmatch(line)
    if not match or not match["number"] or match["indent"] or not is_title(match["text"]):
        return ""
    following = ITEM.match(after)
    goes_on = not after.strip() or after[0].isspace() or (following and following["number"])
    return "" if goes_on else match["text"]


def is_broken_here(line: str, after: str, width: int) -> bool:
    """Tell whether the writer ended a line, rather than a program that wraps at `width`."""
    first = after.split(" ", 1)[0]
    listed = len(line) < MIN_WRAPPED and (
        line.endswith(":") or pair_of(after, listed=True) is not None
    )
    if listed or not first or first[0].islower():
        return listed
    return len(line) > MAX_WRAPPED or len(line) + 1 + len(first) <= width


def pieces(chunk: list[str]) -> list[str]:
    """Return the lines of a paragraph, those joined that only a program has parted."""
    width = max(MIN_WRAPPED, *map(len, chunk))
    found = [chunk[0]]
    for before, line in pairwise(chunk):
        if is_broken_here(before, line, width):
            found.append(line)
        else:
            found[-1] = f"{found[-1]} {line}"
    return found
