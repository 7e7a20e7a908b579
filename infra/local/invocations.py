"""The door through which the emulator invokes functions, and where their settings come from."""

import asyncio
import json
import os
import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError

from infra.local.clients import base_environment, client
from infra.local.functions.host import FunctionHost
from infra.local.functions.pool import FunctionSpec, Outcome
from infra.local.http1 import Exchange
from infra.local.template import CODE_VARIABLE

_PREFIX = "/invoke/"
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE")
_BROKEN = {
    "statusCode": 500,
    "headers": {"content-type": "application/json"},
    "body": '{"message":"Internal Server Error"}',
}

OnOutcome = Callable[[str, Outcome], None]


def invocation_door(
    host: FunctionHost, on_outcome: OnOutcome
) -> Callable[[Exchange], Awaitable[None]]:
    """Return the handler for the emulator's `POST /invoke/<function>`."""

    async def handle(exchange: Exchange) -> None:
        name = exchange.path.removeprefix(_PREFIX)
        event = with_cookies(await exchange.read())
        request_id = exchange.header(b"x-amzn-lambda-request-id").decode("latin-1")
        try:
            outcome = await host.invoke(name, event, request_id=request_id)
        except LookupError as error:
            await exchange.answer(404, "application/json", json.dumps(str(error)).encode())
            return
        on_outcome(name, outcome)
        if outcome.ok:
            await exchange.answer(200, "application/json", outcome.body)
            return
        answer = await asyncio.to_thread(_answer_for_failure, event, outcome)
        status = 500 if answer is None else 200
        await exchange.answer(status, "application/json", answer or outcome.body)

    return handle


def with_cookies(event: bytes) -> bytes:
    """Return an HTTP API's event with its cookies where API Gateway has them.

    Payload 2.0 lists them apart from the headers; the emulator leaves them there.
    """
    if b'"cookie"' not in event.lower():
        return event
    document = json.loads(event)
    if not isinstance(document, dict) or "http" not in document.get("requestContext", {}):
        return event
    sent = {name: value for name, value in document["headers"].items() if name.lower() == "cookie"}
    kept = {name: value for name, value in document["headers"].items() if name not in sent}
    cookies = [one.strip() for value in sent.values() for one in value.split(";") if one.strip()]
    return json.dumps({**document, "headers": kept, "cookies": cookies}).encode()


def spec_finder(
    *, root: Path, python: Path, endpoint: str, functions: Mapping[str, str]
) -> Callable[[str], Awaitable[FunctionSpec]]:
    """Return what finds a function's specification by asking the emulator for its configuration.

    `functions` are settings that every function gets on top of what the template gives it.
    """

    def find(name: str) -> FunctionSpec:
        functions_client = client("lambda", endpoint)
        try:
            found = functions_client.get_function_configuration(FunctionName=name)
        except functions_client.exceptions.ResourceNotFoundException as error:
            raise LookupError(f"there is no function {name}") from error
        except BotoCoreError as error:
            # It ends before the last of those who call through it.
            raise LookupError(f"the emulator does not say what {name} is") from error
        variables: dict[str, str] = dict(found.get("Environment", {}).get("Variables", {}))
        code = root / variables.pop(CODE_VARIABLE)
        return FunctionSpec(
            name=name,
            arn=found["FunctionArn"],
            handler=found["Handler"],
            code=code,
            python=python,
            path=(root / "layers" / "common" / "python",),
            env={**_lambda_environment(found, code, endpoint), **variables, **functions},
            timeout_s=float(found["Timeout"]),
        )

    async def find_in_thread(name: str) -> FunctionSpec:
        return await asyncio.to_thread(find, name)

    return find_in_thread


def _lambda_environment(found: dict[str, Any], code: Path, endpoint: str) -> dict[str, str]:
    name = found["FunctionName"]
    return {
        **{key: os.environ[key] for key in _KEPT if key in os.environ},
        **base_environment(endpoint),
        "TZ": "UTC",
        "LAMBDA_TASK_ROOT": str(code),
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(found["MemorySize"]),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "_HANDLER": found["Handler"],
    }


def _answer_for_failure(event: bytes, outcome: Outcome) -> bytes | None:
    """Return what the cloud's own caller would make of a failure, where the emulator does not.

    An HTTP API answers 500 in a shape of its own; CloudFormation waits for an answer that a
    broken custom resource never sends, so it is sent here.
    """
    document = json.loads(event)
    if not isinstance(document, dict):
        return None
    if "http" in document.get("requestContext", {}):
        return json.dumps(_BROKEN).encode()
    if "ResponseURL" in document and "StackId" in document:
        _refuse_custom_resource(document, outcome)
    return None


def _refuse_custom_resource(event: dict[str, Any], outcome: Outcome) -> None:
    answer = {
        "Status": "FAILED",
        "Reason": outcome.body.decode("utf-8", "replace")[:1000],
        "PhysicalResourceId": event.get("PhysicalResourceId", "none"),
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(  # noqa: S310 - the emulator's own loopback address
        event["ResponseURL"], data=json.dumps(answer).encode(), method="PUT"
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.open(request, timeout=10).close()
