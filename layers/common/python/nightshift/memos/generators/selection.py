"""Which of the candidates become cards, and how they are written out."""

import re
from collections import defaultdict
from collections.abc import Iterable

from nightshift.memos.generators.languages import Language
from nightshift.memos.generators.lines import series
from nightshift.memos.generators.model import Candidate, Path
from nightshift.memos.generators.tokens import capitalised, folded, holds, overlap, significant
from nightshift.ports.cards import MAX_BACK, MAX_FRONT, CardDraft, CardKind

PER_SENTENCE = 2
PER_STEP = 2
GOOD = 0.55
WORDS_A_CARD = 22
SAME = 0.7
MAX_CONTEXT = 90
NEIGHBOURS = 40
SEPARATOR = " \u203a "
_SPACE_BEFORE = re.compile(r"\s+")


def choose(
    candidates: Iterable[Candidate], language: Language, *, max_cards: int, size: int
) -> tuple[CardDraft, ...]:
    """Return the best cards in the order of the text, at most `max_cards`, spread over it.

    Weak candidates only fill up what a text of `size` words leaves free.
    """
    by_source: dict[int, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        if _fit(candidate, language):
            by_source[candidate.source].append(candidate)
    groups = [_of_one_source(by_source[source]) for source in sorted(by_source)]
    unique = _unique([candidate for group in groups for candidate in group], language)
    good = [candidate for candidate in unique if candidate.score >= GOOD]
    room = max(0, size // WORDS_A_CARD - len(good))
    weak = sorted((c for c in unique if c.score < GOOD), key=lambda c: (-c.score, c.source))[:room]
    chosen = _spread(sorted([*good, *weak], key=lambda c: c.source), max_cards)
    return tuple(_draft(candidate) for candidate in chosen)


def _fit(candidate: Candidate, language: Language) -> bool:
    back = candidate.back.strip()
    bare = folded(back)
    if not bare or len(back) > MAX_BACK or bare in language.stop:
        return False
    front = _draft(candidate).front
    if candidate.gaps and not any(c.isalpha() for c in front.replace("[...]", "")):
        return False
    return len(front) <= MAX_FRONT and not holds(front, back)


def _of_one_source(group: list[Candidate]) -> list[Candidate]:
    """Keep the best cards of one sentence that ask for different things."""
    kept: list[Candidate] = []
    for candidate in sorted(group, key=lambda c: (-c.score, c.front, c.back)):
        counted = [c for c in kept if c.kind is not CardKind.ABBREVIATION]
        room = len(counted) < PER_SENTENCE or not candidate.gaps
        worded = candidate.kind is CardKind.NUMBER and candidate.back.isalpha()
        counted_list = worded and any(c.kind is CardKind.LIST for c in kept)
        weak = candidate.kind is CardKind.CLOZE and bool(kept) and candidate.score < GOOD
        fresh = not any(_same_fact(candidate, other) for other in kept)
        if room and fresh and not weak and not counted_list:
            kept.append(candidate)
    return kept


def _same_fact(one: Candidate, other: Candidate) -> bool:
    named = any(
        gap.gaps and gap.kind is CardKind.CLOZE and not whole.gaps and holds(whole.front, gap.back)
        for gap, whole in ((one, other), (other, one))
    )
    return named or holds(one.back, other.back) or holds(other.back, one.back)


def _is_listed(candidate: Candidate, kept: list[Candidate], language: Language) -> bool:
    """Tell whether another card near asks for the same things already."""
    if candidate.kind is not CardKind.LIST:
        return False
    lists = [other for other in kept if other.kind is CardKind.LIST][-NEIGHBOURS:]
    mine = set(folded(candidate.back).split()) - language.stop
    others = [set(folded(other.back).split()) - language.stop for other in lists]
    return any(mine <= other or other <= mine for other in others)


def _unique(candidates: list[Candidate], language: Language) -> list[Candidate]:
    """Drop what asks the same again, or asks for the same in nearly the same words."""
    fronts: set[tuple[str, Path]] = set()
    answers: dict[str, list[Candidate]] = defaultdict(list)
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda c: (-c.score, c.source)):
        front = (folded(candidate.front), candidate.path if candidate.gaps else ())
        alike = answers[folded(candidate.back)]
        again = any(overlap(candidate.front, other.front) >= SAME for other in alike[-NEIGHBOURS:])
        if front in fronts or again or _is_listed(candidate, kept, language):
            continue
        fronts.add(front)
        alike.append(candidate)
        kept.append(candidate)
    return kept


def _spread(candidates: list[Candidate], max_cards: int) -> list[Candidate]:
    """Take the best of each of `max_cards` equal stretches, then the best of the rest."""
    if len(candidates) <= max_cards:
        return candidates
    stretches: dict[int, list[int]] = defaultdict(list)
    for index in range(len(candidates)):
        stretches[index * max_cards // len(candidates)].append(index)
    best = [max(indexes, key=lambda i: (candidates[i].score, -i)) for indexes in stretches.values()]
    return [candidates[index] for index in sorted(best)[:max_cards]]


def _draft(candidate: Candidate) -> CardDraft:
    asked = capitalised(_SPACE_BEFORE.sub(" ", candidate.front.strip()))
    path = () if candidate.kind is CardKind.ABBREVIATION else candidate.path
    context = _context(path, asked, candidate.back)
    return CardDraft(
        front=f"{context}\n{asked}" if context else asked,
        back=capitalised(candidate.back.strip()) if not candidate.gaps else candidate.back.strip(),
        kind=candidate.kind,
    )


def _context(path: Path, asked: str, answer: str) -> str:
    """Return the title and the nearest heading, as far as the question does not say them itself."""
    told = significant(asked) | set(folded(asked).split())
    shown = [path[0], *path[-2 if series(path[-1]) else -1 :]] if path[2:] else list(path)
    useful = [
        part
        for part in dict.fromkeys(shown)
        if (significant(part) or set(folded(part).split())) - told
        and not holds(part, answer)
        and not holds(asked, part)
    ]
    line = SEPARATOR.join(useful)
    return line if len(line) <= MAX_CONTEXT else SEPARATOR.join(useful[-1:])[:MAX_CONTEXT]
