"""Access on a running stack: what one function decides, the other holds to at once."""

import csv
import io

import pytest

from tests.integration.stack.harness import Reply, Stack, User
from tests.integration.tasks.client import Client, Document

pytestmark = pytest.mark.stack

ADMIN_EMAIL = "demo@example.com"
"""Whoever registers with it in the local stack is an administrator."""


@pytest.fixture(scope="module")
def admin(stack: Stack) -> Client:
    """The administrator."""
    return Client(stack, stack.register(ADMIN_EMAIL))


@pytest.fixture
def client(stack: Stack) -> Client:
    """A member."""
    return Client(stack, stack.register())


def with_key(stack: Stack, client: Client, secret: str) -> Client:
    """Return the same user, who comes with an API key."""
    user = client.user
    return Client(
        stack,
        User(
            id=user.id,
            email=user.email,
            password=user.password,
            access_token=secret,
            refresh_token="",
        ),
    )


def outcome(reply: Reply) -> tuple[int, str]:
    """Return the status and the slug."""
    return reply.status, reply.json()["error"] if reply.status >= 400 else ""


def test_an_api_key_from_making_to_revoking(stack: Stack, client: Client) -> None:
    """Made at one function and used at another; its scopes, rotation and end count at once."""
    wish = {"name": "ci", "scopes": ["tasks:read"], "allowed_cidrs": ["127.0.0.0/8", "::1/128"]}
    made = client.expect(201, "POST", "/api-keys", wish)
    program = with_key(stack, client, made["secret"])
    program.expect(200, "GET", "/tasks")
    refused = [program.send("POST", "/tasks", {}), program.send("GET", "/sessions")]
    assert [(403, "forbidden")] * 2 == [outcome(reply) for reply in refused]
    path = f"/api-keys/{made['id']}"
    assert client.expect(200, "GET", path)["last_used_at"] is not None
    rotated = client.expect(200, "POST", f"{path}/rotate", {"grace_s": 0})
    assert (401, "api_key_rotated") == outcome(program.send("GET", "/tasks"))
    program = with_key(stack, client, rotated["secret"])
    program.expect(200, "GET", "/tasks")
    client.expect(204, "DELETE", path)
    assert (401, "api_key_revoked") == outcome(program.send("GET", "/tasks"))


def test_a_key_for_elsewhere_does_not_work_here(stack: Stack, client: Client) -> None:
    """The address is the one that the gateway saw, whatever a header says."""
    wish = {"name": "office", "scopes": ["tasks:read"], "allowed_cidrs": ["203.0.113.0/24"]}
    program = with_key(stack, client, client.expect(201, "POST", "/api-keys", wish)["secret"])
    claims = {"x-forwarded-for": "203.0.113.7", "x-real-ip": "203.0.113.7"}
    reply = program.send("GET", "/tasks", headers=claims)
    assert (401, "api_key_address_not_allowed") == outcome(reply)


def test_a_role_counts_at_once(admin: Client, client: Client) -> None:
    """Made, given, changed and taken by an administrator, for whoever is signed in already."""
    path = f"/users/{client.user.id}/roles"
    role = {"name": "reader", "permissions": ["queues:read"]}
    admin.expect(201, "POST", "/roles", role)
    client.expect(403, "GET", "/queues")
    admin.expect(200, "PUT", path, {"roles": ["reader"]})
    client.expect(200, "GET", "/queues")
    client.expect(403, "GET", "/tasks")
    assert (409, "role_in_use") == outcome(admin.send("DELETE", "/roles/reader"))
    admin.expect(200, "PATCH", "/roles/reader", {"permissions": ["tasks:read"]})
    client.expect(200, "GET", "/tasks")
    client.expect(403, "GET", "/queues")
    admin.expect(200, "PUT", path, {"roles": ["member"]})
    admin.expect(204, "DELETE", "/roles/reader")
    alone = admin.send("PUT", f"/users/{admin.user.id}/roles", {"roles": ["member"]})
    assert (409, "last_admin") == outcome(alone)
    events: list[Document] = client.expect(200, "GET", "/audit")["items"]
    assert [
        ("user.roles_changed", admin.user.id),
        ("user.roles_changed", admin.user.id),
        ("auth.register", client.user.id),
    ] == [(event["action"], event["actor_id"]) for event in events]


def test_the_audit_log_as_a_file(admin: Client) -> None:
    """The front hands the file through as it is."""
    admin.expect(200, "PATCH", "/settings/server", {"product_name": "=Owl"})
    admin.expect(200, "PATCH", "/settings/server", {"product_name": None})
    reply = admin.send("GET", "/audit/export.csv?action=settings.server_changed")
    assert (200, "text/csv; charset=utf-8; header=present") == (
        reply.status,
        reply.headers["content-type"],
    )
    rows = list(csv.DictReader(io.StringIO(reply.body.decode(), newline="")))
    assert [admin.user.id] * 2 == [row["actor_id"] for row in rows]
