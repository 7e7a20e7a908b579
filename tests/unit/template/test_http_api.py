import json
from typing import Any

import pytest

from tests.unit.template.cfn import STAGES, deployed
from tests.unit.template.shape import events, functions, routes

ROUTES = {
    "/api/v1/{proxy+}": "api",
    "/api/v1/auth/{proxy+}": "accounts",
    "/api/v1/users": "accounts",
    "/api/v1/users/{proxy+}": "accounts",
    "/api/v1/sessions": "accounts",
    "/api/v1/sessions/{proxy+}": "accounts",
    "/api/v1/roles": "accounts",
    "/api/v1/roles/{proxy+}": "accounts",
    "/api/v1/api-keys": "accounts",
    "/api/v1/api-keys/{proxy+}": "accounts",
    "/api/v1/settings": "accounts",
    "/api/v1/settings/{proxy+}": "accounts",
    "/api/v1/audit": "accounts",
    "/api/v1/audit/{proxy+}": "accounts",
    "/login": "accounts",
    "/logout": "accounts",
    "/session": "accounts",
    "/register": "accounts",
    "/forgot-password": "accounts",
    "/reset-password": "accounts",
    "/verify-email": "accounts",
    "/sessions": "accounts",
    "/account": "accounts",
    "/": "console",
    "/reports": "console",
    "/reports/{proxy+}": "console",
    "/static/{proxy+}": "console",
    "/favicon.ico": "console",
}
LOCAL_ROUTES = {
    "/dev/dummy-webhook": "dummy_webhook",
    "/dev/dummy-webhook/{proxy+}": "dummy_webhook",
    "/dev/github/{proxy+}": "github_stand_in",
}


def api(stage: str, **parameters: str) -> dict[str, Any]:
    (one,) = deployed(stage, **parameters).of_type("AWS::Serverless::HttpApi").values()
    return one


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_routes(stage: str) -> None:
    """A deployed stack serves the API and nothing under /dev."""
    assert routes(deployed(stage)) == ROUTES


def test_local_routes() -> None:
    """The local stack has the dummy webhook and a stand-in of GitHub besides."""
    assert ROUTES | LOCAL_ROUTES == routes(deployed("local"))


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_nothing_of_development_is_deployed(stage: str) -> None:
    """Neither its functions nor their roles nor their log groups exist outside the local stack."""
    names = [name.lower() for name, _ in deployed(stage).everything()]
    assert not [name for name in names if "dummy" in name or "standin" in name]


def test_every_route_takes_every_method_of_the_one_api() -> None:
    """The functions themselves answer what a method is not there for."""
    for function in functions(deployed("local")).values():
        for event in events(function, "HttpApi"):
            assert (event["ApiId"], event["Method"]) == ("<HttpApi>", "ANY")
            assert function["Timeout"] <= 29


def test_no_other_site_may_call_by_default() -> None:
    """Without origins named, the answer to a preflight names none."""
    assert api("prod").get("CorsConfiguration") is None


def test_named_origins_may_call() -> None:
    """Origins are named by a parameter, and exactly those are let in."""
    cors = api("prod", CorsOrigins="https://a.example,https://b.example")["CorsConfiguration"]
    assert ["https://a.example", "https://b.example"] == cors["allowOrigins"]
    assert "allowCredentials" not in cors
    assert "authorization" in cors["allowHeaders"]


def test_requests_are_throttled() -> None:
    """There is a rate that the API does not exceed whoever calls."""
    settings = api("prod", RequestRate="5", RequestBurst="9")["DefaultRouteSettings"]
    assert settings == {"ThrottlingRateLimit": "5", "ThrottlingBurstLimit": "9"}


@pytest.mark.parametrize("stage", STAGES)
def test_access_log(stage: str) -> None:
    """Each request is logged as JSON with its id, without query string, address or agent."""
    settings = api(stage)["AccessLogSettings"]
    line = json.loads(settings["Format"])
    assert line["request_id"] == "$context.requestId"
    said = settings["Format"].lower()
    assert not [word for word in ("sourceip", "useragent", "query", "authorizer") if word in said]
    assert settings["DestinationArn"] == "<Logs/AccessLogs.Arn>"
