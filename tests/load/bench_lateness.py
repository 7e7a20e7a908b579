"""Start of the call minus the due second, on the local stack, and whose part of it is whose.

`python -m tests.load.bench_lateness [runs]` creates tasks through the API that fall due at every
second of one minute, far enough ahead that the publisher sends them, and receives their calls. The
listener is the product's own behind a few lines that note when a batch arrives, so each lateness
splits in two: what passed between the moment at which the queue should have handed the message out
(or the due second, if that is later) and its arrival in the listener is the emulator's; the rest,
from rounding the delay over claiming the run to the receiver, is counted as the product's, and with
it the emulator's time for table calls and whatever else the machine was busy with.
"""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from nightshift.jobs.agenda import DIRECT_MS
from nightshift.jobs.dispatch import delay_for
from tests.integration.stack.harness import ROOT, Stack
from tests.integration.tasks.client import Client, at
from tests.integration.tasks.receiver import Receiver, receiving

RUNS: Final = 1_000
BATCH: Final = 100
SECONDS: Final = 60
CREATED_PER_S: Final = 25
SETTLE_S: Final = 15
PATIENCE_S: Final = 60
LINKED: Final = ("template.yaml", "infra", "layers", ".venvs")
P50_S: Final = 0.3
P99_S: Final = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One call's times, in seconds: late behind its due second, and the emulator's share.

    `rounding` is how long after the due second the queue was asked to hand the message out.
    """

    late: float
    emulator: float
    rounding: float

    @property
    def own(self) -> float:
        """The product's share, rounding included."""
        return self.late - self.emulator


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a round came to: `calls` by task, `parts` of the calls, the listener's use.

    `held_ms_a_run` is the time of its invocations, which the runs of a batch share.
    """

    wanted: int
    calls: dict[str, int]
    parts: list[Part]
    published: int
    batches: int
    cpu_ms_a_run: float
    held_ms_a_run: float
    log_bytes_a_run: float
    load: tuple[float, float, float]

    def percentile(self, name: str, share: float) -> float:
        """Return a percentile of a figure of `Part`, in seconds."""
        values = sorted(getattr(part, name) for part in self.parts)
        return float(values[min(len(values) - 1, int(share * len(values)))])


@contextlib.contextmanager
def probed_stack(directory: Path) -> Iterator[Stack]:
    """Yield a stack that runs this project with the probe before its listener."""
    project = directory / "project"
    (project / "functions").mkdir(parents=True)
    for name in LINKED:
        (project / name).symlink_to(ROOT / name)
    for function in (ROOT / "functions").iterdir():
        if function.name != "listener":
            (project / "functions" / function.name).symlink_to(function)
    listener = project / "functions" / "listener"
    listener.mkdir()
    (listener / "original.py").symlink_to(ROOT / "functions" / "listener" / "handler.py")
    probe = Path(__file__).with_name("probe") / "handler.py"
    (listener / "handler.py").write_text(probe.read_text(encoding="utf-8"), encoding="utf-8")
    stack = Stack(directory / "data", {})
    stack.root = project
    try:
        yield stack.start()
    finally:
        stack.end()


def measure(stack: Stack, receiver: Receiver, runs: int) -> Found:
    """Create the tasks, wait for their minute to pass, and return what came of it."""
    client = Client(stack, stack.register())
    base = _minute_after(DIRECT_MS / 1000 + 5 + runs / CREATED_PER_S)
    due = _create(client, receiver, base, runs)
    margin_s = base.timestamp() - time.time() - DIRECT_MS / 1000
    assert margin_s > 0, f"creating the tasks took {-margin_s:.0f} s too long"
    time.sleep(max(0.0, base.timestamp() + SECONDS - time.time()))
    load = os.getloadavg()
    _wait_for_calls(receiver, runs)
    return _found(stack, receiver, due, load)


def _minute_after(seconds: float) -> datetime:
    """Return the first whole minute at least `seconds` from now."""
    return datetime.fromtimestamp((time.time() + seconds) // 60 * 60 + 60, UTC)


def _create(client: Client, receiver: Receiver, base: datetime, runs: int) -> dict[str, datetime]:
    """Create the tasks and return the due time of each by the path that it calls."""
    due = {f"/{n}": base + timedelta(seconds=n % SECONDS) for n in range(runs)}
    wanted = [
        {"task_name": path, "webhook_url": receiver.url(path), "task_schedule": at(moment)}
        for path, moment in due.items()
    ]
    for start in range(0, runs, BATCH):
        body = {"tasks": wanted[start : start + BATCH]}
        answer = client.expect(207, "POST", "/tasks/batch", body)
        assert all(item["status"] == 201 for item in answer["items"]), answer
    return due


def _wait_for_calls(receiver: Receiver, runs: int) -> None:
    """Return when no call has come for a while, though all have, or none comes any more."""
    seen, since = 0, time.monotonic()
    while time.monotonic() - since < (SETTLE_S if seen >= runs else PATIENCE_S):
        time.sleep(0.5)
        if (now := len(receiver.all_calls())) != seen:
            seen, since = now, time.monotonic()


def _found(
    stack: Stack,
    receiver: Receiver,
    due: dict[str, datetime],
    load: tuple[float, float, float],
) -> Found:
    lines = stack.logs("listener")
    batches = [line for line in lines if line.get("action") == "bench.batch"]
    arrivals = {
        run["id"]: (run["sent"], batch["arrived"]) for batch in batches for run in batch["runs"]
    }
    ticks = [line for line in stack.logs("publisher") if line.get("action") == "tick.done"]
    calls = {path: receiver.calls(path) for path in due}
    handled = sum(len(batch["runs"]) for batch in batches)
    return Found(
        wanted=len(due),
        calls={path: len(made) for path, made in calls.items()},
        parts=[
            _part(due[path].timestamp(), made[0].at, *arrivals[made[0].headers["webhook-id"]])
            for path, made in calls.items()
            if made
        ],
        published=sum(tick["messages"] for tick in ticks),
        batches=len(batches),
        cpu_ms_a_run=sum(batch["cpu_s"] for batch in batches) * 1000 / max(1, handled),
        held_ms_a_run=sum(b["ended"] - b["arrived"] for b in batches) * 1000 / max(1, handled),
        log_bytes_a_run=_log_bytes(stack) / max(1, handled),
        load=load,
    )


def _log_bytes(stack: Stack) -> int:
    """Return the bytes that the listener itself logged."""
    text = (stack.data_dir / "logs" / "nightshift-local-listener.log").read_text()
    return sum(len(line) + 1 for line in text.splitlines() if "bench.batch" not in line)


def _part(due: float, called: float, sent: float, arrived: float) -> Part:
    visible = sent + delay_for(round((due - sent) * 1000))
    if visible > arrived:  # The delay was rounded down a moment before `sent` was stamped.
        visible -= 1
    late = called - due
    waited = max(0.0, min(arrived, called) - max(visible, due))
    return Part(late=late, emulator=waited, rounding=max(0.0, visible - due))


def shown(found: Found) -> str:
    """Return the round as a table."""
    counts = list(found.calls.values())
    once, never = counts.count(1), counts.count(0)
    early = sum(part.late < 0 for part in found.parts)
    load = f"load {found.load[0]:.1f} on {os.cpu_count()} cores"
    lines = [
        f"{found.wanted} runs in one minute, {found.published} sent by the publisher, {load}",
        f"  once {once}, never {never}, more often {len(counts) - once - never}, early {early}",
        f"  {'seconds':12}{'p50':>8}{'p95':>8}{'p99':>8}{'max':>8}",
    ]
    rows = {"late": "late", "emulator": "emulator's", "own": "product's", "rounding": "- rounding"}
    for name, text in rows.items():
        figures: Sequence[float] = [found.percentile(name, s) for s in (0.5, 0.95, 0.99, 1.0)]
        lines.append(f"  {text:12}" + "".join(f"{figure:8.3f}" for figure in figures))
    lines.append(
        f"  listener, a run: {found.batches / found.wanted:.2f} invocations, "
        f"{found.held_ms_a_run:.0f} ms, {found.cpu_ms_a_run:.2f} ms CPU, "
        f"{found.log_bytes_a_run:.0f} bytes of log"
    )
    return "\n".join(lines)


def round_of(runs: int, directory: Path) -> Found:
    """Start a stack, measure one round on it and end it."""
    with receiving() as receiver, probed_stack(directory) as stack:
        return measure(stack, receiver, runs)


def missed(found: Found) -> list[str]:
    """Return what is not as it must be; the emulator's part is not held against the budget."""
    problems = []
    if set(found.calls.values()) != {1}:
        problems.append("not every run was called exactly once")
    if any(part.late < 0 for part in found.parts):
        problems.append("a call came before its second")
    if found.published != found.wanted:
        problems.append(f"the publisher sent {found.published} of {found.wanted} runs")
    for share, budget in ((0.5, P50_S), (0.99, P99_S)):
        if found.percentile("own", share) > budget:
            problems.append(f"the product's p{share * 100:.0f} is over {budget} s")
    return problems


def main() -> int:
    """Measure one round and print it; return 1 when something is not as it must be."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with tempfile.TemporaryDirectory() as directory:
        found = round_of(runs, Path(directory))
    print("\n".join([shown(found), *missed(found)]))
    return int(bool(missed(found)))


if __name__ == "__main__":
    raise SystemExit(main())
