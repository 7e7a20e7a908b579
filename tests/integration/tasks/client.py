"""A signed-in user who speaks to the API through the front."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.integration.stack.harness import Reply, Stack, User
from tests.integration.tasks.receiver import wait_until

Document = dict[str, Any]


class Client:
    """One user's requests to `/api/v1`."""

    def __init__(self, stack: Stack, user: User) -> None:
        self.user = user
        self._stack = stack

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request and return the answer, whatever it is."""
        return self._stack.request(
            method, f"/api/v1{path}", body, token=self.user.access_token, headers=headers
        )

    def expect(
        self,
        status: int,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send a request and return the document of the answer, None for none.

        Raises:
            AssertionError: the answer has another status.
        """
        reply = self.send(method, path, body, headers)
        assert status == reply.status, f"{method} {path}: {reply.status} {reply.body[:500]!r}"
        return reply.json() if reply.body else None

    def create(self, **fields: object) -> Document:
        """Create a task and return it."""
        task: Document = self.expect(201, "POST", "/tasks", fields)
        return task

    def task(self, task_id: str) -> Document:
        """Return a task by id or key."""
        task: Document = self.expect(200, "GET", f"/tasks/{task_id}")
        return task

    def runs(self, task_id: str) -> list[Document]:
        """Return the newest runs of a task, newest first."""
        runs: list[Document] = self.expect(200, "GET", f"/tasks/{task_id}/runs")["items"]
        return runs

    def log(self, task_id: str) -> list[Document]:
        """Return the newest log entries of a task, oldest first."""
        entries: list[Document] = self.expect(200, "GET", f"/tasks/{task_id}/logs")["items"]
        return entries[::-1]

    def run_now(self, task_id: str) -> str:
        """Start a run and return its id."""
        run_id: str = self.expect(202, "POST", f"/tasks/{task_id}/run")["run_id"]
        return run_id

    def wait_for_end(self, task_id: str, *, timeout_s: float = 30) -> list[Document]:
        """Return the task's runs as soon as there are some and all have ended."""

        def ended() -> bool:
            runs = self.runs(task_id)
            return bool(runs) and all(run["ended_at"] for run in runs)

        wait_until(ended, f"the runs of {task_id} to end", timeout_s)
        return self.runs(task_id)


def whole_second_in(seconds: float) -> datetime:
    """Return the first whole second at least `seconds` from now."""
    return datetime.fromtimestamp(int(time.time() + seconds) + 1, UTC)


def at(moment: datetime) -> str:
    """Return the schedule that is due once, at `moment`."""
    return f"at({moment:%Y-%m-%dT%H:%M:%SZ})"


def parse(text: str) -> datetime:
    """Return the time in an answer of the API."""
    assert text.endswith("Z")
    return datetime.fromisoformat(text)


def second(at_s: float) -> datetime:
    """Return a Unix time as a datetime."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at_s)
