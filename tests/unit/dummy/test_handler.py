import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from nightshift.aws.clients import dynamodb
from nightshift.dummy.wiring import dummy_webhook

Handler = Callable[[dict[str, Any], object], dict[str, Any]]
HANDLER = Path(__file__).parents[3] / "functions" / "dummy_webhook" / "handler.py"


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Iterator[Handler]:
    """The function's entry point with its table, as the template wires it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("NIGHTSHIFT_HTTP_TABLE", "http")
    with mock_aws():
        boto3.client("dynamodb", region_name="us-east-1").create_table(
            TableName="http",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
        )
        _forget()
        spec = importlib.util.spec_from_file_location("dummy_webhook_handler", HANDLER)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module.handler
        _forget()


def _forget() -> None:
    dummy_webhook.cache_clear()
    dynamodb.cache_clear()


def _event(method: str, path: str, body: str | None = None) -> dict[str, Any]:
    return {
        "version": "2.0",
        "rawPath": path,
        "headers": {},
        "requestContext": {"http": {"method": method}},
        "isBase64Encoded": False,
        "body": body,
    }


def test_the_function_counts_logs_and_answers(
    handler: Handler, capsys: pytest.CaptureFixture[str]
) -> None:
    """Set to 6, the next call is the seventh: it fails, is logged with its body, and counted."""
    handler(_event("PUT", "/dev/dummy-webhook/count", '{"count": 6}'), None)
    assert 500 == handler(_event("POST", "/dev/dummy-webhook", '{"a": 1}'), None)["statusCode"]
    line = json.loads(capsys.readouterr().out)
    expected = ("dummy_webhook.called", '{"a": 1}', 7)
    assert expected == (line["action"], line["body"], line["count"])
    counted = handler(_event("GET", "/dev/dummy-webhook"), None)
    assert {"count": 7} == json.loads(counted["body"])
    listed = handler(_event("GET", "/dev/dummy-webhook/requests"), None)
    assert [7] == [item["count"] for item in json.loads(listed["body"])["items"]]
