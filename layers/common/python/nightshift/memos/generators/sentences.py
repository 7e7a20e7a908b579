"""Where one sentence ends and the next begins."""

import re
from typing import Final

from nightshift.memos.generators.tokens import vocabulary

_END = re.compile(r"(?:[.!?…]{1,6}|[。\uff01\uff1f])[\"'”\u2019»)\]]{0,4}(?=\s|$)|[。\uff01\uff1f]")
_LAST_WORD = re.compile(r"[^\s(\"'“„«]*$")
_ABBREVIATIONS: Final = vocabulary(
    "dr mr mrs ms prof st jr sr vs eq eqs approx ca cf al e.g i.e u.s u.k gen col lt capt rev hon "
    "gov sen rep z.b d.h u.a v.chr n.chr chr bzw mio mrd hl geb gest bspw vgl ggf sog inkl zzgl "
    "hrsg v n z u mme mlle av j.-c env jan feb apr jun jul aug sep sept oct nov dec"
)
_BEFORE_NUMBERS: Final = vocabulary(
    "no nos fig figs sec art ch vol p pp nr abs bd str tel par c cap max min est jh"
)
_ORDINAL_AFTER: Final = vocabulary(
    "januar jänner februar märz april mai juni juli august september oktober november dezember "
    "jahrhundert jahrhunderts jh jahrtausend klasse stock auflage"
)
LOOK_BACK = 40
LOOK_AHEAD = 30


def split(text: str) -> list[str]:
    """Return the sentences of a paragraph, each with its closing marks, in order.

    Abbreviations, initials, decimals, ellipses inside a sentence and German ordinals do not end
    one.
    """
    sentences, start = [], 0
    for match in _END.finditer(text):
        if match.end() > start and _ends(text, match):
            sentences.append(text[start : match.end()].strip())
            start = match.end()
    rest = text[start:].strip()
    return [*sentences, rest] if rest else sentences


def _ends(text: str, match: re.Match[str]) -> bool:
    mark = match[0]
    after = text[match.end() : match.end() + LOOK_AHEAD].lstrip()
    if not after or after[0].islower() or mark[0] in "!?。\uff01\uff1f":
        return not after[:1].islower()
    if mark != ".":
        return True
    last = _LAST_WORD.search(text[max(0, match.start() - LOOK_BACK) : match.start()])
    return not _goes_on(last[0] if last else "", after)


def _goes_on(word: str, after: str) -> bool:
    """Tell whether a full stop after `word` belongs to the word."""
    known = word.casefold()
    if word.isdigit():
        return after.split(maxsplit=1)[0].casefold().strip(".,") in _ORDINAL_AFTER
    if len(word) == 1 and word.isupper():
        return True
    return known in _ABBREVIATIONS or (known in _BEFORE_NUMBERS and after[0].isdigit())
