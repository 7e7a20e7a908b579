"""Query: which sort keys a key condition means, and one page of them."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple

from tests.support.dynamo.condition_parser import parse_condition
from tests.support.dynamo.conditions import And, Between, Compare, Function, Node
from tests.support.dynamo.errors import invalid
from tests.support.dynamo.metering import Key
from tests.support.dynamo.operands import Operand, PathOperand, ValueOperand
from tests.support.dynamo.storage import KeyRange, Record, Schema, TableData
from tests.support.dynamo.syntax import Cursor, Path, Scope, check_scope, read_scope
from tests.support.dynamo.update_parser import check_projection, parse_projection
from tests.support.dynamo.values import Plain, Wire, kind_of

PAGE_BYTES = 1 << 20
_KIND = "KeyConditionExpression"
_LAST_CODE_POINT = 0x10FFFF


class Query(NamedTuple):
    """A request that has been understood."""

    pk: Plain
    bounds: KeyRange
    scope: Scope
    filter: Node | None
    projection: list[tuple[str | int, ...]] | None
    descending: bool
    limit: int | None
    consistent: bool
    count_only: bool


def read_query(request: Wire, schema: Schema) -> Query:
    """Return what the request asks for.

    Raises:
        RejectedError: an expression or a start key that makes no sense.
    """
    if "IndexName" in request:
        raise invalid(f"The table does not have the specified index: {request['IndexName']}")
    if "KeyConditionExpression" not in request:
        raise invalid(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified "
            "in the request."
        )
    scope = read_scope(request)
    condition, cursor = parse_condition(_KIND, request["KeyConditionExpression"])
    uses: list[tuple[str, Cursor]] = [(_KIND, cursor)]
    wanted, filter_use = _read_filter(request)
    paths, projection_use = read_projection(request)
    uses += filter_use + projection_use
    check_scope(request, scope, uses)
    condition.check(_KIND, scope)
    if wanted:
        _check_filter(wanted, scope, schema)
    if paths:
        check_projection(paths, scope)
    on_pk, on_sk = _key_condition(
        request["KeyConditionExpression"], tuple(scope.names.items()), schema
    )
    pk = _key_value(on_pk.right, scope, schema.partition_kind)
    bounds = _range_of(on_sk, scope, schema.sort_kind) if on_sk else KeyRange()
    limit = request.get("Limit")
    if limit is not None and limit < 1:
        raise invalid("Limit must be greater than or equal to 1")
    query = Query(
        pk=pk,
        bounds=bounds,
        scope=scope,
        filter=wanted,
        projection=[path.resolve(scope) for path in paths] or None,
        descending=not request.get("ScanIndexForward", True),
        limit=limit,
        consistent=bool(request.get("ConsistentRead", False)),
        count_only=request.get("Select") == "COUNT",
    )
    return _start_after(query, request, schema)


def _read_filter(request: Wire) -> tuple[Node | None, list[tuple[str, Cursor]]]:
    if "FilterExpression" not in request:
        return None, []
    node, cursor = parse_condition("FilterExpression", request["FilterExpression"])
    return node, [("FilterExpression", cursor)]


def read_projection(request: Wire) -> tuple[tuple[Path, ...], list[tuple[str, Cursor]]]:
    """Return the projection's paths, none where the request has no projection, and their use."""
    if "ProjectionExpression" not in request:
        return (), []
    paths, cursor = parse_projection(request["ProjectionExpression"])
    return paths, [("ProjectionExpression", cursor)]


def _check_filter(node: Node, scope: Scope, schema: Schema) -> None:
    node.check("FilterExpression", scope)
    for path in node.paths():
        name = path.resolve(scope)[0]
        if name in schema.names:
            raise invalid(
                "Filter Expression can only contain non-primary key attributes: "
                f"Primary key attribute: {name}"
            )


@lru_cache(maxsize=4096)
def _key_condition(
    text: str, names: tuple[tuple[str, str], ...], schema: Schema
) -> tuple[Compare, Node | None]:
    """Return the conditions on the partition key and on the sort key, as far as names go."""
    node, _ = parse_condition(_KIND, text)
    scope = Scope(dict(names), {})
    parts = [node.left, node.right] if type(node) is And else [node]
    by_name = dict(_attribute_of(part, scope) for part in parts)
    if len(by_name) != len(parts):
        raise invalid("KeyConditionExpressions must only contain one condition per key")
    for name in by_name:
        if name not in schema.names:
            raise invalid("Query condition missed key schema element: " + schema.partition)
    on_pk = by_name.pop(schema.partition, None)
    if on_pk is None:
        raise invalid("Query condition missed key schema element: " + schema.partition)
    if not isinstance(on_pk, Compare) or on_pk.sign != "=":
        raise invalid("Query key condition not supported")
    return on_pk, next(iter(by_name.values()), None)


def _attribute_of(part: Node, scope: Scope) -> tuple[str, Node]:
    operand: Operand | None = None
    if isinstance(part, Compare) and part.sign != "<>":
        operand = part.left
    elif isinstance(part, Between):
        operand = part.operand
    elif isinstance(part, Function) and part.name == "begins_with":
        operand = part.operands[0]
    else:
        raise invalid(f"Invalid {_KIND}: Invalid operator used in {_KIND}")
    if not isinstance(operand, PathOperand) or len(operand.path.steps) != 1:
        raise invalid(f"Invalid {_KIND}: {_KIND}s cannot have conditions on nested attributes")
    return str(operand.path.resolve(scope)[0]), part


def _key_value(operand: Operand, scope: Scope, kind: str) -> Plain:
    if not isinstance(operand, ValueOperand):
        raise invalid(f"Invalid {_KIND}: a key is compared to a value only")
    value = scope.values[operand.name]
    if kind_of(value) != kind:
        raise invalid(
            "One or more parameter values were invalid: Condition parameter type does not match "
            "schema type"
        )
    if value in ("", b""):
        raise invalid(
            "One or more parameter values are not valid. The AttributeValue for a key attribute "
            "cannot contain an empty string value. Key: " + operand.name.removeprefix(":")
        )
    return value


def _range_of(part: Node, scope: Scope, kind: str) -> KeyRange:
    if isinstance(part, Between):
        low, high = _key_value(part.low, scope, kind), _key_value(part.high, scope, kind)
        return KeyRange(low=low, high=high)
    if isinstance(part, Function):
        return _prefix_range(_key_value(part.operands[1], scope, kind))
    assert isinstance(part, Compare)
    value = _key_value(part.right, scope, kind)
    return _RANGES[part.sign](value)


_RANGES: Final[dict[str, Callable[[Plain], KeyRange]]] = {
    "=": lambda value: KeyRange(low=value, high=value),
    "<": lambda value: KeyRange(high=value, high_open=True),
    "<=": lambda value: KeyRange(high=value),
    ">": lambda value: KeyRange(low=value, low_open=True),
    ">=": lambda value: KeyRange(low=value),
}


def _prefix_range(prefix: Plain) -> KeyRange:
    if isinstance(prefix, bytes):
        stem = prefix.rstrip(b"\xff")
        after: Any = stem[:-1] + bytes([stem[-1] + 1]) if stem else None
        return KeyRange(low=prefix, high=after, high_open=True)
    if not isinstance(prefix, str):
        raise invalid(f"Invalid {_KIND}: Incorrect operand type for operator or function")
    text = prefix.rstrip(chr(_LAST_CODE_POINT))
    after = text[:-1] + chr(ord(text[-1]) + 1) if text else None
    return KeyRange(low=prefix, high=after, high_open=True)


def _start_after(query: Query, request: Wire, schema: Schema) -> Query:
    start = request.get("ExclusiveStartKey")
    if start is None:
        return query
    try:
        pk, sk = schema.read_key(start)
    except Exception as error:
        raise invalid("The provided starting key is invalid") from error
    if pk != query.pk:
        raise invalid(
            "The provided starting key is outside query boundaries based on provided conditions"
        )
    bounds = query.bounds
    if schema.sort and not bounds.holds(sk):
        raise invalid("The provided starting key does not match the range key predicate")
    values: dict[str, Any] = {
        "low": bounds.low,
        "low_open": bounds.low_open,
        "high": bounds.high,
        "high_open": bounds.high_open,
    }
    side = "high" if query.descending else "low"
    values |= {side: sk, f"{side}_open": True}
    return query._replace(bounds=KeyRange(**values))


class Page(NamedTuple):
    """One page: what was evaluated, and the last key when there may be more."""

    records: list[Record]
    size: int
    last_key: Key | None


def read_page(table: TableData, query: Query, *, lag: int) -> Page:
    """Return what one Query evaluates: up to its limit or 1 MB, whichever comes first."""
    records: list[Record] = []
    size, last = 0, None
    for key, record in table.walk(query.pk, query.bounds, descending=query.descending, lag=lag):
        if records and size + record.size > PAGE_BYTES:
            return Page(records=records, size=size, last_key=last)
        records.append(record)
        size += record.size
        last = key
        if len(records) == query.limit:
            return Page(records=records, size=size, last_key=last)
    return Page(records=records, size=size, last_key=None)


def select(query: Query, records: list[Record]) -> list[Record]:
    """Return the records that pass the filter."""
    if query.filter is None:
        return records
    return [r for r in records if query.filter.test(r.item, query.scope)]
