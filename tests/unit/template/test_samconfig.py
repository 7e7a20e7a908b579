import tomllib
from typing import Any

import pytest

from tests.unit.template.cfn import ROOT, load

CONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text())
STAGES = ["dev", "staging", "prod"]


def deploy(stage: str) -> dict[str, Any]:
    found: dict[str, Any] = CONFIG[stage]["deploy"]["parameters"]
    return found


def pairs(words: list[str]) -> dict[str, str]:
    return dict(word.split("=", 1) for word in words)


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_is_a_stack_of_its_own(stage: str) -> None:
    """A section deploys the stage of its name, tagged so that its bill can be told apart."""
    config = deploy(stage)
    assert f"nightshift-{stage}" == config["stack_name"]
    assert stage == pairs(config["parameter_overrides"])["Stage"]
    assert {"app": "nightshift", "stage": stage} == pairs(config["tags"])


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_is_left_to_type(stage: str) -> None:
    """Deploying asks nobody anything, so that a pipeline can do it."""
    config = deploy(stage)
    assert config["resolve_s3"]
    assert {"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"} == set(config["capabilities"])
    assert not config["confirm_changeset"]
    assert not config["fail_on_empty_changeset"]


@pytest.mark.parametrize("stage", STAGES)
def test_parameters_are_known_and_allowed(stage: str) -> None:
    """Every override is a parameter of the template with a value that it allows."""
    declared = load("template.yaml")["Parameters"]
    for name, value in pairs(deploy(stage)["parameter_overrides"]).items():
        allowed = [str(one) for one in declared[name].get("AllowedValues", [value])]
        assert value in allowed


def test_the_layer_is_never_taken_from_a_cache() -> None:
    """A changed lock lies outside the layer's folder, so that a cached build would miss it."""
    assert not CONFIG["default"]["build"]["parameters"]["cached"]
