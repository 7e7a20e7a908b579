"""Random lives of a stack with flow control and windows; seeds that once failed are kept."""

import pytest

from tests.support.flow_simulation import FlowSimulation

SEEDS = range(12)
ONCE_FAILED: tuple[int, ...] = ()


@pytest.mark.parametrize("seed", [*SEEDS, *ONCE_FAILED])
def test_no_seed_loses_a_slot_that_waits(seed: int) -> None:
    """Every slot ends, the log has every call, nothing is early, and the line is empty."""
    assert [] == FlowSimulation(seed).run().violations()
