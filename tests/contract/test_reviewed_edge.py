"""What a review of the edge found: each was seen going wrong before it was mended."""

import json
from io import StringIO
from itertools import count
from typing import Any

import pytest

from nightshift.aws.dynamo import TransactionConflictError
from nightshift.core.errors import UnavailableError
from nightshift.observability import make_log
from nightshift.tasks.model import RUN_KIND
from tests.contract.apps import Product, make_product
from tests.contract.test_tasks_api import BODY


@pytest.fixture
def product() -> Product:
    """The whole API with one user."""
    return make_product()


def test_the_tasks_of_a_deleted_account_are_called_no_more(product: Product) -> None:
    """Neither on schedule nor by what was on its way, and the account is gone at once."""
    body = BODY | {"task_schedule": "* * * * *"}
    product.door("POST", "/tasks", token=product.token, json_body=body)
    product.engine.run_for(minutes=2)
    before = len(product.engine.calls)
    assert before > 0
    assert product.door("DELETE", "/users/me", token=product.token).status == 204
    product.engine.clock.advance(seconds=61)
    product.engine.run_for(minutes=10)
    assert before == len(product.engine.calls)
    assert product.door("GET", "/tasks", token=product.token).status == 401


def test_an_answer_does_not_grow_with_what_is_wrong(product: Product) -> None:
    """Thousands of unknown fields: the first few are named, and how many more there are."""
    body = {f"field{n}": n for n in range(5_000)}
    answered = product.door("POST", "/auth/login", json_body=body)
    errors = answered.json["errors"]
    assert (422, 21) == (answered.status, len(errors))
    assert "more" in errors[-1]["message"]
    assert len(answered.text) < 20_000


@pytest.mark.parametrize(
    "changes",
    [
        {"timeout_s": 1e-200},
        {"timeout_s": 0.5},
        {"retry": {"backoff": "constant", "delay_s": 1e-200, "jitter": False}},
    ],
)
def test_numbers_that_no_table_holds_are_no_server_error(
    product: Product, changes: dict[str, Any]
) -> None:
    """Refused, or rounded to the millisecond that they stand for."""
    answered = product.door("POST", "/tasks", token=product.token, json_body=BODY | changes)
    assert answered.status in {201, 422}


def test_a_content_type_that_cannot_be_read_is_415(product: Product) -> None:
    """However long its parameters and their numbers are."""
    for extra in ("x" * 300, f"charset*{'9' * 150}=a", f"charset*{'9' * 4301}=a"):
        headers = {"content-type": f"application/json; {extra}"}
        answered = product.door("POST", "/auth/login", body=b"{}", headers=headers)
        assert answered.status in {415, 422}


def test_one_item_of_a_batch_that_meets_trouble_spoils_no_other(product: Product) -> None:
    """It answers 503 for itself, and the repeat with the same key makes nothing twice."""
    tasks = product.engine.context.tasks
    original = tasks.create
    trouble = [TransactionConflictError(), UnavailableError()]

    def create(*args: Any, **more: Any) -> Any:
        if trouble and args[1].name == "second":
            raise trouble.pop()
        return original(*args, **more)

    tasks.create = create  # type: ignore[method-assign]
    body = {"tasks": [BODY, BODY | {"task_name": "second"}, BODY]}
    answered = product.door("POST", "/tasks/batch", token=product.token, json_body=body)
    assert [201, 503, 201] == [item["status"] for item in answered.json["items"]]


def test_a_batch_that_is_run_again_after_a_crash_makes_the_same_tasks(product: Product) -> None:
    """The ids follow from the key, so that the second run finds what the first made."""
    tasks = product.engine.context.tasks
    original = tasks.create
    numbers = count(1)

    def create(*args: Any, **more: Any) -> Any:
        number = next(numbers)
        view = original(*args, **more)
        if number == 2:
            raise KeyboardInterrupt
        return view

    tasks.create = create  # type: ignore[method-assign]
    body = {"tasks": [BODY] * 3}
    headers = {"idempotency-key": "batch-1"}
    with pytest.raises(KeyboardInterrupt):
        product.door("POST", "/tasks/batch", token=product.token, json_body=body, headers=headers)
    tasks.create = original  # type: ignore[method-assign]
    product.engine.clock.advance(seconds=40)
    again = product.door(
        "POST", "/tasks/batch", token=product.token, json_body=body, headers=headers
    )
    assert [201] * 3 == [item["status"] for item in again.json["items"]]
    assert len(product.door("GET", "/tasks", token=product.token).json["items"]) == 4


def test_an_id_that_no_key_can_hold_is_refused(product: Product) -> None:
    """Nothing of the batch is deleted when the request itself is wrong."""
    body = {"task_ids": [product.ids["task_id"], "x" * 1_100]}
    answered = product.door("DELETE", "/tasks/batch", token=product.token, json_body=body)
    assert answered.status == 422
    path = f"/tasks/{product.ids['task_id']}"
    assert product.door("GET", path, token=product.token).status == 200


def test_masking_leaves_the_line_readable() -> None:
    """Secrets at the start of a line in a stack trace are masked, and the line stays JSON."""
    logged = StringIO()
    # A logger of its own: Powertools keeps one stream for each service's name.
    log = make_log(service="masking", stream=logged)
    log.info(
        "x", reason="a\nnsr_abcdefghijkl\n\tnsk_abcdefghijkl\nfoo@bar.com j\u00f6rg@example.com"
    )
    line = json.loads(logged.getvalue())
    assert "nsr_a" not in line["reason"]
    assert "nsk_a" not in line["reason"]
    assert "@" not in line["reason"]


def test_two_rotations_in_a_day_keep_all_promises(product: Product) -> None:
    """The first secret still signs along after the second rotation."""
    user = product.user["user"]["id"]
    secrets = product.engine.context.secrets
    first = secrets.current(user)
    second = secrets.rotate(user)
    third = secrets.rotate(user)
    assert [third, second, first] == secrets.signing(user)
    product.engine.clock.advance(seconds=86_401)
    assert [third] == secrets.signing(user)


def test_an_outage_of_the_key_store_costs_no_attempt(product: Product) -> None:
    """Nothing was called, so nothing failed: the run is made up for when the keys are back."""
    task = product.door(
        "POST",
        "/tasks",
        token=product.token,
        json_body=BODY | {"task_schedule": "at(2026-11-22T12:10:00Z)", "max_retry": 0},
    ).json
    secrets = product.engine.context.secrets
    signing = secrets.signing

    def away(_: str) -> list[str]:
        raise UnavailableError("the key store is away")

    secrets.signing = away  # type: ignore[method-assign, assignment]
    product.engine.run_for(minutes=11)
    secrets.signing = signing  # type: ignore[method-assign]
    product.engine.run_for(minutes=30)
    jobs, _ = product.engine.context.jobs.page(RUN_KIND, task["id"], start_after=None, limit=5)
    assert [("completed", 1)] == [(j.status.value, j.attempts) for j in jobs]


def test_a_put_can_ask_for_something_or_for_nothing_to_be_there(product: Product) -> None:
    """If-Match: * creates nothing, If-None-Match: * replaces nothing."""
    path = "/tasks/my-key"
    some = {"if-match": "*"}
    none = {"if-none-match": "*"}
    answers = [
        product.door("PUT", path, token=product.token, json_body=BODY, headers=headers).status
        for headers in (some, none, none, some)
    ]
    assert [412, 201, 412, 200] == answers


def test_items_of_a_batch_that_are_no_objects_fail_alone(product: Product) -> None:
    """A number among tasks is one bad item."""
    body = {"tasks": [BODY, 5, None]}
    answered = product.door("POST", "/tasks/batch", token=product.token, json_body=body)
    assert (207, [201, 422, 422]) == (
        answered.status,
        [item["status"] for item in answered.json["items"]],
    )
    gone = product.door(
        "DELETE", "/tasks/batch", token=product.token, json_body={"task_ids": ["nobody"]}
    )
    assert ["nobody"] == [item["id"] for item in gone.json["items"]]


def test_a_run_of_another_task_is_not_found_to_be_retried(product: Product) -> None:
    """404 comes before what the task itself is doing."""
    path = f"/tasks/{product.ids['task_id']}"
    product.door("POST", f"{path}/run", token=product.token)
    other = "0193a5c0-7e1a-7b3c-8d2e-4f5a6b7c8d9e"
    answered = product.door("POST", f"{path}/runs/{other}/retry", token=product.token)
    assert (404, "run_not_found") == (answered.status, answered.error)
