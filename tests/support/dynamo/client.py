"""A DynamoDB client in memory, called as botocore's low-level client is."""

import itertools
import random
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from nightshift.core.clock import Clock, SystemClock, to_epoch_s
from tests.support.dynamo import reads, transactions
from tests.support.dynamo.billing import Bill
from tests.support.dynamo.errors import RejectedError
from tests.support.dynamo.metering import Meter
from tests.support.dynamo.storage import Record, Schema, TableData, unknown_table
from tests.support.dynamo.values import PlainItem, Wire, read_item
from tests.support.dynamo.writes import (
    ConditionFailed,
    apply,
    decide,
    read_write,
    refused_units,
    returned,
)
from tests.support.faults import FaultHook, run_with_faults
from tests.support.parameters import Argument, check_parameters

Answer = dict[str, Any]
_NOT_SUPPORTED = frozenset(
    {
        "AttributeUpdates",
        "AttributesToGet",
        "ConditionalOperator",
        "Expected",
        "GlobalSecondaryIndexes",
        "KeyConditions",
        "LocalSecondaryIndexes",
        "QueryFilter",
        "StreamSpecification",
    }
)
_Work = Callable[[Wire, Bill], Answer]


class FakeDynamoDB:
    """Tables in memory behind the low-level client's methods; one lock makes each call atomic.

    `tables` are made at once with the keys pk and sk (both S). Calls answer as the service does and
    refuse with botocore's ClientError; `strict` also checks each request's shape as the SDK
    does. `staleness` lets a read that is not consistent see each table as of up to that many writes
    ago; `conflict_rate` is the chance that a transactional or single write meets another
    transaction. Both draw from `seed`. `faults` is asked before every call and may be set later.
    `clock` only judges the ten minutes of a transaction's token. BatchGetItem answers in random
    order and leaves unprocessed what exceeds `max_batch_get` keys.

    Attributes:
        meter: what the calls would bill.
        faults: the hook that breaks calls, or None.
    """

    def __init__(
        self,
        tables: Iterable[str] = (),
        *,
        clock: Clock | None = None,
        faults: FaultHook | None = None,
        strict: bool = True,
        seed: int = 0,
        staleness: int = 0,
        conflict_rate: float = 0.0,
        max_batch_get: int = reads.MAX_BATCH_GET,
        keep_calls: bool = True,
    ) -> None:
        self.meter = Meter(keep_calls=keep_calls)
        self.faults = faults
        self.strict = strict
        self.conflict_rate = conflict_rate
        self.max_batch_get = max_batch_get
        self._staleness = staleness
        self._random = random.Random(seed)  # noqa: S311 - a test repeats what it draws
        self._lock = threading.RLock()
        self._ordinals = itertools.count(1)
        self._token_numbers = itertools.count(1)
        self._tokens = transactions.Tokens((clock or SystemClock()).now)
        self._tables: dict[str, TableData] = {}
        for name in tables:
            self.add_table(name)

    # The client's operations.

    def get_item(self, **request: Argument) -> Answer:
        """Answer as GetItem."""
        return self._call("GetItem", request, self._get_item)

    def batch_get_item(self, **request: Argument) -> Answer:
        """Answer as BatchGetItem."""
        return self._call("BatchGetItem", request, self._batch_get_item)

    def query(self, **request: Argument) -> Answer:
        """Answer as Query."""
        return self._call("Query", request, self._query)

    def put_item(self, **request: Argument) -> Answer:
        """Answer as PutItem."""
        return self._call("PutItem", request, self._put_item)

    def update_item(self, **request: Argument) -> Answer:
        """Answer as UpdateItem."""
        return self._call("UpdateItem", request, self._update_item)

    def delete_item(self, **request: Argument) -> Answer:
        """Answer as DeleteItem."""
        return self._call("DeleteItem", request, self._delete_item)

    def transact_write_items(self, **request: Argument) -> Answer:
        """Answer as TransactWriteItems; a missing token is filled in once, as the SDK does."""
        request.setdefault("ClientRequestToken", f"token-{next(self._token_numbers)}")
        return self._call("TransactWriteItems", request, self._transact_write_items)

    def create_table(self, **request: Argument) -> Answer:
        """Answer as CreateTable; the table is active at once."""
        return self._call("CreateTable", request, self._create_table)

    def describe_table(self, **request: Argument) -> Answer:
        """Answer as DescribeTable."""
        return self._call("DescribeTable", request, self._describe_table)

    def delete_table(self, **request: Argument) -> Answer:
        """Answer as DeleteTable; the table is gone at once."""
        return self._call("DeleteTable", request, self._delete_table)

    # What only a test may do; nothing of it is metered or broken.

    def add_table(self, name: str, schema: Schema | None = None) -> None:
        """Make a table."""
        with self._lock:
            self._tables[name] = TableData(name, schema or Schema(), memory=self._staleness)

    def seed(self, table: str, items: Iterable[Wire]) -> None:
        """Put typed items without conditions."""
        with self._lock:
            data = self._table(table)
            for wire in items:
                item, size = read_item(wire)
                data.put(data.schema.key_of(item), Record(item, size))

    def items(self, table: str) -> list[PlainItem]:
        """Return all items as plain Python, by key; numbers are int or Decimal."""
        with self._lock:
            records = self._table(table).records
            return [dict(records[key].item) for key in sorted(records)]

    def expire(self, now: datetime, *, attribute: str = "expires_at") -> int:
        """Delete what TTL would delete by `now`; return how many items went."""
        limit = to_epoch_s(now)
        with self._lock:
            return sum(_expire(table, attribute, limit) for table in self._tables.values())

    # How a call goes.

    def _call(self, operation: str, request: dict[str, Any], work: _Work) -> Answer:
        if self.strict:
            check_parameters("dynamodb", operation, request)
            _refuse_unknown(operation, request)
        ordinal = next(self._ordinals)
        if self.faults is None:
            return self._once(Bill(ordinal, operation), request, work)
        return run_with_faults(
            self.faults,
            operation,
            request,
            lambda: self._once(Bill(ordinal, operation), request, work),
        )

    def _once(self, bill: Bill, request: Wire, work: _Work) -> Answer:
        with self._lock:
            try:
                answer = work(request, bill)
            except RejectedError as error:
                bill.record(self.meter, request, error.code)
                raise error.as_client_error(bill.operation) from error
            bill.record(self.meter, request)
        if "ReturnConsumedCapacity" in request:
            answer |= bill.consumed(request)
        answer["ResponseMetadata"] = {"HTTPStatusCode": 200, "RetryAttempts": 0}
        return answer

    def _table(self, name: str) -> TableData:
        try:
            return self._tables[name]
        except KeyError:
            raise unknown_table(name) from None

    def _lag(self, table: TableData, *, consistent: bool) -> int:
        if consistent or not self._staleness:
            return 0
        return self._random.randint(0, table.remembered)

    def _conflicts(self) -> bool:
        return bool(self.conflict_rate) and self._random.random() < self.conflict_rate

    def _get_item(self, request: Wire, bill: Bill) -> Answer:
        table = self._table(request["TableName"])
        consistent = bool(request.get("ConsistentRead", False))
        return reads.get(table, request, bill, lag=self._lag(table, consistent=consistent))

    def _batch_get_item(self, request: Wire, bill: Bill) -> Answer:
        return reads.batch_get(
            request, bill, self._table, self._lag, self._random, limit=self.max_batch_get
        )

    def _query(self, request: Wire, bill: Bill) -> Answer:
        table = self._table(request["TableName"])
        consistent = bool(request.get("ConsistentRead", False))
        return reads.query(table, request, bill, lag=self._lag(table, consistent=consistent))

    def _put_item(self, request: Wire, bill: Bill) -> Answer:
        return self._write("Put", request, bill)

    def _update_item(self, request: Wire, bill: Bill) -> Answer:
        return self._write("Update", request, bill)

    def _delete_item(self, request: Wire, bill: Bill) -> Answer:
        return self._write("Delete", request, bill)

    def _write(self, kind: str, request: Wire, bill: Bill) -> Answer:
        table = self._table(request["TableName"])
        write = read_write(kind, table, request)
        if self._conflicts():
            raise transactions.conflict()
        try:
            outcome = decide(write)
        except ConditionFailed as error:
            sizes = (error.old.size if error.old else 0,)
            bill.add(table.name, write.key, sizes, write=refused_units(error))
            raise
        apply(write, outcome)
        sizes = (outcome.new.size if outcome.new else 0,)
        bill.add(table.name, write.key, sizes, write=outcome.units)
        return returned(write, outcome)

    def _transact_write_items(self, request: Wire, bill: Bill) -> Answer:
        writes = transactions.read_parts(request, self._table)
        token, parts = request["ClientRequestToken"], request["TransactItems"]
        if self._tokens.is_done(token, parts):
            transactions.bill_repeat(writes, bill)
            return {}
        conflicts = {self._random.randrange(len(writes))} if self._conflicts() else set()
        transactions.carry_out(writes, bill, conflicts)
        self._tokens.keep(token, parts)
        return {}

    def _create_table(self, request: Wire, bill: Bill) -> Answer:
        del bill
        name = request["TableName"]
        if name in self._tables:
            raise RejectedError("ResourceInUseException", f"Table already exists: {name}")
        self.add_table(name, Schema.read(request))
        return {"TableDescription": self._tables[name].describe()}

    def _delete_table(self, request: Wire, bill: Bill) -> Answer:
        del bill
        table = self._table(request["TableName"])
        del self._tables[table.name]
        return {"TableDescription": table.describe()}

    def _describe_table(self, request: Wire, bill: Bill) -> Answer:
        del bill
        return {"Table": self._table(request["TableName"]).describe()}


def _refuse_unknown(operation: str, request: Wire) -> None:
    """Refuse what the service knows and this fake would silently ignore."""
    unknown = _NOT_SUPPORTED & request.keys()
    if unknown:
        raise NotImplementedError(f"{operation} with {', '.join(sorted(unknown))}")


def _expire(table: TableData, attribute: str, limit: int) -> int:
    due = [
        key
        for key, record in table.records.items()
        if isinstance(moment := record.item.get(attribute), int) and moment < limit
    ]
    for key in due:
        table.delete(key)
    return len(due)
