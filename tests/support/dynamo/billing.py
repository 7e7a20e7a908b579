"""The bill of one request, filled while it is carried out, then recorded and answered."""

from typing import Any

from tests.support.dynamo.metering import Call, Key, Meter
from tests.support.dynamo.values import Wire


class Bill:
    """What one request uses, table by table."""

    __slots__ = ("_parts", "operation", "ordinal")

    def __init__(self, ordinal: int, operation: str) -> None:
        self.ordinal = ordinal
        self.operation = operation
        self._parts: dict[str, tuple[list[Key], list[int], list[float]]] = {}

    def add(
        self, table: str, key: Key, sizes: tuple[int, ...], *, read: float = 0.0, write: float = 0.0
    ) -> None:
        """Add one item's or one query's use; `sizes` are bytes."""
        part = self._parts.get(table)
        if part is None:
            part = self._parts[table] = ([], [], [0.0, 0.0])
        part[0].append(key)
        part[1].extend(sizes)
        part[2][0] += read
        part[2][1] += write

    def record(self, meter: Meter, request: Wire, error: str = "") -> None:
        """Record the request; one that was refused before it cost anything is recorded too."""
        if not self._parts:
            table = str(request.get("TableName", ""))
            meter.record(Call(self.ordinal, self.operation, table, (), 0.0, 0.0, (), error))
        for table, (keys, sizes, (read, write)) in self._parts.items():
            meter.record(
                Call(
                    self.ordinal,
                    self.operation,
                    table,
                    tuple(keys),
                    read,
                    write,
                    tuple(sizes),
                    error,
                )
            )

    def consumed(self, request: Wire) -> dict[str, Any]:
        """Return the answer's `ConsumedCapacity` when the request asks for it."""
        if request.get("ReturnConsumedCapacity", "NONE") == "NONE":
            return {}
        entries = [
            {"TableName": table, "CapacityUnits": read + write}
            for table, (_, _, (read, write)) in self._parts.items()
        ]
        many = self.operation.startswith(("Batch", "Transact"))
        return {"ConsumedCapacity": entries if many else entries[0]}
