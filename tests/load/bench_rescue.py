"""How long a run takes to be made up for when its listener is killed and nobody lends a hand.

`python -m tests.load.bench_rescue` kills the listener while its receiver holds the call, on a local
stack that is left alone, and waits until the sweeper has found the run and it is called again.
"""

import os
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.integration.stack.harness import running
from tests.integration.tasks.client import Client
from tests.integration.tasks.receiver import Says, receiving

TIMEOUT_S: Final = 5
PATIENCE_S: Final = 420
LOG: Final = [("failed", "worker_lost"), ("finish", None)]
BUDGET_S: Final = 300
"""Two minutes until a sweep looks, one for the sweep's minute, and as much again as reserve."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rescue:
    """The killed run: seconds from the kill to its second call, how it ended, and its log."""

    seconds: float
    status: str
    log: list[tuple[str, str | None]]


def measure(directory: Path) -> Rescue:
    """Kill one listener, wait, and return what came of its run."""
    with receiving() as receiver, running(directory / "data") as stack:
        receiver.script("/in", Says(after_s=TIMEOUT_S), Says())
        client = Client(stack, stack.register())
        task = client.create(
            task_name="t", webhook_url=receiver.url("/in"), timeout_s=TIMEOUT_S, max_retry=1
        )
        client.run_now(task["id"])
        receiver.wait_for("/in")
        for worker in stack.workers("listener"):
            os.kill(worker["pid"], signal.SIGKILL)
        killed_at = time.time()
        again = receiver.wait_for("/in", 2, timeout_s=PATIENCE_S)[1]
        [run] = client.wait_for_end(task["id"])
        return _rescue(again.at - killed_at, run, client.log(task["id"]))


def _rescue(seconds: float, run: dict[str, Any], log: list[dict[str, Any]]) -> Rescue:
    entries = [(entry["status"], entry["error"]) for entry in log]
    return Rescue(seconds=seconds, status=run["status"], log=entries)


def shown(found: Rescue) -> str:
    """Return the measurement in words."""
    log = ", ".join(f"{status} ({error or 'ok'})" for status, error in found.log)
    return (
        f"killed listener: called again after {found.seconds:.0f} s (budget {BUDGET_S} s), "
        f"{found.status}: {log}"
    )


def missed(found: Rescue) -> list[str]:
    """Return what is not as it must be."""
    problems = []
    if found.status != "completed" or found.log != LOG:
        problems.append(f"the run ended as {found.status}, its log has {found.log}")
    if found.seconds > BUDGET_S:
        problems.append(f"{found.seconds:.0f} s are over {BUDGET_S} s")
    return problems


def main() -> int:
    """Measure and print; return 1 when something is not as it must be."""
    with tempfile.TemporaryDirectory() as directory:
        found = measure(Path(directory))
    print("\n".join([shown(found), *missed(found)]))
    return int(bool(missed(found)))


if __name__ == "__main__":
    raise SystemExit(main())
