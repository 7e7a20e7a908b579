"""One function's parent process: it imports the handler once and forks a worker for each use.

Started by `infra.local.functions.host` with the interpreter that holds the handlers' packages, so
only the standard library is imported here. A worker is ready some milliseconds after it is asked
for, however long the imports took, and shares their memory.

Spoken over a Unix socket, whose path is the first argument:

- every connection begins with one line of JSON that says what it is (`zygote`, `worker`, `log`);
- to the zygote, each byte asks for one more worker;
- to a worker, an invocation is two frames (context, event), its answer one frame after a status
  byte; a frame is its length as four bytes and its body;
- a `log` connection carries what its worker prints.
"""

import importlib
import json
import os
import signal
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

FRAME = struct.Struct("!I")
OK = b"+"
FAILED = b"-"

_REFUSED_SUFFIXES = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".aws.dev", ".on.aws")

Handler = Callable[[Any, "Context"], object]


class Context:
    """The Lambda context object of one invocation; `deadline` is Unix time in seconds."""

    identity = None
    client_context = None

    def __init__(self, meta: dict[str, Any]) -> None:
        self.function_name: str = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = "$LATEST"
        self.memory_limit_in_mb = int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])
        self.invoked_function_arn: str = meta["arn"]
        self.aws_request_id: str = meta["request_id"]
        self.log_group_name = f"/aws/lambda/{self.function_name}"
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._deadline = float(meta["deadline"])

    def get_remaining_time_in_millis(self) -> int:
        """Return milliseconds left before the worker is killed."""
        return max(0, int((self._deadline - time.time()) * 1000))


def main(path: str, module: str, attribute: str) -> None:
    """Import the handler, say how that went, then fork workers until the host is gone."""
    refuse_cloud_addresses()
    started = time.perf_counter()
    try:
        handler = getattr(importlib.import_module(module), attribute)
    except BaseException as error:  # noqa: BLE001 - whatever the import does, the host must hear it
        traceback.print_exc()
        connect(path, {"role": "zygote", "error": f"{type(error).__name__}: {error}"}).close()
        return
    init_ms = round((time.perf_counter() - started) * 1000)
    try:
        control = connect(path, {"role": "zygote", "init_ms": init_ms})
    except (FileNotFoundError, ConnectionRefusedError):
        return  # The host ended while the handler was being imported.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while control.recv(1):
        if os.fork() == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            serve(path, handler)
            os._exit(0)


def refuse_cloud_addresses() -> None:
    """Make every look-up of a name of the real cloud fail in this process and its children."""
    resolve = socket.getaddrinfo

    def guarded(host: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the original
        name = host.decode("latin-1") if isinstance(host, bytes) else host
        if isinstance(name, str) and name.rstrip(".").lower().endswith(_REFUSED_SUFFIXES):
            raise socket.gaierror(socket.EAI_NONAME, f"the local stack never reaches {name}")
        return resolve(host, *args, **kwargs)

    socket.getaddrinfo = guarded


def connect(path: str, hello: dict[str, object]) -> socket.socket:
    """Return a connection to the host that has said what it is."""
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    link.connect(path)
    link.sendall(json.dumps({"pid": os.getpid(), **hello}).encode() + b"\n")
    return link


def serve(path: str, handler: Handler) -> None:
    """Answer invocations one after another until the host closes the connection."""
    log = connect(path, {"role": "log"})
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a text stream here
    link = connect(path, {"role": "worker"})
    while (meta := read_frame(link)) is not None and (event := read_frame(link)) is not None:
        status, body = invoke(handler, event, json.loads(meta))
        sys.stdout.flush()
        sys.stderr.flush()
        link.sendall(status + FRAME.pack(len(body)) + body)


def invoke(handler: Handler, event: bytes, meta: dict[str, Any]) -> tuple[bytes, bytes]:
    """Return the status byte and the JSON that the handler's answer or exception makes."""
    trace_id = meta.get("trace_id")
    if trace_id:
        os.environ["_X_AMZN_TRACE_ID"] = trace_id
    try:
        answer = handler(json.loads(event), Context(meta))
        return OK, json.dumps(answer, ensure_ascii=False).encode()
    except Exception as error:  # noqa: BLE001 - the outermost frame, as in the cloud's own runtime
        traceback.print_exc()
        frames = traceback.format_tb(error.__traceback__)
        document = {
            "errorMessage": str(error),
            "errorType": type(error).__name__,
            "requestId": meta["request_id"],
            "stackTrace": frames,
        }
        return FAILED, json.dumps(document).encode()


def read_frame(link: socket.socket) -> bytes | None:
    """Return the next frame's body, or None when the host has closed the connection."""
    head = _read_exactly(link, FRAME.size)
    if head is None:
        return None
    return _read_exactly(link, FRAME.unpack(head)[0])


def _read_exactly(link: socket.socket, size: int) -> bytes | None:
    chunks = []
    while size:
        chunk = link.recv(min(size, 1 << 20))
        if not chunk:
            return None
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)


if __name__ == "__main__":
    main(*sys.argv[1:4])
