"""What becomes of a memo's cards when they are made anew: kept, added, removed, or marked stale."""

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from nightshift.core.ids import derived_id, id_time
from nightshift.core.tokens import b64url
from nightshift.memos.model import CARDS_KIND, Card, CardId, Change, Memo
from nightshift.ports.cards import CardDraft

_DIGEST_BYTES = 15
_EDGES = " .,;:!?…"

_Key = Callable[[Card], str | None]
_DraftKey = Callable[[CardDraft], str]


def fact_of(front: str, back: str) -> str:
    """Return what identifies the fact that a card asks for, however it is spaced or capitalised."""
    sides = (_normalised(front), _normalised(back))
    return b64url(hashlib.sha256("\x1f".join(sides).encode()).digest()[:_DIGEST_BYTES])


def core_of(front: str, back: str) -> str:
    """Return the same without the front's first line, which may only say what a card is about."""
    first, _, rest = front.partition("\n")
    return fact_of(rest or first, back)


def _normalised(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split()).strip(_EDGES)


def rework(
    existing: Sequence[Card], drafts: Iterable[CardDraft], memo: Memo, now: datetime
) -> list[Change]:
    """Return the changes that turn a memo's cards into those of its present generation.

    A card whose fact is still stated keeps id, edits and review state, and stands where the text
    now states it. One that is not is removed, unless it was reviewed or edited; then it is marked.
    Cards written by hand stay as they are.
    Done twice, the second time gives no changes.
    """
    unique = {fact_of(draft.front, draft.back): draft for draft in drafts}
    matched = _match([card for card in existing if card.fact is not None], unique)
    kept = {card.id for card in matched.values()}
    changes = [_dropped(c, now) for c in existing if c.fact is not None and c.id not in kept]
    changes += [
        _kept(matched[fact], draft, fact, position, now)
        for position, (fact, draft) in enumerate(unique.items())
        if fact in matched
    ]
    taken = {card.id for card in existing}
    for position, (fact, draft) in enumerate(unique.items()):
        if fact not in matched:
            card = _made(draft, fact, position, memo, now)
            changes += [Change(after=card)] if card.id not in taken else []
    return [change for change in changes if change.before != change.after]


def _match(cards: Sequence[Card], drafts: dict[str, CardDraft]) -> dict[str, Card]:
    """Return the card that each draft's fact already has, by the draft's fact.

    The same fact counts most, then what an edit has made the same, then the same but for the line
    that says what the card is about.
    """
    found: dict[str, Card] = {}
    levels: tuple[tuple[_Key, _DraftKey], ...] = (
        (lambda c: c.fact, lambda d: fact_of(d.front, d.back)),
        (lambda c: fact_of(c.front, c.back), lambda d: fact_of(d.front, d.back)),
        (lambda c: c.core, lambda d: core_of(d.front, d.back)),
    )
    for key_of_card, key_of_draft in levels:
        used = {card.id for card in found.values()}
        free = {key_of_card(card): card for card in reversed(cards) if card.id not in used}
        for fact, draft in drafts.items():
            if fact not in found:
                card = free.pop(key_of_draft(draft), None)
                found |= {fact: card} if card is not None else {}
    return found


def _kept(card: Card, draft: CardDraft, fact: str, position: int, now: datetime) -> Change:
    core = core_of(draft.front, draft.back)
    after = replace(card, fact=fact, core=core, stale_source=False, position=position)
    if not card.edited:
        after = replace(after, front=draft.front, back=draft.back, kind=draft.kind.value)
    return _changed(card, after, now)


def _dropped(card: Card, now: datetime) -> Change:
    if not card.is_precious:
        return Change(before=card)
    return _changed(card, replace(card, stale_source=True), now)


def _changed(before: Card, after: Card, now: datetime) -> Change:
    if before == after:
        return Change(before=before, after=before)
    return Change(before=before, after=replace(after, version=before.version + 1, updated_at=now))


def _made(draft: CardDraft, fact: str, position: int, memo: Memo, now: datetime) -> Card:
    card_id = derived_id(id_time(memo.id), CARDS_KIND, memo.id, str(memo.generation), fact)
    return Card(
        id=CardId(card_id),
        owner_id=memo.owner_id,
        memo_id=memo.id,
        front=draft.front,
        back=draft.back,
        kind=draft.kind.value,
        position=position,
        fact=fact,
        core=core_of(draft.front, draft.back),
        created_at=now,
        updated_at=now,
        due_at=now,
    )
