import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from nightshift.jobs.codec import decode
from tests.unit.template.cfn import ROOT, deployed
from tests.unit.template.shape import events, functions

SAMPLES = sorted((ROOT / "events").glob("*/*.json"))


def load(path: Path) -> dict[str, Any]:
    sample: dict[str, Any] = json.loads(path.read_text())
    return sample


def label(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def test_every_function_has_samples() -> None:
    """There is a sample for each function, and for nothing else."""
    assert functions(deployed("local")).keys() == {path.parent.name for path in SAMPLES}


def of_kind(kind: str) -> list[Path]:
    found = functions(deployed("local"))
    return [path for path in SAMPLES if events(found[path.parent.name], kind)]


@pytest.mark.parametrize("path", of_kind("HttpApi"), ids=label)
def test_http_samples(path: Path) -> None:
    """An HTTP sample is in payload format 2.0, for a route of its function."""
    sample = load(path)
    context = sample["requestContext"]
    function = functions(deployed("local"))[path.parent.name]
    paths = {f"ANY {one['Path']}" for one in events(function, "HttpApi")}
    assert sample["version"] == "2.0"
    assert sample["routeKey"] in paths
    assert sample["routeKey"] == context["routeKey"]
    assert sample["rawPath"] == context["http"]["path"]
    assert context["requestId"]
    prefix = sample["routeKey"].removeprefix("ANY ").partition("{")[0]
    assert sample["rawPath"].startswith(prefix)
    assert sample.get("pathParameters", {}).get("proxy", "") in sample["rawPath"]
    if "body" in sample:
        is_form = sample["headers"]["content-type"] == "application/x-www-form-urlencoded"
        assert parse_qsl(sample["body"]) if is_form else json.loads(sample["body"])
        assert is_form or sample["headers"]["content-type"] == "application/json"
        assert str(len(sample["body"])) == sample["headers"]["content-length"]


@pytest.mark.parametrize("path", of_kind("SQS"), ids=label)
def test_queue_samples(path: Path) -> None:
    """A batch holds at most ten records, of the queue that the function listens to."""
    records = load(path)["Records"]
    function = functions(deployed("dev"))[path.parent.name]
    (source,) = events(function, "SQS")
    queue = deployed("dev").of_type("AWS::SQS::Queue")[source["Queue"].replace(".Arn", "")]
    assert 1 <= len(records) <= source["BatchSize"]
    assert len(records) == len({one["messageId"] for one in records})
    for record in records:
        assert record["eventSource"] == "aws:sqs"
        assert queue["QueueName"] == record["eventSourceARN"].rpartition(":")[2]


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        ("listener/one_run", "task.run"),
        ("listener/full_batch", "task.run"),
        ("worker_default/memo_cards", "memo.cards"),
        ("worker_default/full_batch", "memo.cards"),
        ("worker_low/memo_purge", "memo.purge"),
        ("worker_low/report_generate", "report.generate"),
        ("worker_low/task_backfill", "task.backfill"),
    ],
)
def test_messages_can_be_read(case: str, kind: str) -> None:
    """The bodies of good messages are those that the engine writes, for the queue they lie in."""
    for record in load(ROOT / f"events/{case}.json")["Records"]:
        message = decode(record["body"])
        assert (kind, 1) == (message.ref.kind, message.attempt)
        assert record["eventSourceARN"].endswith(f"-{message.ref.queue}")


@pytest.mark.parametrize("path", of_kind("ScheduleV2"), ids=label)
def test_tick_samples(path: Path) -> None:
    """A tick is what EventBridge Scheduler sends for the function's schedule."""
    sample = load(path)
    function = functions(deployed("dev"))[path.parent.name]
    (tick,) = events(function, "ScheduleV2")
    assert sample["source"] == "aws.scheduler"
    assert [tick["Name"]] == [one.rpartition("/")[2] for one in sample["resources"]]


@pytest.mark.parametrize("path", sorted((ROOT / "events/secrets").glob("*.json")), ids=label)
def test_custom_resource_samples(path: Path) -> None:
    """A request of CloudFormation has the properties that the template gives."""
    sample = load(path)
    (declared,) = deployed("dev").of_type("Custom::NightshiftSecrets").values()
    assert path.stem.title() == sample["RequestType"]
    assert declared.keys() == sample["ResourceProperties"].keys()
    assert ("PhysicalResourceId" in sample) == (path.stem != "create")
