from typing import Any

import pytest

from nightshift.jobs.batch import END_MARGIN_S
from nightshift.jobs.kinds import MAX_TIMEOUT_S
from nightshift.jobs.model import QueueName
from nightshift.jobs.worker import CLOSE_MARGIN_S, HANDLER_MARGIN_S
from tests.unit.template.cfn import STAGES, deployed
from tests.unit.template.shape import (
    ALARM,
    QUEUE,
    ROLE,
    events,
    functions,
    role_of,
    statements,
    variables,
)

FAILED = "<Queues/FailedEventsQueue.Arn>"
DAY_S = 86400
BEGIN_S = 10
"""What an invocation may take before its jobs begin: a cold start and the reading of plans."""


def queues(stage: str = "prod") -> dict[str, dict[str, Any]]:
    return deployed(stage).of_type(QUEUE)


def consumed() -> dict[str, dict[str, Any]]:
    """The source of each function that takes jobs from a queue."""
    found = {}
    for name, function in functions(deployed("prod")).items():
        for one in events(function, "SQS"):
            found[name] = one
    return found


def test_who_serves_which_queue() -> None:
    """Each queue of the engine has one function of its own."""
    expected = {
        "listener": "<Queues/CriticalQueue.Arn>",
        "worker_default": "<Queues/DefaultQueue.Arn>",
        "worker_low": "<Queues/LowQueue.Arn>",
    }
    assert expected == {name: one["Queue"] for name, one in consumed().items()}
    names = {queues()[arn.replace(".Arn", "")]["QueueName"] for arn in expected.values()}
    assert {f"nightshift-prod-{name}" for name in QueueName} == names


def test_every_queue_of_work_has_a_dead_letter_queue_of_its_own() -> None:
    """A message that fails five times goes to a queue that keeps it two weeks."""
    targets = []
    for source in consumed().values():
        policy = queues()[source["Queue"].replace(".Arn", "")]["RedrivePolicy"]
        assert policy["maxReceiveCount"] >= 5
        targets.append(policy["deadLetterTargetArn"])
    assert len(targets) == len(set(targets)) == 3
    for arn in targets:
        assert 14 * DAY_S == queues()[arn.replace(".Arn", "")]["MessageRetentionPeriod"]


def test_visibility_outlasts_the_functions() -> None:
    """A message stays hidden for six times what its function may take."""
    for function in functions(deployed("prod")).values():
        for one in events(function, "SQS"):
            queue = queues()[one["Queue"].replace(".Arn", "")]
            assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]


def test_dead_letters_stay_hidden_while_they_are_moved() -> None:
    """A letter that is being moved is not taken again by the next look."""
    timeout = functions(deployed("prod"))["dead_letters"]["Timeout"]
    for name, queue in queues().items():
        assert "DeadQueue" not in name or queue["VisibilityTimeout"] >= 6 * timeout


def test_partial_batches() -> None:
    """Every function behind a queue answers what failed, and waits for no fuller batch."""
    for one in consumed().values():
        assert ["ReportBatchItemFailures"] == one["FunctionResponseTypes"]
        assert one["MaximumBatchingWindowInSeconds"] == 0


def test_heavier_work_shares_its_process_with_less() -> None:
    """Short calls share an invocation by ten; work that may fill the memory has it to itself."""
    expected = {"listener": 10, "worker_default": 5, "worker_low": 1}
    assert expected == {name: one["BatchSize"] for name, one in consumed().items()}


def test_functions_outlast_the_longest_job_of_their_queue() -> None:
    """A job may take its whole time, and is still closed before its function ends."""
    queue_of = {one["Queue"]: name for name, one in consumed().items()}
    for queue, limit_s in MAX_TIMEOUT_S.items():
        name = queue_of[f"<Queues/{queue.title()}Queue.Arn>"]
        margins_s = END_MARGIN_S + CLOSE_MARGIN_S + HANDLER_MARGIN_S
        spare_s = functions(deployed("prod"))[name]["Timeout"] - limit_s - margins_s
        assert spare_s >= BEGIN_S


PARAMETERS = {
    "listener": "ListenerConcurrency",
    "worker_default": "WorkerDefaultConcurrency",
    "worker_low": "WorkerLowConcurrency",
}


def concurrency(stage: str, **parameters: str) -> list[int]:
    found = functions(deployed(stage, **parameters))
    sources = [events(found[name], "SQS")[0] for name in PARAMETERS]
    return [int(one["ScalingConfig"]["MaximumConcurrency"]) for one in sources]


def test_the_queues_are_weighted() -> None:
    """Six to three to one, wherever it is deployed; a laptop runs fewer processes."""
    for stage in STAGES:
        critical, default, low = concurrency(stage)
        assert (6 * low, 3 * low) == (critical, default)
    assert sum(concurrency("local")) <= 20


def test_concurrency_is_a_parameter() -> None:
    """How many of each work at once follows its parameter."""
    said = dict(zip(PARAMETERS.values(), ("7", "5", "3"), strict=True))
    assert [7, 5, 3] == concurrency("dev", **said)


@pytest.mark.parametrize("name", ["listener", "worker_default", "worker_low"])
def test_memory_is_a_parameter(name: str) -> None:
    """How much memory each has follows its parameter."""
    parameter = PARAMETERS[name].replace("Concurrency", "Memory")
    stack = deployed("dev", **{parameter: "333"})
    assert functions(stack)[name]["MemorySize"] == "333"


@pytest.mark.parametrize(
    ("name", "every"),
    [("publisher", "1 minute"), ("sweeper", "1 minute"), ("dead_letters", "5 minutes")],
)
def test_ticks(name: str, every: str) -> None:
    """Told in UTC; what reaches nobody or raises is set aside, not repeated later."""
    function = functions(deployed("prod"))[name]
    (tick,) = events(function, "ScheduleV2")
    assert (tick["ScheduleExpression"], tick["ScheduleExpressionTimezone"]) == (
        f"rate({every})",
        "UTC",
    )
    assert FAILED == tick["DeadLetterConfig"]["Arn"]
    assert tick["RetryPolicy"]["MaximumEventAgeInSeconds"] == 60
    config = function["EventInvokeConfig"]
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (0, 60)
    assert FAILED == config["DestinationConfig"]["OnFailure"]["Destination"]
    assert function["Timeout"] < 60 * int(every.partition(" ")[0])


def test_the_scheduler_may_call_the_ticking_functions_alone() -> None:
    """The schedules' role calls three functions and fills one queue, for this account only."""
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
    for name in ("publisher", "sweeper", "dead_letters"):
        role = role_of(stack, functions(stack)[name])
        assert ({"sqs:SendMessage"}, {FAILED}) in list(statements(role))


def test_every_dead_letter_queue_is_watched() -> None:
    """Nothing is set aside unseen: one function moves the letters of all, and fails if it cannot.

    Its failure and its silence are an alarm; events that failed have one on their queue itself.
    """
    drained = {
        value.replace(">", ".Arn>")
        for name, value in variables(functions(deployed("prod"))["dead_letters"]).items()
        if name.endswith("_DEAD_QUEUE_URL")
    }
    graves = {
        one["RedrivePolicy"]["deadLetterTargetArn"]
        for one in queues().values()
        if "RedrivePolicy" in one
    }
    assert graves == drained
    alarms = deployed("prod").of_type(ALARM).values()
    watched = {one["Value"] for alarm in alarms for one in alarm.get("Dimensions", [])}
    assert {FAILED.replace(".Arn", ".QueueName"), "nightshift-prod-dead-letters"} <= watched


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
    """Lambda's own end of loops is off for the functions whose messages come back to them."""
    found = functions(deployed("prod")).items()
    assert dict.fromkeys(consumed(), "Allow") == {
        name: one["RecursiveLoop"] for name, one in found if "RecursiveLoop" in one
    }
