"""Random lives of a stack; a seed that once failed is kept by name."""

import pytest

from tests.support.simulation import Simulation

SEEDS = range(60)
ONCE_FAILED: tuple[int, ...] = ()


@pytest.mark.parametrize("seed", [*SEEDS, *ONCE_FAILED])
def test_no_seed_loses_a_slot(seed: int) -> None:
    """Every slot ends, the log has every call, and nothing is early."""
    assert [] == Simulation(seed).run().violations()
