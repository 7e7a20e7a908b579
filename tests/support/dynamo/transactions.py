"""TransactWriteItems: all parts or none, reasons in order, and the ten minutes of a token."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.support.dynamo.billing import Bill
from tests.support.dynamo.errors import RejectedError, invalid
from tests.support.dynamo.metering import read_units
from tests.support.dynamo.storage import TableData
from tests.support.dynamo.values import Wire
from tests.support.dynamo.writes import (
    ConditionFailed,
    Outcome,
    WriteRequest,
    apply,
    check_distinct,
    decide,
    read_write,
    refused_units,
)

MAX_PARTS = 100
MAX_BYTES = 4 << 20
TOKEN_LIFETIME = timedelta(minutes=10)
_KINDS = ("Put", "Update", "Delete", "ConditionCheck")
_REMEMBERED_TOKENS = 10_000
_NO_REASON = {"Code": "None"}


@dataclass(slots=True)
class Tokens:
    """Client request tokens of transactions that were done."""

    now: Callable[[], datetime]
    _done: OrderedDict[str, tuple[datetime, object]] = field(default_factory=OrderedDict)

    def is_done(self, token: str, parts: object) -> bool:
        """Tell whether this very transaction was done under `token` less than ten minutes ago.

        Raises:
            RejectedError: the token was used for other parts.
        """
        entry = self._done.get(token)
        if entry is None or self.now() - entry[0] >= TOKEN_LIFETIME:
            return False
        if entry[1] != parts:
            raise RejectedError(
                "IdempotentParameterMismatchException",
                "The request uses the same client token as a previous, but non-identical request.",
            )
        return True

    def keep(self, token: str, parts: object) -> None:
        """Remember a transaction that was done."""
        self._done[token] = (self.now(), parts)
        while len(self._done) > _REMEMBERED_TOKENS:
            self._done.popitem(last=False)


def read_parts(request: Wire, table_of: Callable[[str], TableData]) -> list[WriteRequest]:
    """Return the transaction's writes.

    Raises:
        RejectedError: too many parts, two on one item, or a part that makes no sense.
    """
    items = request["TransactItems"]
    if not 1 <= len(items) <= MAX_PARTS:
        raise invalid(
            "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: "
            f"Member must have length between 1 and {MAX_PARTS}"
        )
    writes = [_read_part(item, table_of) for item in items]
    check_distinct(writes)
    if sum(w.record.size for w in writes if w.record) > MAX_BYTES:
        raise invalid("Transaction request exceeds 4 MB")
    return writes


def _read_part(item: Wire, table_of: Callable[[str], TableData]) -> WriteRequest:
    kinds = [kind for kind in _KINDS if kind in item]
    if len(kinds) != 1:
        raise invalid("TransactItems can only contain one of Check, Put, Update or Delete")
    part = item[kinds[0]]
    return read_write(kinds[0], table_of(part["TableName"]), part)


def carry_out(writes: list[WriteRequest], bill: Bill, conflicts: set[int]) -> None:
    """Do all writes or none; `conflicts` are the parts that another transaction holds.

    Raises:
        RejectedError: TransactionCanceledException with one reason for each part.
    """
    outcomes: list[Outcome] = []
    reasons: list[dict[str, Any]] = []
    for index, write in enumerate(writes):
        try:
            outcome = _decide_unheld(write, held=index in conflicts)
        except RejectedError as error:
            reasons.append(_reason(error))
            _bill_part(bill, write, refused_units(error))
        else:
            outcomes.append(outcome)
            reasons.append(dict(_NO_REASON))
            _bill_part(bill, write, outcome.units)
    if len(outcomes) < len(writes):
        codes = ", ".join(reason["Code"] for reason in reasons)
        raise RejectedError(
            "TransactionCanceledException",
            "Transaction cancelled, please refer cancellation reasons for specific reasons "
            f"[{codes}]",
            CancellationReasons=reasons,
        )
    for write, outcome in zip(writes, outcomes, strict=True):
        apply(write, outcome)


def _decide_unheld(write: WriteRequest, *, held: bool) -> Outcome:
    if held:
        raise conflict()
    return decide(write)


def conflict() -> RejectedError:
    """Return the refusal of an item that a transaction holds."""
    return RejectedError("TransactionConflictException", "Transaction is ongoing for the item")


def _reason(error: RejectedError) -> dict[str, Any]:
    code = {
        "TransactionConflictException": "TransactionConflict",
        "ValidationException": "ValidationError",
    }.get(error.code, "ConditionalCheckFailed")
    reason: dict[str, Any] = {"Code": code, "Message": error.message}
    if isinstance(error, ConditionFailed):
        reason |= error.extra
    return reason


def _bill_part(bill: Bill, write: WriteRequest, units: float) -> None:
    old = write.table.records.get(write.key)
    sizes = (old.size if old else 0,)
    bill.add(write.table.name, write.key, sizes, write=2 * units)


def bill_repeat(writes: list[WriteRequest], bill: Bill) -> None:
    """Bill a repeated token: transactional reads of the items, no writes."""
    for write in writes:
        record = write.table.records.get(write.key)
        size = record.size if record else 0
        bill.add(write.table.name, write.key, (size,), read=2 * read_units(size, consistent=True))
