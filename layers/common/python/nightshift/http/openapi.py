"""The OpenAPI 3.1 document, from the routes as they are declared.

Imported by the generator only; the functions serve the file that it wrote.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from nightshift.core.errors import (
    BadRequestError,
    ForbiddenError,
    InvalidInputError,
    NightshiftError,
    NotFoundError,
    PayloadTooLargeError,
    PreconditionFailedError,
    UnauthenticatedError,
    UnavailableError,
)
from nightshift.core.pagination import InvalidCursorError
from nightshift.http.errors import (
    EmailUnverifiedError,
    IdempotencyInProgressError,
    IdempotencyKeyInvalidError,
    IdempotencyKeyReusedError,
    IdempotentAnswerGoneError,
    MalformedJsonError,
    RateLimitedError,
    UnsupportedMediaTypeError,
)
from nightshift.http.problem import PROBLEM_TYPE, title_of
from nightshift.http.routing import OptionalSignIn, PathParam, Public, Route, Router
from nightshift.http.schemas import ApiModel, NoBody, PageQuery

REF = "#/components/schemas/{model}"
Json = dict[str, Any]
Errors = Sequence[type[NightshiftError]]

_PROBLEM: Json = {
    "type": "object",
    "title": "Problem",
    "description": "An error, as RFC 9457 has it.",
    "required": ["type", "title", "status", "detail", "error", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and what would be right."},
        "error": {"type": "string", "description": "A stable snake_case name of the error."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "request_id": {"type": "string"},
    },
}
_IDEMPOTENCY_ERRORS: Errors = (
    IdempotencyKeyInvalidError,
    IdempotencyKeyReusedError,
    IdempotencyInProgressError,
    IdempotentAnswerGoneError,
)
_HEADER_PARAMETERS: Mapping[str, str] = {
    "Idempotency-Key": "The same key and body return the first answer.",
    "If-Match": "An ETag; the change is made only if the resource still has it.",
    "If-None-Match": "An ETag; 304 when the resource still has it.",
}


def build_document(
    routers: Iterable[Router[Any]],
    *,
    title: str,
    version: str,
    auth_errors: Errors,
    general_errors: Errors = (),
) -> Json:
    """Return the document.

    `auth_errors` are what a bearer token can be refused with, `general_errors` what belongs to no
    route or to all of them; those stand among the components only.

    Raises:
        ValueError: two handlers have one name, which is the operation's id.
    """
    routes = [route for router in routers for route in router.routes]
    _check_names(routes)
    schemas = _Schemas(routes)
    paths: Json = {}
    problems = _Problems()
    for route in sorted(routes, key=lambda r: (r.full_path, r.method)):
        operation = _operation(route, schemas, problems, auth_errors)
        paths.setdefault(route.full_path, {})[route.method.lower()] = operation
    for error in general_errors:
        problems.refer(error.status, [error])
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM, **schemas.definitions},
            "responses": problems.components,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The access token of a sign-in, or an API key (`nsk_...`).",
                }
            },
        },
    }


class _Schemas:
    """The JSON schemas of all models, inputs as they are validated, answers as they are written."""

    def __init__(self, routes: Sequence[Route]) -> None:
        inputs = {model for r in routes for model in (r.body, r.query)}
        answers = {r.answer for r in routes if r.answer is not None}
        wanted: list[tuple[type[BaseModel], Any]] = []
        wanted += [(m, "validation") for m in sorted(inputs, key=_name)]
        wanted += [(m, "serialization") for m in sorted(answers, key=_name)]
        keys, document = models_json_schema(wanted, ref_template=REF)
        self._refs = {(model, mode): ref for (model, mode), ref in keys.items()}
        named = document.get("$defs", {})
        queries = {r.query.__name__ for r in routes} | {NoBody.__name__}
        self._all = named
        self.definitions = {k: v for k, v in sorted(named.items()) if k not in queries}

    def body(self, model: type[ApiModel]) -> Json:
        """Return the reference to an input."""
        return dict(self._refs[(model, "validation")])

    def answer(self, model: type[ApiModel]) -> Json:
        """Return the reference to an answer."""
        return dict(self._refs[(model, "serialization")])

    def query(self, route: Route) -> list[Json]:
        """Return the query parameters of a route."""
        schema = self._all.get(route.query.__name__, {})
        required = set(schema.get("required", ()))
        return [
            {
                "name": name,
                "in": "query",
                "required": name in required,
                "description": prop.get("description", ""),
                "schema": {k: v for k, v in prop.items() if k not in {"description", "title"}},
            }
            for name, prop in schema.get("properties", {}).items()
        ]


def _check_names(routes: Sequence[Route]) -> None:
    names = [route.handler.__name__ for route in routes]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"two handlers are called {', '.join(sorted(twice))}")


def _operation(route: Route, schemas: _Schemas, problems: "_Problems", auth_errors: Errors) -> Json:
    summary, _, description = (route.handler.__doc__ or "").strip().partition("\n")
    operation: Json = {
        "operationId": route.handler.__name__,
        "summary": summary.removesuffix("."),
        "tags": [route.tag],
        "parameters": _parameters(route, schemas),
        "responses": _responses(route, schemas, problems, auth_errors),
        "security": _security(route),
    }
    if description.strip():
        operation["description"] = re.sub(r"\s*\n\s*", " ", description.strip())
    if not isinstance(route.access, Public):
        access = route.access
        needed = access.permission if isinstance(access, OptionalSignIn) else access
        operation["x-permission"] = str(needed)
    if route.body is not NoBody:
        content = {"application/json": {"schema": schemas.body(route.body)}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _security(route: Route) -> list[Json]:
    if isinstance(route.access, Public):
        return []
    optional: list[Json] = [{}] if isinstance(route.access, OptionalSignIn) else []
    return [*optional, {"bearer": []}]


def _parameters(route: Route, schemas: _Schemas) -> list[Json]:
    found = []
    for name in route.parameters():
        param = route.path_params.get(name, PathParam())
        schema = {"type": "string", "pattern": f"^{param.pattern}$", "examples": [param.example]}
        found.append(
            {
                "name": name,
                "in": "path",
                "required": True,
                "description": param.doc,
                "schema": schema,
            }
        )
    found += schemas.query(route)
    headers = {
        "Idempotency-Key": route.idempotent,
        "If-Match": route.if_match,
        "If-None-Match": route.etag and route.method == "GET",
    }
    for name, doc in _HEADER_PARAMETERS.items():
        if headers[name]:
            found.append(
                {
                    "name": name,
                    "in": "header",
                    "required": False,
                    "description": doc,
                    "schema": {"type": "string"},
                }
            )
    return found


def _responses(route: Route, schemas: _Schemas, problems: "_Problems", auth_errors: Errors) -> Json:
    success: Json = {"description": title_of(route.status)}
    if route.answer is not None:
        success["content"] = {route.content_type: {"schema": schemas.answer(route.answer)}}
    elif route.content_type != "application/json":
        success["content"] = {route.content_type: {}}
    if route.etag:
        success["headers"] = {"ETag": {"schema": {"type": "string"}}}
    responses: Json = {str(route.status): success}
    for status, text in route.statuses.items():
        responses[str(status)] = {"description": text}
    if route.etag and route.method == "GET":
        responses["304"] = {"description": title_of(304)}
    by_status: dict[int, list[type[NightshiftError]]] = {}
    for error in sorted(_errors(route, auth_errors), key=lambda e: (e.status, e.slug)):
        by_status.setdefault(error.status, []).append(error)
    for status, errors in by_status.items():
        responses[str(status)] = problems.refer(status, errors)
    return dict(sorted(responses.items()))


class _Problems:
    """The error answers, each set of errors once: `E409` and, for further sets, `E409-2`."""

    def __init__(self) -> None:
        self.components: Json = {}
        self._names: dict[tuple[str, ...], str] = {}

    def refer(self, status: int, errors: list[type[NightshiftError]]) -> Json:
        """Return the reference to the answer that lists `errors`, all of one status."""
        slugs = tuple(dict.fromkeys(e.slug for e in errors))
        if (str(status), *slugs) not in self._names:
            same_status = sum(name.startswith(f"E{status}") for name in self.components)
            name = f"E{status}-{same_status + 1}" if same_status else f"E{status}"
            self._names[(str(status), *slugs)] = name
            self.components[name] = _problem(errors)
        return {"$ref": f"#/components/responses/{self._names[(str(status), *slugs)]}"}


def _problem(errors: list[type[NightshiftError]]) -> Json:
    texts = {e.slug: (e.__doc__ or "").strip().splitlines()[0] for e in errors}
    schema = {
        "allOf": [{"$ref": REF.format(model="Problem")}],
        "properties": {"error": {"enum": sorted(texts)}},
    }
    return {
        "description": " ".join(f"`{slug}`: {text}" for slug, text in texts.items()),
        "content": {PROBLEM_TYPE: {"schema": schema}},
    }


def _errors(route: Route, auth_errors: Errors) -> list[type[NightshiftError]]:
    """Return what can go wrong; what the route declares stands for the edge's own of that name."""
    common: list[type[NightshiftError]] = [
        RateLimitedError,
        UnavailableError,
        InvalidInputError,
        PayloadTooLargeError,
        BadRequestError,
        MalformedJsonError,
        UnsupportedMediaTypeError,
    ]
    if not isinstance(route.access, Public):
        common += [UnauthenticatedError, ForbiddenError, *auth_errors]
    if route.parameters():
        common.append(NotFoundError)
    if issubclass(route.query, PageQuery):
        common.append(InvalidCursorError)
    if route.if_match:
        common.append(PreconditionFailedError)
    if route.verified:
        common.append(EmailUnverifiedError)
    if route.idempotent:
        common += _IDEMPOTENCY_ERRORS
    by_name = {(error.status, error.slug): error for error in (*common, *route.errors)}
    return list(by_name.values())


def _name(model: type[BaseModel]) -> str:
    return model.__name__
