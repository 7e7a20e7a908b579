"""Real botocore clients whose requests go to the fakes of this process, and may go wrong there.

The seam is botocore's `before-send`, where a request would leave for the network: serialising,
validating, parsing and above all botocore's own retries are the real ones. A call is one
invocation of a client's method; its retries carry the same `amz-sdk-invocation-id`.
"""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from types import SimpleNamespace
from typing import Any, Final
from unittest import mock
from urllib.parse import urlsplit

from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.session import Session

from nightshift.aws import clients
from tests.support.faults import CrashError, Fault, FaultHook, FaultMode

_IDS: Final = {"events": "eventbridge"}
"""The names of services in botocore's events, where they differ."""
_TARGETS: Final = {"DynamoDB_20120810": "dynamodb", "AmazonSQS": "sqs", "AWSEvents": "events"}
_FAILED: Final = {"__type": "InternalServerError", "message": "made to fail"}

Backend = Callable[[str, dict[str, Any]], dict[str, Any]]
"""Does an operation, named as in the API, with a request in botocore's form; may refuse."""


class Endpoint:
    """What stands behind the clients: backends by service, and `hook`, which breaks calls.

    The hook is asked once for each call, with `service:Operation`. An ERROR refuses a call and all
    its retries; with ANSWER_LOST the connection ends after the service did it, and botocore tries
    again; ALL_LOST loses the answers of the retries, too. `act` runs a delay's action.
    """

    def __init__(self, backends: dict[str, Backend], *, hook: FaultHook | None = None) -> None:
        self.backends = backends
        self.hook = hook
        self._faults: dict[str, Fault | None] = {}
        self._lock = threading.Lock()

    def handle(self, request: AWSPreparedRequest) -> AWSResponse:
        """Answer a request as the service would, or as the fault wants.

        Raises:
            CrashError: the process dies.
            ConnectionClosedError: the answer is lost.
        """
        service, operation, said = _read(request)
        fault = self._fault_of(request, service, operation, said)
        mode = fault.mode if fault else None
        if mode is FaultMode.CRASH_BEFORE:
            raise CrashError(f"died before {operation}")
        if mode is FaultMode.ERROR:
            return _response(request, 500, json.dumps(_FAILED).encode())
        if fault is not None and mode is FaultMode.DELAY and fault.action is not None:
            fault.action()
        answer = self._answer(request, service, operation, said)
        if mode is FaultMode.CRASH_AFTER:
            raise CrashError(f"died after {operation}")
        if mode in {FaultMode.ANSWER_LOST, FaultMode.ALL_LOST}:
            raise ConnectionClosedError(endpoint_url=str(request.url))
        return answer

    def _fault_of(
        self, request: AWSPreparedRequest, service: str, operation: str, said: dict[str, Any]
    ) -> Fault | None:
        call = str(request.headers["amz-sdk-invocation-id"])
        with self._lock:
            if call in self._faults:
                fault = self._faults[call]
                lasting = {FaultMode.ERROR, FaultMode.ALL_LOST}
                return fault if fault and fault.mode in lasting else None
        fault = self.hook(f"{service}:{operation}", said) if self.hook else None
        with self._lock:
            self._faults[call] = fault
        return fault

    def _answer(
        self, request: AWSPreparedRequest, service: str, operation: str, said: dict[str, Any]
    ) -> AWSResponse:
        try:
            answer = self.backends[service](operation, said)
        except ClientError as error:
            return _response(request, 400, json.dumps(refusal(error)).encode())
        if service == "s3":
            return _response(request, 200, answer.get("Body", b""))
        answer.pop("ResponseMetadata", None)
        return _response(request, 200, json.dumps(to_json(answer), default=str).encode())


_CURRENT: list[Endpoint] = []


@contextmanager
def standing(endpoint: Endpoint) -> Iterator[None]:
    """Let `endpoint` stand behind the clients; botocore's pauses between its retries take no time.

    botocore is not asked to be patient: the module's name for the clock is lent another one.
    """
    _CURRENT.append(endpoint)
    try:
        with mock.patch("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None)):
            yield
    finally:
        _CURRENT.pop()


@cache
def client(service: str) -> Any:
    """Return the real client of a service, made once, with the product's retries and time-outs."""
    session = Session()
    session.set_credentials("test", "test")
    config = Config(
        region_name="us-east-1",
        connect_timeout=clients.CONNECT_TIMEOUT_S,
        read_timeout=clients.READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": clients.MAX_ATTEMPTS},
        request_checksum_calculation="when_required",
        signature_version=UNSIGNED,  # a fifth of a call's time, and nobody looks at it here
    )
    made: Any = session.create_client(service, config=config)
    before_send: Any = _before_send  # what a hook returns is the answer; the stubs know of none
    made.meta.events.register(f"before-send.{_IDS.get(service, service)}", before_send)
    return made


def _before_send(request: AWSPreparedRequest, **_: object) -> AWSResponse:
    return _CURRENT[-1].handle(request)


def _read(request: AWSPreparedRequest) -> tuple[str, str, dict[str, Any]]:
    target: Any = request.headers.get("X-Amz-Target")
    if target is None:
        return _read_s3(request)
    prefix, _, operation = str(target, "ascii").partition(".")
    body: Any = request.body or b"{}"
    return _TARGETS[prefix], operation, from_json(json.loads(body))


def _read_s3(request: AWSPreparedRequest) -> tuple[str, str, dict[str, Any]]:
    operation = {"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject"}[request.method]
    key = urlsplit(str(request.url)).path.lstrip("/")
    body: Any = request.body
    data = body.read() if hasattr(body, "read") else body
    if hasattr(body, "seek"):
        body.seek(0)
    return "s3", operation, {"Key": key, "Body": data or b""}


class _Raw(BytesIO):
    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


def _response(request: AWSPreparedRequest, status: int, data: bytes) -> AWSResponse:
    headers: Any = {"Content-Length": str(len(data)), "Content-Type": "application/x-amz-json-1.0"}
    return AWSResponse(str(request.url), status, headers, _Raw(data))


def refusal(error: ClientError) -> dict[str, Any]:
    """Return the body in which a service says why it refuses."""
    said: Any = dict(error.response)
    code, message = said.pop("Error").values()
    said.pop("ResponseMetadata", None)
    return {**to_json(said), "__type": f"com.amazonaws#{code}", "message": message}


def from_json(value: Any) -> Any:
    """Return a request with its binary attribute values as bytes."""
    if isinstance(value, list):
        return [from_json(part) for part in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and isinstance(value.get("B"), str):
        return {"B": base64.b64decode(value["B"])}
    return {key: from_json(part) for key, part in value.items()}


def to_json(value: Any) -> Any:
    """Return an answer with its bytes as the JSON protocol writes them."""
    if isinstance(value, list):
        return [to_json(part) for part in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: to_json(part) for key, part in value.items()}
    return value
