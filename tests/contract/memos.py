"""What a user does with memos and cards through the HTTP door."""

from datetime import timedelta
from typing import Any

from tests.contract.apps import Product
from tests.contract.door import PASSWORD, Answer

TEXT = "a = 1\nb = 2\nc = 3"


def send(product: Product, method: str, path: str, **more: Any) -> Answer:
    """Send a request as the user."""
    return product.door(method, path, token=product.token, **more)


def write(product: Product, **changes: Any) -> dict[str, Any]:
    """Write a memo and return the answer's body."""
    answered = send(product, "POST", "/memos", json_body={"text": TEXT} | changes)
    assert answered.status == 202, answered.text
    document: dict[str, Any] = answered.json
    return document


def made(product: Product, **changes: Any) -> dict[str, Any]:
    """Write a memo, let its cards be made, and return it."""
    memo_id = write(product, **changes)["memo"]["id"]
    product.engine.run_for(minutes=1)
    return memo_of(product, memo_id)


def memo_of(product: Product, memo_id: str) -> dict[str, Any]:
    """Return a memo as it stands."""
    document: dict[str, Any] = send(product, "GET", f"/memos/{memo_id}").json
    return document


def cards_of(product: Product, memo: dict[str, Any], **query: str) -> list[dict[str, Any]]:
    """Return a memo's cards."""
    answered = send(product, "GET", f"/memos/{memo['id']}/cards", query=query)
    items: list[dict[str, Any]] = answered.json["items"]
    return items


def later(product: Product, **span: float) -> None:
    """Let time go by, and sign in again: access tokens are short-lived."""
    product.engine.clock.advance(seconds=timedelta(**span).total_seconds())
    login = {"email": "fuzz@example.com", "password": PASSWORD}
    product.user = product.door("POST", "/auth/login", json_body=login).json


def pages(product: Product, path: str, **query: str) -> list[str]:
    """Return the ids of a whole list, read two at a time."""
    seen: list[str] = []
    query = query | {"limit": "2"}
    while True:
        page = send(product, "GET", path, query=query).json
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            return seen
        query["cursor"] = page["next_cursor"]
