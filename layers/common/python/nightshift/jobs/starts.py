"""How a gate with a rate hands out starts: pure decisions over two times that its item keeps.

`next_ms` is the next start that nobody has reserved: who finds it far off reserves it and comes
back then, with a pass. `open_ms` is when the next may really begin, one spacing after whoever began
last. Both are needed, since messages come late: a pass alone would let all that were reserved in an
outage begin at once; and if passes ended, a gate whose messages are always a little late would
let nobody in at all.
"""

from dataclasses import dataclass, field

from nightshift.aws.dynamo import Condition, Item
from nightshift.jobs.model import Gate, Message

START_TOLERANCE_MS = 1_500
"""How long before its start a message is let in: the worker waits the rest."""
PASS_OK_MS = 2_000
"""How late a pass still goes before others; later, it may only be used where nobody else begins."""
AHEAD_MS = 900_000
"""How far ahead starts are reserved; who comes after them is parked, so that a rate can change."""
NEXT, OPEN = "tat", "act"
"""The attributes of the item."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Starts:
    """What the item says, in milliseconds since the epoch; 0 where it says nothing."""

    next_ms: int = 0
    open_ms: int = 0

    @classmethod
    def of(cls, item: Item | None) -> "Starts":
        """Return what an item says, None for no item."""
        return cls(next_ms=(item or {}).get(NEXT, 0), open_ms=(item or {}).get(OPEN, 0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Begin:
    """Begin at `at_ms`, or a little before: the write makes sure that nobody else does.

    Where the write adds to what stands, `at_ms` is None: it is one spacing before what came of it.
    """

    expression: str
    condition: Condition
    values: dict[str, object] = field(default_factory=dict)
    at_ms: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reserve:
    """Reserve a start by the write, and come back then; `at_ms` as in `Begin`."""

    expression: str
    condition: Condition
    values: dict[str, object] = field(default_factory=dict)
    at_ms: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ComeBack:
    """Another has begun just now; the pass is good again at `at_ms`."""

    at_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Full:
    """All starts that may be reserved are: wait in line."""


Step = Begin | Reserve | ComeBack | Full


def step_of(starts: Starts, message: Message, gate: Gate, now_ms: int) -> Step:
    """Return what to do for a start, given what the item says."""
    from_ms = max(now_ms, message.not_before_ms)
    if message.pass_ms:
        if starts.open_ms <= from_ms + START_TOLERANCE_MS:
            return _begin_with_pass(starts, gate, from_ms)
        if now_ms <= message.pass_ms + PASS_OK_MS:
            return ComeBack(at_ms=starts.open_ms)
    if max(starts.next_ms, starts.open_ms) <= from_ms:
        return _begin_idle(gate, from_ms)
    if starts.next_ms == starts.open_ms and starts.next_ms <= from_ms + START_TOLERANCE_MS:
        return _begin_close(gate, from_ms)
    return _reserve(starts, gate, from_ms)


def _begin_with_pass(starts: Starts, gate: Gate, from_ms: int) -> Begin:
    if starts.open_ms <= from_ms:
        return Begin(
            expression=f"SET {OPEN} = :open",
            condition=Condition(expression=_free(OPEN), values={":from": from_ms}),
            values={":open": from_ms + gate.spacing_ms},
            at_ms=from_ms,
        )
    return Begin(
        expression=f"SET {OPEN} = {OPEN} + :step",
        condition=_between(OPEN, from_ms, from_ms + START_TOLERANCE_MS),
        values={":step": gate.spacing_ms},
    )


def _begin_idle(gate: Gate, from_ms: int) -> Begin:
    """Nothing is reserved, nobody has begun within a spacing."""
    return Begin(
        expression=f"SET {NEXT} = :open, {OPEN} = :open",
        condition=Condition(
            expression=f"({_free(NEXT)}) AND ({_free(OPEN)})", values={":from": from_ms}
        ),
        values={":open": from_ms + gate.spacing_ms},
        at_ms=from_ms,
    )


def _begin_close(gate: Gate, from_ms: int) -> Begin:
    """Others have begun just now, and nobody comes between."""
    close = _between(NEXT, from_ms, from_ms + START_TOLERANCE_MS)
    return Begin(
        expression=f"SET {NEXT} = {NEXT} + :step, {OPEN} = {NEXT} + :step",
        condition=Condition(
            expression=f"{close.expression} AND {OPEN} = {NEXT}", values=close.values
        ),
        values={":step": gate.spacing_ms},
    )


def _reserve(starts: Starts, gate: Gate, from_ms: int) -> Reserve | Full:
    if starts.next_ms > from_ms + AHEAD_MS:
        return Full()
    if starts.next_ms > from_ms and starts.next_ms >= starts.open_ms:
        return Reserve(
            expression=f"SET {NEXT} = {NEXT} + :step",
            condition=_between(NEXT, from_ms, from_ms + AHEAD_MS),
            values={":step": gate.spacing_ms},
        )
    # Nothing is reserved, but somebody has begun late; or the limit has changed meanwhile.
    at_ms = max(starts.next_ms, starts.open_ms)
    return Reserve(
        expression=f"SET {NEXT} = :next",
        condition=Condition(
            expression=f"attribute_not_exists({NEXT}) OR {NEXT} = :seen",
            values={":seen": starts.next_ms},
        ),
        values={":next": at_ms + gate.spacing_ms},
        at_ms=at_ms,
    )


def _free(attribute: str) -> str:
    return f"attribute_not_exists({attribute}) OR {attribute} <= :from"


def _between(attribute: str, low_ms: int, high_ms: int) -> Condition:
    return Condition(
        expression=f"{attribute} > :low AND {attribute} <= :high",
        values={":low": low_ms, ":high": high_ms},
    )
