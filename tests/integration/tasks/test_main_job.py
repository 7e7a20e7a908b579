import base64
import hashlib
import hmac
import json
from datetime import timedelta

import pytest

from tests.integration.tasks.client import Client, at, parse, second, whole_second_in
from tests.integration.tasks.receiver import Call, Receiver
from tests.integration.tasks.scene import PAYLOAD, Scene, play, wire

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def scene(client: Client, receiver: Receiver) -> Scene:
    """Everything that happened to the tasks of the scene."""
    return play(client, receiver)


def test_each_is_called_once_and_never_before_its_second(scene: Scene) -> None:
    """What succeeds at once is called exactly once, at its second or a little after."""
    for path in ("/exact", "/bodiless", "/held", "/long", "/resumed"):
        [call] = scene.receiver.calls(path)
        assert scene.due <= second(call.at) < scene.due + timedelta(seconds=20)


def test_the_call_carries_exactly_the_payload(scene: Scene) -> None:
    """The body is the payload's compact JSON, byte for byte, by the method that was asked for."""
    [call] = scene.receiver.calls("/exact")

    assert wire(PAYLOAD) == call.body
    assert "PUT" == call.method
    assert "application/json" == call.headers["content-type"]
    assert "yes" == call.headers["x-mine"]
    assert call.headers["user-agent"].startswith("Nightshift")


def test_a_null_payload_sends_no_body(scene: Scene) -> None:
    """A GET without a payload comes without a byte of body."""
    [call] = scene.receiver.calls("/bodiless")

    assert ("GET", b"") == (call.method, call.body)


def test_the_call_says_which_run_it_is(scene: Scene) -> None:
    """The run's id, the task's id, the attempt and the slot are in the headers."""
    [call] = scene.receiver.calls("/exact")

    assert scene.run("/exact")["id"] == call.headers["webhook-id"]
    assert scene.tasks["/exact"]["id"] == call.headers["x-nightshift-task-id"]
    assert "1" == call.headers["x-nightshift-attempt"]
    assert scene.due == parse(call.headers["x-nightshift-scheduled-for"])


def test_the_signature_verifies_with_the_owners_secret(scene: Scene) -> None:
    """Standard Webhooks: HMAC-SHA256 over id, timestamp and body, by the secret of the API."""
    for path in ("/exact", "/bodiless", "/flaky"):
        for call in scene.receiver.calls(path):
            assert _signature(scene.secret, call) in call.headers["webhook-signature"].split(" ")
            assert abs(call.at - int(call.headers["webhook-timestamp"])) < 10


def test_the_log_shows_the_attempt(scene: Scene) -> None:
    """One entry: when, how long, what was answered."""
    [entry] = scene.log("/exact")

    assert ("finish", 200, 0, "ok") == (
        entry["status"], entry["response_status"], entry["retry_count"], entry["message"],
    )  # fmt: skip
    assert scene.run("/exact")["id"] == entry["run_id"]
    assert scene.due == parse(entry["scheduled_for"]) <= parse(entry["started_at"])
    assert 0 <= entry["execution_time"] < 10_000


def test_a_running_attempt_is_in_the_log_before_its_answer(scene: Scene) -> None:
    """While the receiver holds the call, the log and the task say that it is running."""
    [entry] = scene.while_held

    assert ("running", None) == (entry["status"], entry["execution_time"])
    assert "running" == scene.task_while_held["task_status"]
    assert "processing" == scene.task_while_held["last_run"]["status"]
    assert "ready" == scene.client.task(scene.tasks["/held"]["id"])["task_status"]


def test_a_failed_attempt_is_retried_and_both_show(scene: Scene) -> None:
    """A 500 and then a 200 are one run with two attempts, under one webhook-id."""
    first, again = scene.receiver.calls("/flaky")
    entries = [
        (e["status"], e["response_status"], e["retry_count"], e["message"])
        for e in scene.log("/flaky")
    ]

    assert [("failed", 500, 0, "not yet"), ("finish", 200, 1, "schön")] == entries
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert ["1", "2"] == [c.headers["x-nightshift-attempt"] for c in (first, again)]
    assert again.at - first.at >= 1.0
    assert ("completed", 2) == (scene.run("/flaky")["status"], scene.run("/flaky")["attempts"])


def test_retry_after_is_honoured(scene: Scene) -> None:
    """A 429 that asks for three seconds gets them, though the policy says one."""
    first, again = scene.receiver.calls("/throttled")

    assert again.at - first.at >= 3.0
    assert "completed" == scene.run("/throttled")["status"]


@pytest.mark.parametrize(
    ("path", "status", "reason"), [("/gone", 410, "http_410"), ("/moved", 302, "http_302")]
)
def test_what_is_not_worth_a_retry_fails_at_once(
    scene: Scene, path: str, status: int, reason: str
) -> None:
    """A 410 and a redirect end the run; the redirect is not followed, the owner's URL is told."""
    run = scene.run(path)
    told = [json.loads(call.body) for call in scene.receiver.calls("/told")]

    assert ("failed", 1, status) == (run["status"], run["attempts"], run["response_status"])
    assert reason == run["reason"]
    assert 1 == len(scene.receiver.calls(path))
    assert [] == scene.receiver.calls("/elsewhere")
    assert 1 == [notice["data"]["run_id"] for notice in told].count(run["id"])
    assert "failed" == scene.client.task(scene.tasks[path]["id"])["task_status"]


def test_retries_end(scene: Scene) -> None:
    """`max_retry` 1 means two calls, and then the run has failed."""
    assert ["failed", "failed"] == [entry["status"] for entry in scene.log("/hopeless")]
    assert "failed" == scene.run("/hopeless")["status"]
    assert 2 == len(scene.receiver.calls("/hopeless"))


def test_a_call_over_its_time_is_cut_off(scene: Scene) -> None:
    """A receiver that takes longer than `timeout_s` is given up after it."""
    [entry] = scene.log("/slow")

    assert ("failed", "timed_out") == (entry["status"], entry["error"])
    assert 1_000 <= entry["execution_time"] < 5_000


def test_the_log_keeps_two_kilobytes_of_an_answer(scene: Scene) -> None:
    """The rest of a long answer is not stored."""
    [entry] = scene.log("/long")

    assert "x" * 2048 == entry["message"]


def test_what_is_paused_or_deleted_in_time_is_not_called(scene: Scene) -> None:
    """The messages that were on their way start nothing."""
    assert [] == scene.receiver.calls("/paused")
    assert [] == scene.receiver.calls("/deleted")
    assert "paused" == scene.client.task(scene.tasks["/paused"]["id"])["task_status"]
    assert [] == scene.client.runs(scene.tasks["/paused"]["id"])


def test_a_changed_schedule_is_what_counts(scene: Scene) -> None:
    """A task moved to a later second is called then, and not at the old one."""
    [call] = scene.receiver.calls("/moved-on")

    assert second(call.at) >= scene.due + timedelta(seconds=2)


def test_a_waiting_retry_can_be_cancelled_and_the_run_tried_again(scene: Scene) -> None:
    """Cancel ends the run before its retry; retry makes the next attempt of the same run."""
    task_id, run = scene.tasks["/cancelled"]["id"], scene.run("/cancelled")
    path = f"/tasks/{task_id}/runs/{run['id']}"

    assert ("pending", 1) == (run["status"], run["attempts"])
    assert "cancelled" == scene.client.expect(200, "POST", f"{path}/cancel")["status"]
    assert "run_already_ended" == scene.client.expect(409, "POST", f"{path}/cancel")["error"]
    scene.client.expect(202, "POST", f"{path}/retry")
    [again] = scene.client.wait_for_end(task_id)

    assert (run["id"], "completed", 2) == (again["id"], again["status"], again["attempts"])
    assert ["failed", "finish"] == [entry["status"] for entry in scene.log("/cancelled")]
    assert 2 == len(scene.receiver.calls("/cancelled"))


def test_a_run_on_demand_is_visible_at_once_and_called(client: Client, receiver: Receiver) -> None:
    """Run now answers 202 with the run's id; the run can be read at once and is called."""
    task = client.create(task_name="demand", webhook_url=receiver.url("/demand"))

    run_id = client.run_now(task["id"])
    run = client.expect(200, "GET", f"/tasks/{task['id']}/runs/{run_id}")
    [ended] = client.wait_for_end(task["id"])

    assert ("manual", run_id) == (run["trigger"], run["id"])
    assert ("completed", run_id) == (ended["status"], ended["id"])
    assert [run_id] == [c.headers["webhook-id"] for c in receiver.calls("/demand")]


def test_a_paused_task_can_still_be_run_by_hand(client: Client, receiver: Receiver) -> None:
    """Pausing takes the schedule out of force and nothing else; resuming shows the next slot."""
    task = client.create(
        task_name="by hand",
        webhook_url=receiver.url("/by-hand"),
        task_schedule=at(whole_second_in(3600)),
    )
    path = f"/tasks/{task['id']}"

    paused = client.expect(200, "POST", f"{path}/pause")
    client.run_now(task["id"])
    client.wait_for_end(task["id"])
    resumed = client.expect(200, "POST", f"{path}/resume")

    assert ("paused", None, []) == (
        paused["task_status"], paused["next_run_at"], paused["next_runs"],
    )  # fmt: skip
    assert ("ready", task["next_run_at"]) == (resumed["task_status"], resumed["next_run_at"])
    assert 1 == len(receiver.calls("/by-hand"))


def test_the_old_secret_verifies_after_a_rotation(client: Client, receiver: Receiver) -> None:
    """A receiver that still has the old signing secret accepts the calls for a day."""
    old = client.expect(200, "GET", "/tasks/signing-secret")
    task = client.create(task_name="rotated", webhook_url=receiver.url("/rotated"))

    new = client.expect(200, "POST", "/tasks/signing-secret")
    client.run_now(task["id"])
    [call] = receiver.wait_for("/rotated")

    assert old["secret"] != new["secret"]
    assert old["generation"] + 1 == new["generation"]
    assert _signature(old["secret"], call) in call.headers["webhook-signature"].split(" ")


def _signature(secret: str, call: Call) -> str:
    """Return the signature as the standard has it, by the standard library alone."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    head = f"{call.headers['webhook-id']}.{call.headers['webhook-timestamp']}."
    digest = hmac.new(key, head.encode() + call.body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
