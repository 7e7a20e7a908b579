"""The one error map: every error becomes application/problem+json (RFC 9457)."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError

from nightshift.core.errors import FieldError, InvalidInputError, NightshiftError
from nightshift.http.errors import MethodNotAllowedError
from nightshift.http.reply import RawReply

PROBLEM_TYPE = "application/problem+json"
TYPE_PREFIX = "/api/v1/docs#error-"
_CHALLENGE = 'Bearer realm="nightshift"'
_DEFAULT_RETRY_S = 1
_RETRYABLE = frozenset({429, 503})


_PHRASES = {413: "Content Too Large", 422: "Unprocessable Content"}


def problem_reply(error: NightshiftError, *, request_id: str, challenge: bool = False) -> RawReply:
    """Return the answer for `error`; `challenge` says that a token was sent and refused."""
    document: dict[str, Any] = {
        "type": TYPE_PREFIX + error.slug,
        "title": title_of(error.status),
        "status": error.status,
        "detail": error.message,
        "error": error.slug,
        "request_id": request_id,
    }
    if error.errors:
        document["errors"] = [{"field": e.field, "message": e.message} for e in error.errors]
    body = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
    return RawReply(status=error.status, headers=_headers(error, challenge=challenge), body=body)


def title_of(status: int) -> str:
    """Return the phrase of a status code as RFC 9110 has it, whatever Python's table says."""
    return _PHRASES.get(status) or HTTPStatus(status).phrase


def _headers(error: NightshiftError, *, challenge: bool) -> dict[str, str]:
    headers = {"content-type": PROBLEM_TYPE}
    if error.status == HTTPStatus.UNAUTHORIZED:
        invalid = ', error="invalid_token"' if challenge else ""
        headers["www-authenticate"] = _CHALLENGE + invalid
    if error.status in _RETRYABLE or error.retry_after_s is not None:
        headers["retry-after"] = str(max(1, error.retry_after_s or _DEFAULT_RETRY_S))
    if isinstance(error, MethodNotAllowedError):
        headers["allow"] = ", ".join(error.allowed)
    return headers


def invalid_input(error: ValidationError, *, known: Sequence[str] = ()) -> InvalidInputError:
    """Return pydantic's findings as a domain error; `known` names the fields that do exist."""
    fields = [
        FieldError(field=_dotted(found["loc"]), message=_message(found, known))
        for found in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    names = ", ".join(dict.fromkeys(f.field or "the body" for f in fields))
    return InvalidInputError(f"The input is not valid: {names[:300]}.", errors=fields)


def _dotted(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location).encode("ascii", "replace").decode()[:200]


def _message(found: Any, known: Sequence[str]) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    kind = found["type"]
    if kind == "missing":
        return "This field is required."
    if kind == "extra_forbidden":
        fields = f" Known fields: {', '.join(known)}." if known and len(found["loc"]) == 1 else ""
        return f"This field is not known.{fields}"
    text = str(found["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    sentence = text[:1].upper() + text[1:]
    return sentence if sentence.endswith(".") else sentence + "."
