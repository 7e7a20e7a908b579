"""What the fake DynamoDB bills follows the worked examples of Amazon's documentation."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.dynamo import FakeDynamoDB
from tests.support.parameters import Argument
from tests.support.prices import OtherUse, per_million_runs
from tests.support.sqs import SqsMeter
from tests.support.sqs.metering import SqsCall

TABLE = "things"
Wire = dict[str, Any]
KEY = {"pk": {"S": "p"}, "sk": {"S": "s"}}
KEY_BYTES = 6
KIB = 1024


@pytest.fixture
def db() -> FakeDynamoDB:
    return FakeDynamoDB((TABLE,))


def sized(size: int, sk: str = "s") -> Wire:
    """Return an item of `size` bytes."""
    filler = size - KEY_BYTES - len("f") - len(sk) + 1
    return {"pk": {"S": "p"}, "sk": {"S": sk}, "f": {"S": "x" * filler}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"S": "abc"}, 3),
        ({"S": "grün"}, 5),
        ({"S": ""}, 0),
        ({"N": "0"}, 1),
        ({"N": "7"}, 2),
        ({"N": "27"}, 2),
        ({"N": "-27"}, 3),
        ({"N": "461"}, 3),
        ({"N": "17.28"}, 3),
        ({"N": "0.0050"}, 2),
        ({"N": "12000"}, 2),
        ({"N": "1" * 38}, 20),
        ({"N": "-" + "1" * 38}, 21),
        ({"NULL": True}, 1),
        ({"BOOL": False}, 1),
        ({"B": b"\x00\x01\x02"}, 3),
        ({"L": []}, 3),
        ({"M": {}}, 3),
        ({"L": [{"S": "ab"}, {"N": "27"}]}, 3 + 2 + 1 + 2 + 1),
        ({"M": {"ab": {"S": "cd"}, "e": {"BOOL": True}}}, 3 + 4 + 1 + 2 + 1),
        ({"SS": ["ab", "c"]}, 3),
        ({"NS": ["27", "461"]}, 5),
    ],
)
def test_size_of_a_value(db: FakeDynamoDB, value: Wire, expected: int) -> None:
    """An attribute counts its name and its value by the rules of its type."""
    db.put_item(TableName=TABLE, Item={**KEY, "attr": value})
    (put,) = db.meter.calls
    assert (KEY_BYTES + len("attr") + expected,) == put.sizes


def test_item_of_the_guides_size(db: FakeDynamoDB) -> None:
    """Attribute names count as bytes too: "The Joy of Cooking" style items add up."""
    item = {"pk": {"S": "shirt-color"}, "sk": {"S": "R"}, "shirt-size": {"S": "M"}}
    db.put_item(TableName=TABLE, Item=item)
    assert (2 + 11 + 2 + 1 + 10 + 1,) == db.meter.calls[0].sizes


@pytest.mark.parametrize(
    ("size", "consistent", "units"),
    [
        (3584, True, 1.0),
        (3584, False, 0.5),
        (4096, True, 1.0),
        (4097, True, 2.0),
        (8192, True, 2.0),
        (8192, False, 1.0),
        (10 * KIB, True, 3.0),
    ],
)
def test_get_bills_four_kilobytes_a_unit(
    db: FakeDynamoDB, size: int, consistent: bool, units: float
) -> None:
    """A read unit is 4 KB strongly consistent; eventually consistent it costs half."""
    db.seed(TABLE, [sized(size)])
    db.get_item(TableName=TABLE, Key=KEY, ConsistentRead=consistent)
    assert units == db.meter.read_units


def test_nothing_found_bills_the_least(db: FakeDynamoDB) -> None:
    """Reading what is not there bills the smallest unit."""
    db.get_item(TableName=TABLE, Key=KEY)
    db.get_item(TableName=TABLE, Key=KEY, ConsistentRead=True)
    query(db)
    assert [0.5, 1.0, 0.5] == [call.read_units for call in db.meter.calls]


def test_batch_get_rounds_each_item(db: FakeDynamoDB) -> None:
    """1.5 KB and 6.5 KB bill as 4 KB and 8 KB together, the guide's own example."""
    db.seed(TABLE, [sized(1536, "a"), sized(6656, "b")])
    keys = [{"pk": {"S": "p"}, "sk": {"S": sk}} for sk in "ab"]
    db.batch_get_item(RequestItems={TABLE: {"Keys": keys, "ConsistentRead": True}})
    assert 3.0 == db.meter.read_units


def query(db: FakeDynamoDB, **more: Argument) -> None:
    db.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :p",
        ExpressionAttributeValues={":p": {"S": "p"}} | more.pop("values", {}),
        **more,
    )


def test_query_rounds_the_sum(db: FakeDynamoDB) -> None:
    """A Query adds up what it evaluated, 40.8 KB here, before it rounds to 4 KB."""
    db.seed(TABLE, [sized(2089, f"{n:02}") for n in range(20)])
    query(db)
    query(db, ConsistentRead=True)
    query(db, ConsistentRead=True, FilterExpression="f = :f", values={":f": {"S": "none"}})
    query(db, ConsistentRead=True, Limit=2)
    assert [5.5, 11.0, 11.0, 2.0] == [call.read_units for call in db.meter.calls]


@pytest.mark.parametrize(("size", "units"), [(512, 1.0), (1024, 1.0), (1025, 2.0), (3200, 4.0)])
def test_put_bills_a_kilobyte_a_unit(db: FakeDynamoDB, size: int, units: float) -> None:
    """A write unit is 1 KB, rounded up."""
    db.put_item(TableName=TABLE, Item=sized(size))
    assert units == db.meter.write_units


def test_write_bills_the_larger_of_old_and_new(db: FakeDynamoDB) -> None:
    """Shrinking an item, updating a byte of it and deleting it bill its whole size."""
    db.seed(TABLE, [sized(3 * KIB)])
    db.update_item(
        TableName=TABLE,
        Key=KEY,
        UpdateExpression="SET n = :n",
        ExpressionAttributeValues={":n": {"BOOL": True}},
    )
    db.put_item(TableName=TABLE, Item=sized(100))
    db.put_item(TableName=TABLE, Item=sized(2 * KIB))
    db.delete_item(TableName=TABLE, Key=KEY)
    db.delete_item(TableName=TABLE, Key=KEY)
    assert [4.0, 4.0, 2.0, 2.0, 1.0] == [call.write_units for call in db.meter.calls]


def test_refused_condition_bills_the_item_that_stood_there(db: FakeDynamoDB) -> None:
    """A failed conditional write is not free."""
    db.seed(TABLE, [sized(3 * KIB)])
    for sk, condition in (("s", "attribute_not_exists(pk)"), ("t", "attribute_exists(pk)")):
        with pytest.raises(ClientError):
            db.put_item(TableName=TABLE, Item=sized(9 * KIB, sk), ConditionExpression=condition)
    assert [3.0, 1.0] == [call.write_units for call in db.meter.calls]
    assert {"ConditionalCheckFailedException"} == {call.error for call in db.meter.calls}


def test_nonsense_is_free_and_recorded(db: FakeDynamoDB) -> None:
    """A request that is refused before it reaches an item bills nothing."""
    with pytest.raises(ClientError):
        db.put_item(TableName=TABLE, Item={"pk": {"S": "p"}})
    (call,) = db.meter.calls
    assert (0.0, "ValidationException") == (call.write_units, call.error)


def test_transaction_bills_double(db: FakeDynamoDB) -> None:
    """Each part of a transaction bills twice, checks included; a repeated token bills reads."""
    db.seed(TABLE, [sized(500, "check"), sized(1500, "old")])
    parts = [
        {"Put": {"TableName": TABLE, "Item": sized(500, "new")}},
        {"Delete": {"TableName": TABLE, "Key": {**KEY, "sk": {"S": "old"}}}},
        {
            "ConditionCheck": {
                "TableName": TABLE,
                "Key": {**KEY, "sk": {"S": "check"}},
                "ConditionExpression": "attribute_exists(pk)",
            }
        },
    ]
    for _ in range(2):
        db.transact_write_items(TransactItems=parts, ClientRequestToken="t")
    first, second = db.meter.calls
    assert (8.0, 0.0) == (first.write_units, first.read_units)
    assert (0.0, 6.0) == (second.write_units, second.read_units)


def test_totals_by_operation_and_table(db: FakeDynamoDB) -> None:
    """The meter sums by operation and by table, numbers its calls, and forgets on reset."""
    db.add_table("other")
    db.put_item(TableName=TABLE, Item=sized(100))
    db.put_item(TableName="other", Item=sized(2000))
    db.get_item(TableName=TABLE, Key=KEY)
    meter = db.meter
    assert (0.5, 3.0) == (meter.read_units, meter.write_units)
    assert 3.0 == meter.by_operation["PutItem"].write_units
    assert (1, 2.0) == (meter.by_table["other"].calls, meter.by_table["other"].write_units)
    assert 0.5 == meter.total(operation="GetItem", table=TABLE).read_units
    assert [1, 2, 3] == [call.ordinal for call in meter.calls]
    assert (("p", "s"),) == meter.calls[0].keys
    meter.reset()
    assert (0.0, 0.0, []) == (meter.read_units, meter.write_units, meter.calls)


def test_answer_tells_consumed_capacity(db: FakeDynamoDB) -> None:
    """ReturnConsumedCapacity tells what the meter counts."""
    answer = db.put_item(TableName=TABLE, Item=sized(2000), ReturnConsumedCapacity="TOTAL")
    assert {"TableName": TABLE, "CapacityUnits": 2.0} == answer["ConsumedCapacity"]


def test_price_of_a_million_runs(db: FakeDynamoDB) -> None:
    """Two writes, a strong read, two SQS requests and 10 ms of a 1 GB function a run."""
    sqs = SqsMeter()
    for n in range(2):
        sqs.record(SqsCall(n, "SendMessage", "q", 1, 1, 10, ""))
    db.put_item(TableName=TABLE, Item=sized(2000))
    db.get_item(TableName=TABLE, Key=KEY, ConsistentRead=True)
    other = OtherUse(lambda_gb_seconds=0.01, lambda_requests=1, log_bytes=200, custom_events=1)
    invoice = per_million_runs(1, dynamo=db.meter, sqs=sqs, other=other)
    expected = {
        "dynamo_writes": 1.25,
        "dynamo_reads": 0.125,
        "sqs": 0.80,
        "lambda_time": 0.133334,
        "lambda_requests": 0.20,
        "logs": 0.10,
        "events": 1.00,
    }
    assert pytest.approx(expected) == dict(invoice.lines())
    assert pytest.approx(3.608334) == invoice.total
    assert pytest.approx(1.25 / 10) == per_million_runs(10, dynamo=db.meter).dynamo_writes
    with pytest.raises(ValueError, match="at least one run"):
        per_million_runs(0)
