from typing import Any

import pytest

from infra.local.intrinsics import ABSENT, Values, resolve

VALUES = Values(
    refs={"Stage": "local", "Table": "tasks-1", "Origins": "a,b"},
    attributes={"Table.Arn": "arn:tasks-1"},
    conditions={
        "IsLocal": {"Fn::Equals": [{"Ref": "Stage"}, "local"]},
        "IsDeployed": {"Fn::Not": [{"Condition": "IsLocal"}]},
        "Both": {"Fn::And": [{"Condition": "IsLocal"}, {"Condition": "IsDeployed"}]},
        "Either": {"Fn::Or": [{"Condition": "IsLocal"}, {"Condition": "IsDeployed"}]},
    },
    mappings={"Sizes": {"local": {"memory": 128}}},
)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"Ref": "Stage"}, "local"),
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Ref": "Unknown"}, {"Ref": "Unknown"}),
        ({"Fn::GetAtt": ["Table", "Arn"]}, "arn:tasks-1"),
        ({"Fn::GetAtt": "Table.Arn"}, "arn:tasks-1"),
        ({"Fn::GetAtt": ["Nested", "Outputs.X"]}, {"Fn::GetAtt": ["Nested", "Outputs.X"]}),
        ({"Fn::Sub": "n-${Stage}-${Table.Arn}-${!Stage}"}, "n-local-arn:tasks-1-${Stage}"),
        ({"Fn::Sub": ["n-${X}", {"X": {"Ref": "Stage"}}]}, "n-local"),
        ({"Fn::Sub": "n-${Stage}-${Unknown}"}, {"Fn::Sub": "n-local-${Unknown}"}),
        ({"Fn::Join": ["/", ["a", {"Ref": "Stage"}]]}, "a/local"),
        ({"Fn::Join": ["/", ["a", {"Ref": "No"}]]}, {"Fn::Join": ["/", ["a", {"Ref": "No"}]]}),
        ({"Fn::Split": [",", {"Ref": "Origins"}]}, ["a", "b"]),
        ({"Fn::Split": [",", {"Ref": "No"}]}, {"Fn::Split": [",", {"Ref": "No"}]}),
        ({"Fn::Select": [1, {"Fn::Split": [",", {"Ref": "Origins"}]}]}, "b"),
        ({"Fn::Select": [0, {"Ref": "No"}]}, {"Fn::Select": [0, {"Ref": "No"}]}),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "memory"]}, 128),
        ({"Fn::If": ["IsLocal", {"Ref": "Stage"}, 2]}, "local"),
        ({"Fn::If": ["IsDeployed", 1, {"Ref": "AWS::NoValue"}]}, ABSENT),
        ({"a": 1, "b": {"Fn::If": ["IsDeployed", 1, {"Ref": "AWS::NoValue"}]}}, {"a": 1}),
        ([1, {"Ref": "AWS::NoValue"}], [1]),
        ({"Condition": {"StringEquals": 1}}, {"Condition": {"StringEquals": 1}}),
    ],
)
def test_an_expression_becomes_its_value_or_stays(node: Any, expected: Any) -> None:
    """What is known is computed, what is not yet known stays as it is written."""
    assert expected == resolve(node, VALUES)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("IsLocal", True), ("IsDeployed", False), ("Both", False), ("Either", True)],
)
def test_conditions_hold_as_declared(name: str, expected: bool) -> None:
    """Equality, negation, conjunction and disjunction of conditions."""
    assert expected == VALUES.condition(name)
