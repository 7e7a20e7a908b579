"""What the tests of roles and API keys do through the door."""

from typing import Any

from nightshift.identity.api_keys.secret import checksum
from tests.contract.apps import Product
from tests.contract.door import Answer, Door

KEY = {"name": "ci", "scopes": ["tasks:read"]}
UNKNOWN = "nsk_" + "a" * 30 + checksum("a" * 30)
SUPPORT = {"name": "helper", "description": "Helps.", "permissions": ["users:read"]}


def root(product: Product, method: str, path: str, body: object = None, **more: Any) -> Answer:
    """Ask as root, who is an administrator."""
    token = product.root["access_token"]
    return product.door(method, path, json_body=body, token=token, **more)


def ask(product: Product, method: str, path: str, body: object = None, **more: Any) -> Answer:
    """Ask as the user, signed in."""
    return product.door(method, path, json_body=body, token=product.token, **more)


def use(product: Product, secret: str, door: Door | None = None) -> Answer:
    """Use a key."""
    return (door or product.door)("GET", "/tasks", token=secret)


def outcome(answer: Answer) -> tuple[int, str]:
    """Return the status and the slug."""
    return answer.status, answer.error if answer.status >= 400 else ""


def identity_calls(product: Product) -> list[str]:
    """Return the operations on the identity table since the meter was reset."""
    return [c.operation for c in product.world.dynamodb.meter.calls if c.table == "identity"]


def items_of_keys(product: Product) -> list[dict[str, Any]]:
    """Return every item that has to do with API keys."""
    return [
        row
        for row in product.world.rows("identity")
        if row["pk"].startswith("NSK#") or row["sk"].startswith(("APIKEY#", "KEYRING"))
    ]


def role_items(product: Product) -> dict[str, Any]:
    """Return the stored counts and roles by sort key."""
    return {row["sk"]: row for row in product.world.rows("identity") if row["pk"] == "ROLES"}


def holders(product: Product, key: str) -> int:
    """Return a stored count of holders."""
    return int(role_items(product)[key]["holders"])
