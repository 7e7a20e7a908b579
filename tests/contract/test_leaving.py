"""What is left of an account that was deleted: nothing but what ends by itself."""

from typing import Any

from tests.contract.apps import Product, make_product, set_flag
from tests.contract.door import PASSWORD, TABLES, register

TASK = {
    "task_name": "t",
    "task_schedule": "*/5 * * * *",
    "webhook_url": "https://example.com/hook",
    "headers": {"authorization": "Bearer a secret of the receiver's"},
    "flow_control": {"key": "mine", "parallelism": 1},
}
BOB = "bob@example.com"


def lasting(product: Product, user_id: str) -> list[str]:
    """Return what tells of a user and has no end."""
    return [
        f"{table} {row['pk']} {row['sk']}"
        for table in TABLES
        for row in product.world.rows(table)
        if user_id in repr(row) and "expires_at" not in row
    ]


def live(product: Product) -> dict[str, Any]:
    """Register Bob, who uses all there is; return his tokens."""
    bob = register(product.door, BOB)
    token = bob["access_token"]
    set_flag(product.world, bob["user"]["id"], "email_verified")

    def do(status: int, method: str, path: str, body: object = None) -> Any:
        answer = product.door(method, path, json_body=body, token=token)
        assert status == answer.status, answer.text
        return answer.json if answer.text else None

    do(200, "PUT", "/users/me/preferences", {"time_zone": "Europe/Berlin"})
    do(201, "POST", "/api-keys", {"name": "ci", "scopes": ["tasks:read"]})
    do(201, "POST", "/tasks", TASK)
    do(201, "PUT", "/tasks/own-key", TASK)
    do(200, "POST", "/tasks/signing-secret")
    do(200, "PUT", "/flow-controls/other", {"parallelism": 3})
    do(202, "POST", "/memos", {"title": "m", "text": "a = 1. b = 2."})
    product.engine.run_for(minutes=11)
    card = do(200, "GET", "/cards/next")["card"]
    do(200, "POST", f"/cards/{card['id']}/review", {"outcome": "good"})
    login = {"email": BOB, "password": PASSWORD}
    assert product.door("POST", "/auth/login", json_body=login).status == 200
    return bob


def test_nothing_lasting_is_left_of_a_deleted_account() -> None:
    """Tasks, memos, cards, keys, sessions and choices are removed by the job; others stay."""
    product = make_product()
    product.world.dynamodb.strict = False
    bob = live(product)
    user_id, before = bob["user"]["id"], len(lasting(product, product.user_id))
    assert {"tasks", "memos", "jobs", "identity"} <= {
        row.partition(" ")[0] for row in lasting(product, user_id)
    }
    called = len(product.engine.calls)
    assert called > 0
    token = product.door(
        "POST", "/auth/login", json_body={"email": BOB, "password": PASSWORD}
    ).json["access_token"]
    assert 204 == product.door("DELETE", "/users/me", token=token).status
    product.engine.run_for(minutes=30)
    assert [] == lasting(product, user_id)
    assert called == len(product.engine.calls)
    assert before == len(lasting(product, product.user_id))
