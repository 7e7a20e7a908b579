"""Every way to be wrong becomes application/problem+json."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from nightshift.aws.dynamo import TransactionConflictError
from nightshift.core.errors import FieldError, InvalidInputError, TooManyRequestsError
from nightshift.core.ids import new_id
from tests.contract.door import START, Answer, Door, World, make_world
from tests.unit.http.toys import BrokenError, Toys, build_toys

TOY = {"name": "ball"}


def assert_problem(answer: Answer, status: int, slug: str) -> None:
    assert (status, "application/problem+json") == (answer.status, answer.headers["content-type"])
    problem = answer.json
    assert slug == problem["error"]
    assert {"type", "title", "status", "detail", "error", "request_id"} <= set(problem)
    assert (status, answer.headers["x-request-id"]) == (problem["status"], problem["request_id"])
    assert problem["type"].endswith("#error-" + slug)


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/nowhere", 404, "route_not_found"),
        ("GET", "/toys/", 404, "route_not_found"),
        ("GET", "/toys/%2e%2e", 404, "not_found"),
        ("DELETE", "/toys", 405, "method_not_allowed"),
        ("TRACE", "/toys", 405, "method_not_allowed"),
        ("GET", "/toys/not-an-id", 404, "not_found"),
        ("PUT", "/shelves/UPPER", 404, "not_found"),
    ],
)
def test_what_is_not_there(door: Door, method: str, path: str, status: int, slug: str) -> None:
    """Unknown routes, methods and ids say so."""
    assert_problem(door(method, path, token="member"), status, slug)


def test_a_wrong_method_names_the_right_ones(door: Door) -> None:
    """405 carries Allow."""
    assert door("DELETE", "/toys").headers["allow"] == "GET, HEAD, POST"


def test_an_id_that_is_none_says_what_one_looks_like(door: Door) -> None:
    """The message of a bad id shows a good one."""
    assert "toy_id is like 0193" in door("GET", "/toys/7", token="member").json["detail"]


def test_a_fixed_path_wins_over_a_parameter(door: Door) -> None:
    """/toys/best is no toy's id."""
    assert door("GET", "/toys/best").json == {"name": "best"}


@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ({}, 'Bearer realm="nightshift"'),
        (
            {"authorization": "Basic YTpi"},
            'Bearer realm="nightshift", error="invalid_token"',
        ),
        ({"authorization": "Bearer"}, 'Bearer realm="nightshift", error="invalid_token"'),
        ({"authorization": "Bearer nobody"}, 'Bearer realm="nightshift", error="invalid_token"'),
    ],
)
def test_no_credentials_are_401(door: Door, headers: dict[str, str], challenge: str) -> None:
    """Missing and bad credentials are 401 with a challenge."""
    answer = door("GET", "/toys", headers=headers)
    assert_problem(answer, 401, "unauthenticated")
    assert challenge == answer.headers["www-authenticate"]


def test_a_missing_permission_is_403(door: Door, toys: Toys, world: World) -> None:
    """A viewer makes nothing, learns which permission it takes, and the log knows of it."""
    answer = door("POST", "/toys", json_body=TOY, token="viewer")
    assert_problem(answer, 403, "forbidden")
    assert ("tasks:write" in answer.json["detail"], []) == (True, toys.made)
    (line,) = world.actions("access.denied")
    assert ("forbidden", "/api/v1/toys") == (line["error"], line["route"])
    assert line["user_id"]


def test_the_scheme_is_read_in_any_case(door: Door) -> None:
    """`bearer` is `Bearer` (RFC 9110 section 11.1)."""
    assert door("GET", "/toys", headers={"Authorization": "bearer member"}).status == 200


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "needs a JSON body"),
        (b"   ", "needs a JSON body"),
        (b"{", "line 1, column 2"),
        (b"{'a': 1}", "line 1"),
        (b'{"name": "a", "name": "b"}', '"name" stands twice'),
        (b'{"parts": [{"weight_g": 1, "weight_g": 2}]}', "stands twice"),
        (b'{"name": NaN}', "NaN is not JSON"),
        (b'{"name": -Infinity}', "-Infinity is not JSON"),
        (b'{"name": 1e999}', "too large"),
        (b'{"name": ' + b"9" * 39 + b"}", "more than 38 digits"),
        (b'{"name": ' + b"9" * 5000 + b"}", "more than 38 digits"),
        (b'{"name": "\\ud800"}', "\\ud800"),
        (b'{"\\udfff": 1}', "surrogate"),
        (b'{"name": "\xff"}', "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not valid JSON"),
        (b"[" * 33 + b"]" * 33, "deeper than 32"),
        (b"[" * 100_000, "deeper than 32"),
        (b"[" * 100_000 + b"]" * 100_000, "deeper than 32"),
    ],
)
def test_what_is_no_strict_json_is_400(door: Door, toys: Toys, body: bytes, detail: str) -> None:
    """A body that two parsers could read differently says what is wrong with it."""
    answer = door(
        "POST", "/toys", body=body, token="member", headers={"content-type": "application/json"},
        encoded=True,
    )  # fmt: skip
    assert_problem(answer, 400, "malformed_json")
    assert (detail in answer.json["detail"], []) == (True, toys.made)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
        "multipart/form-data; boundary=x",
        ";;;",
    ],
)
def test_another_media_type_is_415(door: Door, content_type: str) -> None:
    """Only JSON in UTF-8 is read."""
    answer = door(
        "POST", "/toys", body=b'{"name": "a"}', token="member",
        headers={"content-type": content_type},
    )  # fmt: skip
    assert_problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=UTF-8", "application/merge-patch+json"],
)
def test_json_is_read_however_it_is_declared(door: Door, content_type: str) -> None:
    """Case and charset=utf-8 make no difference."""
    answer = door(
        "POST", "/toys", body=b'{"name": "a"}', token="member",
        headers={"content-type": content_type},
    )  # fmt: skip
    assert answer.status == 201


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({}, "name", "This field is required."),
        ({"name": ""}, "name", "String should have at least 1 character."),
        ({"name": "x" * 21}, "name", "String should have at most 20 characters."),
        ({"name": 5}, "name", "Input should be a valid string."),
        ({"name": None}, "name", "Input should be a valid string."),
        ({"name": "a", "colour": "green"}, "colour", "Input should be 'red' or 'blue'."),
        (
            {"name": "a", "parts": [{"weight_g": 1}, {"weight_g": "2"}]},
            "parts.1.weight_g",
            "Input should be a valid integer.",
        ),
        (
            {"name": "a", "parts": [{"weight_g": 10**37}]},
            "parts.0.weight_g",
            "Input should be less than or equal to 1000.",
        ),
        ({"name": "a", "parts": {}}, "parts", "Input should be a valid array."),
        (
            {"name": "a", "size": 1},
            "size",
            "This field is not known. Known fields: name, colour, parts, due_at.",
        ),
        (
            {"name": "a", "due_at": "2026-12-01T09:00:00"},
            "due_at",
            "The time needs an offset, for example 2026-12-01T09:00:00Z.",
        ),
        ({"name": "a", "due_at": 1}, "due_at", "Input should be a valid datetime."),
        ([], "", "Input should be an object."),
        ("x", "", "Input should be an object."),
    ],
)
def test_a_bad_field_is_named_with_what_would_be_right(
    door: Door, toys: Toys, body: object, field: str, message: str
) -> None:
    """422 names each field by its path and says what it should be."""
    answer = door("POST", "/toys", json_body=body, token="member")
    assert_problem(answer, 422, "validation_failed")
    assert ([{"field": field, "message": message}], []) == (answer.json["errors"], toys.made)


def test_times_are_answered_in_utc(door: Door) -> None:
    """A time with an offset comes back in UTC with Z."""
    toy = TOY | {"due_at": "2026-12-01T10:00:00.250+01:00"}
    answer = door("POST", "/toys", json_body=toy, token="member")
    assert answer.json["due_at"] == "2026-12-01T09:00:00.250Z"


@pytest.mark.parametrize(
    ("query", "status", "slug", "field"),
    [
        ("limit=0", 422, "validation_failed", "limit"),
        ("limit=101", 422, "validation_failed", "limit"),
        ("limit=ten", 422, "validation_failed", "limit"),
        ("limit=", 422, "validation_failed", "limit"),
        ("limit=1&limit=2", 422, "validation_failed", "limit"),
        ("colour=green", 422, "validation_failed", "colour"),
        ("unknown=1", 422, "validation_failed", "unknown"),
        ("cursor=" + "x" * 3000, 422, "validation_failed", "cursor"),
        ("%FF=1", 400, "bad_request", None),
        ("limit=%FF", 400, "bad_request", None),
        ("&".join(f"a{n}=1" for n in range(101)), 400, "bad_request", None),
        ("cursor=abc", 400, "invalid_cursor", None),
    ],
)
def test_a_bad_parameter_is_named(
    door: Door, query: str, status: int, slug: str, field: str | None
) -> None:
    """Parameters are judged as strictly as bodies."""
    answer = door("GET", "/toys", query=query, token="member")
    assert_problem(answer, status, slug)
    assert ([field] if field else []) == [e["field"] for e in answer.json.get("errors", [])]


def test_a_list_parameter_may_stand_often(door: Door) -> None:
    """Only what is no list may stand once."""
    assert door("GET", "/toys", query="tag=a&tag=b", token="member").status == 200


@pytest.mark.parametrize("encoded", [True, False])
def test_a_large_body_is_413(toys: Toys, *, encoded: bool) -> None:
    """The limit counts bytes, however the gateway encoded them."""
    door = Door(handler=build_toys(make_world(), toys, NIGHTSHIFT_BODY_LIMIT_BYTES="2000"))
    body = json.dumps({"name": "ä" * 10, "x": "ä" * 985}, ensure_ascii=False).encode()
    headers = {"content-type": "application/json"}
    fits, over = body[:2000], body.ljust(2001)
    assert_problem(
        door("POST", "/toys", body=over, token="member", headers=headers, encoded=encoded),
        413,
        "payload_too_large",
    )
    answer = door("POST", "/toys", body=fits, token="member", headers=headers, encoded=True)
    assert answer.status != 413


def test_a_body_that_is_no_base64_is_400(door: Door) -> None:
    """A gateway's broken encoding is no server error."""
    handler = door.handler
    event: dict[str, Any] = {
        "rawPath": "/api/v1/toys",
        "requestContext": {"http": {"method": "POST"}},
        "isBase64Encoded": True,
        "body": "!!",
    }
    assert handler(event, None)["statusCode"] == 400


@pytest.mark.parametrize("event", [{}, {"requestContext": None, "headers": None}])
def test_an_empty_event_is_no_crash(door: Door, event: dict[str, Any]) -> None:
    """Whatever the gateway leaves out, an answer comes."""
    assert door.handler(event, None)["statusCode"] == 404


def test_the_stage_is_no_part_of_the_path(door: Door) -> None:
    """A named stage before the path is taken away."""
    event = {
        "rawPath": "/live/api/v1/toys/best",
        "requestContext": {"stage": "live", "http": {"method": "GET"}},
    }
    assert door.handler(event, None)["statusCode"] == 200


def test_the_unexpected_is_500_without_details(world: World, door: Door, toys: Toys) -> None:
    """The client learns nothing of a bug but the request id; the log has its stack."""
    toys.failures.append(RuntimeError("secret of ada@example.com"))
    answer = door("GET", "/fail")
    assert_problem(answer, 500, "internal_error")
    logged = world.logged.getvalue()
    assert "secret" not in answer.text
    assert ("RuntimeError" in logged, "ada@example.com" in logged) == (True, False)
    assert answer.headers["x-request-id"] in logged


def client_error(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]  # only what is read
        "GetItem",
    )


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (client_error("ProvisionedThroughputExceededException", 400), 503, "unavailable"),
        (client_error("InternalServerError", 500), 503, "unavailable"),
        (client_error("ValidationException", 400), 500, "internal_error"),
        (EndpointConnectionError(endpoint_url="https://x"), 503, "unavailable"),
        (TimeoutError(), 503, "unavailable"),
        (TransactionConflictError(), 409, "conflict"),
        (BrokenError(), 500, "toy_broken"),
        (KeyError("x"), 500, "internal_error"),
    ],
)
def test_failures_of_services_are_told_apart(
    door: Door, toys: Toys, error: Exception, status: int, slug: str
) -> None:
    """What may work later is 503 with Retry-After, a lost race 409, our own mistake 500."""
    toys.failures.append(error)
    answer = door("GET", "/fail")
    assert_problem(answer, status, slug)
    assert (status == 503) == ("retry-after" in answer.headers)


def test_retry_after_is_whole_seconds(door: Door, toys: Toys) -> None:
    """429 says when to come back."""
    toys.failures.append(TooManyRequestsError(retry_after_s=17))
    assert door("GET", "/fail").headers["retry-after"] == "17"


def test_domain_errors_bring_their_fields(door: Door, toys: Toys) -> None:
    """A rule of the domain names fields as a schema does."""
    fault = FieldError(field="a.0.b", message="No.")
    toys.failures.append(InvalidInputError("Not so.", errors=[fault]))
    answer = door("GET", "/fail")
    assert ("Not so.", [{"field": "a.0.b", "message": "No."}]) == (
        answer.json["detail"],
        answer.json["errors"],
    )


def test_an_answer_too_large_for_lambda_says_so(door: Door) -> None:
    """More than six megabytes are refused by us, not by the runtime."""
    assert_problem(door("GET", "/large"), 422, "answer_too_large")


@given(st.binary(max_size=60))
def test_no_body_is_a_server_error(body: bytes) -> None:
    """Whatever bytes come, the answer is 4xx."""
    door = Door(handler=build_toys(make_world(("http",)), Toys()))
    answer = door(
        "POST", "/toys", body=body, token="member", encoded=True,
        headers={"content-type": "application/json"},
    )  # fmt: skip
    assert answer.status in {400, 422}


def test_a_good_id_is_handed_to_the_handler(door: Door) -> None:
    """The path's parameter arrives."""
    toy_id = new_id(START)
    assert door("GET", f"/toys/{toy_id}", token="member").json == {"id": toy_id}
