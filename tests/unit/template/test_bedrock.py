"""Who may ask a model, which one, and only when the stack says so."""

from typing import Any

import pytest

from tests.unit.template.cfn import Stack, deployed, load
from tests.unit.template.shape import ROLE, functions, role_of, variables

MODEL = "amazon.nova-lite-v1:0"
PROFILE = f"us.{MODEL}"
HERE = "arn:aws:bedrock:us-east-1"
PROFILE_ARN = f"{HERE}:123456789012:inference-profile/{PROFILE}"


def statements(role: dict[str, Any]) -> list[dict[str, Any]]:
    """What a role says of models."""
    return [
        one
        for policy in role["Policies"]
        for one in policy["PolicyDocument"]["Statement"]
        if "bedrock" in str(one)
    ]


def asking(stack: Stack) -> list[dict[str, Any]]:
    """What the one role that may ask says; no other may."""
    name = functions(stack)["worker_default"]["Role"].replace(".Arn", "")
    for symbol, role in stack.of_type(ROLE).items():
        assert symbol == name or not statements(role)
    return statements(role_of(stack, functions(stack)["worker_default"]))


@pytest.mark.parametrize("parameters", [{}, {"BedrockModelId": MODEL}])
def test_nobody_asks_a_model_by_default(parameters: dict[str, str]) -> None:
    """The generator `rules` needs none, and naming one does not choose it."""
    stack = deployed("prod", **parameters)
    assert [] == asking(stack)
    assert variables(functions(stack)["worker_default"])["NIGHTSHIFT_CARD_GENERATOR"] == "rules"


def test_the_chosen_model_and_no_other() -> None:
    """Of the region that the stack stands in."""
    stack = deployed("prod", CardGenerator="bedrock", BedrockModelId=MODEL)
    (one,) = asking(stack)
    assert ("bedrock:InvokeModel", f"{HERE}::foundation-model/{MODEL}") == (
        one["Action"],
        one["Resource"],
    )
    known = variables(functions(stack)["worker_default"])
    assert ("bedrock", MODEL) == (
        known["NIGHTSHIFT_CARD_GENERATOR"],
        known["NIGHTSHIFT_BEDROCK_MODEL_ID"],
    )


def test_a_profile_and_its_model_through_it_alone() -> None:
    """The model in whichever region, since the profile picks it, but not past the profile."""
    said = {"BedrockModelId": PROFILE, "BedrockFoundationModelId": MODEL}
    profile, model = asking(deployed("prod", CardGenerator="bedrock", **said))
    assert profile["Resource"] == PROFILE_ARN
    assert model["Resource"] == f"arn:aws:bedrock:*::foundation-model/{MODEL}"
    assert model["Condition"] == {"StringEquals": {"bedrock:InferenceProfileArn": PROFILE_ARN}}
    assert profile["Action"] == model["Action"] == "bedrock:InvokeModel"


@pytest.mark.parametrize(
    ("generator", "model", "holds"),
    [("bedrock", "", False), ("bedrock", MODEL, True), ("rules", "", True)],
)
def test_bedrock_without_a_model_is_not_deployed(
    generator: str, model: str, *, holds: bool
) -> None:
    """CloudFormation refuses it before anything is made."""
    stack = deployed("prod", CardGenerator=generator, BedrockModelId=model)
    rule = load("template.yaml")["Rules"]["BedrockNeedsAModel"]
    (assertion,) = rule["Assertions"]
    applies = stack.value(rule["RuleCondition"])
    assert holds == (not applies or stack.value(assertion["Assert"]))
