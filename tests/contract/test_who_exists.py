"""Nobody learns who has an account: by the answer, by the calls of the tables, by their sizes.

The time itself is measured by `tests.load.bench_who_exists`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from nightshift.identity.model import NOBODY
from tests.contract.apps import Product, make_product
from tests.contract.door import Answer
from tests.support.browser import Browser
from tests.support.faults import FaultPlan

THERE, GHOST = "there@example.com", "ghost@example.com"
BODIES: Mapping[str, Mapping[str, str]] = {
    "/auth/login": {"password": "not that one"},
    "/auth/password/forgot": {},
}
FORMS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "/login": ("Log in", {"password": "not that one"}),
    "/forgot-password": ("Send me a link", {}),
}
"""The pages that do the same, by the button and by what is typed besides the address."""
CALENDAR = ("PutItem", "audit")
"""That a day has events is noted once by each process, whoever they are about."""
FEW_CHARS = 16
"""By how much numbers and a sealed name may make two requests differ."""


@pytest.fixture
def product() -> Product:
    """The whole product, with one account to ask for."""
    product = make_product()
    product.newcomer(THERE)
    return product


def asked(product: Product, path: str, email: str) -> list[tuple[str, int, int]]:
    """Return what an answer took: each call, how many items it wrote, and its size."""
    body = {**BODIES[path], "email": email}
    return _took(product, lambda: product.door("POST", path, json_body=body))


def _took(product: Product, act: Callable[[], object]) -> list[tuple[str, int, int]]:
    plan = product.world.dynamodb.faults = FaultPlan()
    act()
    product.world.dynamodb.faults = None
    return [
        (seen.operation, len(seen.request.get("TransactItems", ())), _size(seen.request))
        for seen in plan.seen
        if (seen.operation, seen.request.get("TableName")) != CALENDAR
    ]


def _size(value: Any) -> int:
    """Return how many characters and bytes a request holds, however they would be shown."""
    if isinstance(value, Mapping):
        return sum(_size(key) + _size(inner) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return sum(map(_size, value))
    return len(value if isinstance(value, str | bytes) else str(value))


@pytest.mark.parametrize("path", BODIES)
def test_both_are_answered_alike(product: Product, path: str) -> None:
    """Status, headers and body, again and again, up to the refusal that asks to wait."""
    door = product.another_process({"NIGHTSHIFT_RATE_LIMIT_ADDRESS": "10000"})
    answers: list[list[Any]] = []
    for email in (THERE, GHOST):
        bodies = [door("POST", path, json_body={**BODIES[path], "email": email}) for _ in range(9)]
        answers.append([(a.status, _without_id(a)) for a in bodies])
    assert answers[0] == answers[1]
    assert 429 == answers[0][-1][0]


def _without_id(answer: Answer) -> tuple[dict[str, Any], dict[str, Any]]:
    body = {name: value for name, value in answer.json.items() if name != "request_id"}
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    return body, headers


@pytest.mark.parametrize("path", BODIES)
def test_both_take_the_same_of_the_tables(product: Product, path: str) -> None:
    """The same calls with as many items of the same size: mail, job and audit event among them."""
    asked(product, path, "warm@example.com")
    there, ghost = (asked(product, path, email) for email in (THERE, GHOST))
    _check_alike(there, ghost)


@pytest.mark.parametrize("path", FORMS)
def test_pages_take_the_same_of_the_tables(product: Product, path: str) -> None:
    """And show the same, but for the address that was typed."""
    browser = Browser(handler=product.pages())
    button, typed = FORMS[path]
    shown: list[str] = []

    def ask(email: str) -> None:
        page = browser.submit(browser.get(path), button, email=email, **typed)
        shown.append(page.text.replace(email, "-"))

    ask("warm@example.com")
    there, ghost = (_took(product, partial(ask, email)) for email in (THERE, GHOST))
    _check_alike(there, ghost)
    assert shown[1] == shown[2]


def _check_alike(there: list[tuple[str, int, int]], ghost: list[tuple[str, int, int]]) -> None:
    assert [call[:2] for call in there] == [call[:2] for call in ghost]
    assert there, "it asks the tables"
    apart = [abs(a[2] - b[2]) for a, b in zip(there, ghost, strict=True)]
    assert max(apart) <= FEW_CHARS, list(zip(there, ghost, strict=True))


def test_what_was_tried_at_nobody_is_told_apart(product: Product) -> None:
    """Administrators see attempts at addresses that nobody has; they name one who is nobody."""
    for path in BODIES:
        asked(product, path, GHOST)
    answer = product.door("GET", "/audit", token=product.root["access_token"])
    events = [e for e in answer.json["items"] if e["subject"] == f"user:{NOBODY}"]
    assert {("password.reset_request", "failure"), ("auth.login", "failure")} == {
        (event["action"], event["outcome"]) for event in events
    }
