"""The life of an account on a running stack, with its mail read from the inbox."""

import json
import os
import re
import signal
from functools import partial
from typing import Any

import pytest

from nightshift.core.tokens import from_b64url
from nightshift.deploy.secrets import new_signing_key, public_half
from tests.integration.stack.harness import Reply, Stack, User
from tests.integration.tasks.client import Client, Document
from tests.integration.tasks.receiver import wait_until

pytestmark = pytest.mark.stack

API = "/api/v1"
VERIFY, RESET = "Confirm your email address", "Choose a new password"
SECOND, THIRD = "the second long password", "the third long password"
SIGNING_KEYS, PUBLIC_KEYS = (
    f"/nightshift/local/token-{which}-keys" for which in ("signing", "public")
)


def mails(stack: Stack, email: str) -> list[Document]:
    """Return the mails to an address, oldest first."""
    found = stack.get("/dev/inbox.json").json()
    return [mail for mail in found if mail["to"] == email][::-1]


def mail_token(stack: Stack, email: str, subject: str) -> str:
    """Wait for the mail of this subject, and return the token in its link."""

    def found() -> list[Document]:
        return [mail for mail in mails(stack, email) if mail["subject"] == subject]

    wait_until(lambda: bool(found()), f"{subject} to arrive", 60)
    match = re.search(r"[?&]token=(\w[\w-]+)", found()[-1]["text"])
    assert match is not None, found()[-1]["text"]
    return match[1]


def public(stack: Stack, path: str, body: Document, status: int) -> Any:
    """Send a request that takes no credentials; return the document of its answer."""
    reply = stack.request("POST", API + path, body)
    assert status == reply.status, reply.body
    return reply.json() if reply.body else None


def sign_in(stack: Stack, user: User, password: str) -> Client:
    """Sign in and return who came."""
    found = public(stack, "/auth/login", {"email": user.email, "password": password}, 200)
    return Client(
        stack,
        User(
            id=found["user"]["id"],
            email=user.email,
            password=password,
            access_token=found["access_token"],
            refresh_token=found["refresh_token"],
        ),
    )


def slug(reply: Reply) -> tuple[int, str]:
    """Return how a request was refused."""
    return reply.status, str(reply.json()["error"])


def refresh(stack: Stack, client: Client) -> Reply:
    """Use a client's refresh token."""
    return stack.request(
        "POST", f"{API}/auth/refresh", {"refresh_token": client.user.refresh_token}
    )


def lasting(stack: Stack, user_id: str) -> list[str]:
    """Return what any table holds under a user's id and without an end."""
    dynamodb = stack.client("dynamodb")
    found = []
    for table in dynamodb.list_tables()["TableNames"]:
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            rows = [row for row in page["Items"] if "expires_at" not in row]
            found += [f"{table} {row['pk']} {row['sk']}" for row in rows if user_id in str(row)]
    return found


def test_the_life_of_an_account(stack: Stack) -> None:
    """Registered, verified, changed, reset, given a key and deleted; each ends what it must."""
    user = stack.register()
    first = Client(stack, user)
    assert first.expect(200, "GET", "/users/me")["email_verified"] is False
    public(stack, "/auth/verify-email", {"token": mail_token(stack, user.email, VERIFY)}, 204)
    assert first.expect(200, "GET", "/users/me")["email_verified"] is True

    second = sign_in(stack, user, user.password)
    change = {"current_password": user.password, "new_password": SECOND}
    second.expect(204, "POST", "/auth/password/change", change)
    assert (401, "token_revoked") == slug(first.send("GET", "/users/me"))
    second.expect(200, "GET", "/users/me")

    public(stack, "/auth/password/forgot", {"email": user.email}, 202)
    reset = {"token": mail_token(stack, user.email, RESET), "password": THIRD}
    public(stack, "/auth/password/reset", reset, 204)
    assert "link_used" == public(stack, "/auth/password/reset", reset, 400)["error"]
    assert (401, "token_revoked") == slug(second.send("GET", "/users/me"))
    assert (401, "token_revoked") == slug(refresh(stack, second))
    old = {"email": user.email, "password": SECOND}
    assert "invalid_credentials" == public(stack, "/auth/login", old, 401)["error"]

    third = sign_in(stack, user, THIRD)
    made = third.expect(201, "POST", "/api-keys", {"name": "ci", "scopes": ["tasks:read"]})
    assert 200 == stack.get(f"{API}/tasks", token=made["secret"]).status
    third.create(task_name="t", task_schedule=None, webhook_url="https://example.com/hook")
    assert lasting(stack, user.id)
    third.expect(204, "DELETE", "/users/me")
    assert 401 == third.send("GET", "/users/me").status
    assert 401 == refresh(stack, third).status
    assert 401 == stack.get(f"{API}/tasks", token=made["secret"]).status
    new = {"email": user.email, "password": THIRD}
    assert "invalid_credentials" == public(stack, "/auth/login", new, 401)["error"]
    wait_until(lambda: not lasting(stack, user.id), "nothing of the user to be left", 60)


def answers(stack: Stack, path: str) -> bool:
    """Tell whether a function answers: here, by refusing who says nothing."""
    return stack.get(API + path).status == 401


def restart(stack: Stack, function: str) -> None:
    """Have a function begin anew, as it does where nobody called it for a while."""
    for worker in stack.workers(function):
        os.kill(worker["pid"], signal.SIGKILL)


def test_turning_the_signing_key_over_signs_nobody_out(stack: Stack) -> None:
    """While both keys are published, tokens of either are good; refreshing goes on past the old."""
    ssm = stack.client("ssm")

    def read(name: str) -> Any:
        return json.loads(ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])

    def write(name: str, value: object, kind: str) -> None:
        ssm.put_parameter(Name=name, Value=json.dumps(value), Type=kind, Overwrite=True)

    def start_anew() -> None:
        for function, path in (("accounts", "/users/me"), ("api", "/tasks")):
            restart(stack, function)
            wait_until(partial(answers, stack, path), f"{function} to answer again")

    before = Client(stack, stack.register())
    old, new = read(SIGNING_KEYS), new_signing_key(os.urandom(32))
    write(PUBLIC_KEYS, {"keys": [public_half(new), *map(public_half, old)]}, "String")
    start_anew()
    write(SIGNING_KEYS, [new, *old], "SecureString")
    start_anew()
    after = Client(stack, stack.register())
    assert kid(after) == new["kid"] != kid(before)
    for client in (before, after):
        client.expect(200, "GET", "/users/me")
        client.expect(200, "GET", "/tasks")
    write(PUBLIC_KEYS, {"keys": [public_half(new)]}, "String")
    start_anew()
    assert (401, "token_signature_invalid") == slug(before.send("GET", "/tasks"))
    fresh = refresh(stack, before).json()["access_token"]
    assert 200 == stack.get(f"{API}/tasks", token=fresh).status


def kid(client: Client) -> str:
    """Return which key signed a client's token."""
    head = client.user.access_token.partition(".")[0]
    return str(json.loads(from_b64url(head))["kid"])
