"""Random lives with flow control, windows and backfills; seeds that once failed are kept."""

import pytest

from tests.support.backfill_life import BackfillLife
from tests.support.flow_simulation import FlowSimulation

pytestmark = pytest.mark.no_cover
"""What runs here runs elsewhere too, and counting lines takes twice the time."""

SEEDS = range(12)
ONCE_FAILED: tuple[int, ...] = ()


@pytest.mark.parametrize("seed", [*SEEDS, *ONCE_FAILED])
def test_no_seed_loses_a_slot_that_waits(seed: int) -> None:
    """Every slot ends, the log has every call, nothing is early, and the line is empty."""
    assert [] == FlowSimulation(seed).run().violations()


@pytest.mark.parametrize("seed", range(15))
def test_no_seed_loses_a_slot_of_a_backfill(seed: int) -> None:
    """Whatever goes wrong, all slots of both ranges are made, and both jobs say so."""
    assert [] == BackfillLife(seed).run().violations()
