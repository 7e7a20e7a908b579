"""Every flow of accounts, keys, mail and providers, done right and done wrong, all watched."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from nightshift.email.model import Category
from nightshift.jobs.codec import decode
from tests.contract.apps import set_flag
from tests.contract.door import PASSWORD
from tests.contract.test_api_bad_input import BASE, DOCUMENT, OPERATIONS, Operation
from tests.contract.watched import Watched
from tests.support.faults import Fault, FaultMode, FaultPlan

FAILURES = ("InternalServerError", "ValidationException")
ADA = "ada@example.com"
PASSWORDS = {
    "first password": "first harbour Quilt 27",
    "wrong password": "wrong lantern Spruce 38",
    "changed password": "changed meadow Falcon 49",
    "reset password": "reset copper Violet 56",
    "provider's user's password": "provider basil Anchor 61",
    "password with signs": 'signs "<&%+/=é\\ 72',
    "paged password": "paged orchard Lantern 83",
    "changed by page": "leafed bramble Copper 94",
    "reset by page": "turned willow Ember 15",
    "too short password": "Sh0rt!x",
    "too long password": "too-long-Zq9" * 12,
}


def register(watched: Watched, **more: Any) -> dict[str, Any]:
    """Register Ada, with the key of repeatable requests, twice."""
    body = {"email": ADA, "password": PASSWORDS["first password"], "name": "Ada"}
    key = {"idempotency-key": "register-ada"}
    answers = [
        watched.send("POST", "/auth/register", json_body=body, headers=key, **more)
        for _ in range(2)
    ]
    assert [201, 201] == [answer.status for answer in answers]
    assert answers[0].text == answers[1].text
    made: dict[str, Any] = answers[0].json
    return made


def log_in(watched: Watched, password: str, email: str = ADA) -> dict[str, Any]:
    """Sign in."""
    body = {"email": email, "password": PASSWORDS.get(password, password)}
    answer = watched.send("POST", "/auth/login", json_body=body)
    assert 200 == answer.status, answer.text
    made: dict[str, Any] = answer.json
    return made


def account(watched: Watched) -> dict[str, Any]:
    """Live the life of an account up to its deletion, and return tokens of another one."""
    ada = register(watched)
    _guess(watched)
    verify = watched.mailed("verification", "nsv_")
    _use_twice(watched, "/auth/verify-email", {"token": verify})
    ada = log_in(watched, "first password")
    _refresh(watched, ada)
    ada = log_in(watched, "first password")
    ada = _passwords(watched, ada)
    _move(watched, ada)
    _keys(watched, ada["access_token"])
    return ada


def pages(watched: Watched) -> None:
    """Live the life of another account by pages, right and wrong."""
    email, browser = "paula@example.com", watched.browser()
    said = {"name": "Paula", "email": email}
    for name in ("too short password", "paged password"):
        page = browser.get("/register")
        page = browser.submit(page, "Make my account", **said, password=PASSWORDS[name])
    assert "Welcome" in page.words
    link = f"/verify-email?token={watched.mailed('verification', 'nsv_')}"
    for _ in range(2):
        page = browser.submit(browser.get(link), "Verify my address")
    assert 400 == page.status
    watched.product.engine.clock.advance(seconds=1_000)
    assert "Paula" in browser.get("/account").words
    for current, new in (
        ("wrong password", "changed by page"),
        ("paged password", "too short password"),
        ("paged password", "changed by page"),
    ):
        fields = {"current_password": PASSWORDS[current], "new_password": PASSWORDS[new]}
        page = browser.submit(browser.get("/account"), "Change the password", **fields)
    assert "Your password is changed" in page.words
    browser.submit(browser.get("/sessions"), "Log out everywhere")
    browser.submit(browser.get("/forgot-password"), "Send me a link", email=email)
    link = f"/reset-password?token={watched.mailed('reset', 'nsp_')}"
    for name in ("too short password", "reset by page", "reset by page"):
        fields = {"password": PASSWORDS[name]}
        page = browser.submit(browser.get(link), "Set the password", **fields)
    assert 400 == page.status
    for name in ("password with signs", "reset by page"):
        page = browser.get("/login?next=/account")
        page = browser.submit(page, "Log in", email=email, password=PASSWORDS[name])
    for name in ("wrong password", "reset by page"):
        fields = {"current_password": PASSWORDS[name]}
        page = browser.submit(browser.get("/account"), "Delete my account", **fields)
    assert "Your account is deleted" in page.words


def _guess(watched: Watched) -> None:
    for name in ("wrong password", "password with signs", "too short password"):
        for email in (ADA, "nobody@example.com", "not an address"):
            body = {"email": email, "password": PASSWORDS[name]}
            assert 400 <= watched.send("POST", "/auth/login", json_body=body).status < 500
    for name in ("too short password", "too long password"):
        body = {"email": "bob@example.com", "password": PASSWORDS[name], "name": "Bob"}
        assert 422 == watched.send("POST", "/auth/register", json_body=body).status
    body = {"email": ADA, "password": PASSWORDS["password with signs"], "name": "Ada"}
    assert 409 == watched.send("POST", "/auth/register", json_body=body).status


def _use_twice(watched: Watched, path: str, body: dict[str, str]) -> None:
    answers = [watched.send("POST", path, json_body=body).status for _ in range(2)]
    assert answers[0] == 204
    assert answers[1] >= 400
    broken = {**body, "token": body["token"][:-5] + "AAAAA"}
    assert 400 <= watched.send("POST", path, json_body=broken).status < 500


def _refresh(watched: Watched, ada: dict[str, Any]) -> None:
    body = {"refresh_token": ada["refresh_token"]}
    for seconds, status in ((0, 200), (1, 200), (60, 401), (1, 401)):
        watched.product.engine.clock.advance(seconds=seconds)
        assert status == watched.send("POST", "/auth/refresh", json_body=body).status
    crossed = {"refresh_token": ada["access_token"]}
    assert 401 == watched.send("POST", "/auth/refresh", json_body=crossed).status
    assert 401 == watched.send("GET", "/users/me", token=ada["refresh_token"]).status


def _passwords(watched: Watched, ada: dict[str, Any]) -> dict[str, Any]:
    for current, new, status in (
        ("wrong password", "changed password", 401),
        ("first password", "too short password", 422),
        ("first password", "changed password", 204),
    ):
        body = {"current_password": PASSWORDS[current], "new_password": PASSWORDS[new]}
        token = ada["access_token"]
        answer = watched.send("POST", "/auth/password/change", json_body=body, token=token)
        assert (status, current) == (answer.status, current), answer.text
    for email in (ADA, "nobody@example.com"):
        answer = watched.send("POST", "/auth/password/forgot", json_body={"email": email})
        assert 202 == answer.status
    token = watched.mailed("reset", "nsp_")
    short = {"token": token, "password": PASSWORDS["too short password"]}
    assert 422 == watched.send("POST", "/auth/password/reset", json_body=short).status
    body = {"token": token, "password": PASSWORDS["reset password"]}
    _use_twice(watched, "/auth/password/reset", body)
    return log_in(watched, "reset password")


def _move(watched: Watched, ada: dict[str, Any]) -> None:
    for password, status in (("wrong password", 401), ("reset password", 202)):
        body = {"email": "moved@example.com", "current_password": PASSWORDS[password]}
        token = ada["access_token"]
        answer = watched.send("POST", "/users/me/email", json_body=body, token=token)
        assert status == answer.status, answer.text
    token = watched.mailed("moving", "nsv_")
    _use_twice(watched, "/auth/verify-email", {"token": token})


def _keys(watched: Watched, token: str) -> None:
    body = {"name": "ci", "scopes": ["tasks:read"]}
    made = watched.send("POST", "/api-keys", json_body=body, token=token).json
    headers = {"idempotency-key": "key-of-ada"}
    for _ in range(2):
        watched.send("POST", "/api-keys", json_body=body, token=token, headers=headers)
    path, route = f"/api-keys/{made['id']}", "/api-keys/{key_id}"
    rotated = watched.send(
        "POST", f"{path}/rotate", route=f"{route}/rotate", json_body={}, token=token
    ).json
    for secret in (made["secret"], rotated["secret"]):
        assert 200 == watched.send("GET", "/tasks", token=secret).status
        assert 403 == watched.send("GET", "/memos", token=secret).status
        assert 401 == watched.send("GET", "/tasks", token=f"{secret}0").status
        assert 401 == watched.send("GET", "/tasks", token=secret[:-6]).status
    assert 204 == watched.send("DELETE", path, route=route, token=token).status
    assert 401 == watched.send("GET", "/tasks", token=rotated["secret"]).status


def provider(watched: Watched) -> None:
    """Sign in with the provider: as it should be, in vain, and twice with one answer."""
    for claims, code in (({}, "code-Aa1Bb2Cc3Dd4"), ({"aud": "shop"}, "code-Ee5Ff6Gg7Hh8")):
        watched.idp.claims = {"sub": "grace", "email": "grace@example.com", **claims}
        state = watched.depart("GET", "/auth/oidc/staff/start")
        came = watched.come_back(state, code)
        assert (not claims) == (came.status == 200), came.text
        assert 400 <= watched.come_back(state, code).status < 500
    watched.idp.down = {"token"}
    state = watched.depart("GET", "/auth/oidc/staff/start")
    assert 500 <= watched.come_back(state, "code-Ii9Jj0Kk1Ll2").status <= 503
    watched.idp.down = set()
    set_flag(watched.product.world, watched.product.user_id, "email_verified")
    watched.product.user = user = log_in(watched, PASSWORD, "fuzz@example.com")
    path = "/auth/oidc/staff/link"
    watched.idp.claims = {"sub": "linked", "email": "fuzz@example.com"}
    state = watched.depart("POST", path, json_body={}, token=user["access_token"])
    linked = watched.come_back(state, "code-Mm3Nn4Oo5Pp6")
    assert linked.status < 300, linked.text


def owner(watched: Watched) -> None:
    """Use the secrets of somebody who has tasks and gets mail."""
    token = watched.product.token
    for method in ("GET", "POST", "GET"):
        assert 200 == watched.send(method, "/tasks/signing-secret", token=token).status
    task = watched.product.ids["task_id"]
    route = "/tasks/{task_id}/run"
    watched.send("POST", f"/tasks/{task}/run", route=route, token=token)
    watched.product.engine.run_for(minutes=3)
    assert watched.product.engine.calls
    leave = watched.product.email.context.unsubscriber.link(
        watched.product.user_id, Category.WEEKLY_SUMMARY
    ).partition("token=")[2]
    watched.canaries.watch("unsubscribing link", leave.rpartition(".")[2])
    for text, status in ((leave, 200), (leave[:-4] + "AAAA", 400)):
        for method in ("GET", "POST"):
            path = "/email/unsubscribe"
            answer = watched.send(method, path, query={"token": text})
            assert status == answer.status or answer.status >= 400


def dead_mail(watched: Watched) -> None:
    """Bury the job of a mail that carries a link, look at it, send it on its way again."""
    ask = {"email": "fuzz@example.com"}
    assert 202 == watched.send("POST", "/auth/password/forgot", json_body=ask).status
    machine = watched.product.engine.machine
    (message,) = [
        m for m in watched.product.engine.queue.messages if decode(m.body).ref.kind == "email.send"
    ]
    letter = machine.dead_letters().bury(message.body)
    assert letter is not None
    route = "/dead-letters/{letter_id}"
    token = watched.product.token
    for more in ("", "/redrive"):
        method = "POST" if more else "GET"
        path = f"/dead-letters/{letter.id}{more}"
        watched.send(method, path, route=route + more, token=token)
    watched.mailed("redriven reset", "nsp_")


def every_operation(watched: Watched, secrets: Mapping[str, str]) -> None:
    """Send every operation what it does not want: secrets where none belongs, half credentials."""
    for name, secret in secrets.items():
        watched.canaries.watch(name, secret)
    for operation, secret in itertools.product(OPERATIONS, secrets.values()):
        ids = dict.fromkeys(watched.product.ids, secret)
        for url, more in _misplaced(operation, secret, watched.product.token):
            path = operation.url(ids if url else watched.product.ids)
            route = operation.path.removeprefix(BASE)
            answer = watched.send(operation.method, path, **more, route=route)
            assert answer.status < 500, (str(operation), more, answer.text)


def _misplaced(
    operation: Operation, secret: str, token: str
) -> Iterator[tuple[bool, dict[str, Any]]]:
    """Yield whether the secret stands in the path, and how else the request is sent."""
    yield False, {"token": secret}
    yield False, {"headers": {"authorization": f"Basic {secret}", "cookie": f"session={secret}"}}
    yield False, {"token": token, "query": {"access_token": secret}}
    yield False, {"token": token, "query": {"cursor": secret, "limit": secret, "token": secret}}
    if "{" in operation.path:
        yield True, {"token": token}
    if operation.body is not None:
        key = {"idempotency-key": quote(secret, safe="")}
        wrong = {"password": secret, "no such field": secret}
        yield False, {"token": token, "json_body": wrong, "headers": key}
        yield False, {"token": token, "json_body": [secret]}
        body = dict.fromkeys(_fields(operation), secret)
        yield False, {"token": token, "json_body": {**body, "no such field": secret}}
        broken = b'{"password": "' + secret.encode()
        yield False, {"token": token, "body": broken}


def _fields(operation: Operation) -> Iterable[str]:
    """Return the names of the fields of an operation's body."""
    schema = operation.body or {}
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    found: Mapping[str, Any] = DOCUMENT["components"]["schemas"].get(name, schema)
    return list(found.get("properties", {}))


def read_everything(watched: Watched) -> None:
    """Read whatever can be read, as somebody who may read it all."""
    for operation in (o for o in OPERATIONS if o.method == "GET"):
        path, route = operation.url(watched.product.ids), operation.path.removeprefix(BASE)
        query = {name: str(value) for name, value in operation.good_query().items()}
        token = watched.product.token
        answer = watched.send("GET", path, route=route, query=query, token=token)
        assert answer.status < 500, answer.text


def broken_tables(watched: Watched) -> None:
    """Let each call to a table fail in each flow that holds a secret, whatever comes of it."""
    token, password = watched.product.token, PASSWORDS["first password"]
    user = {"email": "b@example.com", "name": "B", "password": password}
    bodies: dict[str, dict[str, Any] | None] = {
        "/auth/register": user,
        "/auth/login": {"email": "fuzz@example.com", "password": PASSWORD},
        "/auth/refresh": {"refresh_token": watched.product.user["refresh_token"]},
        "/auth/password/forgot": {"email": "root@example.com"},
        "/auth/password/change": {"current_password": PASSWORD, "new_password": password},
        "/api-keys": {"name": "k", "scopes": ["tasks:read"]},
        "/tasks/signing-secret": None,
    }
    dynamodb = watched.product.world.dynamodb
    for (path, body), code in itertools.product(bodies.items(), FAILURES):
        for ordinal in itertools.count(1):
            dynamodb.faults = plan = FaultPlan({ordinal: Fault(mode=FaultMode.ERROR, code=code)})
            watched.send("POST", path, json_body=body, token=token)
            dynamodb.faults = None
            if plan.calls < ordinal:
                break
