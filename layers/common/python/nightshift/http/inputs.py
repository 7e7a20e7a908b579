"""From raw request to validated input of one route."""

import json
from email.message import Message
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import ValidationError

from nightshift.core.errors import BadRequestError, FieldError, InvalidInputError
from nightshift.http.body import read_json
from nightshift.http.errors import MalformedJsonError, UnsupportedMediaTypeError
from nightshift.http.problem import invalid_input
from nightshift.http.request import RawRequest
from nightshift.http.schemas import ApiModel, NoBody, QueryModel

MAX_PARAMETERS = 100
MAX_CONTENT_TYPE_CHARS = 200
_JSON_TYPES = frozenset({"application/json", "application/merge-patch+json"})

A = TypeVar("A", bound=ApiModel)
Q = TypeVar("Q", bound=QueryModel)


def read_query(raw: RawRequest, model: type[Q]) -> Q:
    """Return the query string as `model`; a parameter that is no list may stand once.

    Raises:
        BadRequestError: the query string is no valid form encoding of UTF-8.
        InvalidInputError: a parameter is unknown, repeated or has a bad value.
    """
    try:
        pairs = parse_qsl(
            raw.query_string,
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError as error:
        raise BadRequestError("The query string is not valid URL encoding of UTF-8.") from error
    values: dict[str, Any] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    for name in list(values):
        if not _is_list(model, name):
            values[name] = _single(name, values[name])
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise invalid_input(error, known=tuple(model.model_fields)) from error


def read_body(raw: RawRequest, model: type[A]) -> tuple[A, bytes]:
    """Return the body as `model`, and its canonical form for comparing two requests.

    Raises:
        UnsupportedMediaTypeError: it is not declared as JSON in UTF-8.
        MalformedJsonError: it is missing, or no strict JSON.
        InvalidInputError: it does not fit the model.
    """
    if not raw.body.strip():
        if model is not NoBody:
            raise MalformedJsonError("This request needs a JSON body.")
        return model.model_validate({}), b""
    _check_type(raw.headers.get("content-type", ""))
    value = read_json(raw.body)
    try:
        parsed = model.model_validate_json(raw.body)
    except ValidationError as error:
        raise invalid_input(error, known=_names(model)) from error
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return parsed, canonical.encode()


def _check_type(header: str) -> None:
    if len(header) > MAX_CONTENT_TYPE_CHARS:
        raise UnsupportedMediaTypeError
    message = Message()
    message["content-type"] = header
    try:
        charset = str(message.get_param("charset", "utf-8")).lower()
    except ValueError as error:
        raise UnsupportedMediaTypeError from error
    if message.get_content_type() not in _JSON_TYPES or charset not in {"utf-8", "utf8"}:
        raise UnsupportedMediaTypeError


def _single(name: str, values: list[str]) -> str:
    if len(values) > 1:
        fault = FieldError(field=name, message="This parameter may stand only once.")
        raise InvalidInputError(f"The input is not valid: {name}.", errors=[fault])
    return values[0]


def _is_list(model: type[QueryModel], name: str) -> bool:
    info = model.model_fields.get(name)
    return info is not None and "list" in str(info.annotation)


def _names(model: type[ApiModel]) -> tuple[str, ...]:
    return tuple(info.alias or name for name, info in model.model_fields.items())
