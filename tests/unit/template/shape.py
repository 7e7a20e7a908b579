"""What the tests ask of a deployed stack again and again."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.unit.template.cfn import Stack

FUNCTION = "AWS::Serverless::Function"
QUEUE = "AWS::SQS::Queue"
ROLE = "AWS::IAM::Role"
ALARM = "AWS::CloudWatch::Alarm"


def functions(stack: Stack) -> dict[str, dict[str, Any]]:
    """The properties of every function, globals included, by the name of its folder."""
    common = stack.value(stack.template["Globals"]["Function"])
    shared = common["Environment"]["Variables"]
    found = {}
    for properties in stack.of_type(FUNCTION).values():
        own = properties.get("Environment", {}).get("Variables", {})
        name = properties["CodeUri"].removeprefix("functions/")
        found[name] = common | properties | {"Environment": {"Variables": shared | own}}
    return found


def variables(function: dict[str, Any]) -> dict[str, str]:
    """The environment of a function."""
    found: dict[str, str] = function["Environment"]["Variables"]
    return found


def events(function: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The properties of the function's events of that kind."""
    found = function.get("Events", {}).values()
    return [one["Properties"] for one in found if one["Type"] == kind]


def routes(stack: Stack) -> dict[str, str]:
    """Which function each path of the HTTP API goes to."""
    return {
        event["Path"]: name
        for name, function in functions(stack).items()
        for event in events(function, "HttpApi")
    }


def function_of(known: Mapping[str, str], path: str) -> str | None:
    """Which function of `known` routes a path goes to; an exact one goes before a greedy one."""
    greedy = [route for route in known if route.endswith("/{proxy+}")]
    fitting = [route for route in greedy if path.startswith(route.removesuffix("{proxy+}"))]
    return known.get(path) or known.get(max(fitting, key=len, default=""))


def role_of(stack: Stack, function: dict[str, Any]) -> dict[str, Any]:
    """The role that the function runs under."""
    return stack.of_type(ROLE)[function["Role"].replace(".Arn", "")]


def statements(role: dict[str, Any]) -> Iterator[tuple[set[str], set[str]]]:
    """The actions and the resources of each statement of a role."""
    for policy in role["Policies"]:
        for one in policy["PolicyDocument"]["Statement"]:
            assert one["Effect"] == "Allow"
            yield set(_listed(one["Action"])), set(_listed(one["Resource"]))


def allowed(role: dict[str, Any], resource: str) -> set[str]:
    """The actions that a role allows on exactly that resource."""
    return {
        action
        for actions, resources in statements(role)
        if resource in resources
        for action in actions
    }


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
