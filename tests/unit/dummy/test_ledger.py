from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from moto import mock_aws

from nightshift.aws.dynamo import Table
from nightshift.core.clock import rfc3339, to_epoch_s
from nightshift.dummy.ledger import KEPT_FOR, Call, Ledger, MemoryLedger, TableLedger

START = datetime(2026, 12, 1, 9, 0, 0, tzinfo=UTC)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    """An empty table of the HTTP functions."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName="http",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
        )
        yield Table(client, "http")


@pytest.fixture(params=["memory", "table"])
def ledger(request: pytest.FixtureRequest, table: Table) -> Ledger:
    """Each ledger in turn."""
    return MemoryLedger() if request.param == "memory" else TableLedger(table)


def _call(count: int, *, seconds: float = 0) -> Call:
    return Call(
        count=count,
        received_at=rfc3339(START + timedelta(seconds=seconds)),
        method="POST",
        headers={"a": "b"},
        body=f'{{"n": {count}}}',
        answered=200,
    )


def test_counting_goes_on_from_what_was_set(ledger: Ledger) -> None:
    """The count starts at 0, numbers begin at 1, and go on from a count that was set."""
    assert ledger.count() == 0
    assert [ledger.next_count(), ledger.next_count()] == [1, 2]
    ledger.set_count(6)
    assert (ledger.count(), ledger.next_count(), ledger.count()) == (6, 7, 7)


def test_calls_come_back_newest_first_as_they_were(ledger: Ledger) -> None:
    """Kept calls are listed by time, equal times by number, up to the limit."""
    calls = [_call(1), _call(2, seconds=1.5), _call(3, seconds=1.5), _call(1, seconds=60)]
    for call in calls:
        ledger.keep(call)
    assert calls[::-1] == ledger.latest(10)
    assert calls[:1:-1] == ledger.latest(2)


def test_kept_calls_do_not_disturb_the_count(ledger: Ledger) -> None:
    """Keeping a call is apart from counting one."""
    ledger.keep(_call(5))
    assert ledger.count() == 0
    assert ledger.latest(0) == []


def test_a_kept_call_goes_after_a_day(table: Table) -> None:
    """A call in the table carries the time after which it may be deleted."""
    TableLedger(table).keep(_call(1))
    (item,) = table.query("DEV#dummy-webhook", prefix="CALL#")
    assert to_epoch_s(START + KEPT_FOR) == item["expires_at"]
