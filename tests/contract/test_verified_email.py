"""What takes a verified address once the server wants that."""

import pytest

from tests.contract.apps import Product, make_product
from tests.contract.test_api_bad_input import OPERATIONS, Operation, send

TAKES_ONE = {"POST /tasks", "POST /tasks/batch", "PUT /tasks/{task_id}"}


def want_verified(product: Product, *, wanted: bool) -> None:
    """Have root set the server's setting, and wait until every function knows."""
    body = {"require_verified_email": wanted}
    token = product.root["access_token"]
    assert product.door("PATCH", "/settings/server", json_body=body, token=token).status == 200
    product.world.clock.advance(seconds=300)


def verify(product: Product) -> None:
    """Verify the user's address."""
    product.world.dynamodb.update_item(
        TableName="identity",
        Key={"pk": {"S": f"USER#{product.user_id}"}, "sk": {"S": "PROFILE"}},
        UpdateExpression="SET email_verified = :yes",
        ExpressionAttributeValues={":yes": {"BOOL": True}},
    )


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if not o.is_public], ids=str)
def test_only_what_calls_others_takes_a_verified_address(operation: Operation) -> None:
    """Whoever is not verified may do all else, and what is refused does nothing."""
    product = make_product()
    want_verified(product, wanted=True)
    before = product.stored()
    answer = send(product, operation)
    refused = answer.status == 403 and answer.error == "email_not_verified"
    assert (str(operation) in TAKES_ONE) == refused, answer.text
    if refused:
        assert before == product.stored()


def test_who_is_verified_may() -> None:
    """And with the setting off, everybody may."""
    product = make_product()
    want_verified(product, wanted=True)
    creating = next(o for o in OPERATIONS if str(o) == "POST /tasks")
    assert 403 == send(product, creating).status
    verify(product)
    assert 201 == send(product, creating).status


def test_the_setting_can_be_taken_back() -> None:
    """Nobody is asked for what the server does not want any more."""
    product = make_product()
    want_verified(product, wanted=True)
    want_verified(product, wanted=False)
    creating = next(o for o in OPERATIONS if str(o) == "POST /tasks")
    assert 201 == send(product, creating).status


def test_a_key_is_as_verified_as_its_owner() -> None:
    """An API key is no way around."""
    product = make_product()
    want_verified(product, wanted=True)
    secret = product.make_key(["tasks:write"])["secret"]
    creating = next(o for o in OPERATIONS if str(o) == "POST /tasks")
    headers = {"authorization": f"Bearer {secret}"}
    assert "email_not_verified" == send(product, creating, headers=headers).error
    verify(product)
    assert 201 == send(product, creating, headers=headers).status
