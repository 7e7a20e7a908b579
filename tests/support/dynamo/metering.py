"""What each call bills: request units by DynamoDB's documented rules, recorded call by call.

Rules, from the developer guide's "DynamoDB read and write operations" and "Amazon DynamoDB
Transactions: How it works": a read unit is 4 KB strongly consistent, half of that price eventually
consistent; a Query sums the bytes of what it evaluated before rounding; GetItem and BatchGetItem
round item by item; nothing found bills the least unit. A write unit is 1 KB of the larger of the
old and the new item; a refused condition bills the item that stood there. Transactions bill double,
condition checks included; a repeated token bills reads.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

READ_UNIT_BYTES = 4096
WRITE_UNIT_BYTES = 1024

Key = tuple[object, object]


class Call(NamedTuple):
    """One table's part in one request.

    `ordinal` counts requests from 1; the parts of one request share it. `sizes` are bytes of items
    as read or written, in the order of `keys` where keys were asked for. `error` is the code of
    the refusal, empty when there was none.
    """

    ordinal: int
    operation: str
    table: str
    keys: tuple[Key, ...]
    read_units: float
    write_units: float
    sizes: tuple[int, ...]
    error: str


@dataclass(slots=True)
class Usage:
    """A sum over calls."""

    calls: int = 0
    read_units: float = 0.0
    write_units: float = 0.0

    def add(self, other: "Usage") -> None:
        """Add another sum to this one."""
        self.calls += other.calls
        self.read_units += other.read_units
        self.write_units += other.write_units


def read_units(size: int, *, consistent: bool) -> float:
    """Return the read units of `size` bytes."""
    units = max(1, -(-size // READ_UNIT_BYTES))
    return float(units) if consistent else units / 2


def write_units(old: int, new: int) -> float:
    """Return the write units of changing an item of `old` bytes into one of `new` bytes."""
    return float(max(1, -(-max(old, new) // WRITE_UNIT_BYTES)))


class Meter:
    """Totals by operation and table, and the calls themselves unless `keep_calls` is off."""

    def __init__(self, *, keep_calls: bool = True) -> None:
        self.keep_calls = keep_calls
        self.calls: list[Call] = []
        self._cells: dict[tuple[str, str], Usage] = {}
        self._lock = threading.Lock()

    def record(self, call: Call) -> None:
        """Count one call."""
        with self._lock:
            cell = self._cells.get(call[1:3])
            if cell is None:
                cell = self._cells[call[1:3]] = Usage()
            cell.calls += 1
            cell.read_units += call.read_units
            cell.write_units += call.write_units
            if self.keep_calls:
                self.calls.append(call)

    def reset(self) -> None:
        """Forget everything counted; ordinals go on."""
        with self._lock:
            self.calls.clear()
            self._cells.clear()

    def total(self, *, operation: str | None = None, table: str | None = None) -> Usage:
        """Return the sum over the calls of one operation, of one table, or of both."""
        with self._lock:
            return _sum_of(
                usage
                for (op, name), usage in self._cells.items()
                if operation in {None, op} and table in {None, name}
            )

    @property
    def read_units(self) -> float:
        """Return all read units."""
        return self.total().read_units

    @property
    def write_units(self) -> float:
        """Return all write units."""
        return self.total().write_units

    @property
    def by_operation(self) -> dict[str, Usage]:
        """Return the sums by operation."""
        return {op: self.total(operation=op) for op, _ in tuple(self._cells)}

    @property
    def by_table(self) -> dict[str, Usage]:
        """Return the sums by table."""
        return {table: self.total(table=table) for _, table in tuple(self._cells)}


def _sum_of(usages: Iterable[Usage]) -> Usage:
    total = Usage()
    for usage in usages:
        total.add(usage)
    return total
