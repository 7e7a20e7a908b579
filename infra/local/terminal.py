"""What the terminal shows: one line for each thing that happens, made from the functions' logs."""

import json
import os
import sys
from datetime import datetime
from typing import Any, TextIO

from infra.local.functions.pool import LogLine, Outcome

_PREFIX = "nightshift-local-"
_NOISE = frozenset({"http.request"})
_WIDTH = 13
_NOT_SHOWN = frozenset(
    {
        "action",
        "level",
        "location",
        "message",
        "timestamp",
        "service",
        "cold_start",
        "function_arn",
        "function_memory_size",
        "function_name",
        "function_request_id",
        "xray_trace_id",
        "exception",
        "stack_trace",
        "exception_name",
        "request_id",
        "received_at",
        "_aws",
        "body",
        "headers",
    }
)
_SHORT = {
    "execution_ms": "ms",
    "response_status": "answer",
    "job_id": "job",
    "run_id": "run",
    "task_id": "task",
    "user_id": "user",
    "session_id": "session",
}
_BATCH_FIELDS = {"jobs.done": ("job", "status", "attempt", "answer", "ms", "late_ms")}
_COLOURS = {"ERROR": "31", "CRITICAL": "31", "WARNING": "33"}
_FAINT = "2"
_ID_LENGTH = 36
_ID_TAIL = 6


class Terminal:
    """Writes tidy lines; colours only on a terminal, and never when NO_COLOR is set."""

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self._stream = stream
        self._colours = stream.isatty() and "NO_COLOR" not in os.environ

    def say(self, text: str = "") -> None:
        """Write a line of the runner's own."""
        self._stream.write(text + "\n")
        self._stream.flush()

    def log(self, line: LogLine) -> None:
        """Write what a function logged, if it is worth a line."""
        document = parsed(line.text)
        if document is None:
            if line.text.strip():
                self._event(line.function, line.text, _FAINT)
        else:
            for text in summaries(document):
                self._event(line.function, text, _COLOURS.get(str(document.get("level")), ""))

    def outcome(self, function: str, outcome: Outcome) -> None:
        """Write that an invocation failed; those that went well are in the functions' logs."""
        if not outcome.ok:
            document = json.loads(outcome.body)
            text = f"{document.get('errorType')}: {document.get('errorMessage')}"
            self._event(function, text, _COLOURS["ERROR"])

    def _event(self, function: str, text: str, colour: str) -> None:
        clock = datetime.now().astimezone().strftime("%H:%M:%S")
        name = function.removeprefix(_PREFIX)
        line = f"{clock}  {name:<{_WIDTH}} {text}"
        self.say(f"\x1b[{colour}m{line}\x1b[0m" if self._colours and colour else line)


def parsed(text: str) -> dict[str, Any] | None:
    """Return the log line as a document, or None when it is no JSON object."""
    if not text.startswith("{"):
        return None
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def summaries(document: dict[str, Any]) -> list[str]:
    """Return the lines for a log document: one for each of its `items`, none for noise."""
    if "_aws" in document:
        return []
    action = str(document.get("action") or document.get("message", ""))
    if not action or action in _NOISE or document.get("level") == "DEBUG":
        return []
    items = document.get("items")
    if isinstance(items, list):
        return [_summary(action, _fields(action, item)) for item in items]
    return [_summary(action, document)]


def _fields(action: str, item: object) -> dict[str, Any]:
    """Return a batch's item as fields: a batch of jobs logs them as one text, `-` for none."""
    if isinstance(item, dict):
        return item
    values = str(item).split(" ")
    names = _BATCH_FIELDS.get(action, ())
    if len(values) != len(names):
        return {"item": item}
    return {n: v for n, v in zip(names, values, strict=True) if v != "-"}


def _summary(action: str, fields: dict[str, Any]) -> str:
    shown = [
        f"{_SHORT.get(name, name)}={_brief(value)}"
        for name, value in fields.items()
        if name not in _NOT_SHOWN and value is not None and value != ""
    ]
    if fields.get("exception_name"):
        shown.append(f"exception={fields['exception_name']}")
    return f"{action:<20} {' '.join(shown)}".rstrip()


def _brief(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    if len(text) == _ID_LENGTH and text.count("-") == 4:  # noqa: PLR2004 - a UUID's dashes
        return f"…{text[-_ID_TAIL:]}"
    return text
