"""Every call of a job's life goes wrong once, in every way, behind the real AWS clients."""

import pytest

from tests.support.crashes import MODES, calls_of, pinned, with_fault
from tests.support.faults import FaultMode
from tests.support.scenarios import SCENARIOS

pytestmark = pytest.mark.no_cover
"""What runs here runs elsewhere too, and counting lines takes twice the time."""


def test_every_scenario_is_in_the_matrix() -> None:
    """The committed list names them all, and no others."""
    assert sorted(SCENARIOS) == sorted(pinned())


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_matrix_knows_every_call(name: str) -> None:
    """A call that is new, gone, or made more often is noticed; see `crashes.PINNED`."""
    assert pinned()[name] == calls_of(name)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", SCENARIOS)
def test_no_fault_loses_or_doubles_a_job(name: str, mode: FaultMode) -> None:
    """None lost, none stuck, one record each, and work begun at most once more than without."""
    broken = [
        sentence
        for purpose, count in pinned()[name].items()
        for occurrence in range(1, count + 1)
        for sentence in with_fault(name, purpose, occurrence, mode)
    ]
    assert [] == broken
