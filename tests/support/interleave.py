"""Something happens just before a write, on purpose: races that need no luck."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.support.faults import Fault, FaultHook, FaultMode

WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"})


def before_write(table: str, action: Callable[[], object]) -> FaultHook:
    """Return a hook that runs `action` once, right before the first write to `table`.

    The writer has read and decided by then, and knows nothing of what `action` does.
    """
    left = [action]

    def hook(operation: str, request: Mapping[str, Any]) -> Fault | None:
        if operation not in WRITES or f"'TableName': '{table}'" not in str(request) or not left:
            return None
        return Fault(mode=FaultMode.DELAY, action=left.pop())

    return hook
