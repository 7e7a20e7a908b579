"""What a handler answers, and how it becomes API Gateway's answer."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from nightshift.http.errors import AnswerTooLargeError

MAX_ANSWER_BYTES = 5_900_000
JSON_TYPE = "application/json"
Json = Mapping[str, Any] | Sequence[Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An answer: `body` is a model, plain JSON, text with its own content type, or None.

    `status` None means the route's own. `version` becomes the ETag. `cookies` are whole
    `Set-Cookie` values.
    """

    body: BaseModel | Json | str | bytes | None = None
    status: int | None = None
    version: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()
    content_type: str = JSON_TYPE


@dataclass(frozen=True, kw_only=True, slots=True)
class RawReply:
    """An answer ready to be sent or kept; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()


def etag(version: int) -> str:
    """Return the strong ETag of a resource's version."""
    return f'"{version}"'


def render(reply: Reply, *, default_status: int) -> RawReply:
    """Turn a handler's answer into bytes and headers.

    Raises:
        AnswerTooLargeError: Lambda could not hand it back.
    """
    headers = {k.lower(): v for k, v in reply.headers.items()}
    if reply.version is not None:
        headers["etag"] = etag(reply.version)
    body = _encode(reply.body)
    if len(body) > MAX_ANSWER_BYTES:
        raise AnswerTooLargeError
    if reply.body is not None:
        headers.setdefault("content-type", reply.content_type)
    return RawReply(
        status=reply.status or default_status, headers=headers, body=body, cookies=reply.cookies
    )


def _encode(body: BaseModel | Json | str | bytes | None) -> bytes:
    if body is None:
        return b""
    if isinstance(body, BaseModel):
        return body.model_dump_json().encode()
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False, default=_plain).encode()


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"cannot answer a {type(value).__name__}")


def to_gateway(reply: RawReply) -> dict[str, Any]:
    """Return API Gateway's payload 2.0 answer; a body that is not text goes as base64."""
    answer: dict[str, Any] = {"statusCode": reply.status, "headers": dict(reply.headers)}
    if reply.cookies:
        answer["cookies"] = list(reply.cookies)
    try:
        answer |= {"body": reply.body.decode("utf-8"), "isBase64Encoded": False}
    except UnicodeDecodeError:
        answer |= {"body": base64.b64encode(reply.body).decode(), "isBase64Encoded": True}
    return answer
