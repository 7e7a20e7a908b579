"""Memos, cards and reviews as items of the memos table, and back."""

import zlib
from datetime import date
from typing import Any

from nightshift.aws.dynamo import Item
from nightshift.core.access import UserId
from nightshift.core.clock import from_ms, to_ms
from nightshift.memos import keys
from nightshift.memos.model import (
    Card,
    CardId,
    CardState,
    Day,
    Memo,
    MemoId,
    MemoStatus,
    MemoText,
    Recall,
    Review,
    Totals,
)

SCHEMA_VERSION = 1


def memo_item(memo: Memo) -> Item:
    """Return the item of a memo; what is empty is left out."""
    return {
        **keys.memo(memo.owner_id, memo.id),
        "v": SCHEMA_VERSION,
        "title": memo.title,
        "excerpt": memo.excerpt,
        "status": memo.status.value,
        "generation": memo.generation,
        "job": memo.job_id,
        "text_version": memo.text_version,
        "made_of": memo.made_of,
        "generator": memo.generator,
        "cards": memo.card_count,
        "problems": list(memo.problems) or None,
        "error": memo.error,
        "error_message": memo.error_message,
        "worker": memo.worker,
        "gone": memo.gone or None,
        "version": memo.version,
        "created": to_ms(memo.created_at),
        "updated": to_ms(memo.updated_at),
    }


def memo_of(item: Item) -> Memo:
    """Return the memo in an item."""
    return Memo(
        id=MemoId(item["sk"].removeprefix(keys.MEMO)),
        owner_id=UserId(item["pk"].removeprefix(keys.OWNER)),
        title=item.get("title"),
        excerpt=item["excerpt"],
        status=MemoStatus(item["status"]),
        generation=item["generation"],
        job_id=item["job"],
        text_version=item["text_version"],
        made_of=item.get("made_of"),
        generator=item.get("generator"),
        card_count=item["cards"],
        problems=tuple(item.get("problems", ())),
        error=item.get("error"),
        error_message=item.get("error_message"),
        worker=item.get("worker"),
        gone=bool(item.get("gone")),
        version=item["version"],
        created_at=from_ms(item["created"]),
        updated_at=from_ms(item["updated"]),
    )


def text_item(memo: Memo, text: str) -> Item:
    """Return the item of a memo's text, compressed: it is what a memo costs most to write."""
    return {
        **keys.text(memo.owner_id, memo.id),
        "v": SCHEMA_VERSION,
        "zlib": zlib.compress(text.encode()),
        "number": memo.text_version,
    }


def text_of(item: Item) -> MemoText:
    """Return the text in an item."""
    return MemoText(text=zlib.decompress(item["zlib"]).decode(), version=item["number"])


def card_item(card: Card) -> Item:
    """Return the item of a card; what is empty is left out."""
    return {
        **keys.card(card.owner_id, card.id),
        **_recall_item(card.recall),
        "v": SCHEMA_VERSION,
        "memo": card.memo_id,
        "front": card.front,
        "back": card.back,
        "kind": card.kind,
        "position": card.position,
        "fact": card.fact,
        "core": card.core,
        "edited": card.edited or None,
        "stale": card.stale_source or None,
        "due": to_ms(card.due_at),
        "version": card.version,
        "created": to_ms(card.created_at),
        "updated": to_ms(card.updated_at),
    }


def _recall_item(recall: Recall) -> dict[str, Any]:
    return {
        "state": recall.state.value,
        "step": recall.step,
        "stability": recall.stability,
        "difficulty": recall.difficulty,
        "reviewed": to_ms(recall.last_review) if recall.last_review else None,
        "reps": recall.reps or None,
        "lapses": recall.lapses or None,
    }


def card_of(item: Item) -> Card:
    """Return the card in an item."""
    return Card(
        id=CardId(item["sk"].removeprefix(keys.CARD)),
        owner_id=UserId(item["pk"].removeprefix(keys.OWNER)),
        memo_id=MemoId(item["memo"]),
        front=item["front"],
        back=item["back"],
        kind=item["kind"],
        position=item["position"],
        fact=item.get("fact"),
        core=item.get("core"),
        edited=bool(item.get("edited")),
        stale_source=bool(item.get("stale")),
        recall=_recall_of(item),
        due_at=from_ms(item["due"]),
        version=item["version"],
        created_at=from_ms(item["created"]),
        updated_at=from_ms(item["updated"]),
    )


def _recall_of(item: Item) -> Recall:
    return Recall(
        state=CardState(item["state"]),
        step=item.get("step"),
        stability=_number(item.get("stability")),
        difficulty=_number(item.get("difficulty")),
        last_review=from_ms(item["reviewed"]) if "reviewed" in item else None,
        reps=item.get("reps", 0),
        lapses=item.get("lapses", 0),
    )


def _number(value: float | None) -> float | None:
    """Return a float again where the table gave a whole number back."""
    return None if value is None else float(value)


def waiting_item(card: Card) -> Item:
    """Return the item under which a card waits for its review."""
    return {**keys.waiting(card), "card": card.id}


def log_item(review: Review) -> Item:
    """Return the entry of the review log: the outcome, and the card as it was before it."""
    card, recall = review.card, review.card.recall
    return {
        **keys.log(card.owner_id, card.id, review.id),
        **_recall_item(recall),
        "v": SCHEMA_VERSION,
        "memo": card.memo_id,
        "outcome": review.outcome.value,
        "at": to_ms(review.at),
        "due": to_ms(card.due_at),
    }


def totals_of(item: Item | None) -> Totals:
    """Return the totals in an item; all are zero where there is none."""
    found = item or {}
    names = ("new", "learning", "review", "reviews", "lapses")
    return Totals(**{name: found.get(name, 0) for name in names})


def day_of(item: Item) -> Day:
    """Return the reviews of a day in an item."""
    return Day(
        date=date.fromisoformat(item["sk"].removeprefix(keys.DAY)),
        reviews=_quarters(item, "q"),
        first_reviews=_quarters(item, "n"),
        mature=item.get("mature", 0),
        kept=item.get("kept", 0),
    )


def _quarters(item: Item, letter: str) -> dict[int, int]:
    return {
        int(name[1:]): count
        for name, count in item.items()
        if name[0] == letter and name[1:].isdigit()
    }
