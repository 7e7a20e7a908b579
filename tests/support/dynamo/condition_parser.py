"""The parser of condition, filter and key condition expressions."""

from functools import lru_cache

from tests.support.dynamo.conditions import (
    FUNCTIONS,
    And,
    Between,
    Compare,
    Function,
    In,
    Node,
    Not,
    Or,
)
from tests.support.dynamo.operands import Operand, PathOperand, SizeOperand, ValueOperand
from tests.support.dynamo.syntax import Cursor

_SIGNS = ("=", "<>", "<", "<=", ">", ">=")


@lru_cache(maxsize=4096)
def parse_condition(kind: str, text: str) -> tuple[Node, Cursor]:
    """Return the condition and the cursor that knows its `#names` and `:values`.

    `kind` is the request's parameter, for the wording of errors.

    Raises:
        RejectedError: the text is no condition.
    """
    cursor = Cursor(kind, text)
    node = _parse_or(cursor)
    cursor.expect_end()
    return node, cursor


def _parse_or(cursor: Cursor) -> Node:
    node = _parse_and(cursor)
    while cursor.at_word("OR"):
        cursor.take()
        node = Or(node, _parse_and(cursor))
    return node


def _parse_and(cursor: Cursor) -> Node:
    node = _parse_not(cursor)
    while cursor.at_word("AND"):
        cursor.take()
        node = And(node, _parse_not(cursor))
    return node


def _parse_not(cursor: Cursor) -> Node:
    if cursor.at_word("NOT"):
        cursor.take()
        return Not(_parse_not(cursor))
    if cursor.at_sign("("):
        return _parse_parentheses(cursor)
    token = cursor.peek()
    if token.kind == "word" and token.text in FUNCTIONS and cursor.peek(1).text == "(":
        return _parse_function(cursor)
    return _parse_comparison(cursor)


def _parse_parentheses(cursor: Cursor) -> Node:
    cursor.take()
    node = _parse_or(cursor)
    cursor.expect_sign(")")
    if node is cursor.last_group:
        raise cursor.error("The expression has redundant parentheses;")
    cursor.last_group = node
    return node


def _parse_function(cursor: Cursor) -> Node:
    name = cursor.take().text
    operands = _parse_operands(cursor)
    wanted = FUNCTIONS[name][0]
    if len(operands) != wanted:
        raise cursor.error(
            "Incorrect number of operands for operator or function; "
            f"operator or function: {name}, number of operands: {len(operands)}"
        )
    return Function(name, operands)


def _parse_operands(cursor: Cursor) -> tuple[Operand, ...]:
    cursor.expect_sign("(")
    operands = [_parse_operand(cursor)]
    while cursor.skip_sign(","):
        operands.append(_parse_operand(cursor))
    cursor.expect_sign(")")
    return tuple(operands)


def _parse_comparison(cursor: Cursor) -> Node:
    operand = _parse_operand(cursor)
    if cursor.at_word("BETWEEN"):
        cursor.take()
        low = _parse_operand(cursor)
        cursor.expect_word("AND")
        return Between(operand, low, _parse_operand(cursor))
    if cursor.at_word("IN"):
        cursor.take()
        return In(operand, _parse_operands(cursor))
    if not cursor.at_sign(*_SIGNS):
        raise cursor.unexpected()
    return Compare(cursor.take().text, operand, _parse_operand(cursor))


def _parse_operand(cursor: Cursor) -> Operand:
    token = cursor.peek()
    if token.kind == "value":
        return ValueOperand(cursor.take_value())
    if token.kind == "word" and cursor.peek(1).text == "(":
        return _parse_size(cursor)
    return PathOperand(cursor.take_path())


def _parse_size(cursor: Cursor) -> Operand:
    name = cursor.take().text
    if name in FUNCTIONS:
        raise cursor.error(
            f"The function is not allowed to be used this way in an expression; function: {name}"
        )
    if name != "size":
        raise cursor.error(f"Invalid function name; function: {name}")
    (operand, *rest) = _parse_operands(cursor)
    if rest:
        raise cursor.error(
            "Incorrect number of operands for operator or function; "
            f"operator or function: size, number of operands: {len(rest) + 1}"
        )
    return SizeOperand(operand)
