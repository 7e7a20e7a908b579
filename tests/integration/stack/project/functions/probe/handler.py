"""Does what the caller asks for, so that a test sees what the local stack makes of it."""

import base64
import json
import os
import socket
import sys
import time
from typing import Any

import boto3


def handler(event: dict[str, Any], context: Any) -> Any:
    """Answer an HTTP request, a batch of messages or a schedule."""
    if "Records" in event:
        return _batch(event["Records"])
    if "requestContext" not in event:
        return {"event": event}
    return _PATHS[event["rawPath"].removeprefix("/probe/").partition("/")[0]](event, context)


def _batch(records: list[dict[str, Any]]) -> dict[str, Any]:
    now = time.time()
    failed = []
    for record in records:
        body = json.loads(record["body"])
        line = {"action": "probe.message", "pid": os.getpid(), "at": now, "size": len(records)}
        sys.stdout.write(json.dumps({**line, **body}) + "\n")
        time.sleep(body.get("sleep_s", 0))
        if body.get("fail"):
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _echo(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return _json({"event": event, "remaining_ms": context.get_remaining_time_in_millis()})


def _bytes(event: dict[str, Any], _context: object) -> dict[str, Any]:
    body = event.get("body", "")
    data = base64.b64decode(body) if event["isBase64Encoded"] else body.encode()
    return {
        "statusCode": 201,
        "headers": {"content-type": "application/octet-stream", "x-Mixed": "a, b"},
        "cookies": ["one=1; Path=/", "two=2"],
        "body": base64.b64encode(data).decode(),
        "isBase64Encoded": True,
    }


def _large(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return {"statusCode": 200, "body": "x" * int(event["queryStringParameters"]["size"])}


def _raise(_event: object, _context: object) -> dict[str, Any]:
    raise ValueError("a secret of the inside")


def _exit(_event: object, _context: object) -> dict[str, Any]:
    sys.stdout.flush()
    os._exit(3)


def _sleep(event: dict[str, Any], _context: object) -> dict[str, Any]:
    time.sleep(float(event["queryStringParameters"]["s"]))
    return _json({"pid": os.getpid()})


def _inside(_event: object, _context: object) -> dict[str, Any]:
    client = boto3.client("dynamodb")
    client.put_item(TableName=os.environ["PROBE_TABLE"], Item={"pk": {"S": "probe"}})
    return _json(
        {
            "environment": dict(os.environ),
            "boto3": boto3.__file__,
            "endpoint": client.meta.endpoint_url,
            "version": sys.version_info[:2],
        }
    )


def _cloud(_event: object, _context: object) -> dict[str, Any]:
    try:
        socket.getaddrinfo("dynamodb.us-east-1.amazonaws.com", 443)
    except OSError as error:
        return _json({"refused": str(error)})
    return _json({"refused": None})


def _json(document: object) -> dict[str, Any]:
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(document),
    }


_PATHS = {
    "echo": _echo,
    "bytes": _bytes,
    "large": _large,
    "raise": _raise,
    "exit": _exit,
    "sleep": _sleep,
    "inside": _inside,
    "cloud": _cloud,
}
