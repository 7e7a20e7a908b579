"""The fake SQS answers as moto does; its clock is virtual, so moto's waits are zero seconds."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from nightshift.core.clock import ManualClock
from tests.support.doors import AwsClient, moto_client
from tests.support.parameters import Argument
from tests.support.sqs import FakeSQS

START = datetime(2026, 12, 1, tzinfo=UTC)
MIB = 1 << 20


_numbers = itertools.count()


@pytest.fixture(scope="module", params=["moto", "fake"])
def sqs(request: pytest.FixtureRequest) -> Iterator[AwsClient]:
    if request.param == "fake":
        yield FakeSQS(ManualClock(START))
        return
    with moto_client("sqs") as client:
        yield client


@pytest.fixture
def url(sqs: AwsClient) -> str:
    return make_queue(sqs)


def make_queue(sqs: AwsClient, **attributes: str) -> str:
    name = f"queue-{next(_numbers)}"
    return str(sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def receive(sqs: AwsClient, url: str, **more: Argument) -> list[dict[str, Any]]:
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **more)
    return list(answer.get("Messages", []))


def test_sent_message_is_received_and_deleted(sqs: AwsClient, url: str) -> None:
    """A message comes with its body, checksum and counts, is hidden, and goes when deleted."""
    sent = sqs.send_message(QueueUrl=url, MessageBody="grün")
    (message,) = receive(sqs, url, MessageSystemAttributeNames=["ApproximateReceiveCount"])
    assert sent["MessageId"] == message["MessageId"]
    assert ("grün", sent["MD5OfMessageBody"]) == (message["Body"], message["MD5OfBody"])
    assert {"ApproximateReceiveCount": "1"} == message["Attributes"]
    assert [] == receive(sqs, url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert {"ApproximateNumberOfMessagesNotVisible": "0"} == counts(
        sqs, url, "ApproximateNumberOfMessagesNotVisible"
    )


def counts(sqs: AwsClient, url: str, *names: str) -> dict[str, str]:
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names))
    return dict(answer["Attributes"])


def test_message_attributes_come_back(sqs: AwsClient, url: str) -> None:
    """A message's own attributes come when asked for by name."""
    attributes = {"kind": {"DataType": "String", "StringValue": "run"}}
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=attributes)
    (message,) = receive(sqs, url, MessageAttributeNames=["All"], VisibilityTimeout=0)
    assert attributes == message["MessageAttributes"]
    assert "MessageAttributes" not in receive(sqs, url)[0]


def test_counts_tell_visible_flying_and_delayed(sqs: AwsClient, url: str) -> None:
    """The approximate counts are exact here."""
    for delay in (0, 0, 5):
        sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=delay)
    sqs.receive_message(QueueUrl=url)
    prefix = "ApproximateNumberOfMessages"
    expected = {prefix: "1", prefix + "NotVisible": "1", prefix + "Delayed": "1"}
    assert expected == counts(sqs, url, *expected)


def test_visibility_can_be_given_back(sqs: AwsClient, url: str) -> None:
    """A visibility timeout of zero gives a message back at once, under a new handle."""
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (first,) = receive(sqs, url)
    sqs.change_message_visibility(
        QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0
    )
    (second,) = receive(sqs, url, MessageSystemAttributeNames=["All"])
    assert first["MessageId"] == second["MessageId"]
    assert first["ReceiptHandle"] != second["ReceiptHandle"]
    assert "2" == second["Attributes"]["ApproximateReceiveCount"]


def test_batch_answers_entry_by_entry(sqs: AwsClient, url: str) -> None:
    """A batch send and a batch delete answer the id of each entry."""
    entries = [{"Id": f"e{n}", "MessageBody": f"body {n}"} for n in range(10)]
    sent = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [e["Id"] for e in entries] == [e["Id"] for e in sent["Successful"]]
    messages = receive(sqs, url)
    assert {f"body {n}" for n in range(10)} == {m["Body"] for m in messages}
    handles = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
    deleted = sqs.delete_message_batch(QueueUrl=url, Entries=handles)
    assert [str(n) for n in range(10)] == [e["Id"] for e in deleted["Successful"]]
    assert {"ApproximateNumberOfMessages": "0"} == counts(sqs, url, "ApproximateNumberOfMessages")


def test_message_received_too_often_goes_to_the_dead_letters(sqs: AwsClient) -> None:
    """After maxReceiveCount receives the next one moves the message instead."""
    dead = make_queue(sqs)
    arn = counts(sqs, dead, "QueueArn")["QueueArn"]
    policy = f'{{"deadLetterTargetArn": "{arn}", "maxReceiveCount": 2}}'
    url = make_queue(sqs, RedrivePolicy=policy)
    sent = sqs.send_message(QueueUrl=url, MessageBody="poison")
    for _ in range(2):
        assert 1 == len(receive(sqs, url, VisibilityTimeout=0))
    assert [] == receive(sqs, url)
    (message,) = receive(sqs, dead)
    assert (sent["MessageId"], "poison") == (message["MessageId"], message["Body"])


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("send_message", {"MessageBody": "x", "DelaySeconds": 901}, "InvalidParameterValue"),
    ("send_message", {"MessageBody": "x" * (MIB + 1)}, "InvalidParameterValue"),
    ("send_message_batch", {"Entries": []}, "AWS.SimpleQueueService.EmptyBatchRequest"),
    (
        "send_message_batch",
        {"Entries": [{"Id": str(n), "MessageBody": "x"} for n in range(11)]},
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
    ),
    (
        "send_message_batch",
        {"Entries": [{"Id": "a", "MessageBody": "x"}] * 2},
        "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
    ),
    (
        "send_message_batch",
        {"Entries": [{"Id": "a b", "MessageBody": "x"}]},
        "AWS.SimpleQueueService.InvalidBatchEntryId",
    ),
    (
        "send_message_batch",
        {"Entries": [{"Id": str(n), "MessageBody": "x" * (MIB // 2 + 1)} for n in range(2)]},
        "AWS.SimpleQueueService.BatchRequestTooLong",
    ),
    ("receive_message", {"MaxNumberOfMessages": 11}, "InvalidParameterValue"),
    ("delete_message", {"ReceiptHandle": "nonsense"}, "ReceiptHandleIsInvalid"),
    (
        "change_message_visibility",
        {"ReceiptHandle": "nonsense", "VisibilityTimeout": 1},
        "ReceiptHandleIsInvalid",
    ),
]


@pytest.mark.parametrize(("method", "request_body", "code"), REFUSED)
def test_nonsense_is_refused(
    sqs: AwsClient, url: str, method: str, request_body: dict[str, Any], code: str
) -> None:
    """A request beyond a limit is refused with the service's code, and nothing is sent."""
    with pytest.raises(ClientError) as error:
        getattr(sqs, method)(QueueUrl=url, **request_body)
    assert code == code_of(error)
    assert {"ApproximateNumberOfMessages": "0"} == counts(sqs, url, "ApproximateNumberOfMessages")


def test_unknown_queue_is_refused(sqs: AwsClient, url: str) -> None:
    """A queue that is not there is refused."""
    with pytest.raises(ClientError) as error:
        sqs.send_message(QueueUrl=url + "-not", MessageBody="x")
    assert "AWS.SimpleQueueService.NonExistentQueue" == code_of(error)


def test_misshapen_request_never_leaves(sqs: AwsClient, url: str) -> None:
    """What the SDK would not send is refused with the SDK's own error."""
    with pytest.raises(ParamValidationError):
        sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds="5")
