"""What the rules read a text into, and what they propose."""

from dataclasses import dataclass, field

from nightshift.ports.cards import CardKind

Path = tuple[str, ...]
"""The headings above a place of the text, the outermost first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Paragraph:
    """Running text; `open_ended` says that its last sentence goes on in a list or in code."""

    path: Path
    text: str
    open_ended: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """Items of a list with the sentence that leads to them, if any.

    `is_named` says that the last heading is a name for the items.
    """

    path: Path
    lead: str
    items: tuple[str, ...]
    ordered: bool
    is_named: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A term and what the text says beside it; `is_vocabulary` is a word beside another."""

    path: Path
    term: str
    text: str
    is_vocabulary: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """A table; every row has as many cells as the header."""

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """A question that the text asks and answers itself."""

    path: Path
    question: str
    answer: str


Block = Paragraph | Listing | Pair | Grid | Answered


@dataclass(frozen=True, kw_only=True, slots=True)
class Outline:
    """A text as read: its title, its blocks in order and the terms that it sets in bold."""

    title: str
    blocks: tuple[Block, ...]
    bold: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """A sentence that says something without its neighbours; `text` has no full stop.

    `step` counts from 1 inside an ordered list and is 0 elsewhere. `common` says that the first
    word is written small when it does not open a sentence.
    """

    path: Path
    text: str
    number: int
    step: int = 0
    common: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A card that might be made.

    Attributes:
        source: the number of the sentence or block that it was made from.
        score: 0 to 1, how sure a learner would keep it.
        path: the headings that its front may need as context.
        gaps: it was made by leaving `back` out of the sentence.
    """

    front: str
    back: str
    kind: CardKind
    source: int
    score: float
    path: Path = field(default=())
    gaps: bool = False
