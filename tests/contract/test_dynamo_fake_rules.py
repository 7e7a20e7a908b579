"""What the fake DynamoDB does by Amazon's documentation where moto does otherwise or nothing.

moto 5.2 takes True for 1, raises KeyError for undefined names and values, lets overlapping paths,
unused values of conditions and filters on keys pass, and keeps numbers as they were written.
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.dynamo import FakeDynamoDB
from tests.support.parameters import Argument

TABLE = "things"
Wire = dict[str, Any]
KEY = {"pk": {"S": "p"}, "sk": {"S": "s"}}
ONE = {"N": "1"}
KIB = 1024


@pytest.fixture
def db() -> FakeDynamoDB:
    return FakeDynamoDB((TABLE,))


def thing(sk: str = "s", pk: str = "p", **more: Wire) -> Wire:
    return {"pk": {"S": pk}, "sk": {"S": sk}, **more}


def refuses(db: FakeDynamoDB, expression: str, **scope: Argument) -> bool:
    try:
        db.put_item(TableName=TABLE, Item=thing(), ConditionExpression=expression, **scope)
    except ClientError as error:
        return error.response["Error"]["Code"] == "ConditionalCheckFailedException"
    return False


def test_true_is_not_one(db: FakeDynamoDB) -> None:
    """Values of two types are never equal."""
    db.put_item(TableName=TABLE, Item=thing(flag={"BOOL": True}))
    assert refuses(db, "flag = :n", ExpressionAttributeValues={":n": ONE})


def test_size_of_nothing_compares_to_nothing(db: FakeDynamoDB) -> None:
    """A comparison with the size of an absent attribute does not hold."""
    assert refuses(db, "size(absent) = :n", ExpressionAttributeValues={":n": {"N": "0"}})


def test_numbers_come_back_in_normal_form(db: FakeDynamoDB) -> None:
    """A number loses its leading and trailing zeros and its exponent."""
    sent = {
        "a": "007",
        "b": "1.50",
        "c": "-0",
        "d": "1E3",
        "e": "-0.25",
        "f": "12345678901234567890",
    }
    db.put_item(TableName=TABLE, Item=thing() | {k: {"N": v} for k, v in sent.items()})
    stored = db.get_item(TableName=TABLE, Key=KEY)["Item"]
    wanted = {**sent, "a": "7", "b": "1.5", "c": "0", "d": "1000"}
    assert wanted == {name: stored[name]["N"] for name in wanted}


@pytest.mark.parametrize(
    "text", ["1" * 39, "0." + "1" * 39, "1E126", "1E-131", "NaN", "Infinity", " 1", "", "1_0"]
)
def test_numbers_out_of_range_are_refused(db: FakeDynamoDB, text: str) -> None:
    """A number has at most 38 digits and a magnitude of 1E-130 to 9.99E+125."""
    assert "ValidationException" == code_of_put(db, thing(n={"N": text}))


def code_of_put(db: FakeDynamoDB, item: Wire, **more: Argument) -> str:
    with pytest.raises(ClientError) as error:
        db.put_item(TableName=TABLE, Item=item, **more)
    return str(error.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    ("expression", "scope"),
    [
        ("n = :n", {}),
        ("#n = n", {}),
        ("n = :n", {"ExpressionAttributeValues": {":n": ONE, ":m": ONE}}),
        ("n = n", {}),
        ("((n = m))", {}),
        ("n = m)", {}),
        ("n < :n", {"ExpressionAttributeValues": {":n": {"BOOL": True}}}),
        ("n BETWEEN :a AND :b", {"ExpressionAttributeValues": {":a": {"N": "2"}, ":b": ONE}}),
        ("n BETWEEN :a AND :b", {"ExpressionAttributeValues": {":a": {"S": "2"}, ":b": ONE}}),
        ("begins_with(n, :n)", {"ExpressionAttributeValues": {":n": ONE}}),
        ("attribute_exists(:n)", {"ExpressionAttributeValues": {":n": ONE}}),
        ("attribute_exists(a, b)", {}),
        ("attribute_exists(a) = b", {}),
        ("Attribute_Exists(a)", {}),
        ("a", {}),
        ("a == b", {}),
        ("a = b AND", {}),
        ("size = a", {}),
        ("a.1 = b", {}),
        ("a[x] = b", {}),
        ("a = 'text'", {}),
        (" ", {}),
        ("a = #b", {"ExpressionAttributeNames": {"b": "x"}}),
        ("a = b", {"ExpressionAttributeNames": {}}),
        ("a = b", {"ExpressionAttributeNames": {"#c": "x"}}),
    ],
)
def test_condition_without_sense_is_refused(db: FakeDynamoDB, expression: str, scope: Wire) -> None:
    """A malformed condition, or one whose values do not fit it, is a ValidationException."""
    code = code_of_put(db, thing(), ConditionExpression=expression, **scope)
    assert "ValidationException" == code


def test_names_without_an_expression_are_refused(db: FakeDynamoDB) -> None:
    """Names and values need an expression that uses them."""
    values = {"ExpressionAttributeValues": {":a": ONE}}
    assert "ValidationException" == code_of_put(db, thing(), **values)


@pytest.mark.parametrize("word", ["Status", "name", "TTL", "count", "url", "owner", "zone"])
def test_reserved_words_need_a_placeholder(db: FakeDynamoDB, word: str) -> None:
    """A reserved word is refused bare, in any case, and taken behind a `#name`."""
    bare = f"attribute_not_exists({word})"
    assert "ValidationException" == code_of_put(db, thing(), ConditionExpression=bare)
    names = {"ExpressionAttributeNames": {"#w": word}}
    assert not refuses(db, "attribute_not_exists(#w)", **names)


def test_overlapping_paths_are_refused(db: FakeDynamoDB) -> None:
    """An update may not write a map and a part of it."""
    with pytest.raises(ClientError, match="Two document paths overlap"):
        db.update_item(
            TableName=TABLE,
            Key=KEY,
            UpdateExpression="SET #m = :a REMOVE #m.nest",
            ExpressionAttributeNames={"#m": "map"},
            ExpressionAttributeValues={":a": ONE},
        )


def test_filter_on_a_key_is_refused(db: FakeDynamoDB) -> None:
    """A filter may not name a key attribute."""
    with pytest.raises(ClientError, match="non-primary key"):
        db.query(
            TableName=TABLE,
            KeyConditionExpression="pk = :p",
            FilterExpression="sk = :p",
            ExpressionAttributeValues={":p": {"S": "p"}},
        )


@pytest.mark.parametrize(
    "start",
    [
        {"pk": {"S": "p"}},
        {"pk": {"S": "other"}, "sk": {"S": "a1"}},
        {"pk": {"S": "p"}, "sk": {"S": "b"}},
        {"pk": {"S": "p"}, "sk": {"N": "1"}},
    ],
)
def test_start_key_outside_the_query_is_refused(db: FakeDynamoDB, start: Wire) -> None:
    """A page starts after a key of the query's own partition and range."""
    with pytest.raises(ClientError, match="starting key"):
        db.query(
            TableName=TABLE,
            KeyConditionExpression="pk = :p AND begins_with(sk, :a)",
            ExpressionAttributeValues={":p": {"S": "p"}, ":a": {"S": "a"}},
            ExclusiveStartKey=start,
        )


def test_limit_reached_leaves_a_key_even_at_the_end(db: FakeDynamoDB) -> None:
    """A page that its limit ended has a LastEvaluatedKey although nothing follows."""
    db.put_item(TableName=TABLE, Item=thing())
    request: Wire = {
        "TableName": TABLE,
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": {"S": "p"}},
    }
    assert KEY == db.query(**request, Limit=1)["LastEvaluatedKey"]
    assert "LastEvaluatedKey" not in db.query(**request, Limit=2)


def test_query_page_holds_one_megabyte(db: FakeDynamoDB) -> None:
    """A page ends before the item that would exceed 1 MB, and bills what it holds."""
    blob = {"S": "x" * (300 * KIB)}
    db.seed(TABLE, [thing(str(n), blob=blob) for n in range(5)])
    request: Wire = {
        "TableName": TABLE,
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": {"S": "p"}},
        "ConsistentRead": True,
    }
    first = db.query(**request)
    second = db.query(**request, ExclusiveStartKey=first["LastEvaluatedKey"])
    assert (3, 2) == (first["Count"], second["Count"])
    assert [226.0, 151.0] == [call.read_units for call in db.meter.calls]


def test_update_may_not_outgrow_an_item(db: FakeDynamoDB) -> None:
    """An update that makes an item exceed 400 KB is refused and changes nothing."""
    db.seed(TABLE, [thing(blob={"S": "x" * (300 * KIB)})])
    with pytest.raises(ClientError, match="Item size to update"):
        db.update_item(
            TableName=TABLE,
            Key=KEY,
            UpdateExpression="SET more = :v",
            ExpressionAttributeValues={":v": {"S": "x" * (100 * KIB)}},
        )
    assert ["blob", "pk", "sk"] == sorted(db.items(TABLE)[0])


def test_answers_are_the_callers_own(db: FakeDynamoDB) -> None:
    """Changing an answer, or an item after it was sent, does not change the table."""
    item = thing(doc={"M": {"list": {"L": [ONE]}}})
    db.put_item(TableName=TABLE, Item=item)
    item["doc"]["M"]["list"]["L"].append(ONE)
    answer = db.get_item(TableName=TABLE, Key=KEY)["Item"]
    answer["doc"]["M"]["list"]["L"].clear()
    stored = db.get_item(TableName=TABLE, Key=KEY)["Item"]
    assert {"M": {"list": {"L": [ONE]}}} == stored["doc"]


def test_transaction_reports_an_update_that_does_not_fit(db: FakeDynamoDB) -> None:
    """A part that fails for its item's sake cancels the transaction as a ValidationError."""
    db.put_item(TableName=TABLE, Item=thing(n={"S": "text"}))
    update = {
        "TableName": TABLE,
        "Key": KEY,
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": ONE},
    }
    with pytest.raises(ClientError) as error:
        db.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": TABLE, "Item": thing("other")}},
                {"Update": update},
            ]
        )
    reasons: Any = error.value.response["CancellationReasons"]
    assert ["None", "ValidationError"] == [reason["Code"] for reason in reasons]
    assert ["s"] == [item["sk"] for item in db.items(TABLE)]


def test_same_token_is_done_once(db: FakeDynamoDB) -> None:
    """A transaction repeated under its token succeeds without doing anything again."""
    update = {
        "TableName": TABLE,
        "Key": KEY,
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": ONE},
    }
    for _ in range(2):
        db.transact_write_items(TransactItems=[{"Update": update}], ClientRequestToken="t")
    assert [1] == [item["n"] for item in db.items(TABLE)]
    delete = {"Delete": {"TableName": TABLE, "Key": KEY}}
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        db.transact_write_items(TransactItems=[delete], ClientRequestToken="t")


def test_what_the_fake_lacks_it_says(db: FakeDynamoDB) -> None:
    """An index or a legacy parameter is refused, never silently ignored."""
    with pytest.raises(ClientError, match="specified index: by_owner"):
        db.query(
            TableName=TABLE,
            IndexName="by_owner",
            KeyConditionExpression="pk = :p",
            ExpressionAttributeValues={":p": {"S": "p"}},
        )
    with pytest.raises(NotImplementedError, match="PutItem with Expected"):
        db.put_item(TableName=TABLE, Item=thing(), Expected={})


def test_put_of_a_key_alone_table() -> None:
    """A table may have a partition key of another name and no sort key."""
    db = FakeDynamoDB()
    db.create_table(
        TableName="locks",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    db.put_item(TableName="locks", Item={"id": {"S": "a"}, "n": ONE})
    answer = db.get_item(TableName="locks", Key={"id": {"S": "a"}})
    assert {"id": {"S": "a"}, "n": ONE} == answer["Item"]
    assert "ACTIVE" == db.describe_table(TableName="locks")["Table"]["TableStatus"]
