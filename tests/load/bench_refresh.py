"""Fifty parallel refreshes of one token: one family, nobody signed out, reuse noticed afterwards.

`python -m tests.load.bench_refresh [rounds]` works on the thread-safe fake table. All fifty have
read before the first writes; in four of five rounds the winning write goes wrong: its answer is
lost once or for good, or its process dies before or after it. See `tests.support.refreshing`.
"""

import os
import sys
from typing import Final

from tests.support.refreshing import Family, Found

TOGETHER: Final = 50
ROUNDS: Final = 200
NICE: Final = 10


def measure(rounds: int = ROUNDS) -> Found:
    """Return what came of so many rounds."""
    return Family(TOGETHER).run(rounds)


def shown(found: Found) -> str:
    """Return the measurement in words."""
    mishaps = ", ".join(f"{count} {name}" for name, count in found.mishaps.items())
    return (
        f"{found.rounds} rounds of {found.together} parallel refreshes of one token: "
        f"{found.refreshed} answered with a pair, {found.reuses} sessions ended by a reuse after "
        f"the grace, {found.seconds:.0f} s\n  the winning write: {mishaps}"
    )


def missed(found: Found) -> list[str]:
    """Return what is not as it must be."""
    wanted = found.rounds * found.together
    short = [] if found.refreshed == wanted else [f"{wanted - found.refreshed} got no pair"]
    ended = [] if found.reuses == found.rounds else [f"{found.reuses} sessions were ended"]
    return [*found.problems, *short, *ended]


def main() -> int:
    """Measure and print; return 1 when anybody was signed out, or a reuse went unnoticed."""
    os.nice(NICE)
    found = measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
    print(shown(found), flush=True)
    problems = missed(found)
    print("\n".join(problems))
    return int(bool(problems))


if __name__ == "__main__":
    raise SystemExit(main())
