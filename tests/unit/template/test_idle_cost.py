import pytest

from tests.unit.template.cfn import deployed
from tests.unit.template.idle_cost import bill, total

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
