"""GetItem, BatchGetItem and Query."""

import random
from collections.abc import Callable
from typing import Any, Protocol

from tests.support.dynamo.billing import Bill
from tests.support.dynamo.errors import invalid
from tests.support.dynamo.metering import Key, read_units
from tests.support.dynamo.queries import read_page, read_projection, read_query, select
from tests.support.dynamo.storage import Record, TableData
from tests.support.dynamo.syntax import Step, check_scope, read_scope
from tests.support.dynamo.update_parser import check_projection, project
from tests.support.dynamo.values import Wire, write_item

MAX_BATCH_GET = 100
MAX_BATCH_GET_BYTES = 16 << 20
_SCOPED = ("ProjectionExpression", "ExpressionAttributeNames")

Targets = list[tuple[Step, ...]] | None


class LagOf(Protocol):
    """How many writes back a read sees a table."""

    def __call__(self, table: TableData, *, consistent: bool) -> int:
        """Return the number of writes."""
        ...


def get(table: TableData, request: Wire, bill: Bill, *, lag: int) -> dict[str, Any]:
    """Answer GetItem."""
    key = table.schema.read_key(request["Key"])
    targets = _targets(request)
    record = table.get(key, lag=lag)
    _bill_item(bill, table, key, record, request)
    return {"Item": _shown(record, targets)} if record else {}


def _targets(request: Wire) -> Targets:
    if not any(name in request for name in _SCOPED):
        return None
    scope = read_scope(request)
    paths, uses = read_projection(request)
    check_scope(request, scope, uses)
    check_projection(paths, scope)
    return [path.resolve(scope) for path in paths]


def _shown(record: Record, targets: Targets) -> dict[str, Any]:
    return write_item(record.item if targets is None else project(record.item, targets))


def _bill_item(
    bill: Bill, table: TableData, key: Key, record: Record | None, request: Wire
) -> None:
    size = record.size if record else 0
    units = read_units(size, consistent=bool(request.get("ConsistentRead", False)))
    bill.add(table.name, key, (size,), read=units)


def batch_get(
    request: Wire,
    bill: Bill,
    table_of: Callable[[str], TableData],
    lag_of: LagOf,
    order: random.Random,
    *,
    limit: int,
) -> dict[str, Any]:
    """Answer BatchGetItem: found items in random order, what exceeds the limits unprocessed."""
    if sum(len(part["Keys"]) for part in request["RequestItems"].values()) > MAX_BATCH_GET:
        raise invalid("Too many items requested for the BatchGetItem call")
    responses: dict[str, list[Any]] = {}
    unprocessed: dict[str, Any] = {}
    room = [limit, MAX_BATCH_GET_BYTES]
    for name, part in request["RequestItems"].items():
        table = table_of(name)
        found = responses[name] = []
        targets = _targets(part)
        left = []
        for wire, key in _distinct_keys(table, part["Keys"]):
            lag = lag_of(table, consistent=bool(part.get("ConsistentRead", False)))
            record = table.get(key, lag=lag)
            size = record.size if record else 0
            if room[0] < 1 or room[1] < size:
                left.append(dict(wire))
                continue
            room = [room[0] - 1, room[1] - size]
            _bill_item(bill, table, key, record, part)
            if record:
                found.append(_shown(record, targets))
        order.shuffle(found)
        if left:
            unprocessed[name] = {**part, "Keys": left}
    return {"Responses": responses, "UnprocessedKeys": unprocessed}


def _distinct_keys(table: TableData, wires: list[Wire]) -> list[tuple[Wire, Key]]:
    pairs = [(wire, table.schema.read_key(wire)) for wire in wires]
    if len({key for _, key in pairs}) < len(pairs):
        raise invalid("Provided list of item keys contains duplicates")
    return pairs


def query(table: TableData, request: Wire, bill: Bill, *, lag: int) -> dict[str, Any]:
    """Answer Query."""
    wanted = read_query(request, table.schema)
    page = read_page(table, wanted, lag=lag)
    units = read_units(page.size, consistent=wanted.consistent)
    sizes = tuple(record.size for record in page.records)
    bill.add(table.name, (wanted.pk, None), sizes, read=units)
    chosen = select(wanted, page.records)
    answer: dict[str, Any] = {"Count": len(chosen), "ScannedCount": len(page.records)}
    if not wanted.count_only:
        answer["Items"] = [_shown(record, wanted.projection) for record in chosen]
    if page.last_key:
        answer["LastEvaluatedKey"] = write_item(table.schema.item_of(page.last_key))
    return answer
