"""Reads, transactions and refusals are the same on the fake DynamoDB as on moto."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from tests.support.doors import AwsClient, make_things, moto_client
from tests.support.dynamo import FakeDynamoDB

TABLE = "things"
Wire = dict[str, Any]


@pytest.fixture(scope="module", params=["moto", "fake"])
def client(request: pytest.FixtureRequest) -> Iterator[AwsClient]:
    if request.param == "fake":
        yield FakeDynamoDB()
        return
    with moto_client("dynamodb") as client:
        yield client


@pytest.fixture
def db(client: AwsClient) -> Iterator[AwsClient]:
    make_things(client, TABLE)
    yield client
    client.delete_table(TableName=TABLE)


def key(pk: str, sk: str) -> Wire:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def thing(pk: str, sk: str, **more: Wire) -> Wire:
    return {**key(pk, sk), **more}


def number(n: float) -> Wire:
    return {"N": str(n)}


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


SORT_KEYS = ["a", "a#1", "a#2", "a#é", "b", "z", "é", "\U0001d4b3", "\uffff"]


@pytest.fixture
def filled(db: AwsClient) -> AwsClient:
    for index, sk in enumerate(reversed(SORT_KEYS)):
        db.put_item(TableName=TABLE, Item=thing("p", sk, n=number(index)))
    db.put_item(TableName=TABLE, Item=thing("q", "a"))
    return db


RANGES: list[tuple[str, Wire, list[str]]] = [
    ("", {}, SORT_KEYS),
    ("AND sk = :a", {":a": "b"}, ["b"]),
    ("AND sk = :a", {":a": "c"}, []),
    ("AND begins_with(sk, :a)", {":a": "a"}, ["a", "a#1", "a#2", "a#é"]),
    ("AND begins_with(sk, :a)", {":a": "a#"}, ["a#1", "a#2", "a#é"]),
    ("AND begins_with(sk, :a)", {":a": "\uffff"}, ["\uffff"]),
    ("AND sk BETWEEN :a AND :b", {":a": "a#1", ":b": "b"}, ["a#1", "a#2", "a#é", "b"]),
    ("AND sk < :a", {":a": "a#2"}, ["a", "a#1"]),
    ("AND sk <= :a", {":a": "a#2"}, ["a", "a#1", "a#2"]),
    ("AND sk > :a", {":a": "b"}, ["z", "é", "\uffff", "\U0001d4b3"]),
    ("AND sk >= :a", {":a": "b"}, ["b", "z", "é", "\uffff", "\U0001d4b3"]),
]


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize(("range_text", "values", "expected"), RANGES)
def test_query_yields_a_range_in_byte_order(
    filled: AwsClient, range_text: str, values: Wire, expected: list[str], forward: bool
) -> None:
    """A Query answers the sort keys of its range in the order of their UTF-8 bytes."""
    answer = filled.query(
        TableName=TABLE,
        KeyConditionExpression=f"pk = :pk {range_text}",
        ExpressionAttributeValues={":pk": {"S": "p"}} | {k: {"S": v} for k, v in values.items()},
        ScanIndexForward=forward,
    )
    in_order = sorted(expected, key=str.encode, reverse=not forward)
    assert in_order == [item["sk"]["S"] for item in answer["Items"]]
    assert len(expected) == answer["Count"] == answer["ScannedCount"]


@pytest.mark.parametrize("forward", [True, False])
def test_pages_join_without_gap_or_repeat(filled: AwsClient, forward: bool) -> None:
    """Following LastEvaluatedKey gives every item once, in order."""
    request: Wire = {
        "TableName": TABLE,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": "p"}},
        "ScanIndexForward": forward,
        "Limit": 2,
    }
    found: list[str] = []
    for _ in range(len(SORT_KEYS)):
        answer = filled.query(**request)
        assert len(answer["Items"]) <= 2
        found += [item["sk"]["S"] for item in answer["Items"]]
        if "LastEvaluatedKey" not in answer:
            break
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    assert sorted(SORT_KEYS, key=str.encode, reverse=not forward) == found


def test_filter_projection_and_count(filled: AwsClient) -> None:
    """A filter drops items after they were counted as scanned; a projection keeps its paths."""
    request: Wire = {
        "TableName": TABLE,
        "KeyConditionExpression": "pk = :pk",
        "FilterExpression": "n >= :n",
        "ExpressionAttributeValues": {":pk": {"S": "p"}, ":n": number(7)},
    }
    answer = filled.query(**request, ProjectionExpression="n")
    assert [{"n": number(8)}, {"n": number(7)}] == answer["Items"]
    assert (2, len(SORT_KEYS)) == (answer["Count"], answer["ScannedCount"])
    counted = filled.query(**request, Select="COUNT")
    assert (2, False) == (counted["Count"], "Items" in counted)


def test_limit_counts_before_the_filter(filled: AwsClient) -> None:
    """Limit bounds what is evaluated, so that a page may be empty and still not the last."""
    answer = filled.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :pk",
        FilterExpression="n < :n",
        ExpressionAttributeValues={":pk": {"S": "p"}, ":n": number(1)},
        Limit=3,
    )
    assert ([], 3) == (answer["Items"], answer["ScannedCount"])
    assert {"S": "a#2"} == answer["LastEvaluatedKey"]["sk"]


def test_get_projects_nested_paths(db: AwsClient) -> None:
    """A projection of nested paths keeps the shape around them."""
    item = thing(
        "p", "s", doc={"M": {"x": number(1), "y": {"L": [number(1), number(2), number(3)]}}}
    )
    db.put_item(TableName=TABLE, Item=item)
    answer = db.get_item(
        TableName=TABLE, Key=key("p", "s"), ProjectionExpression="doc.y[1], doc.x, absent"
    )
    assert {"doc": {"M": {"x": number(1), "y": {"L": [number(2)]}}}} == answer["Item"]


def test_get_of_nothing_has_no_item(db: AwsClient) -> None:
    """A missing item is an answer without Item."""
    assert "Item" not in db.get_item(TableName=TABLE, Key=key("p", "s"))


def test_batch_get_answers_what_exists(db: AwsClient) -> None:
    """BatchGetItem answers the items that exist among its keys."""
    for sk in ("a", "b"):
        db.put_item(TableName=TABLE, Item=thing("p", sk))
    keys = [key("p", sk) for sk in ("a", "b", "c")]
    answer = db.batch_get_item(RequestItems={TABLE: {"Keys": keys}})
    found = sorted(item["sk"]["S"] for item in answer["Responses"][TABLE])
    assert ["a", "b"] == found
    assert not answer["UnprocessedKeys"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("NONE", None),
        ("ALL_OLD", thing("p", "s", n=number(1), m=number(1))),
        ("ALL_NEW", thing("p", "s", n=number(3), m=number(1))),
        ("UPDATED_OLD", {"n": number(1)}),
        ("UPDATED_NEW", {"n": number(3)}),
    ],
)
def test_update_returns_what_was_asked(db: AwsClient, wanted: str, expected: Wire | None) -> None:
    """ReturnValues of an update chooses old or new, whole or changed."""
    db.put_item(TableName=TABLE, Item=thing("p", "s", n=number(1), m=number(1)))
    answer = db.update_item(
        TableName=TABLE,
        Key=key("p", "s"),
        UpdateExpression="SET n = n + :by",
        ExpressionAttributeValues={":by": number(2)},
        ReturnValues=wanted,
    )
    assert expected == answer.get("Attributes")


def test_nested_update_leaves_the_old_answer_alone(db: AwsClient) -> None:
    """ALL_OLD answers nested values as they were before the update."""
    doc = {"M": {"list": {"L": [number(1)]}}}
    db.put_item(TableName=TABLE, Item=thing("p", "s", doc=doc))
    answer = db.update_item(
        TableName=TABLE,
        Key=key("p", "s"),
        UpdateExpression="SET doc.x = :v, doc.#l[0] = :v",
        ExpressionAttributeNames={"#l": "list"},
        ExpressionAttributeValues={":v": number(2)},
        ReturnValues="ALL_OLD",
    )
    assert doc == answer["Attributes"]["doc"]


def test_update_of_nothing_makes_the_item(db: AwsClient) -> None:
    """An update without a condition makes the item that is not there."""
    answer = db.update_item(
        TableName=TABLE,
        Key=key("p", "s"),
        UpdateExpression="ADD n :by",
        ExpressionAttributeValues={":by": number(2)},
        ReturnValues="ALL_NEW",
    )
    assert thing("p", "s", n=number(2)) == answer["Attributes"]


def test_put_and_delete_return_the_old_item(db: AwsClient) -> None:
    """ALL_OLD answers what stood there, and nothing when nothing did."""
    first = db.put_item(TableName=TABLE, Item=thing("p", "s", n=number(1)), ReturnValues="ALL_OLD")
    second = db.put_item(TableName=TABLE, Item=thing("p", "s"), ReturnValues="ALL_OLD")
    third = db.delete_item(TableName=TABLE, Key=key("p", "s"), ReturnValues="ALL_OLD")
    fourth = db.delete_item(TableName=TABLE, Key=key("p", "s"), ReturnValues="ALL_OLD")
    answers = [a.get("Attributes") for a in (first, second, third, fourth)]
    assert [None, thing("p", "s", n=number(1)), thing("p", "s"), None] == answers


@pytest.mark.parametrize("show", [True, False])
def test_refused_condition_shows_the_item_if_asked(db: AwsClient, show: bool) -> None:
    """The refusal carries the item that stood there only when the request asks for it."""
    db.put_item(TableName=TABLE, Item=thing("p", "s", n=number(1)))
    more = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"} if show else {}
    with pytest.raises(ClientError) as error:
        db.put_item(
            TableName=TABLE,
            Item=thing("p", "s"),
            ConditionExpression="attribute_not_exists(pk)",
            **more,
        )
    assert code_of(error) == "ConditionalCheckFailedException"
    shown = error.value.response.get("Item")
    assert (thing("p", "s", n=number(1)) if show else None) == shown


def test_transaction_writes_all(db: AwsClient) -> None:
    """Every part of a transaction whose conditions hold is written."""
    for sk in ("a", "b", "c"):
        db.put_item(TableName=TABLE, Item=thing("p", sk, n=number(1)))
    exists = {"TableName": TABLE, "ConditionExpression": "attribute_exists(pk)"}
    db.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": TABLE, "Item": thing("p", "new")}},
            {
                "Update": {
                    **exists,
                    "Key": key("p", "a"),
                    "UpdateExpression": "SET n = n + :by",
                    "ExpressionAttributeValues": {":by": number(1)},
                }
            },
            {"Delete": {**exists, "Key": key("p", "b")}},
            {"ConditionCheck": {**exists, "Key": key("p", "c")}},
        ]
    )
    answer = db.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :p",
        ExpressionAttributeValues={":p": {"S": "p"}},
    )
    expected = [
        thing("p", "a", n=number(2)),
        thing("p", "c", n=number(1)),
        thing("p", "new"),
    ]
    assert expected == answer["Items"]


def test_transaction_writes_none_and_says_why(db: AwsClient) -> None:
    """One refused condition cancels all parts; the reasons stand in the order of the parts."""
    db.put_item(TableName=TABLE, Item=thing("p", "taken", n=number(1)))
    parts = [
        {"Put": {"TableName": TABLE, "Item": thing("p", "new")}},
        {
            "Put": {
                "TableName": TABLE,
                "Item": thing("p", "taken"),
                "ConditionExpression": "attribute_not_exists(pk)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        },
        {
            "ConditionCheck": {
                "TableName": TABLE,
                "Key": key("p", "absent"),
                "ConditionExpression": "attribute_exists(pk)",
            }
        },
    ]
    with pytest.raises(ClientError) as error:
        db.transact_write_items(TransactItems=parts)
    assert code_of(error) == "TransactionCanceledException"
    reasons: Any = error.value.response["CancellationReasons"]
    codes = ["None", "ConditionalCheckFailed", "ConditionalCheckFailed"]
    assert codes == [reason["Code"] for reason in reasons]
    assert [None, thing("p", "taken", n=number(1)), None] == [r.get("Item") for r in reasons]
    assert "Item" not in db.get_item(TableName=TABLE, Key=key("p", "new"))


def put_part(sk: str) -> Wire:
    return {"Put": {"TableName": TABLE, "Item": thing("p", sk)}}


def keys_of(count: int) -> list[Wire]:
    return [key("p", str(n)) for n in range(count)]


LONG = "x" * (400 * 1024)
ON_P: Wire = {
    "KeyConditionExpression": "pk = :p",
    "ExpressionAttributeValues": {":p": {"S": "p"}},
}
REFUSED: list[tuple[str, Wire]] = [
    ("put_item", {"Item": {"pk": {"S": "p"}}}),
    ("put_item", {"Item": thing("p", "")}),
    ("put_item", {"Item": thing("", "s")}),
    ("put_item", {"Item": {"pk": {"S": "p"}, "sk": number(1)}}),
    ("put_item", {"Item": thing("p" * 2049, "s")}),
    ("put_item", {"Item": thing("p", "s" * 1025)}),
    ("put_item", {"Item": thing("p", "s", long={"S": LONG})}),
    ("put_item", {"Item": thing("p", "s", n=number(1)), "ReturnValues": "ALL_NEW"}),
    ("put_item", {"Item": thing("p", "s", tags={"SS": []})}),
    ("put_item", {"Item": thing("p", "s", n={"N": "x"})}),
    ("get_item", {"Key": {"pk": {"S": "p"}}}),
    ("get_item", {"Key": thing("p", "s", n=number(1))}),
    ("delete_item", {"Key": {"pk": {"S": "p"}}}),
    ("delete_item", {"Key": key("p", "s"), "ConditionExpression": "status = pk"}),
    ("query", {**ON_P, "KeyConditionExpression": "sk = :p"}),
    ("query", {**ON_P, "KeyConditionExpression": "pk = :q"}),
    ("query", {**ON_P, "KeyConditionExpression": "pk = :p AND contains(sk, :p)"}),
    ("transact_write_items", {"TransactItems": [put_part("s"), put_part("s")]}),
    ("transact_write_items", {"TransactItems": [put_part(str(n)) for n in range(101)]}),
    ("batch_get_item", {"RequestItems": {TABLE: {"Keys": keys_of(101)}}}),
    ("batch_get_item", {"RequestItems": {TABLE: {"Keys": [*keys_of(1), *keys_of(1)]}}}),
]


@pytest.mark.parametrize(("method", "request_body"), REFUSED)
def test_nonsense_is_refused(db: AwsClient, method: str, request_body: Wire) -> None:
    """A request that makes no sense is a ValidationException."""
    named = {} if "batch" in method or "transact" in method else {"TableName": TABLE}
    with pytest.raises(ClientError) as error:
        getattr(db, method)(**named, **request_body)
    assert code_of(error) == "ValidationException"


def test_unknown_table_is_refused(db: AwsClient) -> None:
    """A table that is not there is a ResourceNotFoundException."""
    with pytest.raises(ClientError) as error:
        db.get_item(TableName="nowhere", Key=key("p", "s"))
    assert code_of(error) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "request_body",
    [
        {"TableName": TABLE},
        {"TableName": TABLE, "Key": key("p", "s"), "Unknown": 1},
        {"TableName": TABLE, "Key": {"pk": {"S": 1}, "sk": {"S": "s"}}},
    ],
)
def test_misshapen_request_never_leaves(db: AwsClient, request_body: Wire) -> None:
    """What the SDK would not send is refused with the SDK's own error."""
    with pytest.raises(ParamValidationError):
        db.get_item(**request_body)
