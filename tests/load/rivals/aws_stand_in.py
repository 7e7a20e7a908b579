"""DynamoDB, SQS and EventBridge on loopback for one measurement, so that only clients are measured.

The in-memory fakes behind HTTP, as far as the engine's own calls go. `python -m
tests.load.rivals.aws_stand_in` prints its port. Three targets of its own stand for Lambda's poller:
`Bench.Deliver` and `Bench.Settle` hand a batch out and take a handler's answer back.
"""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from botocore.exceptions import ClientError

from nightshift.core.clock import Clock, SystemClock
from tests.support.dynamo import FakeDynamoDB
from tests.support.endpoint import from_json, refusal, to_json
from tests.support.sqs import FakeSQS

TABLE: Final = "jobs"
QUEUE: Final = "default"
HOST: Final = "127.0.0.1"
_VISIBILITY_S: Final = 900


class Bus:
    """A bus that takes all events and counts them."""

    def __init__(self) -> None:
        self.events = 0

    def put_events(self, **request: Any) -> dict[str, Any]:
        """Answer as PutEvents."""
        self.events += len(request["Entries"])
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "e"} for _ in request["Entries"]]}


class StandIn:
    """The services; `answer` does what a request's target asks for."""

    def __init__(self, clock: Clock | None = None) -> None:
        clock = clock or SystemClock()
        self.dynamo = FakeDynamoDB([TABLE], clock=clock, strict=False, keep_calls=False)
        self.sqs = FakeSQS(clock, strict=False, keep_calls=False)
        self.sqs.add_queue(QUEUE, visibility_s=_VISIBILITY_S)
        self.events = Bus()

    def answer(self, target: str, request: dict[str, Any]) -> Any:
        """Return what the service answers.

        Raises:
            ClientError: the service refuses.
        """
        service, _, operation = target.partition(".")
        if service == "Bench":
            return self._bench(operation, request)
        known = {"AmazonSQS": self.sqs, "AWSEvents": self.events}
        found = known.get(service, self.dynamo)
        name = "".join(f"_{c.lower()}" if c.isupper() else c for c in operation).lstrip("_")
        return to_json(getattr(found, name)(**from_json(request)))

    def _bench(self, operation: str, request: dict[str, Any]) -> Any:
        if operation == "Deliver":
            return self.sqs.deliver(QUEUE)
        return self.sqs.settle(request["event"], request["answer"])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    stand_in: StandIn

    def do_POST(self) -> None:
        """Answer one call."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            answer = self.stand_in.answer(self.headers["X-Amz-Target"], json.loads(body))
            status = 200
        except ClientError as error:
            answer, status = refusal(error), 400
        data = json.dumps(answer, default=str).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


def main() -> None:
    """Serve until the process is ended."""
    handler = type("Handler", (_Handler,), {"stand_in": StandIn()})
    with ThreadingHTTPServer((HOST, 0), handler) as server:
        server.daemon_threads = True
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
