"""Conditions as trees: tested against plain items, and checked against a request's values."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from tests.support.dynamo.errors import invalid
from tests.support.dynamo.operands import Operand, PathOperand, ValueOperand, equal, ordering
from tests.support.dynamo.syntax import MISSING, Missing, Path, Scope
from tests.support.dynamo.values import Plain, PlainItem, ValueSet, kind_of

MAX_IN_OPERANDS = 100
_ORDERED_KINDS: Final = frozenset({"S", "N", "B"})
_KINDS: Final = frozenset({"S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"})


class Node(Protocol):
    """A condition."""

    def test(self, item: PlainItem, scope: Scope) -> bool:
        """Tell whether the item meets it."""
        ...

    def check(self, kind: str, scope: Scope) -> None:
        """Refuse `:values` of a type that the operator cannot take."""
        ...

    def paths(self) -> Iterator[Path]:
        """Yield the paths that it reads."""
        ...


_ORDERED: Final[dict[str, Callable[[int], bool]]] = {
    "<": lambda sign: sign < 0,
    "<=": lambda sign: sign <= 0,
    ">": lambda sign: sign > 0,
    ">=": lambda sign: sign >= 0,
}


@dataclass(frozen=True, slots=True)
class Compare:
    """`left sign right`; false for a missing side, save that a missing one is `<>` to anything."""

    sign: str
    left: Operand
    right: Operand

    def test(self, item: PlainItem, scope: Scope) -> bool:
        """Tell whether the comparison holds."""
        left, right = self.left.get(item, scope), self.right.get(item, scope)
        if self.sign == "=":
            return equal(left, right)
        if self.sign == "<>":
            return not equal(left, right)
        sign = ordering(left, right)
        return sign is not None and _ORDERED[self.sign](sign)

    def check(self, kind: str, scope: Scope) -> None:
        """Refuse to order what has no order, and a path against itself."""
        if isinstance(self.left, PathOperand) and self.left == self.right:
            raise invalid(
                f"Invalid {kind}: The first operand must be distinct from the remaining operands "
                f"for this operator or function; operator: {self.sign}"
            )
        if self.sign in _ORDERED:
            for operand in (self.left, self.right):
                _check_ordered(kind, self.sign, operand, scope)

    def paths(self) -> Iterator[Path]:
        """Yield the paths of both sides."""
        yield from self.left.paths()
        yield from self.right.paths()


def _check_ordered(kind: str, sign: str, operand: Operand, scope: Scope) -> None:
    if isinstance(operand, ValueOperand):
        found = kind_of(scope.values[operand.name])
        if found not in _ORDERED_KINDS:
            raise _bad_operand(kind, sign, found)


def _bad_operand(kind: str, operator: str, found: str) -> Exception:
    return invalid(
        f"Invalid {kind}: Incorrect operand type for operator or function; "
        f"operator or function: {operator}, operand type: {found}"
    )


@dataclass(frozen=True, slots=True)
class Between:
    """`operand BETWEEN low AND high`, both inclusive."""

    operand: Operand
    low: Operand
    high: Operand

    def test(self, item: PlainItem, scope: Scope) -> bool:
        """Tell whether the operand lies in the range."""
        value = self.operand.get(item, scope)
        low = ordering(self.low.get(item, scope), value)
        high = ordering(value, self.high.get(item, scope))
        return low is not None and high is not None and low <= 0 and high <= 0

    def check(self, kind: str, scope: Scope) -> None:
        """Refuse bounds without an order, of two types, or the wrong way round."""
        for bound in (self.low, self.high):
            _check_ordered(kind, "BETWEEN", bound, scope)
        if not isinstance(self.low, ValueOperand) or not isinstance(self.high, ValueOperand):
            return
        sign = ordering(scope.values[self.low.name], scope.values[self.high.name])
        if sign is None:
            raise invalid(
                f"Invalid {kind}: The BETWEEN operator requires same data type for lower and "
                "upper bounds"
            )
        if sign > 0:
            raise invalid(
                f"Invalid {kind}: The BETWEEN operator requires upper bound to be greater than or "
                "equal to lower bound"
            )

    def paths(self) -> Iterator[Path]:
        """Yield the paths of all three."""
        for operand in (self.operand, self.low, self.high):
            yield from operand.paths()


@dataclass(frozen=True, slots=True)
class In:
    """`operand IN (choices)`."""

    operand: Operand
    choices: tuple[Operand, ...]

    def test(self, item: PlainItem, scope: Scope) -> bool:
        """Tell whether the operand equals one of the choices."""
        value = self.operand.get(item, scope)
        return any(equal(value, choice.get(item, scope)) for choice in self.choices)

    def check(self, kind: str, scope: Scope) -> None:
        """Refuse more than 100 choices."""
        del scope
        if len(self.choices) > MAX_IN_OPERANDS:
            raise invalid(
                f"Invalid {kind}: The IN operator is provided with too many operands; "
                f"number of operands: {len(self.choices)}"
            )

    def paths(self) -> Iterator[Path]:
        """Yield the paths of all operands."""
        for operand in (self.operand, *self.choices):
            yield from operand.paths()


@dataclass(frozen=True, slots=True)
class Function:
    """One of the boolean functions."""

    name: str
    operands: tuple[Operand, ...]

    def test(self, item: PlainItem, scope: Scope) -> bool:
        """Tell whether the function holds."""
        values = [operand.get(item, scope) for operand in self.operands]
        return FUNCTIONS[self.name][1](*values)

    def check(self, kind: str, scope: Scope) -> None:
        """Refuse operands of a type that the function cannot take."""
        if self.name.startswith("attribute_"):
            self._check_attribute(kind, scope)
        elif isinstance(self.operands[1], ValueOperand) and self.name == "begins_with":
            found = kind_of(scope.values[self.operands[1].name])
            if found not in {"S", "B"}:
                raise _bad_operand(kind, self.name, found)

    def _check_attribute(self, kind: str, scope: Scope) -> None:
        if not isinstance(self.operands[0], PathOperand):
            raise invalid(
                f"Invalid {kind}: Operator or function requires a document path; "
                f"operator or function: {self.name}"
            )
        if self.name == "attribute_type":
            wanted = self.operands[1].get({}, scope)
            if not isinstance(self.operands[1], ValueOperand) or wanted not in _KINDS:
                raise invalid(f"Invalid {kind}: Invalid attribute type name found; type: {wanted}")

    def paths(self) -> Iterator[Path]:
        """Yield the paths of all operands."""
        for operand in self.operands:
            yield from operand.paths()


def _begins_with(value: Plain | Missing, prefix: Plain | Missing) -> bool:
    if isinstance(value, str) and isinstance(prefix, str):
        return value.startswith(prefix)
    return isinstance(value, bytes) and isinstance(prefix, bytes) and value.startswith(prefix)


def _contains(value: Plain | Missing, part: Plain | Missing) -> bool:
    if isinstance(value, str):
        return isinstance(part, str) and part in value
    if isinstance(value, bytes):
        return isinstance(part, bytes) and part in value
    if isinstance(value, list):
        return any(equal(element, part) for element in value)
    if isinstance(value, ValueSet) and not isinstance(part, Missing):
        return kind_of(part) == value.kind[0] and part in value.members
    return False


def _has_type(value: Plain | Missing, wanted: Plain | Missing) -> bool:
    return not isinstance(value, Missing) and kind_of(value) == wanted


FUNCTIONS: Final[dict[str, tuple[int, Callable[..., bool]]]] = {
    "attribute_exists": (1, lambda value: value is not MISSING),
    "attribute_not_exists": (1, lambda value: value is MISSING),
    "attribute_type": (2, _has_type),
    "begins_with": (2, _begins_with),
    "contains": (2, _contains),
}


@dataclass(frozen=True, slots=True)
class And:
    """Both."""

    left: Node
    right: Node

    def test(self, item: PlainItem, scope: Scope) -> bool:
        """Tell whether both hold."""
        return self.left.test(item, scope) and self.right.test(item, scope)

    def check(self, kind: str, scope: Scope) -> None:
        """Check both."""
        self.left.check(kind, scope)
        self.right.check(kind, scope)

    def paths(self) -> Iterator[Path]:
        """Yield the paths of both."""
        yield from self.left.paths()
        yield from self.right.paths()


@dataclass(frozen=True, slots=True)
class Or(And):
    """Either."""

    def test(self, item: PlainItem, scope: Scope) -> bool:
        """Tell whether one holds."""
        return self.left.test(item, scope) or self.right.test(item, scope)


@dataclass(frozen=True, slots=True)
class Not:
    """Not."""

    inner: Node

    def test(self, item: PlainItem, scope: Scope) -> bool:
        """Tell whether it does not hold."""
        return not self.inner.test(item, scope)

    def check(self, kind: str, scope: Scope) -> None:
        """Check the inner one."""
        self.inner.check(kind, scope)

    def paths(self) -> Iterator[Path]:
        """Yield the paths of the inner one."""
        return self.inner.paths()
