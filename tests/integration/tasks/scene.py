"""One user's tasks that fall due together, so that a file of tests waits for them once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from tests.integration.tasks.client import Client, Document, at, whole_second_in
from tests.integration.tasks.receiver import Receiver, Says, wait_until

PAYLOAD: Final = {
    "z": "ü → \u2028 \U0001f319",
    "a": [1, 2.5, -0.25, None, True],
    "e": {},
    "s": "a/b<",
}
LEAD_S: Final = 10.0
ONCE_MORE: Final = {"backoff": "constant", "delay_s": 1, "max_delay_s": 1, "jitter": False}
LATER: Final = ONCE_MORE | {"delay_s": 120, "max_delay_s": 120}

SCRIPTS: Final = {
    "/flaky": (Says(status=500, body=b"not yet"), Says(body="schön".encode())),
    "/throttled": (Says(status=429, headers={"retry-after": "3"}), Says()),
    "/gone": (Says(status=410),),
    "/moved": (Says(status=302, headers={"location": "/elsewhere"}),),
    "/hopeless": (Says(status=503),),
    "/slow": (Says(after_s=6.0),),
    "/held": (Says(after_s=4.0),),
    "/cancelled": (Says(status=500), Says()),
    "/long": (Says(body=b"x" * 5000),),
}

FIELDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "/exact": {"json_payload": PAYLOAD, "method": "PUT", "headers": {"X-Mine": "yes"}},
    "/bodiless": {"method": "GET"},
    "/flaky": {"max_retry": 2, "retry": ONCE_MORE},
    "/throttled": {"max_retry": 2, "retry": ONCE_MORE},
    "/gone": {"max_retry": 3, "retry": ONCE_MORE},
    "/moved": {"max_retry": 3, "retry": ONCE_MORE},
    "/hopeless": {"max_retry": 1, "retry": ONCE_MORE},
    "/slow": {"max_retry": 0, "timeout_s": 1},
    "/held": {},
    "/cancelled": {"max_retry": 1, "retry": LATER},
    "/long": {},
    "/paused": {},
    "/resumed": {},
    "/moved-on": {},
    "/deleted": {},
}

_SILENT: Final = frozenset({"/paused", "/deleted"})
_CALLS: Final = {"/flaky": 2, "/throttled": 2, "/hopeless": 2}


@dataclass(kw_only=True, slots=True)
class Scene:
    """What was asked for and what was seen; tasks are known by the path that they call."""

    client: Client
    receiver: Receiver
    due: datetime
    secret: str
    tasks: dict[str, Document] = field(default_factory=dict)
    while_held: list[Document] = field(default_factory=list)
    task_while_held: Document = field(default_factory=dict)

    def log(self, path: str) -> list[Document]:
        """Return the log of a task, oldest entry first."""
        return self.client.log(self.tasks[path]["id"])

    def run(self, path: str) -> Document:
        """Return the newest run of a task."""
        return self.client.runs(self.tasks[path]["id"])[0]


def play(client: Client, receiver: Receiver) -> Scene:
    """Create the tasks, change some of them, and return when everything has happened."""
    for path, answers in SCRIPTS.items():
        receiver.script(path, *answers)
    secret = client.expect(200, "GET", "/tasks/signing-secret")["secret"]
    scene = Scene(client=client, receiver=receiver, due=whole_second_in(LEAD_S), secret=secret)
    _create(scene)
    _change(scene)
    receiver.wait_for("/held", timeout_s=60)
    scene.while_held = scene.log("/held")
    scene.task_while_held = client.task(scene.tasks["/held"]["id"])
    for path in FIELDS.keys() - _SILENT:
        receiver.wait_for(path, _CALLS.get(path, 1), timeout_s=60)
    for path in FIELDS.keys() - _SILENT - {"/cancelled"}:
        client.wait_for_end(scene.tasks[path]["id"], timeout_s=60)
    receiver.wait_for("/told", 2)
    wait_until(lambda: scene.run("/cancelled")["attempts"] == 1, "the first attempt to end")
    return scene


def _create(scene: Scene) -> None:
    wanted = [
        {
            "task_name": path,
            "webhook_url": scene.receiver.url(path),
            "task_schedule": at(scene.due),
            "on_failure_url": scene.receiver.url("/told") if path in {"/gone", "/moved"} else None,
            **fields,
        }
        for path, fields in FIELDS.items()
    ]
    answer = scene.client.expect(207, "POST", "/tasks/batch", {"tasks": wanted})
    for path, item in zip(FIELDS, answer["items"], strict=True):
        assert 201 == item["status"], item
        scene.tasks[path] = item["task"]


def _change(scene: Scene) -> None:
    """Pause, resume, move and delete before anything is due."""
    client, tasks = scene.client, scene.tasks
    for path in ("/paused", "/resumed"):
        client.expect(200, "POST", f"/tasks/{tasks[path]['id']}/pause")
    client.expect(200, "POST", f"/tasks/{tasks['/resumed']['id']}/resume")
    moved = {"task_schedule": at(scene.due + timedelta(seconds=2))}
    client.expect(200, "PATCH", f"/tasks/{tasks['/moved-on']['id']}", moved)
    client.expect(204, "DELETE", f"/tasks/{tasks['/deleted']['id']}")


def wire(payload: object) -> bytes:
    """Return the bytes that a payload is sent as."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
