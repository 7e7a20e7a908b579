from typing import Any

import pytest

from infra.local.deploy import Deployed
from infra.local.facts import Facts, declared, differences

TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
        "StreamSpecification": {"StreamViewType": "KEYS_ONLY"},
    },
}
QUEUES = {
    "Dead": {"Type": "AWS::SQS::Queue", "Properties": {}},
    "Runs": {
        "Type": "AWS::SQS::Queue",
        "Properties": {
            "VisibilityTimeout": 900,
            "RedrivePolicy": {
                "deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]},
                "maxReceiveCount": 5,
            },
        },
    },
}


def _stack(resources: dict[str, Any], **outputs: str) -> Deployed:
    physical = {name: f"http://127.0.0.1/000000000000/{name}-1" for name in resources}
    return Deployed(
        template={"Resources": resources, "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}}},
        parameters={"Stage": "local"},
        resources=physical,
        outputs=outputs,
    )


def test_a_table_declares_its_ttl_and_stream() -> None:
    """What the emulator is known to drop is among a table's facts."""
    fact = declared({"t": _stack({"Tasks": TABLE})})["table Tasks"]

    assert "expires_at" == fact["ttl"]
    assert "KEYS_ONLY" == fact["stream"]
    assert fact["point_in_time_recovery"] is False


def test_a_queue_declares_its_redrive_by_the_queues_name() -> None:
    """The dead-letter queue is named as it stands."""
    fact = declared({"t": _stack(QUEUES)})["queue Runs"]

    assert {
        "visibility_s": 900,
        "retention_s": 345600,
        "dead_letters": "Dead-1",
        "receives": 5,
    } == fact


def test_a_mapping_is_resolved_through_a_nested_stacks_output() -> None:
    """The source's ARN comes from another stack's outputs."""
    mapping = {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "EventSourceArn": {"Fn::GetAtt": ["Queues", "Outputs.WorkArn"]},
            "FunctionName": "listener",
            "BatchSize": "10",
        },
    }
    nested = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": "queues.yaml"},
    }
    stacks = {
        "template.yaml": _stack({"Queues": nested, "Mapping": mapping}),
        "queues.yaml": _stack(QUEUES, WorkArn="arn:aws:sqs:us-east-1:000000000000:work"),
    }

    fact = declared(stacks)["mapping Mapping"]

    assert "work" == fact["source"]
    assert 10 == fact["batch_size"]


def test_what_a_condition_excludes_is_not_declared() -> None:
    """A resource whose condition does not hold has no facts."""
    excluded = {**TABLE, "Condition": "Never"}

    assert {} == declared({"t": _stack({"Tasks": excluded})})


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"table T": {"ttl": "at"}}, []),
        ({"table T": {"ttl": "at", "more": 1}, "table U": {}}, []),
        ({}, ["table T is declared and does not stand"]),
        (
            {"table T": {"ttl": None}},
            ['table T: ttl is declared as "at", stands as null'],
        ),
        (
            {"table T": {"ttl": "at"}, "route a GET /x": {}},
            ["route a GET /x stands and is not declared"],
        ),
    ],
)
def test_every_difference_is_one_sentence(found: Facts, expected: list[str]) -> None:
    """Missing, changed and, for routes, superfluous."""
    assert expected == differences({"table T": {"ttl": "at"}}, found)
