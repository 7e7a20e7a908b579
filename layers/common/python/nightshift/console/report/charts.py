"""The geometry of charts: pure functions from counts to places, in per cent of what is there.

Places are per cent of the width, so that a chart grows and shrinks with its page while its letters
keep their size. Heights are CSS pixels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

PLOT_PX = 150.0
_STEPS = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_GAP = 0.28
"""What part of a column's place stays empty."""
MAX_LABELS = 6
PARTS = 6
"""How many parts of a whole have a colour of their own; the rest is one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column: its place in per cent, top and height in pixels; `label` where it has one."""

    x: float
    width: float
    y: float
    height: float
    middle: float
    label: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """A line across, and what it stands for."""

    y: float
    value: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """A column chart, `height` pixels high without its labels."""

    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]
    height: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A part of a whole: where it begins, its width and share, all in per cent; a colour's number.

    Colour 0 is the one of what is left.
    """

    name: str
    count: int
    x: float
    width: float
    share: float
    colour: int


def columns(counts: Sequence[int], labels: Sequence[str], texts: Sequence[str]) -> Columns:
    """Return a column for each count, with a label below some of them."""
    top = _top(max(counts, default=0))
    place = 100 / max(1, len(counts))
    every = math.ceil(len(counts) / MAX_LABELS)
    made = []
    for i, count in enumerate(counts):
        height = PLOT_PX * count / top
        made.append(
            Column(
                x=_round(i * place + place * _GAP / 2),
                width=_round(place * (1 - _GAP)),
                y=_round(PLOT_PX - height),
                height=_round(height),
                middle=_round((i + 0.5) * place),
                label=labels[i] if i % every == every // 2 else "",
                text=texts[i],
            )
        )
    rules = tuple(Rule(y=_round(PLOT_PX * (1 - value / top)), value=value) for value in _ticks(top))
    return Columns(columns=tuple(made), rules=rules, height=PLOT_PX)


def parts(counts: Sequence[tuple[str, int]]) -> tuple[Part, ...]:
    """Return a whole in parts: the first ones, and all others together."""
    total = sum(count for _, count in counts)
    if not total:
        return ()
    named = list(counts[:PARTS])
    rest = sum(count for _, count in counts[PARTS:])
    made, x = [], 0.0
    for i, (name, count) in enumerate([*named, *([("others", rest)] if rest else [])]):
        share = 100 * count / total
        made.append(
            Part(
                name=name,
                count=count,
                x=_round(x),
                width=_round(share),
                share=round(share),
                colour=i + 1 if i < len(named) else 0,
            )
        )
        x += share
    return tuple(made)


def share(count: float, largest: float) -> float:
    """Return a bar's width in per cent of the largest; what is there at all can be seen."""
    return _round(max(1.0, 100 * count / largest)) if count and largest else 0.0


def _top(largest: int) -> int:
    """Return the round number that the highest column ends below or at."""
    if largest <= 4:  # noqa: PLR2004 - a scale of one, two, three, four
        return 4
    power = float(10 ** (len(str(largest)) - 1))
    return next(math.ceil(power * step) for step in _STEPS if power * step >= largest)


def _ticks(top: int) -> list[int]:
    half = top // 2
    return [half, top] if half * 2 == top else [top]


def _round(value: float) -> float:
    return round(value, 2)
