"""The same no-op job on several systems: CPU of client and worker processes, servers' left out.

A client counts its own CPU seconds while it enqueues. A worker is run on a few jobs and on many;
the difference of what it and its children used is what the jobs cost, its start left out.
"""

import json
import os
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.load.rivals.servers import HOST, MissingServerError, postgres, redis

ROOT: Final = Path(__file__).resolve().parents[3]
HERE: Final = Path(__file__).resolve().parent
THEIRS: Final = ROOT / ".venvs" / "bench" / "bin" / "python"
FEW: Final = 100
MANY: Final = 1_100
MANY_QUICK: Final = 5_100
"""For those that take little: a worker's start varies by a tenth of a second."""
MICRO: Final = 1_000_000
TOLD: Final = "cpu_s "
"""How a line begins in which a worker tells the CPU seconds of one of its processes."""

_OURS: Final = (sys.executable, "-m", "tests.load.rivals.nightshift_rival")


@contextmanager
def aws() -> Iterator[str]:
    """Run the stand-in of the AWS services and yield its URL."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.load.rivals.aws_stand_in"],
        env=_environment(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        try:
            yield f"http://{HOST}:{int(server.stdout.readline())}"
        finally:
            server.terminate()


@dataclass(frozen=True, kw_only=True, slots=True)
class System:
    """A system: how it enqueues (N follows), how it works, and what it promises."""

    name: str
    server: Callable[[], AbstractContextManager[str]]
    enqueue: tuple[str, ...]
    work: tuple[str, ...]
    prepare: tuple[str, ...] = ()
    many: int = MANY_QUICK
    is_fed: bool = False
    """Its worker is a function that is handed batches, as Lambda does."""
    unique: str = "no"
    twice: str = "may take effect twice"
    kept: str = ""


def _script(name: str, *arguments: str) -> tuple[str, ...]:
    return (str(THEIRS), str(HERE / f"{name}_rival.py"), *arguments)


def _ours(name: str, how: str) -> System:
    return System(
        name=name,
        server=aws,
        enqueue=(*_OURS, "enqueue", how),
        work=(*_OURS, "work"),
        many=MANY,
        is_fed=True,
        unique="by key" if how == "unique" else "if asked",
        twice="late twin fenced out",
        kept="DynamoDB, 3 zones",
    )


def _celery(pool: str) -> System:
    return System(
        name=f"Celery, {pool}",
        server=redis,
        enqueue=_script("celery", "enqueue"),
        work=_script("celery", "work", pool),
        kept="Redis log, each second",
    )


OURS: Final = _ours("Nightshift", "plain")
SYSTEMS: Final = (
    OURS,
    _ours("Nightshift, in bulk", "many"),
    _ours("Nightshift, unique", "unique"),
    _celery("solo"),
    _celery("prefork"),
    System(
        name="dramatiq",
        server=redis,
        enqueue=_script("dramatiq", "enqueue"),
        work=_script("dramatiq", "work"),
        kept="Redis log, each second",
    ),
    System(
        name="Procrastinate",
        server=postgres,
        prepare=_script("procrastinate", "prepare"),
        enqueue=_script("procrastinate", "enqueue"),
        work=_script("procrastinate", "work"),
        unique="if asked",
        kept="PostgreSQL commit",
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """CPU microseconds per job."""

    enqueue: float
    work: float

    @property
    def total(self) -> float:
        """Return both."""
        return self.enqueue + self.work


def measure(system: System, rounds: int) -> Spent | str:
    """Return the medians of `rounds` rounds, or why there are none."""
    if system.server is not aws and not THEIRS.exists():
        return "skipped: .venvs/bench is missing (python3 infra/local/bootstrap.py bench)"
    found = []
    try:
        for _ in range(rounds):
            with system.server() as url:
                found.append(_round(system, url))
    except MissingServerError as error:
        return f"skipped: {error}"
    return Spent(
        enqueue=statistics.median(spent.enqueue for spent in found),
        work=statistics.median(spent.work for spent in found),
    )


def alone(how: str) -> Spent:
    """Return what the engine itself uses, the calls of its AWS clients left out."""
    out, _ = _finished(_start([*_OURS, "alone", how, str(MANY)], ""))
    enqueue, work = (float(text) * MICRO / MANY for text in out.split())
    return Spent(enqueue=enqueue, work=work)


def _round(system: System, url: str) -> Spent:
    if system.prepare:
        _finished(_start(system.prepare, url))
    _, few_s = _enqueued_and_worked(system, url, FEW)
    many = system.many
    client_s, many_s = _enqueued_and_worked(system, url, many)
    return Spent(enqueue=client_s * MICRO / many, work=(many_s - few_s) * MICRO / (many - FEW))


def _enqueued_and_worked(system: System, url: str, jobs: int) -> tuple[float, float]:
    """Return the client's CPU seconds for its jobs, and the worker's for everything.

    A worker that tells the CPU seconds of its processes is believed.
    """
    out, _ = _finished(_start([*system.enqueue, str(jobs)], url))
    worker = _start(system.work, url)
    if system.is_fed:
        _feed(worker, url)
    told, used_s = _finished(worker)
    said = [float(line.removeprefix(TOLD)) for line in told.splitlines() if line.startswith(TOLD)]
    return float(out), sum(said) or used_s


def _feed(worker: "subprocess.Popen[str]", url: str) -> None:
    """Hand batches to the worker as Lambda does, until the queue is empty."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    while event := _bench(url, "Deliver"):
        worker.stdin.write(json.dumps(event) + "\n")
        worker.stdin.flush()
        left = _bench(url, "Settle", event=event, answer=json.loads(worker.stdout.readline()))
        if left:
            raise RuntimeError(f"{len(left)} jobs were not done")


def _bench(url: str, target: str, **request: Any) -> Any:
    asked = urllib.request.Request(  # noqa: S310 - our own server
        url, json.dumps(request).encode(), {"X-Amz-Target": f"Bench.{target}"}
    )
    with urllib.request.urlopen(asked) as answer:  # noqa: S310 - the same
        return json.load(answer)


def _start(command: "tuple[str, ...] | list[str]", url: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603 - our own interpreters and code
        command,
        env={**_environment(), "BENCH_URL": url},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _finished(process: "subprocess.Popen[str]") -> tuple[str, float]:
    """Wait for the end; return what was printed, and the CPU seconds with those of children."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    out = process.stdout.read()
    process.stdout.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
    return out, used.ru_utime + used.ru_stime


def _environment() -> Mapping[str, str]:
    path = os.pathsep.join([str(ROOT / "layers" / "common" / "python"), str(ROOT)])
    return {"PATH": os.environ["PATH"], "PYTHONPATH": path}
