"""Update expressions as data, applied to a plain item without changing it.

Every value is computed from the item as it was, then all actions are applied, as the service does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Protocol

from tests.support.dynamo.errors import RejectedError, invalid
from tests.support.dynamo.syntax import (
    MISSING,
    Missing,
    Path,
    Scope,
    Step,
    find_at,
    path_text,
)
from tests.support.dynamo.values import (
    ARITHMETIC,
    Plain,
    PlainItem,
    ValueSet,
    checked_number,
    kind_of,
)

Resolved = tuple[Step, ...]


class Term(Protocol):
    """The right side of a SET."""

    def value(self, item: PlainItem, scope: Scope) -> Plain:
        """Return its value for the item as it was.

        Raises:
            RejectedError: an attribute is missing, or of the wrong type.
        """
        ...


@dataclass(frozen=True, slots=True)
class ValueTerm:
    """A `:value`."""

    name: str

    def value(self, item: PlainItem, scope: Scope) -> Plain:
        """Return the request's value."""
        del item
        return scope.values[self.name]


@dataclass(frozen=True, slots=True)
class PathTerm:
    """The value at a path, which must be there."""

    path: Path

    def value(self, item: PlainItem, scope: Scope) -> Plain:
        """Return the value there."""
        found = self.path.find(item, scope)
        if isinstance(found, Missing):
            raise invalid(
                "The provided expression refers to an attribute that does not exist in the item"
            )
        return found


@dataclass(frozen=True, slots=True)
class IfNotExists:
    """`if_not_exists(path, term)`."""

    path: Path
    otherwise: Term

    def value(self, item: PlainItem, scope: Scope) -> Plain:
        """Return what stands at the path, else the other term's value."""
        found = self.path.find(item, scope)
        return self.otherwise.value(item, scope) if isinstance(found, Missing) else found


@dataclass(frozen=True, slots=True)
class ListAppend:
    """`list_append(left, right)`."""

    left: Term
    right: Term

    def value(self, item: PlainItem, scope: Scope) -> Plain:
        """Return the two lists as one."""
        left, right = self.left.value(item, scope), self.right.value(item, scope)
        if not isinstance(left, list) or not isinstance(right, list):
            raise _wrong_type()
        return [*left, *right]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left + right` or `left - right`."""

    sign: str
    left: Term
    right: Term

    def value(self, item: PlainItem, scope: Scope) -> Plain:
        """Return sum or difference, to 38 digits."""
        return _sum(self.left.value(item, scope), self.right.value(item, scope), self.sign)


def _sum(left: Plain, right: Plain, sign: str) -> Plain:
    if kind_of(left) != "N" or kind_of(right) != "N":
        raise _wrong_type()
    first, second = Decimal(left), Decimal(right)  # type: ignore[arg-type]  # both are numbers
    done = ARITHMETIC.add(first, second if sign == "+" else -second)
    return checked_number(done)


def _wrong_type() -> RejectedError:
    return invalid("An operand in the update expression has an incorrect data type")


@dataclass(frozen=True, slots=True)
class Update:
    """A parsed update expression: `(path, term)` pairs and paths, clause by clause."""

    sets: tuple[tuple[Path, Term], ...] = ()
    removes: tuple[Path, ...] = ()
    adds: tuple[tuple[Path, str], ...] = ()
    deletes: tuple[tuple[Path, str], ...] = ()

    def paths(self) -> Iterator[Path]:
        """Yield every path that is changed."""
        for path, _ in (*self.sets, *self.adds, *self.deletes):
            yield path
        yield from self.removes

    def check(self, scope: Scope, key_names: tuple[str, ...]) -> None:
        """Refuse overlapping paths, key attributes, and values of a type that a clause lacks.

        Raises:
            RejectedError: see above.
        """
        targets = [path.resolve(scope) for path in self.paths()]
        for steps in targets:
            if steps[0] in key_names:
                raise invalid(
                    "One or more parameter values were invalid: Cannot update attribute "
                    f"{steps[0]}. This attribute is part of the key"
                )
        _check_overlaps(targets)
        for clause, entries, kinds in (
            ("ADD", self.adds, {"N", "SS", "NS", "BS"}),
            ("DELETE", self.deletes, {"SS", "NS", "BS"}),
        ):
            for _, name in entries:
                if kind_of(scope.values[name]) not in kinds:
                    raise invalid(
                        "Invalid UpdateExpression: Incorrect operand type for operator or "
                        f"function; operator: {clause}, operand type: "
                        f"{kind_of(scope.values[name])}"
                    )

    def apply(self, item: PlainItem, scope: Scope) -> PlainItem:
        """Return the item as the update leaves it; `item` stays as it is.

        Raises:
            RejectedError: a missing attribute, a wrong type, or a path without its parent.
        """
        writes: list[tuple[Resolved, Plain | Missing]] = [
            (path.resolve(scope), term.value(item, scope)) for path, term in self.sets
        ]
        for path, name in self.adds:
            steps = path.resolve(scope)
            writes.append((steps, _added(find_at(item, steps), scope.values[name])))
        for path, name in self.deletes:
            steps = path.resolve(scope)
            writes.append((steps, _deleted(find_at(item, steps), scope.values[name])))
        done = dict(item)
        for steps, value in writes:
            _write(done, steps, value)
        for steps in sorted((p.resolve(scope) for p in self.removes), key=_last_index):
            _write(done, steps, MISSING)
        return done


def _check_overlaps(targets: list[Resolved]) -> None:
    for index, one in enumerate(targets):
        for other in targets[index + 1 :]:
            shared = min(len(one), len(other))
            if one[:shared] == other[:shared]:
                raise invalid(
                    "Invalid UpdateExpression: Two document paths overlap with each other; must "
                    f"remove or rewrite one of these paths; path one: {path_text(one)}, "
                    f"path two: {path_text(other)}"
                )


def _last_index(steps: Resolved) -> tuple[int, ...]:
    """Order removals so that a later index of a list goes first: indexes mean the old list."""
    return tuple(-step if isinstance(step, int) else 0 for step in steps)


def _added(old: Plain | Missing, value: Plain) -> Plain:
    if isinstance(old, Missing):
        return value
    if isinstance(old, ValueSet) and isinstance(value, ValueSet) and old.kind == value.kind:
        return ValueSet(old.kind, old.members | value.members)
    return _sum(old, value, "+")


def _deleted(old: Plain | Missing, value: Plain) -> Plain | Missing:
    if isinstance(old, Missing):
        return MISSING
    if not isinstance(old, ValueSet) or kind_of(old) != kind_of(value):
        raise _wrong_type()
    assert isinstance(value, ValueSet)
    left = old.members - value.members
    return ValueSet(old.kind, left) if left else MISSING


def _write(item: PlainItem, steps: Resolved, value: Plain | Missing) -> None:
    """Set or remove the value at `steps`, copying each container on the way."""
    holder: Plain = item
    for step, following in pairwise(steps):
        inner = find_at(holder, (step,))
        if isinstance(inner, dict) and isinstance(following, str):
            inner = dict(inner)
        elif isinstance(inner, list) and isinstance(following, int):
            inner = list(inner)
        else:
            raise invalid(
                "The document path provided in the update expression is invalid for update"
            )
        _put(holder, step, inner)
        holder = inner
    _put(holder, steps[-1], value)


def _put(holder: Plain, step: Step, value: Plain | Missing) -> None:
    if isinstance(holder, dict) and isinstance(step, str):
        if isinstance(value, Missing):
            holder.pop(step, None)
        else:
            holder[step] = value
    elif isinstance(holder, list) and isinstance(step, int):
        if isinstance(value, Missing):
            del holder[step : step + 1]
        elif step < len(holder):
            holder[step] = value
        else:
            holder.append(value)
