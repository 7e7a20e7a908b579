"""What the dummy webhook remembers: how often it was called, and the latest calls."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, Protocol

from nightshift.aws.dynamo import Table, Update
from nightshift.core.clock import parse_rfc3339, to_epoch_s, to_ms

KEPT_FOR: Final = timedelta(hours=24)
_PARTITION = "DEV#dummy-webhook"
_COUNTER = {"pk": _PARTITION, "sk": "COUNT"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request as it came: `count` is its number, `answered` the status that it got."""

    count: int
    received_at: str
    method: str
    headers: Mapping[str, str]
    body: str
    answered: int


class Ledger(Protocol):
    """Where calls are counted and kept."""

    def next_count(self) -> int:
        """Count one request and return its number, from 1."""
        ...

    def count(self) -> int:
        """Return how many were counted."""
        ...

    def set_count(self, count: int) -> None:
        """Let the next request be number `count` + 1."""
        ...

    def keep(self, call: Call) -> None:
        """Remember a call, for a day at least."""
        ...

    def latest(self, limit: int) -> list[Call]:
        """Return the last `limit` calls, newest first."""
        ...


class TableLedger:
    """The ledger in the table of the HTTP functions, shared by every process that serves.

    The count is one atomic addition. It is not conditional: when the answer to it is lost on the
    way, the client's own retry counts the request twice, which a dummy may.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def next_count(self) -> int:
        """Count one request and return its number."""
        counted = self._table.write(
            Update(
                table=self._table.name,
                key=_COUNTER,
                expression="ADD #count :one",
                names={"#count": "count"},
                values={":one": 1},
            )
        )
        return int(counted["count"]) if counted else 0

    def count(self) -> int:
        """Return how many were counted."""
        item = self._table.get(_COUNTER, consistent=True)
        return int(item["count"]) if item else 0

    def set_count(self, count: int) -> None:
        """Set the count."""
        self._table.put({**_COUNTER, "count": count})

    def keep(self, call: Call) -> None:
        """Put the call under its time."""
        received = parse_rfc3339(call.received_at)
        key = {"pk": _PARTITION, "sk": _call_key(received, call.count)}
        expires_at = to_epoch_s(received + KEPT_FOR)
        self._table.put({**key, "expires_at": expires_at, **asdict(call)})

    def latest(self, limit: int) -> list[Call]:
        """Return the last calls by time received."""
        items = self._table.query(
            _PARTITION, prefix="CALL#", descending=True, limit=limit, consistent=True
        )
        return [Call(**{name: item[name] for name in Call.__slots__}) for item in items]


class MemoryLedger:
    """The ledger of one process, for tests."""

    def __init__(self) -> None:
        self._count = 0
        self._calls: list[Call] = []

    def next_count(self) -> int:
        """Count one request and return its number."""
        self._count += 1
        return self._count

    def count(self) -> int:
        """Return how many were counted."""
        return self._count

    def set_count(self, count: int) -> None:
        """Set the count."""
        self._count = count

    def keep(self, call: Call) -> None:
        """Remember the call."""
        self._calls.append(call)

    def latest(self, limit: int) -> list[Call]:
        """Return the last calls by time received."""
        return list(islice(_newest_first(self._calls), limit))


def _newest_first(calls: Iterable[Call]) -> list[Call]:
    return sorted(calls, key=lambda x: (parse_rfc3339(x.received_at), x.count), reverse=True)


def _call_key(received: datetime, count: int) -> str:
    return f"CALL#{to_ms(received):014d}#{count:012d}"
