"""The task API through its HTTP door (PRODUCT: "Words of the task API")."""

from datetime import timedelta
from typing import Any

import pytest

from nightshift.outbound.fakes import answer
from tests.contract.apps import Product, make_product
from tests.contract.door import Answer, register

BODY: dict[str, Any] = {
    "task_name": "nightly-sync",
    "task_schedule": "*/5 * * * *",
    "timezone": "Europe/Berlin",
    "webhook_url": "https://example.com/hook",
    "method": "POST",
    "headers": {"x-mine": "yes"},
    "json_payload": {"a": 1, "ü": [1.5, None, True]},
    "max_retry": 3,
    "retry": {"backoff": "exponential", "delay_s": 5, "max_delay_s": 900, "jitter": True},
    "timeout_s": 30,
    "overlap": "skip",
    "misfire": "run_once",
    "flow_control": {"key": None, "parallelism": None, "rate": None, "period_s": None},
}


@pytest.fixture
def product() -> Product:
    """The whole API with one user."""
    return make_product()


def _send(product: Product, method: str, path: str, **more: Any) -> Answer:
    return product.door(method, path, token=product.token, **more)


def _create(product: Product, **changes: Any) -> dict[str, Any]:
    answered = _send(product, "POST", "/tasks", json_body=BODY | changes)
    assert answered.status == 201, answered.text
    document: dict[str, Any] = answered.json
    return document


def test_a_created_task_reads_back_as_it_was_said(product: Product) -> None:
    """Every field of the body is in the answer, beside what follows from it."""
    task = _create(product)
    said = {name: task[name] for name in BODY}
    retry = BODY["retry"] | {"delays_s": []}
    assert said == BODY | {"retry": retry}
    assert ("ready", 1, 5) == (task["task_status"], task["version"], len(task["next_runs"]))
    assert task["next_run_at"] == "2026-11-22T12:05:00Z"
    answered = _send(product, "GET", f"/tasks/{task['id']}")
    assert task == answered.json
    assert answered.headers["etag"] == '"1"'


def test_the_body_that_is_sent_is_exactly_the_payload(product: Product) -> None:
    """What was given as JSON arrives as the same JSON."""
    _create(product)
    product.engine.run_for(minutes=6)
    assert BODY["json_payload"] == product.engine.body_of(0)


def test_a_run_and_its_log_can_be_read(product: Product) -> None:
    """One run with two attempts: the list, the run, its log and the task's log agree."""
    answers = iter([answer(500, body=b"oh"), answer(200, body=b"fine")])
    product.engine.receiver = lambda _: next(answers)
    task = _create(product, task_schedule="at(2026-11-22T12:05:00Z)")
    product.engine.run_for(minutes=6)
    runs = _send(product, "GET", f"/tasks/{task['id']}/runs").json["items"]
    assert [("completed", 2, 200)] == [
        (r["status"], r["attempts"], r["response_status"]) for r in runs
    ]
    run = _send(product, "GET", f"/tasks/{task['id']}/runs/{runs[0]['id']}").json
    assert runs[0] == run
    log = _send(product, "GET", f"/tasks/{task['id']}/runs/{run['id']}/logs").json["items"]
    assert [("failed", 0, 500, "oh"), ("finish", 1, 200, "fine")] == [
        (e["status"], e["retry_count"], e["response_status"], e["message"]) for e in log
    ]
    assert {run["id"]} == {e["run_id"] for e in log}
    assert {"2026-11-22T12:05:00Z"} == {e["scheduled_for"] for e in log}
    everything = _send(product, "GET", f"/tasks/{task['id']}/logs").json["items"]
    assert list(reversed(log)) == everything
    last = _send(product, "GET", f"/tasks/{task['id']}").json["last_run"]
    assert (run["id"], "completed") == (last["run_id"], last["status"])


def test_the_logs_page_by_cursor(product: Product) -> None:
    """Three entries in pages of two: all of them, once each, in order."""
    product.engine.receiver = lambda _: answer(500)
    task = _create(
        product,
        task_schedule="at(2026-11-22T12:05:00Z)",
        max_retry=2,
        retry={"backoff": "constant", "delay_s": 1, "jitter": False},
    )
    product.engine.run_for(minutes=7)
    first = _send(product, "GET", f"/tasks/{task['id']}/logs", query={"limit": "2"}).json
    rest = _send(
        product,
        "GET",
        f"/tasks/{task['id']}/logs",
        query={"limit": "2", "cursor": first["next_cursor"]},
    ).json
    counts = [e["retry_count"] for e in first["items"] + rest["items"]]
    assert ([2, 1, 0], None) == (counts, rest["next_cursor"])


def test_an_idempotency_key_creates_one_task(product: Product) -> None:
    """The same key and body: the first answer again; another body: 422."""
    headers = {"idempotency-key": "k1"}
    first = _send(product, "POST", "/tasks", json_body=BODY, headers=headers)
    again = _send(product, "POST", "/tasks", json_body=BODY, headers=headers)
    other = _send(product, "POST", "/tasks", json_body=BODY | {"max_retry": 1}, headers=headers)
    assert (201, 201, first.json) == (first.status, again.status, again.json)
    assert (422, "idempotency_key_reused") == (other.status, other.error)
    assert len(_send(product, "GET", "/tasks").json["items"]) == 2


def test_patch_changes_what_it_names_and_if_match_guards_it(product: Product) -> None:
    """A stale version is 412 and nothing changes; the current one goes through."""
    task = _create(product)
    path = f"/tasks/{task['id']}"
    patch = {"task_name": "renamed", "max_retry": 7}
    stale = _send(product, "PATCH", path, json_body=patch, headers={"if-match": '"9"'})
    assert (412, "precondition_failed") == (stale.status, stale.error)
    good = _send(product, "PATCH", path, json_body=patch, headers={"if-match": '"1"'})
    assert (200, '"2"') == (good.status, good.headers["etag"])
    left = {n: v for n, v in good.json.items() if n not in {*patch, "version", "updated_at"}}
    assert left == {n: task[n] for n in left}
    assert ("renamed", 7) == (good.json["task_name"], good.json["max_retry"])


def test_patch_can_take_the_schedule_away(product: Product) -> None:
    """Null is a value: on demand only."""
    task = _create(product)
    path = f"/tasks/{task['id']}"
    changed = _send(product, "PATCH", path, json_body={"task_schedule": None})
    assert (None, []) == (changed.json["task_schedule"], changed.json["next_runs"])
    product.engine.run_for(minutes=12)
    assert product.engine.calls == []


def test_put_by_key_is_an_upsert(product: Product) -> None:
    """201 at first, 200 then, and the key reads like the id."""
    first = _send(product, "PUT", "/tasks/nightly", json_body=BODY)
    second = _send(product, "PUT", "/tasks/nightly", json_body=BODY | {"task_name": "two"})
    assert (201, 200) == (first.status, second.status)
    assert first.json["id"] == second.json["id"]
    assert _send(product, "GET", "/tasks/nightly").json["task_name"] == "two"
    missing = _send(product, "PUT", f"/tasks/{first.json['id'][:-4]}ffff", json_body=BODY)
    assert (404, "task_not_found") == (missing.status, missing.error)


def test_a_batch_answers_each_item_in_order(product: Product) -> None:
    """One bad item does not spoil the rest."""
    tasks = [BODY, BODY | {"task_schedule": "nonsense"}, BODY | {"unknown": 1}, BODY]
    answered = _send(product, "POST", "/tasks/batch", json_body={"tasks": tasks})
    assert answered.status == 207
    items = answered.json["items"]
    assert [201, 422, 422, 201] == [i["status"] for i in items]
    assert ["invalid_schedule", "validation_failed"] == [i["problem"]["error"] for i in items[1:3]]
    ids = [items[0]["id"], "nope", items[3]["id"]]
    gone = _send(product, "DELETE", "/tasks/batch", json_body={"task_ids": ids})
    assert [204, 404, 204] == [i["status"] for i in gone.json["items"]]


def test_a_batch_with_an_idempotency_key_is_one_batch(product: Product) -> None:
    """Sent twice, it makes its tasks once."""
    headers = {"idempotency-key": "b1"}
    body = {"tasks": [BODY, BODY]}
    first = _send(product, "POST", "/tasks/batch", json_body=body, headers=headers)
    again = _send(product, "POST", "/tasks/batch", json_body=body, headers=headers)
    assert first.json == again.json
    assert len(_send(product, "GET", "/tasks").json["items"]) == 3


def test_run_pause_and_resume(product: Product) -> None:
    """Run now answers the run's id; a paused task says so and has no next run."""
    task = _create(product, task_schedule="0 0 1 1 *")
    path = f"/tasks/{task['id']}"
    paused = _send(product, "POST", f"{path}/pause").json
    assert ("paused", "requested", None) == (
        paused["task_status"],
        paused["pause_reason"],
        paused["next_run_at"],
    )
    started = _send(product, "POST", f"{path}/run")
    assert started.status == 202
    product.engine.run_for(seconds=3)
    run = _send(product, "GET", f"{path}/runs/{started.json['run_id']}").json
    assert ("completed", "manual") == (run["status"], run["trigger"])
    assert _send(product, "POST", f"{path}/resume").json["task_status"] == "ready"


def test_a_run_can_be_cancelled_and_retried(product: Product) -> None:
    """Cancel ends it, a second cancel is 409, retry opens it again."""
    product.engine.receiver = lambda _: answer(500)
    task = _create(product, task_schedule="at(2026-11-22T12:05:00Z)")
    product.engine.run_for(minutes=5, seconds=2)
    path = f"/tasks/{task['id']}/runs"
    run_id = _send(product, "GET", path).json["items"][0]["id"]
    assert _send(product, "POST", f"{path}/{run_id}/cancel").json["status"] == "cancelled"
    assert _send(product, "POST", f"{path}/{run_id}/cancel").error == "run_already_ended"
    product.engine.receiver = lambda _: answer(200)
    assert _send(product, "POST", f"{path}/{run_id}/retry").status == 202
    product.engine.run_for(seconds=5)
    assert _send(product, "GET", f"{path}/{run_id}").json["status"] == "completed"


def test_the_signing_secret_is_stable_until_it_is_rotated(product: Product) -> None:
    """GET twice is the same; POST makes another and says how long the old one signs along."""
    first = _send(product, "GET", "/tasks/signing-secret").json
    assert first == _send(product, "GET", "/tasks/signing-secret").json
    rotated = _send(product, "POST", "/tasks/signing-secret").json
    assert first["secret"] != rotated["secret"]
    assert rotated["previous_valid_until"] == "2026-11-23T12:00:00Z"


def test_a_preview_shows_slots_and_stores_nothing(product: Product) -> None:
    """The next slots in the zone asked for, as UTC."""
    before = product.stored()
    query = {"schedule": "0 9 * * *", "timezone": "Europe/Berlin", "n": "2"}
    answered = _send(product, "GET", "/tasks/preview", query=query)
    assert ["2026-11-23T08:00:00Z", "2026-11-24T08:00:00Z"] == answered.json["next_runs"]
    assert before == product.stored()


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"task_schedule": "61 * * * *"}, "invalid_schedule", "task_schedule"),
        ({"task_schedule": "at(2020-01-01T00:00:00Z)"}, "schedule_in_past", "task_schedule"),
        ({"timezone": "Mars/Olympus"}, "invalid_timezone", "timezone"),
        ({"webhook_url": "http://169.254.169.254/latest"}, "invalid_webhook_url", "webhook_url"),
        ({"webhook_url": "ftp://example.com"}, "invalid_webhook_url", "webhook_url"),
        ({"on_failure_url": "http://10.0.0.1/"}, "invalid_webhook_url", "on_failure_url"),
        ({"headers": {"host": "evil"}}, "invalid_headers", "headers.host"),
        ({"headers": {"x": "a\r\nb: c"}}, "invalid_headers", "headers.x"),
        ({"retry": {"backoff": "list"}}, "validation_failed", "retry"),
        ({"flow_control": {"parallelism": 3}}, "validation_failed", "flow_control.parallelism"),
        ({"task_name": ""}, "validation_failed", "task_name"),
        ({"max_retry": 21}, "validation_failed", "max_retry"),
        ({"timeout_s": 0}, "validation_failed", "timeout_s"),
        ({"json_payload": "x" * 70_000}, "validation_failed", "json_payload"),
    ],
)
def test_bad_values_are_refused_by_field(
    product: Product, changes: dict[str, Any], error: str, field: str
) -> None:
    """Each gets its slug and the name of the field, and nothing is stored."""
    before = product.stored()
    answered = _send(product, "POST", "/tasks", json_body=BODY | changes)
    assert (422, error) == (answered.status, answered.error)
    assert any(e["field"].startswith(field) for e in answered.json["errors"]), answered.text
    assert before == product.stored()


def test_another_users_task_is_not_found(product: Product) -> None:
    """404 on every route, never 403."""
    task = _create(product)
    other = register(product.door, "other@example.com")["access_token"]
    for method, path in (
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/runs"),
        ("GET", "/logs"),
        ("POST", "/run"),
        ("POST", "/pause"),
    ):
        answered = product.door(method, f"/tasks/{task['id']}{path}", token=other)
        assert (404, "task_not_found") == (answered.status, answered.error), (method, path)
    assert product.door("GET", "/tasks", token=other).json["items"] == []


def test_the_list_pages_newest_first(product: Product) -> None:
    """Five tasks in pages of two."""
    ids = [product.ids["task_id"]]
    for _ in range(4):
        product.engine.clock.advance(seconds=1)
        ids.append(_create(product)["id"])
    seen: list[str] = []
    query = {"limit": "2"}
    while True:
        page = _send(product, "GET", "/tasks", query=query).json
        seen += [t["id"] for t in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert list(reversed(ids)) == seen


def test_a_deleted_task_is_gone_and_never_called(product: Product) -> None:
    """204, then 404, and its slots are void."""
    task = _create(product)
    assert _send(product, "DELETE", f"/tasks/{task['id']}").status == 204
    assert _send(product, "GET", f"/tasks/{task['id']}").status == 404
    product.engine.run_until(product.engine.clock.now() + timedelta(minutes=11))
    assert [
        c for c in product.engine.calls if c.headers["x-nightshift-task-id"] == task["id"]
    ] == []


def test_a_repeated_rotation_with_an_idempotency_key_rotates_once(product: Product) -> None:
    """A client that lost the answer gets it again, and the stored copy is sealed."""
    headers = {"idempotency-key": "rotate-1"}
    first = _send(product, "POST", "/tasks/signing-secret", headers=headers).json
    again = _send(product, "POST", "/tasks/signing-secret", headers=headers).json
    assert (first, 2) == (again, first["generation"])
    assert not [row for row in product.stored() if first["secret"] in row]
