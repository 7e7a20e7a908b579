"""Reads on which something is decided see every write that came before them."""

import pytest

from tests.support.crashes import purpose_of
from tests.support.faults import FaultPlan, Seen
from tests.support.lives import Life
from tests.support.scenarios import SCENARIOS, Story

READS = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query")
MAY_BE_STALE = {
    "Query QUEUES []": "a pause is believed for seconds anyway",
    "BatchGetItem U/T": "a changed task is looked at again with each of its runs",
}
BY_SWEEPS = {
    "BatchGetItem J/R": "a job that has just ended is sent again; its worker looks for itself",
    "BatchGetItem J/A, J/S": "the same of one that has just begun",
}
SWEEPING = frozenset({"lost", "poisonous"})


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_decides_is_read_consistently(name: str) -> None:
    """Only what is named above may be a moment old, each for its reason."""
    plan = FaultPlan(stays_dead=True)
    SCENARIOS[name](Story(life=Life(plan)))
    stale = {purpose_of(seen) for seen in plan.seen if _may_be_stale(seen)}
    allowed = {*MAY_BE_STALE, *(BY_SWEEPS if name in SWEEPING else ())}
    assert set() == stale - allowed


def _may_be_stale(seen: Seen) -> bool:
    if seen.operation not in READS:
        return False
    asked = seen.request.get("RequestItems", {"": seen.request})
    return not all(part.get("ConsistentRead") for part in asked.values())
