"""DynamoDB idioms: plain values in and out, conditions as data, refusals with the item that stands.

Every conditional write asks for the item that refused it, because an answer lost on the way back
makes the client's own retry meet its own first write: only the item tells "the holder is me" from
"somebody else was faster" (DESIGN.md, invariant 1).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]
MAX_BATCH_GET = 100
MAX_TRANSACT_ITEMS = 100
MAX_UNPROCESSED_ROUNDS = 8
CONFLICT_TRIES = 4


class ConditionFailedError(Exception):
    """A conditional write was refused; `item` is what stood there, None when nothing did."""

    def __init__(self, item: Item | None, *, index: int = 0) -> None:
        self.item = item
        self.index = index
        super().__init__("the condition of a write failed")


class TransactionConflictError(Exception):
    """Another transaction held one of the items; nothing was written, the caller may try again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """A condition expression with its `#names` and `:values` in plain Python."""

    expression: str
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, object] = field(default_factory=dict)


NOT_EXISTS = Condition(expression="attribute_not_exists(pk)")
EXISTS = Condition(expression="attribute_exists(pk)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Put:
    """Write a whole item, for `write` or as a part of a transaction."""

    table: str
    item: Item
    condition: Condition | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """Change attributes of one item with an update expression."""

    table: str
    key: Item
    expression: str
    condition: Condition | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Delete:
    """Remove one item."""

    table: str
    key: Item
    condition: Condition | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConditionCheck:
    """Let the rest of a transaction happen only while something holds of an item."""

    table: str
    key: Item
    condition: Condition


Write = Put | Update | Delete
TransactPart = Write | ConditionCheck


def marshal(value: object) -> dict[str, Any]:  # noqa: PLR0911 - one return for each type
    """Return DynamoDB's typed form of a plain value; floats keep their shortest decimal text."""
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, int | float | Decimal):
        return {"N": str(value)}
    if isinstance(value, bytes):
        return {"B": value}
    if isinstance(value, Mapping):
        return {"M": {str(k): marshal(v) for k, v in value.items()}}
    if isinstance(value, list | tuple):
        return {"L": [marshal(v) for v in value]}
    raise TypeError(f"cannot store a {type(value).__name__}")


def unmarshal(value: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the item's author knows the type
    """Return the plain value of DynamoDB's typed form."""
    ((kind, raw),) = value.items()
    if kind == "N":
        return int(raw) if raw.lstrip("-").isdigit() else float(raw)
    if kind == "M":
        return unmarshal_item(raw)
    if kind == "L":
        return [unmarshal(v) for v in raw]
    return None if kind == "NULL" else raw


def marshal_item(item: Mapping[str, object]) -> dict[str, Any]:
    """Return the typed form of an item; attributes that are None are left out."""
    return {k: marshal(v) for k, v in item.items() if v is not None}


def unmarshal_item(item: Mapping[str, Any]) -> Item:
    """Return the plain form of an item."""
    return {k: unmarshal(v) for k, v in item.items()}


class Table:
    """One table's operations in plain values. Holds no state but the client and the name."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self.name = name

    def get(self, key: Item, *, consistent: bool = False) -> Item | None:
        """Return the item at `key`, or None."""
        answer = self._client.get_item(
            TableName=self.name, Key=marshal_item(key), ConsistentRead=consistent
        )
        return unmarshal_item(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Sequence[Item], *, consistent: bool = False) -> list[Item]:
        """Return the items that exist among `keys`, in no order; unprocessed keys are asked again.

        A key that is asked for twice is found once; the service would refuse to be asked twice.

        Raises:
            TimeoutError: the table kept some keys unprocessed for too many rounds.
        """
        found: list[Item] = []
        keys = list({tuple(sorted(key.items())): key for key in keys}.values())
        for start in range(0, len(keys), MAX_BATCH_GET):
            pending = [marshal_item(k) for k in keys[start : start + MAX_BATCH_GET]]
            for _ in range(MAX_UNPROCESSED_ROUNDS):
                answer = self._client.batch_get_item(
                    RequestItems={self.name: {"Keys": pending, "ConsistentRead": consistent}}
                )
                found.extend(map(unmarshal_item, answer["Responses"].get(self.name, [])))
                rest = answer.get("UnprocessedKeys", {}).get(self.name)
                pending = list(rest["Keys"]) if rest else []
                if not pending:
                    break
            else:
                raise TimeoutError("the table left keys unprocessed")
        return found

    def query(
        self,
        pk: str,
        *,
        prefix: str = "",
        between: tuple[str, str] | None = None,
        start_after: str | None = None,
        descending: bool = False,
        limit: int | None = None,
        consistent: bool = False,
    ) -> Iterator[Item]:
        """Yield the partition's items by sort key, page by page as they are asked for.

        `prefix` or the inclusive range `between` bounds the sort keys; `start_after` is the sort
        key of the last item already seen. `limit` bounds the items yielded.
        """
        request = self._query_request(pk, prefix, between)
        request |= {"ScanIndexForward": not descending, "ConsistentRead": consistent}
        if start_after is not None:
            request["ExclusiveStartKey"] = marshal_item({"pk": pk, "sk": start_after})
        left = limit
        while left is None or left > 0:
            if left is not None:
                request["Limit"] = left
            answer = self._client.query(**request)
            for raw in answer["Items"]:
                yield unmarshal_item(raw)
            if left is not None:
                left -= len(answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _query_request(
        self, pk: str, prefix: str, between: tuple[str, str] | None
    ) -> dict[str, Any]:
        condition, values = "pk = :pk", {":pk": pk}
        if between is not None:
            condition += " AND sk BETWEEN :low AND :high"
            values |= {":low": between[0], ":high": between[1]}
        elif prefix:
            condition += " AND begins_with(sk, :prefix)"
            values |= {":prefix": prefix}
        return {
            "TableName": self.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": marshal_item(values),
        }

    def write(self, write: Write) -> Item | None:
        """Do one write; return the item as an update left it, None for the other kinds.

        Raises:
            ConditionFailedError: with the item that stood in the way.
        """
        kind, request = _request(write)
        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if kind == "Update":
            request["ReturnValues"] = "ALL_NEW"
        call = {
            "Put": self._client.put_item,
            "Update": self._client.update_item,
            "Delete": self._client.delete_item,
        }[kind]
        answer: dict[str, Any] = _patiently(lambda: call(**request))  # type: ignore[operator]
        return unmarshal_item(answer["Attributes"]) if kind == "Update" else None

    def put(self, item: Item, condition: Condition | None = None) -> None:
        """Put one item into this table; see `write`."""
        self.write(Put(table=self.name, item=item, condition=condition))

    def delete(self, key: Item, condition: Condition | None = None) -> None:
        """Delete one item of this table; see `write`."""
        self.write(Delete(table=self.name, key=key, condition=condition))

    def transact(self, parts: Iterable[TransactPart]) -> None:
        """Do all writes or none, over any tables.

        Raises:
            ConditionFailedError: `index` is the part that was refused, `item` what stood there.
            TransactionConflictError: another write held an item; nothing was done.
        """
        items = []
        for part in parts:
            kind, request = _request(part)
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
            items.append({kind: request})
        _patiently(lambda: self._client.transact_write_items(TransactItems=items))  # type: ignore[arg-type]


def _patiently(call: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the client answers
    """Make a call, a few times if it meets other transactions: nothing was done by then.

    Raises:
        ConditionFailedError, TransactionConflictError, ClientError: as the last try ended.
    """
    for left in reversed(range(CONFLICT_TRIES)):
        try:
            return call()
        except ClientError as error:
            meant = _translate(error)
            if left == 0 or not isinstance(meant, TransactionConflictError):
                raise meant from error
    raise AssertionError("unreachable")


def _request(part: TransactPart) -> tuple[str, dict[str, Any]]:
    names: dict[str, str] = {}
    values: dict[str, object] = {}
    request: dict[str, Any] = {"TableName": part.table}
    if isinstance(part, Put):
        request["Item"] = marshal_item(part.item)
    else:
        request["Key"] = marshal_item(part.key)
    if isinstance(part, Update):
        request["UpdateExpression"] = part.expression
        names.update(part.names)
        values.update(part.values)
    if part.condition is not None:
        request["ConditionExpression"] = part.condition.expression
        names.update(part.condition.names)
        values.update(part.condition.values)
    if names:
        request["ExpressionAttributeNames"] = names
    if values:
        request["ExpressionAttributeValues"] = {k: marshal(v) for k, v in values.items()}
    return type(part).__name__, request


def _translate(error: ClientError) -> Exception:
    code = error.response["Error"]["Code"]
    if code == "ConditionalCheckFailedException":
        raw: Any = error.response.get("Item")
        return ConditionFailedError(unmarshal_item(raw) if raw else None)
    if code == "TransactionCanceledException":
        return _translate_cancelled(error)
    if code == "TransactionConflictException":
        return TransactionConflictError()
    return error


def _translate_cancelled(error: ClientError) -> Exception:
    reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]
    for index, reason in enumerate(reasons):
        if reason.get("Code") == "ConditionalCheckFailed":
            raw = reason.get("Item")
            return ConditionFailedError(unmarshal_item(raw) if raw else None, index=index)
    if any(reason.get("Code") == "TransactionConflict" for reason in reasons):
        return TransactionConflictError()
    return error
