import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from mypy_boto3_ssm import SSMClient

from nightshift.aws import clients
from nightshift.deploy.custom_resource import Change, answer
from nightshift.deploy.wiring import answer_secrets
from nightshift.observability import get_log
from tests.unit.deploy.sink import Sink, running_sink

EVENTS = Path(__file__).parents[3] / "events" / "secrets"
ENOUGH_S = 30.0


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as sink:
        yield sink


@pytest.fixture
def ssm(monkeypatch: pytest.MonkeyPatch) -> Iterator[SSMClient]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    clients.ssm.cache_clear()
    with mock_aws():
        yield boto3.client("ssm", region_name="us-east-1")
    clients.ssm.cache_clear()


def event(case: str, sink: Sink, stage: str = "dev") -> dict[str, Any]:
    """The sample request `case`, to be answered at `sink`."""
    sample: dict[str, Any] = json.loads((EVENTS / f"{case}.json").read_text())
    properties = {**sample["ResourceProperties"], "Stage": stage}
    return {**sample, "ResponseURL": sink.url, "ResourceProperties": properties}


def names(ssm: SSMClient) -> set[str]:
    return {item["Name"].rsplit("/", 1)[1] for item in ssm.describe_parameters()["Parameters"]}


def run(
    request: dict[str, Any], act: Callable[[Change], object], remaining_s: float = ENOUGH_S
) -> None:
    answer(request, physical_id=lambda _: "the-id", act=act, remaining_s=remaining_s, log=get_log())


def test_create_makes_the_secrets_and_answers(sink: Sink, ssm: SSMClient) -> None:
    """A Create leaves four parameters and one success that names the request."""
    request = event("create", sink)
    answer_secrets(request, remaining_s=ENOUGH_S)
    keys = {"cursor-key", "sealing-key", "mail-key"}
    assert {"token-signing-keys", "token-public-keys", *keys} == names(ssm)
    expected = {
        "Status": "SUCCESS",
        "Reason": "done",
        "PhysicalResourceId": "nightshift-dev-secrets",
        "StackId": request["StackId"],
        "RequestId": request["RequestId"],
        "LogicalResourceId": request["LogicalResourceId"],
    }
    assert [expected] == sink.answers


def test_the_answer_has_no_content_type(sink: Sink) -> None:
    """The presigned URL is signed for no content type, so none is sent."""
    run(event("create", sink), act=lambda _: None)
    assert [""] == sink.content_types


def test_the_template_says_where_secrets_are_kept(sink: Sink, ssm: SSMClient) -> None:
    """A stack that moves to Secrets Manager takes its keys along; deleted, it leaves none."""
    answer_secrets(event("create", sink), remaining_s=ENOUGH_S)
    key = "/nightshift/dev/sealing-key"
    before = ssm.get_parameter(Name=key, WithDecryption=True)["Parameter"]["Value"]
    clients.secretsmanager.cache_clear()
    managed = boto3.client("secretsmanager", region_name="us-east-1")
    for case in ("update", "delete"):
        request = event(case, sink)
        request["ResourceProperties"]["From"] = "secretsmanager"
        answer_secrets(request, remaining_s=ENOUGH_S)
        if case == "update":
            assert before == managed.get_secret_value(SecretId=key)["SecretString"]
    assert ["SUCCESS"] * 3 == [one["Status"] for one in sink.answers]
    assert (set(), []) == (names(ssm), managed.list_secrets()["SecretList"])


def test_update_keeps_the_secrets(sink: Sink, ssm: SSMClient) -> None:
    """An Update changes no value and keeps the resource's id, so nothing is deleted after it."""
    answer_secrets(event("create", sink), remaining_s=ENOUGH_S)
    before = ssm.get_parameter(Name="/nightshift/dev/token-signing-keys")["Parameter"]["Value"]
    answer_secrets(event("update", sink), remaining_s=ENOUGH_S)
    after = ssm.get_parameter(Name="/nightshift/dev/token-signing-keys")["Parameter"]["Value"]
    assert before == after
    first, second = sink.answers
    assert first["PhysicalResourceId"] == second["PhysicalResourceId"]


@pytest.mark.parametrize(("stage", "left"), [("local", 0), ("dev", 0), ("staging", 0), ("prod", 5)])
def test_delete_spares_production(sink: Sink, ssm: SSMClient, stage: str, left: int) -> None:
    """Secrets go with their stack everywhere but in production."""
    answer_secrets(event("create", sink, stage), remaining_s=ENOUGH_S)
    answer_secrets(event("delete", sink, stage), remaining_s=ENOUGH_S)
    assert left == len(names(ssm))
    assert ["SUCCESS", "SUCCESS"] == [one["Status"] for one in sink.answers]


def test_delete_answers_with_the_id_that_it_was_given(sink: Sink) -> None:
    """A Delete of a resource whose creation failed keeps CloudFormation's own name for it."""
    run({**event("delete", sink), "PhysicalResourceId": "made-up"}, act=lambda _: None)
    assert "made-up" == sink.answers[0]["PhysicalResourceId"]


def test_a_failure_is_answered_without_its_message(
    sink: Sink, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failure names its kind alone: messages of the service may quote the secret."""

    def fail(_: Change) -> None:
        raise RuntimeError("value 'hunter2' is too long")

    run(event("create", sink), act=fail)
    assert ["FAILED"] == [one["Status"] for one in sink.answers]
    assert "RuntimeError" == sink.answers[0]["Reason"]
    assert "hunter2" not in capsys.readouterr().out


def test_a_request_without_a_stage_is_answered(sink: Sink, ssm: SSMClient) -> None:
    """Properties that make no sense fail the resource instead of leaving the stack to wait."""
    request = event("create", sink)
    del request["ResourceProperties"]["Stage"]
    answer_secrets(request, remaining_s=ENOUGH_S)
    assert ["FAILED"] == [one["Status"] for one in sink.answers]


def test_a_hang_is_answered_in_time(sink: Sink) -> None:
    """Work that does not end is answered as failed while there is time to."""
    hang = threading.Event()
    started = time.monotonic()
    run(event("create", sink), act=lambda _: hang.wait(10), remaining_s=12.05)
    hang.set()
    assert 2 > time.monotonic() - started
    assert ["it took too long"] == [one["Reason"] for one in sink.answers]


def test_an_answer_that_was_refused_is_sent_again(sink: Sink) -> None:
    """One refused answer is no lost answer."""
    sink.statuses = [503]
    run(event("create", sink), act=lambda _: None)
    assert ["SUCCESS", "SUCCESS"] == [one["Status"] for one in sink.answers]


def test_an_answer_that_nobody_takes_is_an_error(sink: Sink) -> None:
    """When the answer reaches nobody, the invocation fails and its log says so."""
    sink.statuses = [503, 503, 503, 200]
    with pytest.raises(OSError, match="503"):
        run(event("create", sink), act=lambda _: None)
    assert 3 == len(sink.answers)


def test_only_the_web_is_answered(sink: Sink) -> None:
    """An address of another kind, such as a file, is not written to."""
    with pytest.raises(ValueError, match="web address"):
        run({**event("create", sink), "ResponseURL": "file:///tmp/x"}, act=lambda _: None)


def test_no_secret_is_logged_or_answered(
    sink: Sink, ssm: SSMClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither the log nor the answer holds a value of a secret parameter."""
    answer_secrets(event("create", sink), remaining_s=ENOUGH_S)
    said = capsys.readouterr().out + json.dumps(sink.answers)
    for name in ("token-signing-keys", "cursor-key", "sealing-key", "mail-key"):
        text = ssm.get_parameter(Name=f"/nightshift/dev/{name}", WithDecryption=True)
        assert text["Parameter"]["Value"] not in said
    (key,) = json.loads(
        ssm.get_parameter(Name="/nightshift/dev/token-signing-keys", WithDecryption=True)[
            "Parameter"
        ]["Value"]
    )
    assert key["d"] not in said
