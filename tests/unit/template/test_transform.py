"""The template as SAM's own transform expands it, which says more than linting does."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.template.cfn import ROOT, load

PYTHON = ROOT / ".venvs/stack/bin/python"


@pytest.fixture(scope="module")
def expanded() -> dict[str, Any]:
    """The resources that CloudFormation gets to see."""
    assert PYTHON.exists(), "`make test` makes the environment of the local stack first"
    done = subprocess.run(  # noqa: S603 - our own program
        [PYTHON, "-I", Path(__file__).with_name("expand.py")],
        input=json.dumps(load("template.yaml")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)["Resources"]
    return found


def of_type(expanded: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {key: one for key, one in expanded.items() if one["Type"] == kind}


def test_no_role_is_made_behind_our_back(expanded: dict[str, Any]) -> None:
    """Every role is written out in infra/; SAM adds none with grants of its own."""
    assert not of_type(expanded, "AWS::IAM::Role")
    assert not of_type(expanded, "AWS::IAM::Policy")


def test_only_the_api_and_nobody_else_may_call_functions(expanded: dict[str, Any]) -> None:
    """Permissions to invoke are those of API Gateway, for one path each, and of SES's one rule."""
    callers = []
    for one in of_type(expanded, "AWS::Lambda::Permission").values():
        callers.append(one["Properties"]["Principal"])
        assert "SourceArn" in one["Properties"]
    assert {"apigateway.amazonaws.com", "events.amazonaws.com"} == set(callers)
    assert 1 == callers.count("events.amazonaws.com")


def test_schedules_and_mappings_are_there(expanded: dict[str, Any]) -> None:
    """Three schedules and three queues start work by themselves, switched on."""
    schedules = of_type(expanded, "AWS::Scheduler::Schedule").values()
    mappings = of_type(expanded, "AWS::Lambda::EventSourceMapping").values()
    assert (3, 3) == (len(schedules), len(mappings))
    for one in (*schedules, *mappings):
        assert one["Properties"].get("State", "ENABLED") == "ENABLED"
        assert one["Properties"].get("Enabled", True)
    for one in schedules:
        target = one["Properties"]["Target"]
        assert target["DeadLetterConfig"]["Arn"]
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == 60


def test_failed_ticks_have_somewhere_to_go(expanded: dict[str, Any]) -> None:
    """What ticks and rules fail at is kept, since Lambda calls those without waiting."""
    configs = of_type(expanded, "AWS::Lambda::EventInvokeConfig").values()
    assert len(configs) == 4
    for one in configs:
        assert one["Properties"]["DestinationConfig"]["OnFailure"]["Destination"]


def test_local_routes_depend_on_the_stage(expanded: dict[str, Any]) -> None:
    """The paths under /dev stand under the condition in the API's own document too."""
    (api,) = of_type(expanded, "AWS::ApiGatewayV2::Api").values()
    paths = api["Properties"]["Body"]["paths"]
    under_dev = [one for path, one in paths.items() if path.startswith("/dev")]
    assert len(under_dev) == 3
    assert all(one["Fn::If"][0] == "IsLocal" for one in under_dev)
    assert not [one for path, one in paths.items() if "/api/" in path and "Fn::If" in one]


def test_the_fallback_route_is_none(expanded: dict[str, Any]) -> None:
    """A path that nobody serves ends at the gateway and starts no function."""
    (api,) = of_type(expanded, "AWS::ApiGatewayV2::Api").values()
    assert "$default" not in api["Properties"]["Body"]["paths"]
