"""The budgets of DESIGN.md that can be counted rather than timed."""

import pytest

from tests.support.cost import measure, once, rates, shared
from tests.support.crowd import tick_read_units

pytestmark = pytest.mark.no_cover
"""What runs here runs elsewhere too, and counting lines takes twice the time."""


def test_a_tick_reads_what_is_due_not_what_exists() -> None:
    """Twenty times the tasks, the same number due: at most 5 % more read units."""
    assert tick_read_units(20_000, due=200) <= 1.05 * tick_read_units(1_000, due=200)


@pytest.mark.parametrize("make", [shared, rates, once], ids=["shared", "rates", "once"])
def test_a_delivered_run_stays_within_its_write_and_read_units(make: object) -> None:
    """Two writes and two reads a run, and a tenth for what runs share."""
    cost = measure(make, runs=1_000)  # type: ignore[arg-type]  # one of the three above
    assert cost.runs == 1_000
    assert cost.write_units / cost.runs <= 2.1
    assert cost.read_units / cost.runs <= 2.25
    assert cost.invoice.total <= 2.05
