"""`python -m tests.load.bench_cost`: dollars per 10^6 delivered runs, from the calls made."""

from tests.support.cost import measure, once, rates, shared

RUNS = 10_000


def main() -> None:
    """Print the invoice of each kind of schedule."""
    for make in (shared, rates, once):
        cost = measure(make, runs=RUNS)
        print(f"\n{make.__name__}: {cost.runs} runs")
        print(f"  write units a run {cost.write_units / cost.runs:8.3f}")
        print(f"  read units a run  {cost.read_units / cost.runs:8.3f}")
        print(f"  SQS requests a run{cost.sqs_requests / cost.runs:8.3f}")
        for name, dollars in cost.invoice.lines():
            print(f"  {name:16} {dollars:6.3f} $")
        print(f"  {'total':16} {cost.invoice.total:6.3f} $ per 10^6 runs")


if __name__ == "__main__":
    main()
