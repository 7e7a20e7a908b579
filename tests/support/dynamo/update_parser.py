"""The parsers of update and projection expressions."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from tests.support.dynamo.errors import invalid
from tests.support.dynamo.syntax import MISSING, Cursor, Missing, Path, Scope, Step, path_text
from tests.support.dynamo.updates import (
    Arithmetic,
    IfNotExists,
    ListAppend,
    PathTerm,
    Term,
    Update,
    ValueTerm,
)
from tests.support.dynamo.values import Plain, PlainItem

T = TypeVar("T")
_CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")


@lru_cache(maxsize=4096)
def parse_update(text: str) -> tuple[Update, Cursor]:
    """Return the update and the cursor that knows its `#names` and `:values`.

    Raises:
        RejectedError: the text is no update expression.
    """
    cursor = Cursor("UpdateExpression", text)
    clauses: dict[str, Any] = {}
    while cursor.peek().kind != "end":
        if not cursor.at_word(*_CLAUSES):
            raise cursor.unexpected()
        clause = cursor.take().text.upper()
        if clause in clauses:
            raise cursor.error(
                f'The "{clause}" section can only be used once in an update expression;'
            )
        clauses[clause] = _parse_list(cursor, _PARTS[clause])
    return (
        Update(
            sets=clauses.get("SET", ()),
            removes=clauses.get("REMOVE", ()),
            adds=clauses.get("ADD", ()),
            deletes=clauses.get("DELETE", ()),
        ),
        cursor,
    )


def _parse_list(cursor: Cursor, parse: Callable[[Cursor], T]) -> tuple[T, ...]:
    parts = [parse(cursor)]
    while cursor.skip_sign(","):
        parts.append(parse(cursor))
    return tuple(parts)


def _parse_set(cursor: Cursor) -> tuple[Path, Term]:
    path = cursor.take_path()
    cursor.expect_sign("=")
    term = _parse_term(cursor)
    if cursor.at_sign("+", "-"):
        return path, Arithmetic(cursor.take().text, term, _parse_term(cursor))
    return path, term


def _parse_term(cursor: Cursor) -> Term:
    if cursor.skip_sign("("):
        term = _parse_term(cursor)
        if cursor.at_sign("+", "-"):
            term = Arithmetic(cursor.take().text, term, _parse_term(cursor))
        cursor.expect_sign(")")
        return term
    if cursor.peek().kind == "value":
        return ValueTerm(cursor.take_value())
    if cursor.peek().kind == "word" and cursor.peek(1).text == "(":
        return _parse_call(cursor)
    return PathTerm(cursor.take_path())


def _parse_call(cursor: Cursor) -> Term:
    name = cursor.take().text
    cursor.expect_sign("(")
    if name == "if_not_exists":
        path = cursor.take_path()
        cursor.expect_sign(",")
        term: Term = IfNotExists(path, _parse_term(cursor))
    elif name == "list_append":
        left = _parse_term(cursor)
        cursor.expect_sign(",")
        term = ListAppend(left, _parse_term(cursor))
    else:
        raise cursor.error(f"Invalid function name; function: {name}")
    cursor.expect_sign(")")
    return term


def _parse_with_value(cursor: Cursor) -> tuple[Path, str]:
    return cursor.take_path(), cursor.take_value()


_PARTS: dict[str, Callable[[Cursor], Any]] = {
    "SET": _parse_set,
    "REMOVE": Cursor.take_path,
    "ADD": _parse_with_value,
    "DELETE": _parse_with_value,
}


@lru_cache(maxsize=1024)
def parse_projection(text: str) -> tuple[tuple[Path, ...], Cursor]:
    """Return the paths of a projection expression and its cursor.

    Raises:
        RejectedError: the text is no projection expression.
    """
    cursor = Cursor("ProjectionExpression", text)
    paths = _parse_list(cursor, Cursor.take_path)
    cursor.expect_end()
    return paths, cursor


def check_projection(paths: tuple[Path, ...], scope: Scope) -> None:
    """Refuse paths of which one contains another.

    Raises:
        RejectedError: two paths overlap.
    """
    targets = [path.resolve(scope) for path in paths]
    for index, one in enumerate(targets):
        for other in targets[index + 1 :]:
            shared = min(len(one), len(other))
            if one[:shared] == other[:shared]:
                raise invalid(
                    "Invalid ProjectionExpression: Two document paths overlap with each other; "
                    "must remove or rewrite one of these paths; "
                    f"path one: {path_text(one)}, path two: {path_text(other)}"
                )


def project(item: PlainItem, targets: list[tuple[Step, ...]]) -> PlainItem:
    """Return only what stands at `targets`; the elements taken of a list close up."""
    picked = _pick(item, targets)
    return picked if isinstance(picked, dict) else {}


def _pick(value: Plain, targets: list[tuple[Step, ...]]) -> Plain | Missing:
    if any(not steps for steps in targets):
        return value
    groups: dict[Step, list[tuple[Step, ...]]] = {}
    for steps in targets:
        groups.setdefault(steps[0], []).append(steps[1:])
    if isinstance(value, dict):
        parts = {
            name: _pick(value[name], rest)
            for name, rest in groups.items()
            if isinstance(name, str) and name in value
        }
        found = {name: part for name, part in parts.items() if not isinstance(part, Missing)}
        return found or MISSING
    if isinstance(value, list):
        indexes = sorted(i for i in groups if isinstance(i, int) and i < len(value))
        elements = [_pick(value[i], groups[i]) for i in indexes]
        return [e for e in elements if not isinstance(e, Missing)] or MISSING
    return MISSING
