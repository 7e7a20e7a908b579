"""What the fake SQS does in time, as Lambda's source, under faults, and what it bills."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from nightshift.core.clock import ManualClock
from tests.support.faults import CrashError, Fault, FaultMode, FaultPlan
from tests.support.parameters import Argument
from tests.support.sqs import FakeSQS

START = datetime(2026, 12, 1, tzinfo=UTC)
KIB = 1024


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def sqs(clock: ManualClock) -> FakeSQS:
    sqs = FakeSQS(clock)
    sqs.add_queue("dead")
    sqs.add_queue("work", visibility_s=30, max_receive_count=2, dead_letters="dead")
    return sqs


@pytest.fixture
def url(sqs: FakeSQS) -> str:
    return str(sqs.get_queue_url(QueueName="work")["QueueUrl"])


def send(sqs: FakeSQS, url: str, body: str = "x", **more: Argument) -> str:
    return str(sqs.send_message(QueueUrl=url, MessageBody=body, **more)["MessageId"])


def bodies(event: dict[str, Any] | None) -> list[str]:
    return [record["body"] for record in (event or {"Records": []})["Records"]]


def deliver(sqs: FakeSQS) -> dict[str, Any]:
    event = sqs.deliver("work")
    assert event is not None
    return event


def test_delayed_message_is_seen_at_its_moment_and_not_before(
    sqs: FakeSQS, url: str, clock: ManualClock
) -> None:
    """A delay is exact on the virtual clock, and the next moment can be jumped to."""
    for delay in (900, 5, 0):
        send(sqs, url, str(delay), DelaySeconds=delay)
    seen = []
    while (moment := sqs.next_visible_at()) is not None:
        clock.set(moment)
        event = deliver(sqs)
        sqs.settle(event)
        seen.append((bodies(event), (clock.now() - START).total_seconds()))
    assert [(["0"], 0.0), (["5"], 5.0), (["900"], 900.0)] == seen


def test_just_before_its_moment_a_message_is_hidden(
    sqs: FakeSQS, url: str, clock: ManualClock
) -> None:
    """One microsecond too early there is nothing."""
    send(sqs, url, DelaySeconds=5)
    clock.set(START + timedelta(seconds=5, microseconds=-1))
    assert sqs.deliver("work") is None
    assert ["x"] == bodies(sqs.deliver("work", now=START + timedelta(seconds=5)))


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"MessageBody": "x", "DelaySeconds": -1}, "InvalidParameterValue"),
        ({"MessageBody": "\x01"}, "InvalidMessageContents"),
        ({"MessageBody": ""}, "MissingParameter"),
    ],
)
def test_bad_message_is_refused(sqs: FakeSQS, url: str, more: dict[str, Any], code: str) -> None:
    """Moto takes these; the service does not."""
    with pytest.raises(ClientError) as error:
        sqs.send_message(QueueUrl=url, **more)
    assert code == error.value.response["Error"]["Code"]


def test_event_is_what_lambda_gets(sqs: FakeSQS, url: str, clock: ManualClock) -> None:
    """The event has every field that a handler may read."""
    kind = {"kind": {"DataType": "String", "StringValue": "run"}}
    message_id = send(sqs, url, MessageAttributes=kind)
    clock.advance(seconds=2)
    (record,) = deliver(sqs)["Records"]
    record.pop("receiptHandle")
    start_ms = int(START.timestamp() * 1000)
    assert {
        "messageId": message_id,
        "body": "x",
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": str(start_ms),
            "SenderId": "AIDAEXAMPLE",
            "ApproximateFirstReceiveTimestamp": str(start_ms + 2000),
        },
        "messageAttributes": {
            "kind": {
                "dataType": "String",
                "stringValue": "run",
                "stringListValues": [],
                "binaryListValues": [],
            }
        },
        "md5OfBody": "9dd4e461268c8034f5c8564e155c67a6",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:work",
        "awsRegion": "us-east-1",
    } == record


def failures(*ids: object) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": i} for i in ids]}


ALL_DONE: list[object] = [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}]
ALL_FAIL: list[object] = [
    ValueError("raised"),
    "done",
    failures(""),
    failures(None),
    failures("unknown"),
    {"batchItemFailures": [{"wrong": "x"}]},
    {"batchItemFailures": "x"},
]


@pytest.mark.parametrize("response", ALL_DONE)
def test_silence_means_done(sqs: FakeSQS, url: str, response: object) -> None:
    """None, an empty answer and no failures delete the whole batch."""
    send(sqs, url)
    assert [] == sqs.settle(deliver(sqs), response)
    assert [] == sqs.bodies("work")


@pytest.mark.parametrize("response", ALL_FAIL)
def test_raising_and_nonsense_fail_the_whole_batch(
    sqs: FakeSQS, url: str, clock: ManualClock, response: object
) -> None:
    """An exception or an answer that Lambda does not understand deletes nothing."""
    ids = {send(sqs, url), send(sqs, url)}
    assert ids == set(sqs.settle(deliver(sqs), response))
    assert sqs.deliver("work") is None
    clock.advance(seconds=30)
    assert ["x", "x"] == bodies(sqs.deliver("work"))


def test_partial_failure_keeps_exactly_the_failed(sqs: FakeSQS, url: str) -> None:
    """What the answer names stays, the rest goes."""
    send(sqs, url, "good")
    bad = send(sqs, url, "bad")
    assert [bad] == sqs.settle(deliver(sqs), failures(bad))
    assert ["bad"] == sqs.bodies("work")


def test_poison_goes_to_the_dead_letters(sqs: FakeSQS, url: str, clock: ManualClock) -> None:
    """After maxReceiveCount deliveries a message is moved, and the simulation can end."""
    send(sqs, url)
    deliveries = 0
    while (moment := sqs.next_visible_at()) is not None:
        clock.set(moment)
        event = sqs.deliver("work")
        deliveries += event is not None
        if event:
            sqs.settle(event, ValueError())
    assert (2, [], ["x"]) == (deliveries, sqs.bodies("work"), sqs.bodies("dead"))


def test_late_delete_by_an_outdated_handle_does_nothing(
    sqs: FakeSQS, url: str, clock: ManualClock
) -> None:
    """Who held a message too long cannot delete it from under its next holder."""
    send(sqs, url)
    late = deliver(sqs)
    clock.advance(seconds=31)
    current = deliver(sqs)
    sqs.settle(late)
    assert ["x"] == sqs.bodies("work")
    with pytest.raises(ClientError, match="not available for visibility timeout change"):
        sqs.change_message_visibility(
            QueueUrl=url, ReceiptHandle=late["Records"][0]["receiptHandle"], VisibilityTimeout=5
        )
    sqs.settle(current)
    assert [] == sqs.bodies("work")


def test_visibility_can_be_extended_only_while_in_flight(
    sqs: FakeSQS, url: str, clock: ManualClock
) -> None:
    """A heartbeat keeps a message hidden; after its timeout there is nothing to extend."""
    send(sqs, url)
    handle = deliver(sqs)["Records"][0]["receiptHandle"]
    clock.advance(seconds=20)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=60)
    assert START + timedelta(seconds=80) == sqs.next_visible_at()
    clock.advance(seconds=60)
    with pytest.raises(ClientError, match="MessageNotInflight"):
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=60)
    with pytest.raises(ClientError, match="43200"):
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=43201)


def test_duplicate_is_delivered_beside_the_original_and_after_it(sqs: FakeSQS, url: str) -> None:
    """The same message id can be in flight twice, and can come back when it was deleted."""
    message_id = send(sqs, url)
    first = deliver(sqs)
    sqs.duplicate("work", message_id)
    second = deliver(sqs)
    sqs.settle(first)
    sqs.settle(second)
    sqs.duplicate("work", message_id)
    third = deliver(sqs)
    ids = [event["Records"][0]["messageId"] for event in (first, second, third)]
    assert [message_id] * 3 == ids


def test_duplicates_come_at_random_when_asked(clock: ManualClock) -> None:
    """With a duplicate rate of one everything comes twice."""
    sqs = FakeSQS(clock, duplicate_rate=1.0)
    url = sqs.add_queue("work")
    message_id = send(sqs, url)
    assert [message_id] * 2 == [r["messageId"] for r in deliver(sqs)["Records"]]


def test_old_messages_are_dropped(sqs: FakeSQS, url: str, clock: ManualClock) -> None:
    """After four days a message is gone."""
    send(sqs, url)
    clock.advance(seconds=4 * 24 * 3600)
    assert sqs.deliver("work") is None
    assert [] == sqs.bodies("work")


def test_batch_size_bounds_a_delivery(sqs: FakeSQS, url: str) -> None:
    """A delivery holds at most the batch size, first come first served, and at most 6 MB."""
    for n in range(5):
        send(sqs, url, str(n))
    assert [["0", "1", "2"], ["3", "4"]] == [
        bodies(sqs.deliver("work", batch_size=3)) for _ in range(2)
    ]
    for _ in range(8):
        send(sqs, url, "x" * 1024 * KIB)
    sizes = [len(bodies(sqs.deliver("work", batch_size=100))) for _ in range(2)]
    assert [6, 2] == sizes


def test_one_entry_of_a_batch_can_fail(clock: ManualClock) -> None:
    """A batch answers the entry that failed, and stores the others."""
    sqs = FakeSQS(clock, entry_faults=lambda _, body: "InternalError" if body == "b" else None)
    url = sqs.add_queue("work")
    entries: list[dict[str, Any]] = [{"Id": i, "MessageBody": i} for i in "abc"]
    entries.append({"Id": "d", "MessageBody": "d", "DelaySeconds": 901})
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    failed = [(e["Id"], e["Code"], e["SenderFault"]) for e in answer["Failed"]]
    assert [("b", "InternalError", False), ("d", "InvalidParameterValue", True)] == failed
    assert ["a", "c"] == [e["Id"] for e in answer["Successful"]] == sqs.bodies("work")


@pytest.mark.parametrize(
    ("mode", "sent"),
    [
        (FaultMode.CRASH_BEFORE, 0),
        (FaultMode.CRASH_AFTER, 1),
        (FaultMode.ERROR, 0),
        (FaultMode.ERROR_AFTER, 1),
        (FaultMode.ANSWER_LOST, 2),
    ],
)
def test_send_can_fail_in_every_way(clock: ManualClock, mode: FaultMode, sent: int) -> None:
    """A send whose answer was lost goes out twice; others fail before or after."""
    sqs = FakeSQS(clock, faults=FaultPlan({1: Fault(mode=mode)}))
    url = sqs.add_queue("work")
    if mode is FaultMode.ANSWER_LOST:
        send(sqs, url)
    else:
        with pytest.raises((CrashError, ClientError)):
            send(sqs, url)
    assert sent == len(sqs.bodies("work"))


def test_requests_are_billed_by_64_kilobytes(sqs: FakeSQS, url: str) -> None:
    """Each started 64 KB of payload is a request; an empty poll is one too."""
    send(sqs, url, "x" * 64 * KIB)
    send(sqs, url, "x" * (64 * KIB + 1))
    entries = [{"Id": str(n), "MessageBody": "x" * 13 * KIB} for n in range(10)]
    sqs.send_message_batch(QueueUrl=url, Entries=entries)
    sqs.receive_message(QueueUrl=url)
    sqs.receive_message(QueueUrl=url.replace("work", "dead"))
    billed = [(call.operation, call.requests) for call in sqs.meter.calls[1:]]
    assert [
        ("SendMessage", 1),
        ("SendMessage", 2),
        ("SendMessageBatch", 3),
        ("ReceiveMessage", 1),
        ("ReceiveMessage", 1),
    ] == billed
    assert 3 == sqs.meter.total(operation="SendMessage", queue="work").requests


def test_lambdas_polls_are_billed(sqs: FakeSQS, url: str) -> None:
    """A delivery is one receive for every ten messages, settling it one delete for every ten."""
    for _ in range(25):
        send(sqs, url)
    sqs.meter.reset()
    event = sqs.deliver("work", batch_size=25)
    assert event is not None
    sqs.settle(event)
    assert 3 == sqs.meter.total(operation="ReceiveMessage").requests
    assert 3 == sqs.meter.total(operation="DeleteMessageBatch").requests
    assert (6, []) == (sqs.meter.requests, sqs.bodies("work"))


def test_watched_queues_can_be_chosen(sqs: FakeSQS, url: str) -> None:
    """Dead letters do not keep a simulation awake unless they are asked for."""
    send(sqs, url.replace("work", "dead"))
    assert sqs.next_visible_at() is None
    assert START == sqs.next_visible_at("dead")
    assert [("x", START, 0)] == [(m.body, at, n) for m, at, n in sqs.messages("dead")]
