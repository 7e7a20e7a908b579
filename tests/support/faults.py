"""Ways in which a call to a fake service can go wrong, and plans that say which call it is.

A hook is asked before every call of a fake, with the operation's API name ("PutItem",
"SendMessageBatch") and the request; what it returns happens to that call. One `FaultPlan` may serve
several fakes, so that its ordinals count all the calls of a scenario in order: run the scenario
once to learn how many calls it makes, then once for each call and each mode.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from botocore.exceptions import ClientError

T = TypeVar("T")
Request = Mapping[str, Any]


class CrashError(BaseException):
    """The process died here; nothing in the product may catch this."""


class FaultMode(StrEnum):
    """What happens to a call."""

    CRASH_BEFORE = "crash_before"
    """The process dies before the service sees the call."""
    CRASH_AFTER = "crash_after"
    """The service does it, the process dies before it reads the answer."""
    ERROR = "error"
    """The service refuses with `code` and does nothing."""
    ERROR_AFTER = "error_after"
    """The service does it and still answers with the error `code`."""
    ANSWER_LOST = "done_but_answer_lost"
    """The service does it, the answer is lost, and the client's own retry does it again."""
    ALL_LOST = "all_answers_lost"
    """The service does it, and again at each of the client's retries; no answer ever comes."""
    DELAY = "delay"
    """`action` runs before the service sees the call."""
    DELAY_AFTER = "delay_after"
    """`action` runs after the service did it and before the caller reads the answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing that goes wrong.

    `code` is the error's code for the two error modes; codes of a server's own failure answer
    status 500, others 400. `action` is what a delay runs; with ANSWER_LOST it runs between the call
    and its repetition.
    """

    mode: FaultMode
    code: str = "InternalServerError"
    action: Callable[[], object] | None = None


FaultHook = Callable[[str, Request], Fault | None]
_SERVER_CODES = frozenset({"InternalServerError", "InternalError", "ServiceUnavailable"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One call that a plan was asked about; `ordinal` counts from 1."""

    ordinal: int
    operation: str
    request: Request


class FaultPlan:
    """A hook that makes the n-th call go wrong, and remembers every call that it saw.

    With `stays_dead` every call after a crash crashes too, whichever thread makes it, until
    `revive`: a dead process does not clean up.
    """

    def __init__(
        self, faults: Mapping[int, Fault] | None = None, *, stays_dead: bool = False
    ) -> None:
        self.faults = dict(faults or {})
        self.seen: list[Seen] = []
        self._stays_dead = stays_dead
        self._dead = False
        self._lock = threading.Lock()

    def __call__(self, operation: str, request: Request) -> Fault | None:
        """Return what shall happen to this call."""
        with self._lock:
            ordinal = len(self.seen) + 1
            self.seen.append(Seen(ordinal=ordinal, operation=operation, request=request))
            if self._dead:
                return Fault(mode=FaultMode.CRASH_BEFORE)
            fault = self.faults.get(ordinal)
            crashes = fault and fault.mode in {FaultMode.CRASH_BEFORE, FaultMode.CRASH_AFTER}
            self._dead = self._stays_dead and bool(crashes)
            return fault

    @property
    def calls(self) -> int:
        """Return how many calls there were."""
        return len(self.seen)

    def operations(self) -> list[str]:
        """Return the operations seen, in order."""
        return [seen.operation for seen in self.seen]

    def revive(self) -> None:
        """Let calls through again after a crash: another process takes over."""
        with self._lock:
            self._dead = False


def run_with_faults(
    hook: FaultHook | None, operation: str, request: Request, do: Callable[[], T]
) -> T:
    """Do the call as `hook` wants it to go.

    Raises:
        CrashError: the plan let the process die.
        ClientError: the plan made the service fail, or the call itself did.
    """
    fault = hook(operation, request) if hook else None
    if fault is None:
        return do()
    if fault.mode is FaultMode.CRASH_BEFORE:
        raise CrashError(f"died before {operation}")
    if fault.mode is FaultMode.ERROR:
        raise _service_error(operation, fault.code)
    if fault.mode is FaultMode.DELAY:
        _act(fault)
        return do()
    return _run_then_fail(fault, operation, do)


def _run_then_fail(fault: Fault, operation: str, do: Callable[[], T]) -> T:
    try:
        answer = do()
    except ClientError as error:
        if fault.mode is FaultMode.DELAY_AFTER:
            _act(fault)
            raise
        if fault.mode is FaultMode.ANSWER_LOST:
            _act(fault)
            return do()
        raise _after(fault, operation) from error
    if fault.mode is FaultMode.ANSWER_LOST:
        _act(fault)
        return do()
    if fault.mode is FaultMode.DELAY_AFTER:
        _act(fault)
        return answer
    raise _after(fault, operation)


def _after(fault: Fault, operation: str) -> BaseException:
    if fault.mode is FaultMode.CRASH_AFTER:
        return CrashError(f"died after {operation}")
    return _service_error(operation, fault.code)


def _act(fault: Fault) -> None:
    if fault.action is not None:
        fault.action()


def _service_error(operation: str, code: str) -> ClientError:
    status = 500 if code in _SERVER_CODES else 400
    response: dict[str, Any] = {
        "Error": {"Code": code, "Message": f"{operation} was made to fail"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, operation)  # type: ignore[arg-type]  # only what a caller reads
