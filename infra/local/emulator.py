"""The emulator's process: ministack with the few things that it lacks for our use.

Started by `infra.local.processes` with the interpreter of the stack's environment. Everything that
depends on ministack's inside stands in this module, so that another emulator can take its place:

- invocations go to our own function host (`NIGHTSHIFT_FUNCTION_HOST`) instead of its workers;
- event source mappings wake when a delayed message becomes visible, not up to a second later;
- schedules are looked at four times a second, not every ten, and a rate does not drift;
- the state is written every few seconds, so that even `kill -9` loses little;
- it ends, saving its state, when the process that started it is gone (end of file on stdin).
"""

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

_WAKE_EVERY_S = 0.03
_SAVE_EVERY_S = 10.0
_PATIENCE_S = 60
_SCHEDULES_EVERY_S = 0.25
_TYPES_PATH = "/_nightshift/resource-types"
_SAVE_PATH = "/_nightshift/save"

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
_save_lock = threading.Lock()


def main() -> None:
    """Serve until SIGTERM, SIGINT or end of file on stdin."""
    from ministack import app as gateway  # noqa: PLC0415 - importing it starts reading its env
    from ministack.services import lambda_svc  # noqa: PLC0415 - the same

    logging.getLogger("hypercorn.access").setLevel(logging.WARNING)
    _send_invocations_to_host(lambda_svc)
    gateway.app = _with_own_routes(gateway)
    _take_over_schedules()
    for work in (_wake_mappings, lambda: _save_periodically(gateway), _end_with_parent):
        threading.Thread(target=work, daemon=True).start()
    gateway.main()


def _send_invocations_to_host(lambda_svc: Any) -> None:  # noqa: ANN401 - a module
    host = os.environ["NIGHTSHIFT_FUNCTION_HOST"]
    execute = lambda_svc._execute_function_proxy  # noqa: SLF001 - what its own setting switches to

    def url_of(config: dict[str, Any]) -> str:
        return f"{host}/invoke/{config.get('FunctionName', '')}"

    def execute_patiently(func: dict[str, Any], event: Any, url: str, request_id: str) -> Any:  # noqa: ANN401
        """Wait longer than the function's timeout: the host keeps that one, after its queue."""
        config = func.get("config") or func
        patient = {**config, "Timeout": int(config.get("Timeout") or 3) + _PATIENCE_S}
        return execute({**func, "config": patient}, event, url, request_id)

    lambda_svc._proxy_url_for = url_of  # noqa: SLF001
    lambda_svc._execute_function_proxy = execute_patiently  # noqa: SLF001


def _with_own_routes(gateway: Any) -> Callable[[Scope, Receive, Send], Awaitable[None]]:  # noqa: ANN401
    emulated = gateway.app

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path") if scope["type"] == "http" else None
        if path == _TYPES_PATH:
            await _answer(send, _resource_types())
        elif path == _SAVE_PATH:
            _save(gateway)
            await _answer(send, {"saved": True})
        else:
            await emulated(scope, receive, send)

    return app


async def _answer(send: Send, document: object) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(document).encode()})


def _resource_types() -> list[str]:
    from ministack.services.cloudformation import provisioners  # noqa: PLC0415 - heavy, on demand

    return sorted(provisioners._RESOURCE_HANDLERS)  # noqa: SLF001 - no public list exists


def _wake_mappings() -> None:
    """Wake the poller of event source mappings when a delayed message has become visible."""
    from ministack.core.concurrency import esm_wake  # noqa: PLC0415 - see main

    seen = time.time()
    while True:
        time.sleep(_WAKE_EVERY_S)
        sqs = sys.modules.get("ministack.services.sqs")
        now = time.time()
        if sqs is not None and _became_visible(sqs, seen, now):
            esm_wake.set()
        seen = now


def _became_visible(sqs: Any, since: float, now: float) -> bool:  # noqa: ANN401 - a module
    for queue in list(sqs._queues._data.values()):  # noqa: SLF001 - no public view exists
        for message in list(queue["messages"]):
            if since < message.get("visible_at", 0.0) <= now:
                return True
    return False


def _take_over_schedules() -> None:
    from ministack.services import eventbridge, scheduler  # noqa: PLC0415 - see main

    def tick() -> None:
        while True:
            time.sleep(_SCHEDULES_EVERY_S)
            try:
                scheduler._tick_schedules()  # noqa: SLF001 - what its own thread does
                _undo_drift(scheduler, eventbridge)
            except Exception:
                logging.getLogger("scheduler").exception("a tick of the schedules failed")

    scheduler._ticker_loop = tick  # noqa: SLF001 - its own sleeps ten seconds between ticks


def _undo_drift(scheduler: Any, eventbridge: Any) -> None:  # noqa: ANN401 - modules
    """Set a rate's last firing back onto its grid, which begins at the schedule's creation."""
    fired = scheduler._schedule_last_fired  # noqa: SLF001 - no public view exists
    for key, schedule in list(scheduler._schedules._data.items()):  # noqa: SLF001 - the same
        interval = eventbridge._parse_rate_seconds(schedule["ScheduleExpression"])  # noqa: SLF001
        created = schedule.get("CreationDate")
        if interval and key in fired and isinstance(created, (int, float)):
            fired[key] = created + (fired[key] - created) // interval * interval


def _save_periodically(gateway: Any) -> None:  # noqa: ANN401 - a module
    pause = _SAVE_EVERY_S
    while True:
        time.sleep(pause)
        started = time.monotonic()
        _save(gateway)
        # Much data takes long to write: never more than a twentieth of the time.
        pause = max(_SAVE_EVERY_S, 20 * (time.monotonic() - started))


def _save(gateway: Any) -> None:  # noqa: ANN401 - a module
    with _save_lock:
        gateway.save_all(gateway._build_persistence_save_dict())  # noqa: SLF001 - as at shutdown


def _end_with_parent() -> None:
    """Stop cleanly when stdin ends: the runner holds its other end and is gone."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
