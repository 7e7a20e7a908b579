"""Expressions mean the same on the fake DynamoDB as on moto.

Where moto differs from the service, the case stands in `test_dynamo_fake_rules.py` with its reason.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.doors import AwsClient, make_things, moto_client
from tests.support.dynamo import FakeDynamoDB

TABLE = "things"
KEY = {"pk": {"S": "p"}, "sk": {"S": "s"}}
ITEM: dict[str, Any] = {
    **KEY,
    "n": {"N": "5"},
    "neg": {"N": "-1.5"},
    "text": {"S": "grün"},
    "flag": {"BOOL": True},
    "one": {"N": "1"},
    "nothing": {"NULL": True},
    "blob_1": {"B": b"\x01\x02"},
    "tags": {"SS": ["a", "b"]},
    "list": {"L": [{"S": "x"}, {"N": "2"}, {"M": {"deep": {"S": "y"}}}]},
    "map": {"M": {"nest": {"N": "7"}, "list": {"L": [{"N": "1"}]}}},
}


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


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


N5, N9, SX = {"N": "5"}, {"N": "9"}, {"S": "x"}

CONDITIONS: list[tuple[str, dict[str, Any], bool]] = [
    ("attribute_exists(pk)", {}, True),
    ("attribute_not_exists(pk)", {}, False),
    ("attribute_exists(absent)", {}, False),
    ("attribute_exists(#m.nest)", {"#m": "map"}, True),
    ("attribute_exists(#m.absent)", {"#m": "map"}, False),
    ("attribute_exists(#l[2].deep)", {"#l": "list"}, True),
    ("attribute_exists(#l[3])", {"#l": "list"}, False),
    ("n = :a", {":a": N5}, True),
    ("n = :a", {":a": {"N": "5.0"}}, True),
    ("n = :a", {":a": {"S": "5"}}, False),
    ("flag = :a", {":a": {"BOOL": True}}, True),
    ("n <> :a", {":a": N5}, False),
    ("n <> :a", {":a": SX}, True),
    ("absent = :a", {":a": N5}, False),
    ("absent <> :a", {":a": N5}, True),
    ("absent < :a", {":a": N5}, False),
    ("n < :a", {":a": N9}, True),
    ("n <= :a", {":a": N5}, True),
    ("n > :a", {":a": N5}, False),
    ("n >= :a", {":a": N5}, True),
    ("n < :a", {":a": {"N": "10"}}, True),
    ("neg < :a", {":a": {"N": "0"}}, True),
    ("neg < :a", {":a": {"N": "-1.49"}}, True),
    ("#t < :a", {":a": {"S": "grz"}, "#t": "text"}, False),
    ("#t > :a", {":a": {"S": "gr"}, "#t": "text"}, True),
    ("blob_1 >= :a", {":a": {"B": b"\x01"}}, True),
    ("n BETWEEN :a AND :b", {":a": N5, ":b": N9}, True),
    ("n BETWEEN :a AND :b", {":a": {"N": "6"}, ":b": N9}, False),
    ("n BETWEEN :a AND :b", {":a": {"N": "1"}, ":b": N5}, True),
    ("n BETWEEN :a AND :b", {":a": {"N": "1"}, ":b": {"N": "4"}}, False),
    ("n IN (:a, :b)", {":a": N9, ":b": N5}, True),
    ("n IN (:a)", {":a": N9}, False),
    ("n = :a AND absent = :a", {":a": N5}, False),
    ("absent = :a AND n = :a", {":a": N5}, False),
    ("n = :a OR absent = :a", {":a": N5}, True),
    ("NOT absent = :a", {":a": N5}, True),
    ("NOT (n = :a)", {":a": N5}, False),
    ("NOT n = :a OR n = :a", {":a": N5}, True),
    ("n = :b OR n = :a AND absent = :a", {":a": N5, ":b": N9}, False),
    ("(n = :a OR n = :b) AND attribute_exists(pk)", {":a": N5, ":b": N9}, True),
    ("n = :b and n = :a or attribute_exists(pk)", {":a": N5, ":b": N9}, True),
    ("begins_with(#t, :a)", {":a": {"S": "grü"}, "#t": "text"}, True),
    ("begins_with(#t, :a)", {":a": {"S": "x"}, "#t": "text"}, False),
    ("contains(#t, :a)", {":a": {"S": "ü"}, "#t": "text"}, True),
    ("contains(tags, :a)", {":a": {"S": "b"}}, True),
    ("contains(tags, :a)", {":a": {"S": "c"}}, False),
    ("contains(#l, :a)", {":a": SX, "#l": "list"}, True),
    ("contains(#l, :a)", {":a": {"N": "2"}, "#l": "list"}, True),
    ("size(#t) = :a", {":a": {"N": "4"}, "#t": "text"}, True),
    ("size(tags) = :a", {":a": {"N": "2"}}, True),
    ("size(#l) > :a", {":a": {"N": "2"}, "#l": "list"}, True),
    ("size(#m) = :a", {":a": {"N": "2"}, "#m": "map"}, True),
    ("size(blob_1) = :a", {":a": {"N": "2"}}, True),
    ("#m.nest = :a", {":a": {"N": "7"}, "#m": "map"}, True),
    ("#l[0] = :a", {":a": SX, "#l": "list"}, True),
    ("#l[2].deep = :a", {":a": {"S": "y"}, "#l": "list"}, True),
    ("attribute_type(n, :a)", {":a": {"S": "N"}}, True),
    ("attribute_type(n, :a)", {":a": {"S": "S"}}, False),
    ("one < n", {}, True),
    ("nothing = :a", {":a": {"NULL": True}}, True),
    ("tags = :a", {":a": {"SS": ["b", "a"]}}, True),
    ("#l = :a", {":a": ITEM["list"], "#l": "list"}, True),
    ("#m = :a", {":a": {"M": {"nest": {"N": "7"}}}, "#m": "map"}, False),
]


def expression_parts(scope: dict[str, Any]) -> dict[str, Any]:
    names = {k: v for k, v in scope.items() if k.startswith("#")}
    values = {k: v for k, v in scope.items() if k.startswith(":")}
    return ({"ExpressionAttributeNames": names} if names else {}) | (
        {"ExpressionAttributeValues": values} if values else {}
    )


@pytest.mark.parametrize(("expression", "scope", "holds"), CONDITIONS)
def test_condition_decides_a_write(
    db: AwsClient, expression: str, scope: dict[str, Any], holds: bool
) -> None:
    """A write goes through exactly when its condition holds for the item that stands there."""
    db.put_item(TableName=TABLE, Item=ITEM)
    request = {"TableName": TABLE, "Key": KEY, "ConditionExpression": expression}
    request |= expression_parts(scope)
    if holds:
        db.delete_item(**request)
    else:
        with pytest.raises(ClientError) as error:
            db.delete_item(**request)
        assert code_of(error) == "ConditionalCheckFailedException"
    assert holds == ("Item" not in db.get_item(TableName=TABLE, Key=KEY))


UPDATES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("SET n = :a", {":a": SX}, {"n": SX}),
    ("SET n = n + :a", {":a": N9}, {"n": {"N": "14"}}),
    ("SET n = n - :a", {":a": N9}, {"n": {"N": "-4"}}),
    ("SET n = :a - n", {":a": N9}, {"n": {"N": "4"}}),
    ("SET n = n + :a", {":a": {"N": "0.25"}}, {"n": {"N": "5.25"}}),
    ("SET fresh = n", {}, {"fresh": N5}),
    ("SET fresh = if_not_exists(fresh, :a)", {":a": N9}, {"fresh": N9}),
    ("SET n = if_not_exists(n, :a)", {":a": N9}, {}),
    ("SET fresh = if_not_exists(fresh, :z) + :a", {":z": {"N": "0"}, ":a": N9}, {"fresh": N9}),
    (
        "SET #l = list_append(#l, :a)",
        {":a": {"L": [SX]}, "#l": "list"},
        {"list": {"L": [*ITEM["list"]["L"], SX]}},
    ),
    (
        "SET fresh = list_append(:a, if_not_exists(fresh, :e))",
        {":a": {"L": [SX]}, ":e": {"L": []}},
        {"fresh": {"L": [SX]}},
    ),
    (
        "SET #m.nest = :a",
        {":a": N9, "#m": "map"},
        {"map": {"M": {"nest": N9, "list": {"L": [{"N": "1"}]}}}},
    ),
    (
        "SET #l[1] = :a",
        {":a": N9, "#l": "list"},
        {"list": {"L": [SX, N9, ITEM["list"]["L"][2]]}},
    ),
    (
        "SET #l[9] = :a",
        {":a": N9, "#l": "list"},
        {"list": {"L": [*ITEM["list"]["L"], N9]}},
    ),
    ("SET n = one, one = n", {}, {"n": {"N": "1"}, "one": N5}),
    ("REMOVE n, absent", {}, {"n": None}),
    ("REMOVE #l[0], #l[1]", {"#l": "list"}, {"list": {"L": [ITEM["list"]["L"][2]]}}),
    ("REMOVE #m.nest", {"#m": "map"}, {"map": {"M": {"list": {"L": [{"N": "1"}]}}}}),
    ("ADD n :a", {":a": N9}, {"n": {"N": "14"}}),
    ("ADD fresh :a", {":a": N9}, {"fresh": N9}),
    ("ADD tags :a", {":a": {"SS": ["c", "a"]}}, {"tags": {"SS": ["a", "b", "c"]}}),
    ("ADD fresh :a", {":a": {"SS": ["c"]}}, {"fresh": {"SS": ["c"]}}),
    ("DELETE tags :a", {":a": {"SS": ["b", "z"]}}, {"tags": {"SS": ["a"]}}),
    ("DELETE tags :a", {":a": {"SS": ["a", "b"]}}, {"tags": None}),
    ("DELETE absent :a", {":a": {"SS": ["a"]}}, {}),
    (
        "set n = :a remove one add neg :b",
        {":a": SX, ":b": {"N": "2"}},
        {"n": SX, "one": None, "neg": {"N": "0.5"}},
    ),
]


def normal(item: dict[str, Any]) -> dict[str, Any]:
    """Return the item with its sets in order."""
    return {
        k: {t: sorted(x) if t in {"SS", "NS"} else x for t, x in v.items()} for k, v in item.items()
    }


@pytest.mark.parametrize(("expression", "scope", "changes"), UPDATES)
def test_update_changes_the_item(
    db: AwsClient, expression: str, scope: dict[str, Any], changes: dict[str, Any]
) -> None:
    """An update changes what its expression says and leaves the rest."""
    db.put_item(TableName=TABLE, Item=ITEM)
    answer = db.update_item(
        TableName=TABLE,
        Key=KEY,
        UpdateExpression=expression,
        ReturnValues="ALL_NEW",
        **expression_parts(scope),
    )
    expected = {k: v for k, v in {**ITEM, **changes}.items() if v is not None}
    assert normal(expected) == normal(answer["Attributes"])
    stored = db.get_item(TableName=TABLE, Key=KEY)["Item"]
    assert normal(expected) == normal(stored)


BAD_UPDATES: list[tuple[str, dict[str, Any]]] = [
    ("SET status = :a", {":a": N5}),
    ("SET n = :a", {}),
    ("SET n = :a", {":a": N5, ":b": N5}),
    ("SET n = :a", {":a": N5, "#x": "y"}),
    ("SET pk = :a", {":a": SX}),
    ("SET n = absent", {}),
    ("SET n = n + :a", {":a": SX}),
    ("SET n = absent + :a", {":a": N5}),
    ("SET #m.a.b = :a", {":a": N5, "#m": "map"}),
    ("SET absent.b = :a", {":a": N5}),
    ("SET n = :a, n = :b", {":a": N5, ":b": N9}),
    ("SET n = :a SET one = :a", {":a": N5}),
    ("SET n :a", {":a": N5}),
    ("SET n = :a,", {":a": N5}),
    ("SET n = unknown_function(n, :a)", {":a": N5}),
    ("ADD n :a", {":a": SX}),
    ("ADD fresh :a", {":a": SX}),
    ("DELETE n :a", {":a": N5}),
    ("DELETE tags :a", {":a": {"NS": ["1"]}}),
    ("SET _x = :a", {":a": N5}),
    ("", {}),
]


@pytest.mark.parametrize(("expression", "scope"), BAD_UPDATES)
def test_bad_update_is_refused_whole(db: AwsClient, expression: str, scope: dict[str, Any]) -> None:
    """An update that makes no sense is a ValidationException and changes nothing."""
    db.put_item(TableName=TABLE, Item=ITEM)
    with pytest.raises(ClientError) as error:
        db.update_item(
            TableName=TABLE, Key=KEY, UpdateExpression=expression, **expression_parts(scope)
        )
    assert code_of(error) == "ValidationException"
    assert normal(ITEM) == normal(db.get_item(TableName=TABLE, Key=KEY)["Item"])
