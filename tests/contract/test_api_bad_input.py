"""Bad input on every field of every route: 4xx problem+json, and nothing is stored.

The routes come from the generated OpenAPI document, so that a new route is covered at once.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra import openapi
from nightshift.core.ids import new_id
from tests.contract.apps import Product, make_product
from tests.contract.door import START, Answer
from tests.contract.schemas import BAD, Schemas

pytestmark = pytest.mark.no_cover
"""What runs here runs elsewhere too, and counting lines takes twice the time."""

DOCUMENT = json.loads(openapi.render())
SCHEMAS = Schemas(DOCUMENT)
BASE = "/api/v1"
GOOD_BODY = object()


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation of the document."""

    method: str
    path: str
    spec: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path.removeprefix(BASE)}"

    @property
    def is_public(self) -> bool:
        """Tell whether it takes no token."""
        return not self.spec["security"]

    @property
    def is_shared(self) -> bool:
        """Tell whether strangers may call it, too, and what it shows is everybody's."""
        return {} in self.spec["security"]

    def token(self, product: Product) -> str | None:
        """Return the token of somebody who may, None where none is needed."""
        return None if self.is_public else product.token

    @property
    def body(self) -> Mapping[str, Any] | None:
        """Return the schema of its body."""
        if "requestBody" not in self.spec:
            return None
        schema: Mapping[str, Any] = self.spec["requestBody"]["content"]["application/json"][
            "schema"
        ]
        return schema

    def parameters(self, place: str) -> list[Mapping[str, Any]]:
        """Return its parameters in the path, the query or the header."""
        return [p for p in self.spec["parameters"] if p["in"] == place]

    def url(self, ids: Mapping[str, str]) -> str:
        """Return its path with parameters filled in."""
        path = self.path.removeprefix(BASE)
        for parameter in self.parameters("path"):
            value = ids.get(parameter["name"], new_id(START))
            path = path.replace("{" + parameter["name"] + "}", quote(value, safe=""))
        return path

    def good_query(self) -> dict[str, Any]:
        """Return the parameters that it needs."""
        return {
            p["name"]: SCHEMAS.good(p["schema"], p["name"])
            for p in self.parameters("query")
            if p["required"]
        }

    def good_body(self) -> object:
        """Return a body that fits the schema."""
        return None if self.body is None else SCHEMAS.good(self.body)


OPERATIONS = [
    Operation(method=method.upper(), path=path, spec=spec)
    for path, item in DOCUMENT["paths"].items()
    for method, spec in item.items()
]
WITH_BODY = [o for o in OPERATIONS if o.body is not None]
GUARDED = [o for o in OPERATIONS if not o.is_public]
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


@pytest.fixture(scope="module")
def product() -> Product:
    """One product for all tests that change nothing."""
    return make_product()


def send(
    product: Product,
    operation: Operation,
    *,
    body: object = GOOD_BODY,
    raw: bytes | None = None,
    query: str | None = None,
    ids: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send one request with good values for what is not given."""
    if raw is None:
        given_body = operation.good_body() if body is GOOD_BODY else body
        needs_none = body is GOOD_BODY and operation.body is None
        raw = None if needs_none else json.dumps(given_body).encode("utf-8")
    sent = dict(headers or {})
    if raw is not None:
        sent.setdefault("content-type", "application/json")
    return product.door(
        operation.method,
        operation.url({**product.ids, **(ids or {})}),
        body=raw,
        query=urlencode(operation.good_query()) if query is None else query,
        token=None if "authorization" in sent else operation.token(product),
        headers=sent,
        encoded=True,
    )


def check_refused(answer: Answer, operation: Operation, case: object) -> None:
    """Assert that this is a problem that the document knows."""
    assert 400 <= answer.status < 500, (case, answer.status, answer.text)
    check_documented(answer, operation, case)


def check_documented(answer: Answer, operation: Operation, case: object) -> None:
    """Assert that the document says that this operation answers so."""
    responses = operation.spec["responses"]
    assert str(answer.status) in responses, (case, answer.status, answer.text)
    if answer.status < 400:
        return
    assert answer.headers["content-type"] == "application/problem+json", case
    assert {"type", "title", "status", "detail", "error", "request_id"} <= set(answer.json)
    shared = responses[str(answer.status)]["$ref"].rpartition("/")[2]
    content = DOCUMENT["components"]["responses"][shared]["content"]
    slugs = content["application/problem+json"]["schema"]["properties"]["error"]["enum"]
    assert answer.error in slugs, (case, answer.error, slugs)


def bad_bodies(operation: Operation) -> Iterator[tuple[str, object]]:
    """Yield bodies with one thing wrong, and what it is."""
    assert operation.body is not None
    base = operation.good_body()
    for path, schema in SCHEMAS.fields(operation.body):
        for value in BAD:
            if not SCHEMAS.fits(schema, value):
                yield f"{path}={value!r:.60}", SCHEMAS.put(base, operation.body, path, value)
        resolved = SCHEMAS.resolve(schema)
        if resolved.get("additionalProperties") is False:
            inner = SCHEMAS.good(resolved) | {"unknown_field": 1}
            yield f"{path}+unknown", SCHEMAS.put(base, operation.body, path, inner)
        for name in resolved.get("required", ()):
            inner = {k: v for k, v in SCHEMAS.good(resolved).items() if k != name}
            yield f"{path}-{name}", SCHEMAS.put(base, operation.body, path, inner)


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_no_bad_field_gets_through(product: Product, operation: Operation) -> None:
    """A wrong value in any field of any body is refused, and leaves no trace."""
    before = product.stored()
    count = 0
    for case, body in bad_bodies(operation):
        check_refused(send(product, operation, body=body), operation, case)
        count += 1
    assert (before, True) == (product.stored(), count > 20)


@every_operation
def test_no_bad_parameter_gets_through(product: Product, operation: Operation) -> None:
    """Neither does a wrong query parameter, nor one that is not known, nor one given twice."""
    before = product.stored()
    good = operation.good_query()
    queries = [urlencode(good | {"unknown": "1"}), "%ff=%fe", "&".join(["a=1"] * 200)]
    for parameter in operation.parameters("query"):
        name, schema = parameter["name"], parameter["schema"]
        if parameter["required"]:
            queries.append(urlencode({k: v for k, v in good.items() if k != name}))
        if SCHEMAS.resolve(schema).get("type") != "array":
            queries.append(urlencode([*good.items(), (name, "1"), (name, "1")]))
        if SCHEMAS.resolve(schema).get("type") in {"integer", "number", "boolean"}:
            queries += [urlencode(good | {name: text}) for text in ("", "x", "1e999", "nan", "٣x")]
        for text in ("x" * 5_000, "\x00"):
            if not SCHEMAS.fits(schema, text):
                queries.append(urlencode(good | {name: text}))
    for query in queries:
        check_refused(send(product, operation, query=query), operation, query[:80])
    assert before == product.stored()


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.parameters("path")], ids=str)
def test_no_bad_id_gets_through(product: Product, operation: Operation) -> None:
    """What is no id, or nobody's, is not found."""
    before = product.stored()
    texts = ["x" * 300, "-", "..", "%", "a b", "ä", "0", "null", "'", '"', "<script>", "\x00"]
    for parameter in operation.parameters("path"):
        for text in (*texts, new_id(START)):
            any_will_do = operation.method == "PUT" or operation.is_shared
            if any_will_do and SCHEMAS.fits(parameter["schema"], text):
                continue
            ids = {parameter["name"]: text}
            answer = send(product, operation, ids=ids, headers={"if-match": '"999"'})
            check_refused(answer, operation, text)
    assert before == product.stored()


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_no_broken_body_gets_through(product: Product, operation: Operation) -> None:
    """Bytes that are no strict JSON, or not declared as such, or too many, are refused."""
    before = product.stored()
    good = json.dumps(operation.good_body()).encode()
    name = next(iter(SCHEMAS.resolve(operation.body or {}).get("properties", {"x": 0})))
    for raw in (
        b"",
        b"\x00",
        b"\xff\xfe",
        b"{",
        good + b"}",
        good[:-1],
        b"[" * 5_000,
        b"NaN",
        b'"' + b"x" * 2_000_000 + b'"',
        f'{{"{name}": 1, "{name}": 2}}'.encode(),
        f'{{"{name}": 1e999}}'.encode(),
        f'{{"{name}": "\\ud800"}}'.encode(),
        f'{{"{name}": {"9" * 5000}}}'.encode(),
    ):
        check_refused(send(product, operation, raw=raw), operation, raw[:60])
    for content_type in ("text/plain", "", "application/x-www-form-urlencoded", "multipart/x"):
        answer = send(product, operation, headers={"content-type": content_type})
        assert (415, "unsupported_media_type") == (answer.status, answer.error)
    assert before == product.stored()


@pytest.mark.parametrize("operation", GUARDED, ids=str)
def test_no_route_is_open_by_mistake(product: Product, operation: Operation) -> None:
    """Without a good token everything that is not public is 401, whatever else was sent."""
    before = product.stored()
    for value in (
        "",
        "Bearer",
        "Bearer x",
        "Bearer a.b.c",
        "Basic YTpi",
        "Bearer nsr_" + "A" * 107,
    ):
        answer = send(product, operation, headers={"authorization": value})
        check_refused(answer, operation, value)
        assert (401, True) == (answer.status, "www-authenticate" in answer.headers)
    assert before == product.stored()


@every_operation
def test_no_other_method_is_taken(product: Product, operation: Operation) -> None:
    """Methods that a path does not have are 405 with Allow."""
    known = {m.upper() for m in DOCUMENT["paths"][operation.path]} | {"HEAD"}
    url = operation.url(product.ids)
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "FOO"} - known:
        answer = product.door(method, url, token=product.token)
        assert (405, operation.method in answer.headers["allow"]) == (answer.status, True)


@pytest.mark.parametrize(
    "operation",
    [o for o in OPERATIONS if any(p["name"] == "If-Match" for p in o.parameters("header"))],
    ids=str,
)
def test_no_wrong_version_is_changed(product: Product, operation: Operation) -> None:
    """Where If-Match counts, an ETag that never was changes nothing."""
    before = product.stored()
    for tag in ('"999"', 'W/"1"', "1", '"x"', '"' + "9" * 400 + '"'):
        answer = send(product, operation, headers={"if-match": tag})
        assert (412, True) == (answer.status, "version" in answer.error or "pre" in answer.error)
    assert before == product.stored()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(data=st.data())
def test_no_value_is_a_server_error(operation: Operation, data: st.DataObject) -> None:
    """Any JSON in any field is either taken or refused as the document says."""
    product = make_product()
    assert operation.body is not None
    before = product.stored()
    places = [path for path, _ in SCHEMAS.fields(operation.body)]
    path = data.draw(st.sampled_from(places))
    value = data.draw(JSON)
    body = SCHEMAS.put(operation.good_body(), operation.body, path, value)
    try:
        raw = json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raw = json.dumps(body).encode()
    answer = send(product, operation, raw=raw)
    assert answer.status < 500, (path, value, answer.text)
    check_documented(answer, operation, (path, value))
    if answer.status >= 400:
        assert before == product.stored(), (path, value)
