"""A tick's read units with 10^3 and 10^6 tasks, as many of them due.

`python -m tests.load.bench_tick` fills the size-accurate fake table and counts what one tick reads.
"""

from typing import Final

from tests.support.crowd import DUE, tick_read_units

FEW: Final = 1_000
MANY: Final = 1_000_000
BUDGET: Final = 1.05


def measure() -> dict[int, float]:
    """Return the read units of a tick by the number of tasks that there are."""
    return {tasks: tick_read_units(tasks) for tasks in (FEW, MANY)}


def shown(found: dict[int, float]) -> str:
    """Return the measurements as a table."""
    lines = [f"{DUE} due of {tasks:>9,}: {units:8.1f} read units" for tasks, units in found.items()]
    return "\n".join([*lines, f"ratio {found[MANY] / found[FEW]:.3f} (budget {BUDGET})"])


def missed(found: dict[int, float]) -> list[str]:
    """Return what is not as it must be."""
    ratio = found[MANY] / found[FEW]
    return [] if ratio <= BUDGET else [f"the ratio {ratio:.3f} is over {BUDGET}"]


def main() -> int:
    """Measure and print; return 1 when the budget is missed."""
    found = measure()
    print("\n".join([shown(found), *missed(found)]))
    return int(bool(missed(found)))


if __name__ == "__main__":
    raise SystemExit(main())
