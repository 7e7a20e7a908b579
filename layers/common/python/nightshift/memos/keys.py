"""Every key of the memos table.

All that an owner has lies in one partition, the review log in a second. A card's id begins with
its memo's time, so the cards of a memo are a range of the owner's cards.
"""

from datetime import date

from nightshift.aws.dynamo import Item
from nightshift.core.clock import to_ms
from nightshift.memos.model import Card

OWNER = "U#"
LOG = "R#"
MEMO = "M#"
TEXT = "X#"
CARD = "C#"
DUE = "D#"
FRESH = "N#"
DAY = "Y#"
TOTALS = "TOTALS"
_TIME_CHARS = 13
_MS_DIGITS = 13
_AFTER_ALL = "~"


def owner(owner_id: str) -> str:
    """Return the partition of an owner."""
    return OWNER + owner_id


def memo(owner_id: str, memo_id: str) -> Item:
    """Return the key of a memo."""
    return {"pk": owner(owner_id), "sk": MEMO + memo_id}


def text(owner_id: str, memo_id: str) -> Item:
    """Return the key of a memo's text."""
    return {"pk": owner(owner_id), "sk": TEXT + memo_id}


def card(owner_id: str, card_id: str) -> Item:
    """Return the key of a card."""
    return {"pk": owner(owner_id), "sk": CARD + card_id}


def cards_near(memo_id: str) -> tuple[str, str]:
    """Return the range of sort keys in which the cards of a memo lie, perhaps among others."""
    prefix = CARD + memo_id[:_TIME_CHARS]
    return prefix, prefix + _AFTER_ALL


def waiting(card: Card) -> Item:
    """Return the key under which a card waits: in the line of new cards, or for its due time."""
    if card.is_fresh:
        place = f"{FRESH}{card.memo_id}#{card.position:05}#{card.id}"
    else:
        place = f"{DUE}{to_ms(card.due_at):0{_MS_DIGITS}}#{card.id}"
    return {"pk": owner(card.owner_id), "sk": place}


def due_until(now_ms: int) -> tuple[str, str]:
    """Return the range of what is due at `now_ms`."""
    return DUE, f"{DUE}{now_ms:0{_MS_DIGITS}}{_AFTER_ALL}"


def totals(owner_id: str) -> Item:
    """Return the key of an owner's totals."""
    return {"pk": owner(owner_id), "sk": TOTALS}


def day(owner_id: str, day: date) -> Item:
    """Return the key of an owner's reviews of a UTC day."""
    return {"pk": owner(owner_id), "sk": DAY + day.isoformat()}


def log(owner_id: str, card_id: str, review_id: str) -> Item:
    """Return the key of an entry in the review log."""
    return {"pk": LOG + owner_id, "sk": f"{card_id}#{review_id}"}
