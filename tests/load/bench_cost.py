"""Dollars per 10^6 delivered and logged runs, from the calls made.

`python -m tests.load.bench_cost` prints the invoice of each kind of schedule.
"""

from typing import Final

from tests.support.cost import Cost, measure, once, rates, shared

RUNS: Final = 5_000
BUDGET: Final = 2.00
KINDS: Final = {"shared": shared, "rates": rates, "once": once}


def measured(kind: str) -> Cost:
    """Return what the runs of a kind of schedule cost."""
    return measure(KINDS[kind], runs=RUNS)


def shown(kind: str, cost: Cost) -> str:
    """Return the invoice as a table."""
    rows = [
        ("write units a run", cost.write_units / cost.runs),
        ("read units a run", cost.read_units / cost.runs),
        ("SQS requests a run", cost.sqs_requests / cost.runs),
        *((f"$ {name}", dollars) for name, dollars in cost.invoice.lines()),
        ("$ per 10^6 runs", cost.invoice.total),
    ]
    lines = [f"{kind}: {cost.runs} runs, budget {BUDGET:.2f} $ per 10^6"]
    return "\n".join(lines + [f"  {name:20}{value:8.3f}" for name, value in rows])


def main() -> None:
    """Measure and print."""
    for kind in KINDS:
        print(shown(kind, measured(kind)))


if __name__ == "__main__":
    main()
