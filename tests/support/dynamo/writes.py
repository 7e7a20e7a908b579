"""Single writes and the parts of transactions: read from a request, decided, then applied."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from tests.support.dynamo.condition_parser import parse_condition
from tests.support.dynamo.conditions import Node
from tests.support.dynamo.errors import RejectedError, invalid
from tests.support.dynamo.metering import Key, write_units
from tests.support.dynamo.storage import Record, TableData
from tests.support.dynamo.syntax import NO_SCOPE, Cursor, Scope, check_scope, read_scope
from tests.support.dynamo.update_parser import parse_update, project
from tests.support.dynamo.updates import Update
from tests.support.dynamo.values import PlainItem, Wire, item_size, read_item, write_item

MAX_ITEM_BYTES = 400 * 1024
_SCOPED = (
    "ConditionExpression",
    "UpdateExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
)


class WriteRequest(NamedTuple):
    """One write that has been understood; `kind` is Put, Update, Delete or ConditionCheck."""

    kind: str
    table: TableData
    key: Key
    record: Record | None
    update: Update | None
    condition: Node | None
    scope: Scope
    return_values: str
    show_refuser: bool


class Outcome(NamedTuple):
    """What a write will do: the record before and after, and the units that it bills."""

    old: Record | None
    new: Record | None
    units: float


class ConditionFailed(RejectedError):  # noqa: N818 - a RejectedError by inheritance
    """The condition does not hold; `old` is what stands there."""

    def __init__(self, old: Record | None, *, show: bool) -> None:
        self.old = old
        extra = {"Item": write_item(old.item)} if show and old else {}
        super().__init__(
            "ConditionalCheckFailedException", "The conditional request failed", **extra
        )


def read_write(kind: str, table: TableData, request: Wire) -> WriteRequest:
    """Return what one write asks for.

    Raises:
        RejectedError: an item, key or expression that makes no sense.
    """
    record = None
    if kind == "Put":
        item, size = read_item(request["Item"])
        key = table.schema.key_of(item)
        if size > MAX_ITEM_BYTES:
            raise invalid("Item size has exceeded the maximum allowed size")
        record = Record(item, size)
    else:
        key = table.schema.read_key(request["Key"])
    condition, update, scope = None, None, NO_SCOPE
    if any(name in request for name in _SCOPED):
        condition, update, scope = _read_expressions(request, table)
    return WriteRequest(
        kind=kind,
        table=table,
        key=key,
        record=record,
        update=update,
        condition=condition,
        scope=scope,
        return_values=_return_values(kind, request),
        show_refuser=request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD",
    )


def _read_expressions(request: Wire, table: TableData) -> tuple[Node | None, Update | None, Scope]:
    scope = read_scope(request)
    uses: list[tuple[str, Cursor]] = []
    condition, update = None, None
    if "UpdateExpression" in request:
        update, cursor = parse_update(request["UpdateExpression"])
        uses.append(("UpdateExpression", cursor))
    if "ConditionExpression" in request:
        condition, cursor = parse_condition("ConditionExpression", request["ConditionExpression"])
        uses.append(("ConditionExpression", cursor))
    check_scope(request, scope, uses)
    if condition:
        condition.check("ConditionExpression", scope)
    if update:
        update.check(scope, table.schema.names)
    return condition, update, scope


_ALLOWED_RETURNS = {
    "Put": {"NONE", "ALL_OLD"},
    "Delete": {"NONE", "ALL_OLD"},
    "Update": {"NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"},
    "ConditionCheck": {"NONE"},
}


def _return_values(kind: str, request: Wire) -> str:
    if "ReturnValues" not in request:
        return "NONE"
    wanted = str(request["ReturnValues"])
    if wanted not in _ALLOWED_RETURNS[kind]:
        raise invalid(f"Return values set to invalid value: {wanted}")
    return wanted


def decide(write: WriteRequest) -> Outcome:
    """Return what the write does to what stands there now.

    Raises:
        ConditionFailed: the condition does not hold.
        RejectedError: the update does not fit the item.
    """
    old = write.table.records.get(write.key)
    if write.condition and not write.condition.test(old.item if old else {}, write.scope):
        raise ConditionFailed(old, show=write.show_refuser)
    new = _after(write, old)
    return Outcome(
        old=old, new=new, units=write_units(old.size if old else 0, new.size if new else 0)
    )


def _after(write: WriteRequest, old: Record | None) -> Record | None:
    if write.kind == "Put":
        return write.record
    if write.kind == "Delete":
        return None
    if write.kind == "ConditionCheck":
        return old
    item = old.item if old else write.table.schema.item_of(write.key)
    if write.update:
        item = write.update.apply(item, write.scope)
    size = item_size(item)
    if size > MAX_ITEM_BYTES:
        raise invalid("Item size to update has exceeded the maximum allowed size")
    return Record(item, size)


def apply(write: WriteRequest, outcome: Outcome) -> None:
    """Store what was decided."""
    if outcome.new is None:
        write.table.delete(write.key)
    elif write.kind != "ConditionCheck":
        write.table.put(write.key, outcome.new)


def returned(write: WriteRequest, outcome: Outcome) -> dict[str, Any]:
    """Return the answer's `Attributes` as `ReturnValues` asks; empty when there are none."""
    wanted = write.return_values
    record = outcome.old if wanted.endswith("OLD") else outcome.new
    if wanted == "NONE" or record is None:
        return {}
    item = record.item
    if wanted.startswith("UPDATED"):
        item = _updated_part(write, item)
    return {"Attributes": write_item(item)} if item else {}


def _updated_part(write: WriteRequest, item: PlainItem) -> PlainItem:
    if write.update is None:
        return {}
    return project(item, [path.resolve(write.scope) for path in write.update.paths()])


def refused_units(error: RejectedError) -> float:
    """Return the units that a refused write bills: those of the item that stood there."""
    if not isinstance(error, ConditionFailed):
        return 0.0
    return write_units(error.old.size if error.old else 0, 0)


def check_distinct(writes: Iterable[WriteRequest]) -> None:
    """Refuse two parts of a transaction on one item.

    Raises:
        RejectedError: two parts name the same table and key.
    """
    seen: set[tuple[str, Key]] = set()
    for write in writes:
        target = (write.table.name, write.key)
        if target in seen:
            raise invalid("Transaction request cannot include multiple operations on one item")
        seen.add(target)
