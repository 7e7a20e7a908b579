"""A place on loopback that takes what a custom resource answers, as CloudFormation's URL does."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


@dataclass
class Sink:
    """What arrived: `answers` are the bodies, `content_types` the headers; `statuses` go out."""

    url: str = ""
    answers: list[dict[str, Any]] = field(default_factory=list)
    content_types: list[str | None] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)


@contextmanager
def running_sink() -> Iterator[Sink]:
    """Serve a sink on a free port until the block ends."""
    sink = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            """Take an answer."""
            body = self.rfile.read(int(self.headers["content-length"]))
            sink.answers.append(json.loads(body))
            sink.content_types.append(self.headers["content-type"])
            self.send_response(sink.statuses.pop(0) if sink.statuses else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    sink.url = f"http://127.0.0.1:{server.server_port}/answer?signature=abc"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
