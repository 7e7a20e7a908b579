"""Log lines: what is never in them."""

import io
import json

import pytest

from nightshift.observability import count, make_log, redact, serialise

JWT = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2ln"


@pytest.mark.parametrize(
    "name",
    ["password", "new_password", "token", "access_token", "Authorization", "email", "body",
     "source_ip", "ip", "webhook_url", "cookie", "secret", "json_payload"],
)  # fmt: skip
def test_secret_fields_are_masked_at_any_depth(name: str) -> None:
    """A field whose name speaks of a secret shows nothing."""
    record = {name: "visible", "inner": [{"deep": {name: "visible"}}], "user_id": "u"}
    assert ("visible" in json.dumps(redact(record)), "u") == (False, redact(record)["user_id"])


@pytest.mark.parametrize("name", ["token_id", "email_verified", "tokens", "trip", "bodywork"])
def test_other_names_are_shown(name: str) -> None:
    """Only the last word of a name counts."""
    assert {name: "visible"} == redact({name: "visible"})


@pytest.mark.parametrize(
    "text",
    [JWT, "nsr_AAAAAAAAAAAA", "nsk_abcdefgh12345", "whsec_c2VjcmV0c2VjcmV0", "Bearer abc.def-ghi",
     "ada@example.com", "ada+x@mail.example.co.uk"],
)  # fmt: skip
def test_secrets_are_masked_wherever_they_stand(text: str) -> None:
    """What looks like a token or an address is masked inside any text."""
    line = serialise({"message": f"before {text} after"})
    assert (False, "before [masked] after") == (text in line, json.loads(line)["message"])


def test_a_line_is_json_with_action_and_ids() -> None:
    """One line, one object."""
    stream = io.StringIO()
    log = make_log(service="test-observability", stream=stream)
    log.bind(request_id="r1")
    log.info("thing.done", task_id="t1", count=3)
    log.unbind("request_id")
    log.warning("thing.odd")
    first, second = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert ("thing.done", "t1", 3, "r1") == tuple(
        first[k] for k in ("action", "task_id", "count", "request_id")
    )
    assert ("WARNING", False) == (second["level"], "request_id" in second)


def test_a_failure_has_its_stack_without_secrets() -> None:
    """The stack of the handled exception is logged, masked."""
    stream = io.StringIO()
    log = make_log(service="test-observability-failure", stream=stream)
    try:
        int(f"token {JWT} of ada@example.com")
    except ValueError:
        log.failure("thing.failed")
    (line,) = stream.getvalue().splitlines()
    assert (True, False, False) == ("ValueError" in line, JWT in line, "ada@" in line)


def test_a_failure_outside_of_a_handler_has_none() -> None:
    """Without an exception there is no stack."""
    stream = io.StringIO()
    make_log(service="test-observability-none", stream=stream).failure("thing.failed")
    assert "exception" not in json.loads(stream.getvalue())


def test_outcomes_are_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    """A count is one embedded metric with its dimensions."""
    count("TasksCreated", 2, stage="local")
    line = json.loads(capsys.readouterr().out)
    assert ([2.0], "local") == (line["TasksCreated"], line["stage"])
    assert "Nightshift" == line["_aws"]["CloudWatchMetrics"][0]["Namespace"]
