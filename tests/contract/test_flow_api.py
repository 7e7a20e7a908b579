"""Flow control, spread windows and backfills through the HTTP door."""

from datetime import datetime
from typing import Any

import pytest

from nightshift.outbound.fakes import answer
from nightshift.tasks.spread import offset_s
from tests.contract.apps import FLOW_KEY, Product, make_product
from tests.contract.door import register

BODY: dict[str, Any] = {"task_name": "t", "webhook_url": "https://api.example.com/hook"}
HOURLY = {"key": None, "parallelism": None, "rate": 1, "period_s": 3600}
HOST = "api.example.com"
RANGE = {"start": "2026-11-22T08:00:00Z", "end": "2026-11-22T10:00:00Z"}


@pytest.fixture
def product() -> Product:
    """The whole API with one user."""
    return make_product()


def _create(product: Product, **changes: Any) -> dict[str, Any]:
    answered = product.send("POST", "/tasks", json_body=BODY | changes)
    assert answered.status == 201, answered.text
    document: dict[str, Any] = answered.json
    return document


def _runs(product: Product, task: dict[str, Any], **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = product.send(
        "GET", f"/tasks/{task['id']}/runs", query=query
    ).json["items"]
    return found


def _waiting(product: Product, period_s: int = 3600) -> dict[str, Any]:
    """Return the one of two tasks whose run has met a limit of one call in a period."""
    flow = HOURLY | {"period_s": period_s}
    given = {"task_schedule": "at(2026-11-22T12:10:00Z)", "flow_control": flow}
    tasks = [_create(product, **given) for _ in range(2)]
    product.engine.run_for(minutes=11)
    done = product.engine.calls[0].headers["x-nightshift-task-id"]
    return next(task for task in tasks if task["id"] != done)


def test_a_run_says_that_it_waits_for_flow_control(product: Product) -> None:
    """Pending, without an attempt, by name; then it is done."""
    task = _waiting(product, period_s=120)
    run = _runs(product, task)[0]
    assert ("pending", "flow_control", 0) == (run["status"], run["waiting_for"], run["attempts"])
    assert run == product.send("GET", f"/tasks/{task['id']}/runs/{run['id']}").json
    assert "running" == product.send("GET", f"/tasks/{task['id']}").json["task_status"]
    product.engine.run_for(minutes=2)
    run = _runs(product, task)[0]
    assert ("completed", None, 1) == (run["status"], run["waiting_for"], run["attempts"])


def test_a_key_shows_who_is_held_up_by_it(product: Product) -> None:
    """The host's key is listed once a task uses it; one that was never used is not found."""
    _waiting(product)
    items = product.send("GET", "/flow-controls").json["items"]
    shown = product.send("GET", f"/flow-controls/{HOST}")
    assert [shown.json] == [item for item in items if item["key"] != FLOW_KEY]
    assert (HOST, False, 1, []) == tuple(
        shown.json[name] for name in ("key", "pinned", "waiting", "running")
    )
    assert shown.json["next_start_at"] >= "2026-11-22T13:10:00Z"
    missing = product.send("GET", "/flow-controls/elsewhere.example.com")
    assert (404, "flow_control_not_found") == (missing.status, missing.error)


def test_a_call_under_way_is_shown_inside(product: Product) -> None:
    """With its run and its task."""
    seen: list[Any] = []

    def receiver(_: object) -> Any:
        seen.append(product.send("GET", f"/flow-controls/{HOST}").json["running"])
        return answer(200)

    product.engine.receiver = receiver
    task = _create(product, flow_control={"parallelism": 2})
    run_id = product.send("POST", f"/tasks/{task['id']}/run").json["run_id"]
    product.engine.run_for(seconds=5)
    assert [[{"run_id": run_id, "task_id": task["id"]}]] == seen


def test_pinning_limits_lets_in_who_waits(product: Product) -> None:
    """They stand over the tasks' own, from now on, until they are unpinned."""
    task = _waiting(product)
    pinned = product.send("PUT", f"/flow-controls/{HOST}", json_body={"parallelism": 5})
    assert (200, 5, True) == (pinned.status, pinned.json["parallelism"], pinned.json["pinned"])
    product.engine.run_for(seconds=5)
    assert "completed" == _runs(product, task)[0]["status"]
    stale = product.send("DELETE", f"/flow-controls/{HOST}", headers={"if-match": '"1"'})
    assert (412, "precondition_failed") == (stale.status, stale.error)
    tag = pinned.headers["etag"]
    assert 204 == product.send("DELETE", f"/flow-controls/{HOST}", headers={"if-match": tag}).status
    assert not product.send("GET", f"/flow-controls/{HOST}").json["pinned"]


def test_a_key_without_a_pin_can_be_forgotten(product: Product) -> None:
    """It leaves the list, its tasks keep their limits; the next change of one brings it back."""
    task = _waiting(product)
    assert 204 == product.send("DELETE", f"/flow-controls/{HOST}").status
    gone = product.send("DELETE", f"/flow-controls/{HOST}")
    assert (404, "flow_control_not_found") == (gone.status, gone.error)
    assert HOST not in {k["key"] for k in product.send("GET", "/flow-controls").json["items"]}
    assert "flow_control" == _runs(product, task)[0]["waiting_for"]
    body = {"flow_control": {"rate": 1, "period_s": 7_200}}
    assert 200 == product.send("PATCH", f"/tasks/{task['id']}", json_body=body).status
    assert HOST in {k["key"] for k in product.send("GET", "/flow-controls").json["items"]}


def test_another_owners_key_is_not_found_and_not_met(product: Product) -> None:
    """Neither its limits nor its line."""
    _waiting(product)
    product.send("PUT", f"/flow-controls/{HOST}", json_body={"rate": 1, "period_s": 3600})
    other = register(product.door, "other@example.com")["access_token"]
    assert 404 == product.door("GET", f"/flow-controls/{HOST}", token=other).status
    assert [] == product.door("GET", "/flow-controls", token=other).json["items"]
    body = BODY | {"flow_control": {"parallelism": 1}}
    task = product.door("POST", "/tasks", token=other, json_body=body).json
    product.door("POST", f"/tasks/{task['id']}/run", token=other)
    product.engine.run_for(seconds=5)
    assert task["id"] == product.engine.calls[-1].headers["x-nightshift-task-id"]


@pytest.mark.parametrize(
    ("flow", "field"),
    [
        ({"parallelism": 0}, "flow_control.parallelism"),
        ({"parallelism": 101}, "flow_control.parallelism"),
        ({"rate": 0}, "flow_control.rate"),
        ({"rate": 1, "period_s": 0.5}, "flow_control.period_s"),
        ({"rate": 1, "period_s": 86_401}, "flow_control.period_s"),
        ({"period_s": 10}, "flow_control"),
        ({"key": "a b", "rate": 1}, "flow_control.key"),
        ({"key": "", "rate": 1}, "flow_control.key"),
        ({"key": "x\n", "rate": 1}, "flow_control.key"),
    ],
)
def test_limits_out_of_bounds_are_refused_by_field(
    product: Product, flow: dict[str, Any], field: str
) -> None:
    """The message says what would be right, and nothing is stored."""
    before = product.stored()
    answered = product.send("POST", "/tasks", json_body=BODY | {"flow_control": flow})
    assert (422, "validation_failed") == (answered.status, answered.error)
    assert any(e["field"] == field for e in answered.json["errors"]), answered.text
    assert before == product.stored()


def test_a_pin_needs_a_limit(product: Product) -> None:
    """None at all would be a pin that nobody can see the point of."""
    answered = product.send("PUT", f"/flow-controls/{HOST}", json_body={})
    assert (422, "validation_failed") == (answered.status, answered.error)


def test_a_spread_task_shows_slot_and_start(product: Product) -> None:
    """On the task, on the run and in the log; the call says the slot."""
    task = _create(product, task_schedule="*/5 * * * *", spread_s=240)
    offset = offset_s(task["id"], 240)
    assert (240, "2026-11-22T12:05:00Z") == (task["spread_s"], task["next_run_at"])
    starts = datetime.fromisoformat(task["next_start_at"])
    assert offset == (starts - datetime.fromisoformat(task["next_run_at"])).total_seconds()
    product.engine.run_for(minutes=10)
    run = _runs(product, task)[-1]
    assert ("2026-11-22T12:05:00Z", task["next_start_at"]) == (
        run["scheduled_for"],
        run["starts_at"],
    )
    assert run["starts_at"] <= run["started_at"]
    log = product.send("GET", f"/tasks/{task['id']}/logs").json["items"][-1]
    assert (run["scheduled_for"], run["starts_at"], "schedule") == (
        log["scheduled_for"],
        log["starts_at"],
        log["trigger"],
    )
    assert "2026-11-22T12:05:00Z" == product.engine.slots_called()[0]


def test_a_preview_shows_slot_and_window(product: Product) -> None:
    """Which moment of it a task gets shows once there is the task."""
    query = {"schedule": "0 9 * * *", "n": "1", "spread_s": "90"}
    found = product.send("GET", "/tasks/preview", query=query).json
    window = {
        "scheduled_for": "2026-11-23T09:00:00Z",
        "starts_from": "2026-11-23T09:00:00Z",
        "starts_until": "2026-11-23T09:01:30Z",
    }
    assert ([window], ["2026-11-23T09:00:00Z"]) == (found["windows"], found["next_runs"])


def test_a_patch_keeps_flow_control_and_spread(product: Product) -> None:
    """What a patch does not name stays."""
    task = _create(product, flow_control=HOURLY, spread_s=30, task_schedule="@daily")
    patched = product.send("PATCH", f"/tasks/{task['id']}", json_body={"task_name": "n"}).json
    assert (HOURLY, 30) == (patched["flow_control"], patched["spread_s"])


def test_a_backfill_is_accepted_and_its_runs_are_listed(product: Product) -> None:
    """202 with its job and the number of slots; the runs are those of the trigger."""
    task = _create(product, task_schedule="*/30 * * * *")
    path = f"/tasks/{task['id']}/backfill"
    answered = product.send("POST", path, json_body=RANGE)
    assert (202, 4) == (answered.status, answered.json["slots"])
    assert ("2026-11-22T08:00:00Z", "2026-11-22T09:30:00Z") == (
        answered.json["first_slot"],
        answered.json["last_slot"],
    )
    product.engine.run_for(minutes=1)
    runs = _runs(product, task, trigger="backfill")
    assert [("backfill", "completed")] * 4 == [(r["trigger"], r["status"]) for r in runs]
    assert runs == _runs(product, task)
    assert [] == _runs(product, task, trigger="schedule")
    run = product.send("GET", f"/tasks/{task['id']}/runs/{runs[0]['id']}").json
    assert (runs[0], task["id"]) == (run, run["task_id"])
    log = product.send("GET", f"/tasks/{task['id']}/runs/{runs[0]['id']}/logs").json["items"]
    assert [("finish", "backfill")] == [(e["status"], e["trigger"]) for e in log]
    again = product.send("POST", f"/tasks/{task['id']}/runs/{runs[0]['id']}/retry")
    assert (202, "backfill") == (again.status, again.json["trigger"])


def test_a_repeat_by_idempotency_key_is_the_same_backfill(product: Product) -> None:
    """The first answer again, and no call twice."""
    task = _create(product, task_schedule="*/30 * * * *")
    path = f"/tasks/{task['id']}/backfill"
    headers = {"idempotency-key": "once"}
    first = product.send("POST", path, json_body=RANGE, headers=headers)
    product.engine.run_for(minutes=1)
    second = product.send("POST", path, json_body=RANGE, headers=headers)
    product.engine.run_for(minutes=1)
    assert (first.json, 4) == (second.json, len(product.engine.calls))


def test_a_dry_run_only_tells(product: Product) -> None:
    """200, no job, no trace."""
    task = _create(product, task_schedule="*/30 * * * *")
    before = product.stored()
    answered = product.send(
        "POST", f"/tasks/{task['id']}/backfill", json_body=RANGE | {"dry_run": True}
    )
    assert (200, None, 4) == (answered.status, answered.json["job_id"], answered.json["slots"])
    assert before == product.stored()


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"end": "2026-11-22T12:00:01Z"}, "invalid_backfill_range", "end"),
        ({"end": RANGE["start"]}, "invalid_backfill_range", "end"),
        ({"start": "2026-11-22T08:00:00"}, "validation_failed", "start"),
        ({"start": "1969-12-31T23:59:59Z"}, "invalid_backfill_range", "start"),
        ({"start": "2026-01-01T00:00:00Z"}, "invalid_backfill_range", "end"),
        ({"overlap": "skip"}, "validation_failed", "overlap"),
        ({"max_parallel": 3}, "validation_failed", ""),
        ({"max_runs": 5_000}, "invalid_backfill_range", "max_runs"),
        ({"start": "2026-11-22T08:01:00Z", "end": "2026-11-22T08:02:00Z"},
         "invalid_backfill_range", "start"),
    ],
)  # fmt: skip
def test_a_backfill_that_makes_no_sense_is_refused_by_field(
    product: Product, changes: dict[str, Any], error: str, field: str
) -> None:
    """The message says what would be right, and nothing is started."""
    task = _create(product, task_schedule="*/30 * * * *")
    before = product.stored()
    answered = product.send("POST", f"/tasks/{task['id']}/backfill", json_body=RANGE | changes)
    assert (422, error) == (answered.status, answered.error), answered.text
    assert any(e["field"] == field for e in answered.json["errors"]), answered.text
    assert before == product.stored()


def test_a_task_on_demand_has_nothing_to_backfill(product: Product) -> None:
    """It has no slots."""
    task = _create(product)
    answered = product.send("POST", f"/tasks/{task['id']}/backfill", json_body=RANGE)
    assert (422, "nothing_to_backfill") == (answered.status, answered.error)
