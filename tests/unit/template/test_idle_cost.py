import pytest

from tests.support.world import World
from tests.unit.template.cfn import deployed
from tests.unit.template.idle_cost import TICK_READS, TICK_TABLES, TICK_WRITES, bill, total
from tests.unit.template.shape import events, functions

BUDGET = 1.0
# What costs money while it does nothing, or is paid for by the hour.
DEAR = {
    "AWS::EC2::NatGateway",
    "AWS::EC2::VPCEndpoint",
    "AWS::KMS::Key",
    "AWS::SecretsManager::Secret",
    "AWS::Events::Archive",
    "AWS::CloudWatch::CompositeAlarm",
}


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_idle_cost(stage: str) -> None:
    """With nothing to do a stack stays under a dollar a month."""
    assert total(bill(deployed(stage)), free=True) <= BUDGET


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_idle_cost_beside_others(stage: str) -> None:
    """In an account whose allowances others have used up it is a few dollars, and no more."""
    lines = bill(deployed(stage, WithDashboard="no"))
    assert total(lines, free=False) <= 3.5


def test_nothing_is_paid_by_the_hour() -> None:
    """No resource costs money for being there."""
    kinds = {one["Type"] for _, one in deployed("prod").everything()}
    assert not kinds & DEAR


def test_nothing_is_provisioned() -> None:
    """No capacity is kept warm or reserved."""
    for _, one in deployed("prod").everything():
        text = str(one.get("Properties"))
        assert "ProvisionedConcurrency" not in text
        assert "ProvisionedThroughput" not in text


@pytest.mark.parametrize("name", ["publisher", "sweeper"])
def test_a_tick_with_nothing_due_costs_what_the_bill_says(name: str) -> None:
    """Reads, writes and tables of an idle tick are counted here as the product makes them."""
    world = World()
    tick = {"publisher": world.tick, "sweeper": world.sweep}[name]
    for _ in range(3):
        world.clock.advance(seconds=60)
        world.dynamo.meter.reset()
        tick()
    meter = world.dynamo.meter
    touched = {table for table in ("jobs", "tasks") if meter.total(table=table).calls}
    assert 0 < meter.read_units <= TICK_READS[name]
    assert 0 < meter.write_units <= TICK_WRITES[name]
    assert {"jobs"} == touched
    assert TICK_TABLES[name] == 1


def test_every_schedule_is_on_the_bill() -> None:
    """A function with a schedule is counted by its own figures."""
    found = functions(deployed("prod")).items()
    ticking = {name for name, one in found if events(one, "ScheduleV2")}
    assert ticking == TICK_READS.keys() == TICK_WRITES.keys() == TICK_TABLES.keys()
