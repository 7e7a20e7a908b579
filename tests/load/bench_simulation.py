"""Many seeds of the simulated life of a stack; the seeds that broke a promise are printed.

`python -m tests.load.bench_simulation [seeds] [first]` lives them in two processes, at low
priority. A seed that fails here is to be kept by name in tests/unit/jobs/test_simulation.py.
"""

import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from tests.support.simulation import broken_in

SEEDS: Final = 10_000
PROCESSES: Final = 2
CHUNK: Final = 20
NICE: Final = 10
PROGRESS: Final = 1_000

Life = tuple[int, list[str]]
"""A seed and what did not hold in its life."""


@dataclass(kw_only=True, slots=True)
class Found:
    """What came of all seeds."""

    seeds: int = 0
    failed: dict[int, list[str]] = field(default_factory=dict)
    seconds: float = 0.0
    cpu_s: float = 0.0


def live(seed: int) -> Life:
    """Live one seed; a life that ends by an exception has broken a promise, too."""
    try:
        return seed, broken_in(seed)
    except Exception as error:  # noqa: BLE001 - a bench of many lives: name the seed and go on
        return seed, [f"{type(error).__name__}: {error}"]


def measure(seeds: int, first: int = 0) -> Found:
    """Return what came of `seeds` seeds, beginning with `first`; tell as it goes along."""
    found, started, used = Found(), time.monotonic(), _children_s()
    for seed, violations in _lives(range(first, first + seeds)):
        found.seeds += 1
        if violations:
            found.failed[seed] = violations
            print(f"seed {seed}: {'; '.join(violations)}", flush=True)
        if found.seeds % PROGRESS == 0:
            print(f"  {found.seeds} seeds, {len(found.failed)} failed", flush=True)
    found.seconds = time.monotonic() - started
    found.cpu_s = _children_s() - used
    return found


def _lives(seeds: range) -> Iterator[Life]:
    context = multiprocessing.get_context("spawn")
    with context.Pool(PROCESSES, initializer=os.nice, initargs=(NICE,)) as pool:
        yield from pool.imap_unordered(live, seeds, chunksize=CHUNK)
        pool.close()
        pool.join()


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def shown(found: Found) -> str:
    """Return the measurement in words."""
    each_ms = found.cpu_s * 1000 / max(1, found.seeds)
    return (
        f"{found.seeds} seeds: {len(found.failed)} failed, "
        f"{found.seconds:.0f} s, {each_ms:.0f} ms of CPU each"
    )


def missed(found: Found) -> list[str]:
    """Return the seeds that broke a promise."""
    return [f"seed {seed} failed" for seed in sorted(found.failed)]


def main() -> int:
    """Live the seeds and print; return 1 when one failed."""
    numbers = [int(text) for text in sys.argv[1:]]
    found = measure(*(numbers or [SEEDS]))
    print(shown(found))
    return int(bool(missed(found)))


if __name__ == "__main__":
    raise SystemExit(main())
