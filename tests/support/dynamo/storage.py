"""Items of one table: found by key, kept in order of sort key, with a short memory of the past."""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.support.dynamo.errors import RejectedError, invalid, invalid_parameter
from tests.support.dynamo.metering import Key
from tests.support.dynamo.values import PlainItem, Wire, kind_of, read_value, value_size

MAX_PARTITION_KEY_BYTES = 2048
MAX_SORT_KEY_BYTES = 1024
_LAZY_INSERTS = 64
_MAX_UTF8_BYTES = 4
_SHORT_CHARACTERS = MAX_SORT_KEY_BYTES // _MAX_UTF8_BYTES


class Record(NamedTuple):
    """A stored item and its size in bytes."""

    item: PlainItem
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Schema:
    """A table's key attributes; a table without a sort key has an empty `sort` name."""

    partition: str = "pk"
    sort: str = "sk"
    partition_kind: str = "S"
    sort_kind: str = "S"

    @classmethod
    def read(cls, request: Wire) -> "Schema":
        """Return the schema that a CreateTable asks for."""
        kinds = {d["AttributeName"]: d["AttributeType"] for d in request["AttributeDefinitions"]}
        parts = {part["KeyType"]: part["AttributeName"] for part in request["KeySchema"]}
        sort = parts.get("RANGE", "")
        return cls(
            partition=parts["HASH"],
            sort=sort,
            partition_kind=kinds[parts["HASH"]],
            sort_kind=kinds.get(sort, "S"),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the key attributes."""
        return (self.partition, self.sort) if self.sort else (self.partition,)

    def key_of(self, item: PlainItem) -> Key:
        """Return an item's key.

        Raises:
            RejectedError: an attribute is missing, empty, too long or of the wrong type.
        """
        pk = _key_part(item, self.partition, self.partition_kind, MAX_PARTITION_KEY_BYTES)
        if not self.sort:
            return pk, None
        return pk, _key_part(item, self.sort, self.sort_kind, MAX_SORT_KEY_BYTES)

    def read_key(self, wire: Wire) -> Key:
        """Return the key of a request's `Key`.

        Raises:
            RejectedError: it does not have exactly the key's attributes.
        """
        if len(wire) == 2 and self.partition_kind == self.sort_kind == "S":
            pk, sk = _short_text(wire, self.partition), _short_text(wire, self.sort)
            if pk and sk:
                return pk, sk
        if len(wire) != len(self.names) or any(name not in wire for name in self.names):
            raise invalid("The provided key element does not match the schema")
        item = {name: read_value(value)[0] for name, value in wire.items()}
        for name, kind in zip(self.names, (self.partition_kind, self.sort_kind), strict=False):
            if kind_of(item[name]) != kind:
                raise invalid("The provided key element does not match the schema")
        return self.key_of(item)

    def item_of(self, key: Key) -> PlainItem:
        """Return an item that has nothing but its key."""
        return dict(zip(self.names, key, strict=False))


def _short_text(wire: Wire, name: str) -> str | None:
    """Return a string that is surely no longer than a key may be; None says to look closer."""
    value = wire.get(name)
    if not value or len(value) != 1:
        return None
    text = value.get("S")
    return text if type(text) is str and len(text) <= _SHORT_CHARACTERS else None


def _key_part(item: PlainItem, name: str, kind: str, limit: int) -> object:
    if name not in item:
        raise invalid_parameter(f"Missing the key {name} in the item")
    value = item[name]
    if type(value) is str and kind == "S" and 0 < len(value) <= limit // _MAX_UTF8_BYTES:
        return value
    if kind_of(value) != kind:
        raise invalid_parameter(
            f"Type mismatch for key {name} expected: {kind} actual: {kind_of(value)}"
        )
    if value in ("", b""):
        noun = "string" if kind == "S" else "binary"
        raise invalid(
            "One or more parameter values are not valid. The AttributeValue for a key attribute "
            f"cannot contain an empty {noun} value. Key: {name}"
        )
    size = value_size(value)
    if size > limit:
        which = "hashkey" if limit == MAX_PARTITION_KEY_BYTES else "rangekey"
        raise invalid_parameter(
            f"Size of {which} has exceeded the maximum size limit of {limit} bytes"
        )
    return value


class SortedKeys:
    """Sort keys of a partition in order; many inserts between two reads are sorted at once."""

    __slots__ = ("_keys", "_late")

    def __init__(self) -> None:
        self._keys: list[Any] = []
        self._late: list[Any] | None = None

    def add(self, key: object) -> None:
        """Add a key that is not there yet."""
        if self._late is None and (not self._keys or key > self._keys[-1]):
            self._keys.append(key)
        elif self._late is None:
            self._late = [key]
        else:
            self._late.append(key)

    def remove(self, key: object) -> None:
        """Remove a key that is there."""
        keys = self.in_order()
        del keys[bisect_left(keys, key)]

    def in_order(self) -> list[Any]:
        """Return the keys, sorted; not to be changed by the caller."""
        if self._late is not None:
            if len(self._late) > _LAZY_INSERTS:
                self._keys.extend(self._late)
                self._keys.sort()
            else:
                for key in self._late:
                    insort(self._keys, key)
            self._late = None
        return self._keys


class KeyRange(NamedTuple):
    """Bounds of sort keys; None is no bound."""

    low: Any = None
    low_open: bool = False
    high: Any = None
    high_open: bool = False

    def span(self, keys: list[Any]) -> tuple[int, int]:
        """Return the slice of sorted `keys` within the bounds."""
        find_low = bisect_right if self.low_open else bisect_left
        find_high = bisect_left if self.high_open else bisect_right
        start = 0 if self.low is None else find_low(keys, self.low)
        end = len(keys) if self.high is None else find_high(keys, self.high)
        return start, max(start, end)

    def holds(self, key: Any) -> bool:
        """Tell whether `key` lies within the bounds."""
        return self.span([key]) == (0, 1)


class TableData:
    """One table. Not thread-safe: its owner holds a lock."""

    def __init__(self, name: str, schema: Schema, *, memory: int = 0) -> None:
        """Make an empty table that remembers its last `memory` writes."""
        self.name = name
        self.schema = schema
        self.records: dict[Key, Record] = {}
        self._partitions: dict[object, SortedKeys] = {}
        self._past: deque[tuple[Key, Record | None]] = deque(maxlen=memory)

    def describe(self) -> dict[str, Any]:
        """Return what DescribeTable tells of it."""
        schema = self.schema
        kinds = (schema.partition_kind, schema.sort_kind)
        return {
            "TableName": self.name,
            "TableStatus": "ACTIVE",
            "TableArn": f"arn:aws:dynamodb:us-east-1:000000000000:table/{self.name}",
            "ItemCount": len(self.records),
            "TableSizeBytes": sum(record.size for record in self.records.values()),
            "KeySchema": [
                {"AttributeName": name, "KeyType": kind}
                for name, kind in zip(schema.names, ("HASH", "RANGE"), strict=False)
            ],
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": kind}
                for name, kind in zip(schema.names, kinds, strict=False)
            ],
        }

    def get(self, key: Key, *, lag: int = 0) -> Record | None:
        """Return the record at `key` as it was `lag` writes ago."""
        if lag:
            for past_key, record in self._last(lag):
                if past_key == key:
                    return record
        return self.records.get(key)

    def put(self, key: Key, record: Record) -> None:
        """Write a record."""
        old = self.records.get(key)
        self._remember(key, old)
        self.records[key] = record
        if old is None:
            keys = self._partitions.get(key[0])
            if keys is None:
                keys = self._partitions[key[0]] = SortedKeys()
            keys.add(key[1])

    def delete(self, key: Key) -> None:
        """Remove the record at `key` if there is one."""
        old = self.records.pop(key, None)
        self._remember(key, old)
        if old is None:
            return
        keys = self._partitions[key[0]]
        keys.remove(key[1])
        if not keys.in_order():
            del self._partitions[key[0]]

    def walk(
        self, pk: object, bounds: KeyRange, *, descending: bool = False, lag: int = 0
    ) -> Iterator[tuple[Key, Record]]:
        """Yield the records of a partition within the bounds, in order, as of `lag` writes ago."""
        past: dict[object, Record | None] = {}
        for (past_pk, sk), record in self._last(lag):
            if past_pk == pk:
                past.setdefault(sk, record)
        partition = self._partitions.get(pk)
        keys = partition.in_order() if partition else []
        if past:
            keys = sorted({*keys, *past})
        start, end = bounds.span(keys)
        order: Iterable[int] = range(end - 1, start - 1, -1) if descending else range(start, end)
        for index in order:
            key = (pk, keys[index])
            found = past[key[1]] if key[1] in past else self.records[key]
            if found is not None:
                yield key, found

    def _remember(self, key: Key, old: Record | None) -> None:
        if self._past.maxlen:
            self._past.append((key, old))

    def _last(self, lag: int) -> Iterator[tuple[Key, Record | None]]:
        start = max(0, len(self._past) - lag)
        return (self._past[index] for index in range(start, len(self._past)))

    @property
    def remembered(self) -> int:
        """Return how many writes back `lag` can reach."""
        return len(self._past)


def unknown_table(name: str) -> RejectedError:
    """Return the refusal of a table that does not exist."""
    return RejectedError(
        "ResourceNotFoundException", f"Requested resource not found: Table: {name} not found"
    )
