"""Operands of conditions, and when two values are the same or in order."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from tests.support.dynamo.syntax import MISSING, Missing, Path, Scope
from tests.support.dynamo.values import Plain, PlainItem, ValueSet, kind_of


class Operand(Protocol):
    """Something with a value: a path, a `:value` or a size."""

    def get(self, item: PlainItem, scope: Scope) -> Plain | Missing:
        """Return the value, MISSING where there is none."""
        ...

    def paths(self) -> Iterator[Path]:
        """Yield the paths that it reads."""
        ...


@dataclass(frozen=True, slots=True)
class PathOperand:
    """The value at a path."""

    path: Path

    def get(self, item: PlainItem, scope: Scope) -> Plain | Missing:
        """Return the value there."""
        return self.path.find(item, scope)

    def paths(self) -> Iterator[Path]:
        """Yield the path."""
        yield self.path


@dataclass(frozen=True, slots=True)
class ValueOperand:
    """A `:value`."""

    name: str

    def get(self, item: PlainItem, scope: Scope) -> Plain | Missing:
        """Return the request's value."""
        del item
        return scope.values[self.name]

    def paths(self) -> Iterator[Path]:
        """Yield nothing."""
        return iter(())


@dataclass(frozen=True, slots=True)
class SizeOperand:
    """`size(path)`: characters, bytes or elements; MISSING for types without a size."""

    operand: Operand

    def get(self, item: PlainItem, scope: Scope) -> Plain | Missing:
        """Return the size."""
        value = self.operand.get(item, scope)
        if isinstance(value, ValueSet):
            return len(value.members)
        return len(value) if isinstance(value, str | bytes | list | dict) else MISSING

    def paths(self) -> Iterator[Path]:
        """Yield the operand's path."""
        return self.operand.paths()


def equal(left: Plain | Missing, right: Plain | Missing) -> bool:
    """Tell whether two values are the same, type and all (True is not 1)."""
    if type(left) is str and type(right) is str:
        return left == right
    if isinstance(left, Missing) or isinstance(right, Missing) or kind_of(left) != kind_of(right):
        return False
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return left == right


def ordering(left: Plain | Missing, right: Plain | Missing) -> int | None:
    """Return -1, 0 or 1; None where the two cannot be ordered.

    Strings compare by their UTF-8 bytes, which is the order of their code points.
    """
    if isinstance(left, str) and isinstance(right, str):
        return (left > right) - (left < right)
    if isinstance(left, bytes) and isinstance(right, bytes):
        return (left > right) - (left < right)
    if isinstance(left, bool) or isinstance(right, bool):
        return None
    if isinstance(left, int | Decimal) and isinstance(right, int | Decimal):
        return (left > right) - (left < right)
    return None
