from typing import Any

import pytest

from tests.unit.template.cfn import STAGES, deployed
from tests.unit.template.shape import ALARM, QUEUE, ROLE, events, functions, role_of, statements

FAILED = "<Queues/FailedEventsQueue.Arn>"
DAY_S = 86400


def queues(stage: str = "prod") -> dict[str, dict[str, Any]]:
    return deployed(stage).of_type(QUEUE)


def dead_letter_arns(stage: str) -> set[str]:
    """Where queues, schedules and functions put what failed."""
    stack = deployed(stage)
    found = {
        one["RedrivePolicy"]["deadLetterTargetArn"]
        for one in queues(stage).values()
        if "RedrivePolicy" in one
    }
    for function in functions(stack).values():
        found |= {one["DeadLetterConfig"]["Arn"] for one in events(function, "ScheduleV2")}
    return found


def test_every_queue_of_work_has_a_dead_letter_queue() -> None:
    """A message that fails five times goes to a queue that keeps it two weeks."""
    consumed = {
        one["Queue"]
        for function in functions(deployed("prod")).values()
        for one in events(function, "SQS")
    }
    for arn in consumed - dead_letter_arns("prod"):
        policy = queues()[arn.replace(".Arn", "")]["RedrivePolicy"]
        assert policy["maxReceiveCount"] >= 5
        target = queues()[policy["deadLetterTargetArn"].replace(".Arn", "")]
        assert 14 * DAY_S == target["MessageRetentionPeriod"]
    assert {"<Queues/RunsQueue.Arn>"} == consumed - dead_letter_arns("prod")


def test_visibility_outlasts_the_functions() -> None:
    """A message stays hidden for six times what its function may take."""
    for function in functions(deployed("prod")).values():
        for one in events(function, "SQS"):
            queue = queues()[one["Queue"].replace(".Arn", "")]
            assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]


def test_partial_batches() -> None:
    """Every function behind a queue answers what failed, and waits for no fuller batch."""
    for function in functions(deployed("prod")).values():
        for one in events(function, "SQS"):
            assert ["ReportBatchItemFailures"] == one["FunctionResponseTypes"]
            assert one["BatchSize"] == 10
            assert one["MaximumBatchingWindowInSeconds"] == 0


def test_concurrency_of_the_listener_is_a_parameter() -> None:
    """How many listeners work at once follows the parameter."""
    stack = deployed("dev", ListenerConcurrency="7")
    (source,) = events(functions(stack)["listener"], "SQS")
    assert source["ScalingConfig"] == {"MaximumConcurrency": "7"}


@pytest.mark.parametrize("name", ["publisher", "sweeper"])
def test_ticks(name: str) -> None:
    """Each minute, told in UTC; what reaches nobody or raises is set aside, not repeated later."""
    function = functions(deployed("prod"))[name]
    (tick,) = events(function, "ScheduleV2")
    assert (tick["ScheduleExpression"], tick["ScheduleExpressionTimezone"]) == (
        "rate(1 minute)",
        "UTC",
    )
    assert FAILED == tick["DeadLetterConfig"]["Arn"]
    assert tick["RetryPolicy"]["MaximumEventAgeInSeconds"] == 60
    config = function["EventInvokeConfig"]
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (0, 60)
    assert FAILED == config["DestinationConfig"]["OnFailure"]["Destination"]
    assert function["Timeout"] < 60


def test_the_scheduler_may_call_the_ticking_functions_alone() -> None:
    """The schedules' role calls two functions and fills one queue, for this account only."""
    stack = deployed("prod")
    role = stack.of_type(ROLE)["<WorkRoles/ScheduleRole>"]
    arn = "arn:aws:lambda:us-east-1:123456789012:function:"
    ticking = [one for one in functions(stack).values() if events(one, "ScheduleV2")]
    assert [
        ({"lambda:InvokeFunction"}, {arn + one["FunctionName"] for one in ticking}),
        ({"sqs:SendMessage"}, {FAILED}),
    ] == list(statements(role))
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    assert {"<WorkRoles/ScheduleRole.Arn>"} == {
        one["RoleArn"] for function in ticking for one in events(function, "ScheduleV2")
    }


def test_ticking_functions_may_report_their_failures() -> None:
    """Lambda sends a failed tick as the function's own role."""
    stack = deployed("prod")
    for name in ("publisher", "sweeper"):
        role = role_of(stack, functions(stack)[name])
        assert ({"sqs:SendMessage"}, {FAILED}) in list(statements(role))


def test_every_dead_letter_queue_has_an_alarm() -> None:
    """Nothing is set aside unseen."""
    watched = {
        dimension["Value"]
        for alarm in deployed("prod").of_type(ALARM).values()
        for dimension in alarm.get("Dimensions", [])
        if dimension["Name"] == "QueueName"
    }
    names = {arn.replace(".Arn", ".QueueName") for arn in dead_letter_arns("prod")}
    assert names <= watched


@pytest.mark.parametrize("stage", STAGES)
def test_every_queue_is_encrypted_and_wants_tls(stage: str) -> None:
    """What lies in a queue is encrypted, and so is each call to it."""
    policies = deployed(stage).of_type("AWS::SQS::QueuePolicy").values()
    covered = {queue for policy in policies for queue in policy["Queues"]}
    assert queues(stage).keys() == covered
    assert all(one["SqsManagedSseEnabled"] for one in queues(stage).values())
    for policy in policies:
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert {symbol.replace(">", ".Arn>") for symbol in policy["Queues"]} == set(
            statement["Resource"]
        )


def test_retries_are_not_cut_off() -> None:
    """Lambda's own end of loops is off for the one function whose messages come back to it."""
    found = functions(deployed("prod")).items()
    assert {"listener": "Allow"} == {
        name: one["RecursiveLoop"] for name, one in found if "RecursiveLoop" in one
    }
