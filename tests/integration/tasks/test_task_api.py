import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.stack.harness import Stack
from tests.integration.tasks.client import Client, Document

pytestmark = pytest.mark.stack

TASK: Mapping[str, Any] = {"task_name": "t", "webhook_url": "https://example.com/in"}
UNKNOWN = "01980000-0000-7000-8000-000000000000"


@pytest.fixture
def fresh(stack: Stack) -> Client:
    """A user without tasks."""
    return Client(stack, stack.register())


def test_put_by_own_key_creates_then_replaces(client: Client) -> None:
    """201 the first time, 200 after it; the key finds the task, and the id does too."""
    key = f"own.{secrets.token_hex(4)}"
    made = client.send("PUT", f"/tasks/{key}", TASK)
    again = client.send("PUT", f"/tasks/{key}", {**TASK, "task_name": "second"})

    assert (201, 200) == (made.status, again.status)
    assert made.json()["id"] == again.json()["id"]
    assert ("second", 2, key) == tuple(
        again.json()[name] for name in ("task_name", "version", "key")
    )
    assert again.json() == client.task(key) == client.task(made.json()["id"])


def test_put_by_one_key_at_once_makes_one_task(fresh: Client) -> None:
    """Many upserts of one key in parallel end as one task; the losers are told 409."""
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: fresh.send("PUT", "/tasks/same", TASK), range(8)))
    statuses = [reply.status for reply in replies]

    assert 1 == statuses.count(201)
    assert set(statuses) <= {200, 201, 409}
    assert 1 == len(fresh.expect(200, "GET", "/tasks")["items"])


def test_patch_changes_only_what_it_names_and_only_the_version_it_saw(client: Client) -> None:
    """If-Match with the ETag passes once; the same ETag again is 412 and changes nothing."""
    made = client.send("POST", "/tasks", {**TASK, "task_schedule": "@daily"})
    path, etag = f"/tasks/{made.json()['id']}", made.headers["etag"]

    changed = client.send("PATCH", path, {"max_retry": 7}, {"if-match": etag})
    stale = client.send("PATCH", path, {"max_retry": 9}, {"if-match": etag})

    assert (200, 7, 2) == (changed.status, changed.json()["max_retry"], changed.json()["version"])
    assert "@daily" == changed.json()["task_schedule"]
    assert etag != changed.headers["etag"]
    assert (412, "precondition_failed") == (stale.status, stale.json()["error"])
    assert changed.json() == client.task(made.json()["id"])
    assert 412 == client.send("DELETE", path, headers={"if-match": etag}).status
    client.expect(204, "DELETE", path, headers={"if-match": changed.headers["etag"]})
    assert 404 == client.send("GET", path).status


def test_an_idempotency_key_makes_one_task(fresh: Client) -> None:
    """The same key and body give the first answer; the same key with another body is 422."""
    key = {"idempotency-key": secrets.token_hex(8)}
    first = fresh.send("POST", "/tasks", TASK, key)
    again = fresh.send("POST", "/tasks", TASK, key)
    other = fresh.send("POST", "/tasks", {**TASK, "task_name": "other"}, key)

    assert (201, 201, 422) == (first.status, again.status, other.status)
    assert first.body == again.body
    assert first.headers["etag"] == again.headers["etag"]
    assert "idempotency_key_reused" == other.json()["error"]
    assert 1 == len(fresh.expect(200, "GET", "/tasks")["items"])


def test_requests_with_one_idempotency_key_at_once_make_one_task(fresh: Client) -> None:
    """In parallel, too: one task; whoever came while it was made is told to come again."""
    key = {"idempotency-key": secrets.token_hex(8)}
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: fresh.send("POST", "/tasks", TASK, key), range(8)))

    assert {reply.status for reply in replies} <= {201, 409}
    assert 1 == len({r.json()["id"] for r in replies if r.status == 201})
    assert 1 == len(fresh.expect(200, "GET", "/tasks")["items"])


def test_a_batch_answers_for_each_item_in_order(fresh: Client) -> None:
    """A bad item among good ones is a problem of its own; deletion answers the same way."""
    bad = {**TASK, "task_schedule": "61 * * * *"}
    made = fresh.expect(207, "POST", "/tasks/batch", {"tasks": [TASK, bad, {}, TASK]})["items"]
    ids = [item["id"] for item in made]
    gone = fresh.expect(
        207, "DELETE", "/tasks/batch", {"task_ids": [ids[0], UNKNOWN, "no-such-key", ids[3]]}
    )["items"]

    assert [201, 422, 422, 201] == [item["status"] for item in made]
    assert "invalid_schedule" == made[1]["problem"]["error"]
    assert {"task_name", "webhook_url"} == {e["field"] for e in made[2]["problem"]["errors"]}
    assert [204, 404, 404, 204] == [item["status"] for item in gone]
    assert [] == fresh.expect(200, "GET", "/tasks")["items"]


def test_a_list_pages_by_cursor(fresh: Client, client: Client) -> None:
    """Every task comes once, newest first; a cursor is void for another user and when changed."""
    tasks = [{**TASK, "task_name": f"n{number}"} for number in range(5)]
    for task in tasks:
        fresh.create(**task)
    pages: list[Document] = [fresh.expect(200, "GET", "/tasks?limit=2")]
    while cursor := pages[-1]["next_cursor"]:
        pages.append(fresh.expect(200, "GET", f"/tasks?limit=2&cursor={cursor}"))
    cursor = pages[0]["next_cursor"]
    foreign = client.send("GET", f"/tasks?limit=2&cursor={cursor}")
    changed = fresh.send("GET", f"/tasks?limit=2&cursor={cursor[:-2]}AA")

    names = [item["task_name"] for page in pages for item in page["items"]]
    assert ["n4", "n3", "n2", "n1", "n0"] == names
    assert [2, 2, 1] == [len(page["items"]) for page in pages]
    assert (400, "invalid_cursor") == (foreign.status, foreign.json()["error"])
    assert (400, "invalid_cursor") == (changed.status, changed.json()["error"])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PUT", "", TASK),
        ("PATCH", "", {"max_retry": 1}),
        ("DELETE", "", None),
        ("POST", "/run", None),
        ("POST", "/pause", None),
        ("POST", "/resume", None),
        ("GET", "/runs", None),
        ("GET", "/logs", None),
        ("GET", f"/runs/{UNKNOWN}", None),
        ("POST", f"/runs/{UNKNOWN}/cancel", None),
        ("POST", f"/runs/{UNKNOWN}/retry", None),
    ],
)
def test_another_users_task_is_not_found(
    theirs: Document, client: Client, method: str, path: str, body: object
) -> None:
    """Every route answers 404 for a task of somebody else, as for one that never was."""
    reply = client.send(method, f"/tasks/{theirs['id']}{path}", body)
    never = client.send(method, f"/tasks/{UNKNOWN}{path}", body)

    assert (404, 404) == (reply.status, never.status)
    assert never.json()["error"] == reply.json()["error"] == "task_not_found"


@pytest.fixture(scope="module")
def theirs(stack: Stack) -> Document:
    """A task of another user."""
    return Client(stack, stack.register()).create(**TASK)


@pytest.mark.parametrize(
    ("fields", "status", "wrong"),
    [
        ({"task_schedule": "every day"}, 422, "task_schedule"),
        ({"task_schedule": "at(2020-01-01T00:00:00Z)"}, 422, "task_schedule"),
        ({"timezone": "Mars/Olympus"}, 422, "timezone"),
        ({"webhook_url": "ftp://example.com"}, 422, "webhook_url"),
        ({"webhook_url": "http://169.254.169.254/latest"}, 422, "webhook_url"),
        ({"headers": {"host": "evil"}}, 422, "headers"),
        ({"max_retry": -1}, 422, "max_retry"),
        ({"timeout_s": 0}, 422, "timeout_s"),
        ({"task_name": "a\nb"}, 422, "task_name"),
        ({"surprise": 1}, 422, "surprise"),
        ({"json_payload": "x" * 70_000}, 422, "json_payload"),
    ],
)
def test_a_bad_field_is_named(
    client: Client, fields: Mapping[str, Any], status: int, wrong: str
) -> None:
    """The problem says which field is wrong; nothing is stored."""
    reply = client.send("POST", "/tasks", {**TASK, **fields})
    problem = reply.json()

    assert (status, status) == (reply.status, problem["status"])
    assert "application/problem+json" == reply.headers["content-type"].split(";")[0]
    assert wrong in {error["field"].split(".")[0] for error in problem["errors"]}
    assert problem["request_id"]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"\xff\xfe", {}, 400),
        (b"[]", {}, 422),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b" " * 1_100_000, {}, 413),
    ],
)
def test_a_body_that_is_no_task_is_refused(
    client: Client, body: bytes, headers: Mapping[str, str], status: int
) -> None:
    """Whatever comes, the answer is a 4xx problem document."""
    reply = client.send("POST", "/tasks", body, headers)

    assert status == reply.status, reply.body
    assert "application/problem+json" == reply.headers["content-type"].split(";")[0]


def test_without_a_token_nothing_is_told(stack: Stack) -> None:
    """401 and a challenge, for a missing and for a made-up token."""
    for token in ("", "nonsense"):
        reply = stack.request("GET", "/api/v1/tasks", token=token)

        assert 401 == reply.status
        assert reply.headers["www-authenticate"].startswith("Bearer")
