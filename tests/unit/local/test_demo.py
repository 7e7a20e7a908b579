import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from infra.local.demo import (
    EMAIL,
    ApiClient,
    DemoError,
    by_run,
    ensure_task,
    ensure_user,
    is_retried,
    make_next_call_fail,
    table,
    wait_for_retried_run,
)


class Api:
    """A stand-in for the public API that remembers users and tasks."""

    def __init__(self) -> None:
        self.users: dict[str, str] = {}
        self.tasks: list[dict[str, Any]] = []
        self.logs: list[dict[str, Any]] = []
        self.count = 0
        self.broken = False

    def answer(  # noqa: PLR0911 - one return for each route
        self,
        method: str,
        path: str,
        body: Any,
    ) -> tuple[int, Any]:
        """Return status and document."""
        route = (method, path.partition("?")[0].removeprefix("/api/v1"))
        if route == ("POST", "/auth/register"):
            self.users[body["email"]] = body["password"]
            return 201, {}
        if route == ("POST", "/auth/login"):
            good = self.users.get(body["email"]) == body["password"]
            return (200, {"access_token": "t"}) if good else (401, {})
        if route == ("GET", "/tasks"):
            return 200, {"items": self.tasks}
        if route == ("POST", "/tasks"):
            self.tasks.append({**body, "id": "1"})
            return 201, self.tasks[-1]
        if route[0] == "PATCH":
            self.tasks[0].update(body)
            return 200, self.tasks[0]
        if route[1].endswith("/logs"):
            return 200, {"items": self.logs}
        self.count = body["count"]
        return 200, body


@pytest.fixture
def api() -> Api:
    """The stand-in."""
    return Api()


@pytest.fixture
def client(api: Api) -> Iterator[ApiClient]:
    """A client of the stand-in."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("content-length", 0))
            body = json.loads(self.rfile.read(length) or b"null")
            status, document = 503, {"detail": "starting"}
            if not api.broken:
                status, document = api.answer(self.command, self.path, body)
            data = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = _serve  # noqa: N815 - names of the base class

        def log_message(self, *_args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield ApiClient(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


def test_the_demo_user_is_registered_once(api: Api, client: ApiClient, tmp_path: Path) -> None:
    """The second start signs in with the kept password, which only the owner can read."""
    credentials = tmp_path / "demo-user.json"

    first = ensure_user(client, credentials)
    second = ensure_user(client, credentials)

    assert first == second == api.users[EMAIL]
    assert 0o600 == credentials.stat().st_mode & 0o777


def test_the_demo_task_is_created_once_and_follows_the_port(api: Api, client: ApiClient) -> None:
    """A task that points at another port is pointed at this one."""
    ensure_task(client)
    api.tasks[0]["webhook_url"] = "http://127.0.0.1:1/dev/dummy-webhook"

    ensure_task(client)

    assert 1 == len(api.tasks)
    assert f"{client.base_url}/dev/dummy-webhook" == api.tasks[0]["webhook_url"]
    assert "rate(1 minute)" == api.tasks[0]["task_schedule"]


def test_the_next_call_is_made_to_fail(api: Api, client: ApiClient) -> None:
    """After six counted requests the seventh is an error."""
    make_next_call_fail(client)

    assert 6 == api.count


def test_a_broken_api_is_an_error_with_its_answer(
    api: Api, client: ApiClient, tmp_path: Path
) -> None:
    """The message says what was asked and what was answered."""
    api.broken = True

    with pytest.raises(DemoError, match="answered 503 in place of 201"):
        ensure_user(client, tmp_path / "demo-user.json")


def test_nothing_that_answers_is_an_error(tmp_path: Path) -> None:
    """The stack has gone."""
    with pytest.raises(DemoError, match="got no answer"):
        ensure_user(ApiClient("http://127.0.0.1:1"), tmp_path / "demo-user.json")


def test_waiting_ends_with_the_first_run_that_failed_and_then_succeeded(
    api: Api, client: ApiClient
) -> None:
    """Runs without a failure, or still failing, are not it."""
    states = {"a": ["finish"], "b": ["failed", "failed"], "c": ["failed", "running"]}
    api.logs = [
        {"run_id": run, "retry_count": n, "status": state, "started_at": f"2026-01-01T0{n}"}
        for run, found in states.items()
        for n, state in enumerate(found)
    ]

    def time_passes(_seconds: float) -> None:
        api.logs[-1]["status"] = "finish"

    attempts = wait_for_retried_run(client, "1", sleep=time_passes)

    assert ["failed", "finish"] == [entry["status"] for entry in attempts]
    assert {"c"} == {entry["run_id"] for entry in attempts}


def test_waiting_is_bounded_and_says_what_was_seen(api: Api, client: ApiClient) -> None:
    """In virtual time: three minutes of one failed call."""
    api.logs = [{"run_id": "a", "retry_count": 0, "status": "failed", "response_status": 500}]

    with pytest.raises(DemoError, match=r"within 180 s; seen: failed \(500\)"):
        wait_for_retried_run(client, "1", sleep=lambda _seconds: None)


def test_attempts_are_ordered_within_their_run() -> None:
    """The log may list the newest first."""
    entries = [
        {"run_id": "a", "retry_count": 1, "status": "finish", "started_at": "2"},
        {"run_id": "a", "retry_count": 0, "status": "failed", "started_at": "1"},
    ]

    attempts = by_run(entries)["a"]

    assert [0, 1] == [entry["retry_count"] for entry in attempts]
    assert is_retried(attempts)


def test_the_log_is_printed_as_a_table() -> None:
    """Columns line up, a missing value is empty, a long message is cut."""
    text = table([{"retry_count": 0, "status": "failed", "message": "x\n" * 100}])

    head, rule, row = text.splitlines()
    assert head.startswith("retry  scheduled for")
    assert set(rule) == {"-", " "}
    assert row.startswith("0")
    assert len(row) < 100
