"""`python -m tests.load.bench_tick`: a tick's read units with 10^3 and 10^6 tasks, as many due."""

from tests.support.crowd import DUE, tick_read_units

FEW, MANY = 1_000, 1_000_000


def main() -> None:
    """Print both figures and their ratio; the budget is 1.05."""
    few, many = tick_read_units(FEW), tick_read_units(MANY)
    print(f"{DUE} due of {FEW:>9,}: {few:8.1f} read units")
    print(f"{DUE} due of {MANY:>9,}: {many:8.1f} read units")
    print(f"ratio {many / few:.3f} (budget 1.05)")


if __name__ == "__main__":
    main()
