"""Acts that happen right before or after a certain call to the table: races, made on purpose."""

from collections.abc import Callable

from tests.support.faults import Fault, FaultMode, Request


class Pry:
    """A fault hook: `act` runs once, right before (or after) the first call that `wanted` accepts.

    What `act` itself calls is not looked at.
    """

    def __init__(
        self,
        wanted: Callable[[str, Request], bool],
        act: Callable[[], object],
        *,
        after: bool = False,
    ) -> None:
        self._wanted = wanted
        self._act = act
        self._mode = FaultMode.DELAY_AFTER if after else FaultMode.DELAY
        self.done = False

    def __call__(self, operation: str, request: Request) -> Fault | None:
        """Return the delay that lets the act happen."""
        if self.done or not self._wanted(operation, request):
            return None
        self.done = True
        return Fault(mode=self._mode, action=self._act)


class Once:
    """A fault hook: the first call that `wanted` accepts goes wrong."""

    def __init__(self, wanted: Callable[[str, Request], bool], fault: Fault) -> None:
        self._wanted = wanted
        self._left = [fault]

    def __call__(self, operation: str, request: Request) -> Fault | None:
        """Return the fault for the first such call."""
        return self._left.pop() if self._left and self._wanted(operation, request) else None


def calls(name: str) -> Callable[[str, Request], bool]:
    """Return a test for calls of an operation."""
    return lambda operation, _: operation == name


def puts(prefix: str) -> Callable[[str, Request], bool]:
    """Return a test for writes of an item whose sort key begins with `prefix`."""

    def wanted(operation: str, request: Request) -> bool:
        if operation == "PutItem":
            return bool(request["Item"]["sk"]["S"].startswith(prefix))
        if operation == "TransactWriteItems":
            items = [i["Put"]["Item"] for i in request["TransactItems"] if "Put" in i]
            return any(item["sk"]["S"].startswith(prefix) for item in items)
        return False

    return wanted
