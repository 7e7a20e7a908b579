"""Words of a text, and comparisons by words."""

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+(?:['\u2019\-][^\W_]+)*")
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
_OPENS = re.compile(
    r"[^\W\d_]{2,}(?=[\s,.;:?!\u2019'\-\u2026)\u3002]|$)|[^\W\d_][\u2019' ](?=[^\W\d_])"
)
_SIGNIFICANT = 4


def words(text: str) -> list[str]:
    """Return the words of `text` as written: letters and digits, with inner hyphens."""
    return _WORD.findall(text)


def vocabulary(text: str) -> frozenset[str]:
    """Return a set of words that are written with spaces between."""
    return frozenset(text.split())


def listed(text: str) -> tuple[str, ...]:
    """Return the words that are written with spaces between, in order."""
    return tuple(text.split())


def is_unspaced(text: str) -> bool:
    """Tell whether a text uses a script that writes no spaces between words."""
    return bool(_UNSPACED.search(text))


def folded(text: str) -> str:
    """Return the words of `text` without case, marks and punctuation, one space between."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(_WORD.findall(plain))


def holds(text: str, part: str) -> bool:
    """Tell whether the words of `part` stand in `text`, next to each other and in order.

    In scripts without spaces between words any place counts.
    """
    sought = folded(part)
    if is_unspaced(text):
        return bool(sought) and sought in folded(text)
    return bool(sought) and f" {sought} " in f" {folded(text)} "


def overlap(one: str, other: str) -> float:
    """Return how many of their words the texts share: 0 for none, 1 for all."""
    first, second = set(folded(one).split()), set(folded(other).split())
    return len(first & second) / max(1, len(first | second))


def capitalised(text: str) -> str:
    """Return `text` with a capital first letter, unless it begins with code, a sign or a symbol."""
    return text[:1].upper() + text[1:] if _OPENS.match(text) else text


def significant(text: str) -> set[str]:
    """Return the words of four letters and more, without case and plural, for rough matching."""
    found = (word for word in folded(text).split() if len(word) >= _SIGNIFICANT or word.isdigit())
    return {word.removesuffix("s") for word in found}
