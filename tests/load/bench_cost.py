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


def missed(cost: Cost) -> list[str]:
    """Return what is not as it must be."""
    problems = []
    if cost.runs != RUNS:
        problems.append(f"{cost.runs} of {RUNS} runs were delivered")
    if cost.invoice.total > BUDGET:
        problems.append(f"{cost.invoice.total:.3f} $ per 10^6 runs is over {BUDGET:.2f} $")
    return problems


def main() -> int:
    """Measure and print; return 1 when a budget is missed."""
    problems = []
    for kind in KINDS:
        cost = measured(kind)
        print(shown(kind, cost))
        problems += missed(cost)
    print("\n".join(problems))
    return int(bool(problems))


if __name__ == "__main__":
    raise SystemExit(main())
