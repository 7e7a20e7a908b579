"""The demo user, the demo task, and the demo: all of it through the public API."""

import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EMAIL = "demo@example.com"
TASK = "demo"
_POLL_S = 0.5
_TIMEOUT_S = 180.0
_BEFORE_FAILURE = 6
_COLUMNS = (
    ("retry", "retry_count"),
    ("scheduled for", "scheduled_for"),
    ("started at", "started_at"),
    ("ms", "execution_time"),
    ("status", "status"),
    ("answer", "response_status"),
    ("message", "message"),
)
_MESSAGE_WIDTH = 40


class DemoError(Exception):
    """The demo could not be set up, or did not show what it should; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A status and the JSON document that came with it, or None."""

    status: int
    document: Any


class ApiClient:
    """Calls the API at `base_url` as the demo user, once signed in."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._token = ""
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, method: str, path: str, body: object = None) -> Answer:
        """Send a request and return the answer, whatever its status.

        Raises:
            DemoError: nothing answers.
        """
        headers = {"content-type": "application/json", "accept": "application/json"}
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - the front's own loopback address
            f"{self.base_url}{path}", data=data, headers=headers, method=method
        )
        try:
            with self._opener.open(request, timeout=60) as answer:
                return Answer(status=answer.status, document=_json(answer.read()))
        except urllib.error.HTTPError as error:
            return Answer(status=error.code, document=_json(error.read()))
        except OSError as error:
            raise DemoError(f"{method} {path} got no answer: {error}") from error

    def expect(self, status: int, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401
        """Send a request and return its document.

        Raises:
            DemoError: nothing answers, or with another status.
        """
        answer = self.call(method, path, body)
        if answer.status != status:
            raise DemoError(
                f"{method} {path} answered {answer.status} in place of {status}: {answer.document}"
            )
        return answer.document

    def sign_in(self, email: str, password: str) -> bool:
        """Sign in; return False when there is no such user or the password is another.

        Raises:
            DemoError: the API answers neither way.
        """
        answer = self.call("POST", "/api/v1/auth/login", {"email": email, "password": password})
        if answer.status == 401:  # noqa: PLR2004 - unauthenticated
            return False
        if answer.status != 200:  # noqa: PLR2004 - success
            raise DemoError(f"signing in answered {answer.status}: {answer.document}")
        self._token = answer.document["access_token"]
        return True


def ensure_user(api: ApiClient, credentials: Path) -> str:
    """Sign the demo user in, registered first where needed; return the password.

    The password is made once and kept in `credentials`, readable by the owner only.

    Raises:
        DemoError: it cannot be registered or signed in.
    """
    password = _kept_password(credentials)
    if password and api.sign_in(EMAIL, password):
        return password
    password = f"night-{secrets.token_urlsafe(12)}"
    api.expect(
        201,
        "POST",
        "/api/v1/auth/register",
        {"email": EMAIL, "password": password, "name": "Demo"},
    )
    credentials.touch(mode=0o600)
    credentials.write_text(json.dumps({"email": EMAIL, "password": password}) + "\n")
    if not api.sign_in(EMAIL, password):
        raise DemoError("the demo user has been registered and cannot sign in")
    return password


def ensure_task(api: ApiClient) -> str:
    """Return the id of the demo task, created where needed, pointed at this stack's webhook.

    Raises:
        DemoError: the API refuses.
    """
    webhook = f"{api.base_url}/dev/dummy-webhook"
    found = api.expect(200, "GET", "/api/v1/tasks?limit=100")["items"]
    for task in found:
        if task["task_name"] == TASK:
            if task["webhook_url"] != webhook:
                api.expect(200, "PATCH", f"/api/v1/tasks/{task['id']}", {"webhook_url": webhook})
            return str(task["id"])
    task = {
        "task_name": TASK,
        "task_schedule": "rate(1 minute)",
        "webhook_url": webhook,
        "json_payload": {"hello": "night"},
        "max_retry": 3,
        "retry": {"backoff": "constant", "delay_s": 2, "max_delay_s": 2, "jitter": False},
    }
    return str(api.expect(201, "POST", "/api/v1/tasks", task)["id"])


def make_next_call_fail(api: ApiClient) -> None:
    """Set the dummy webhook's count so that its next answer is an error.

    Raises:
        DemoError: it refuses.
    """
    count = {"count": _BEFORE_FAILURE}
    answer = api.call("PUT", "/dev/dummy-webhook/count", count)
    if answer.status not in {200, 204}:
        raise DemoError(f"the dummy webhook answered {answer.status}: {answer.document}")


def wait_for_retried_run(
    api: ApiClient, task_id: str, *, sleep: Callable[[float], None] = time.sleep
) -> list[dict[str, Any]]:
    """Wait until a run of the task has failed once and then succeeded; return its log.

    Raises:
        DemoError: that has not happened in time; the message says what has.
    """
    waited = 0.0
    entries: list[dict[str, Any]] = []
    while waited < _TIMEOUT_S:
        answer = api.expect(200, "GET", f"/api/v1/tasks/{task_id}/logs?limit=100")
        entries = answer["items"]
        for attempts in by_run(entries).values():
            if is_retried(attempts):
                return attempts
        sleep(_POLL_S)
        waited += _POLL_S
    seen = ", ".join(f"{e['status']} ({e.get('response_status')})" for e in entries) or "no call"
    raise DemoError(f"no run has failed and been retried within {_TIMEOUT_S:.0f} s; seen: {seen}")


def by_run(entries: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the log entries of each run, first attempt first."""
    runs: dict[str, list[dict[str, Any]]] = {}
    for entry in sorted(entries, key=lambda e: (str(e.get("started_at")), e["retry_count"])):
        runs.setdefault(entry["run_id"], []).append(entry)
    return runs


def is_retried(attempts: list[dict[str, Any]]) -> bool:
    """Tell whether a run's attempts are at least one failure and then a success."""
    states = [entry["status"] for entry in attempts]
    return "failed" in states[:-1] and states[-1] == "finish"


def table(entries: list[Mapping[str, Any]]) -> str:
    """Return the log entries as a table."""
    rows = [[title for title, _ in _COLUMNS]]
    rows += [[_cell(entry.get(name)) for _, name in _COLUMNS] for entry in entries]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return " ".join(text.split())[:_MESSAGE_WIDTH]


def _kept_password(credentials: Path) -> str:
    try:
        return str(json.loads(credentials.read_text())["password"])
    except (OSError, ValueError, KeyError):
        return ""


def _json(data: bytes) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(data) if data else None
    except ValueError:
        return data.decode("utf-8", "replace")
