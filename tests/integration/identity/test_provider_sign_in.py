"""Signing in with a real provider process through the whole local stack, as a browser does it."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser as Chromium

from tests.integration.stack.harness import Reply, Stack, running
from tests.support.openid import OpenIdProcess, openid_process

pytestmark = pytest.mark.stack
MAIL_TIMEOUT_S = 20.0
AUTH = "/api/v1/auth/oidc"
SECRET_PARAM = "/nightshift/local/oidc/mock"
ADA = {"email": "ada@example.com", "email_verified": True, "name": "Ada"}


class Browser:
    """A browser in front of the stack; it follows no redirect by itself."""

    def __init__(self, stack: Stack, process: OpenIdProcess) -> None:
        self.stack = stack
        self.process = process
        self.jar: dict[str, str] = {}

    def get(self, path: str, token: str = "") -> Reply:
        """Ask for a page with the cookies that the stack has set."""
        headers = {"cookie": "; ".join(f"{n}={v}" for n, v in self.jar.items())}
        reply = self.stack.request("GET", path, headers=headers if self.jar else {}, token=token)
        self.keep(reply)
        return reply

    def keep(self, reply: Reply) -> None:
        """Keep and drop cookies as the answer says."""
        for name, cookie in SimpleCookie(reply.headers.get("set-cookie", "")).items():
            if cookie["max-age"] == "0":
                self.jar.pop(name, None)
            else:
                self.jar[name] = cookie.value

    def sign_in(self, subject: str = "ada") -> Reply:
        """Go to the provider, sign in there, and come back."""
        start = self.get(f"{AUTH}/mock/start")
        assert start.status == 302, start.body
        return self.come_back(self.process.authorize(start.headers["location"], subject))

    def come_back(self, said: Mapping[str, str]) -> Reply:
        """Come back with the provider's words."""
        return self.get(f"{AUTH}/mock/callback?{urlencode(said)}")


@pytest.fixture(scope="module")
def process() -> Iterator[OpenIdProcess]:
    """A provider that knows Ada and Bob."""
    with openid_process() as running_process:
        running_process.know("ada", ADA)
        running_process.know("bob", {**ADA, "email": "bob@example.com", "name": "Bob"})
        yield running_process


@pytest.fixture(scope="module")
def with_provider(
    process: OpenIdProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A stack of its own that knows the provider, and the secret that it shares with it."""
    data_dir: Path = tmp_path_factory.mktemp("oidc") / "data"
    provider = {
        "id": "mock",
        "name": "Mock",
        "issuer": process.issuer,
        "client_id": "nightshift",
        "client_secret_param": SECRET_PARAM,
    }
    environ = {"NIGHTSHIFT_OIDC_PROVIDERS": json.dumps([provider])}
    with running(data_dir, environ) as stack:
        parameter = {"Name": SECRET_PARAM, "Value": "s3cret", "Type": "SecureString"}
        stack.client("ssm").put_parameter(**parameter)
        yield stack


def user_of(reply: Reply) -> Any:
    """Return the user who came in."""
    assert reply.status == 200, reply.body
    return reply.json()["user"]


def test_a_user_comes_in_by_a_provider(with_provider: Stack, process: OpenIdProcess) -> None:
    """From the list to a session that works and refreshes, twice for the same user."""
    browser = Browser(with_provider, process)
    (listed,) = with_provider.get(AUTH).json()["items"]
    assert f"{with_provider.base_url}{AUTH}/mock/start" == listed["start_url"]
    reply = browser.sign_in()
    ada = user_of(reply)
    assert ("ada@example.com", True) == (ada["email"], ada["email_verified"])
    assert {} == browser.jar
    tokens = reply.json()
    assert 200 == browser.get("/api/v1/users/me", tokens["access_token"]).status
    body = {"refresh_token": tokens["refresh_token"]}
    assert 200 == with_provider.request("POST", "/api/v1/auth/refresh", body).status
    assert ada["id"] == user_of(browser.sign_in())["id"]
    events = browser.get("/api/v1/audit", tokens["access_token"]).json()["items"]
    assert {"auth.register", "auth.login"} <= {event["action"] for event in events}


def test_an_answer_is_good_once_and_in_one_browser(
    with_provider: Stack, process: OpenIdProcess
) -> None:
    """The stack remembers it, and who has no cookie of it gets nowhere."""
    browser, other = Browser(with_provider, process), Browser(with_provider, process)
    start = browser.get(f"{AUTH}/mock/start")
    said = process.authorize(start.headers["location"], "bob")
    kept = dict(browser.jar)
    assert "/login?oidc_error=oidc_state_invalid" in other.come_back(said).headers["location"]
    assert "Bob" == user_of(browser.come_back(said))["name"]
    browser.jar = kept
    assert "oidc_state_used" == browser.come_back(said).json()["error"]


def test_an_identity_is_linked_and_removed(with_provider: Stack, process: OpenIdProcess) -> None:
    """By a user with a password whose address the mailed link verified."""
    process.know("carol", {**ADA, "email": "carol@home.example"})
    carol = with_provider.register()
    verify(with_provider, carol.email)
    browser = Browser(with_provider, process)
    begun = with_provider.request("POST", f"{AUTH}/mock/link", {}, token=carol.access_token)
    assert begun.status == 200, begun.body
    browser.keep(begun)
    assert 204 == browser.come_back(process.authorize(begun.json()["url"], "carol")).status
    assert carol.id == user_of(browser.sign_in("carol"))["id"]
    path = "/api/v1/users/me/identities"
    (linked,) = with_provider.get(path, token=carol.access_token).json()["items"]
    assert "carol@home.example" == linked["email"]
    gone = with_provider.request("DELETE", f"{path}/{linked['id']}", token=carol.access_token)
    assert 204 == gone.status
    assert [] == with_provider.get(path, token=carol.access_token).json()["items"]


@pytest.mark.browser
def test_an_identity_is_linked_on_the_page_of_the_account(
    chromium: Chromium, with_provider: Stack, process: OpenIdProcess
) -> None:
    """A real browser gets to the provider although no form may lead there, and back."""
    process.know("dora", {**ADA, "email": "dora@home.example"})
    dora = with_provider.register()
    verify(with_provider, dora.email)
    context = chromium.new_context(base_url=with_provider.base_url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/login?next=/account")
    page.get_by_label("E-mail address").fill(dora.email)
    page.get_by_label("Password").fill(dora.password)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Link Mock").click()
    page.wait_for_url(f"{process.issuer}/**")
    page.locator("input[name=sub]").fill("dora")
    page.get_by_role("button", name="Authorize").click()
    page.wait_for_url(f"{with_provider.base_url}/account")
    assert "dora@home.example" in page.get_by_role("main").inner_text()
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("status").wait_for()
    assert "dora@home.example" not in page.get_by_role("main").inner_text()
    context.close()


def verify(stack: Stack, email: str) -> None:
    """Use the link that was mailed to a new user."""
    deadline = time.monotonic() + MAIL_TIMEOUT_S
    while time.monotonic() < deadline:
        mails = [m for m in stack.get("/dev/inbox.json").json() if m["to"] == email]
        found = [re.search(r"token=([\w-]+)", mail["text"]) for mail in mails]
        tokens = [match[1] for match in found if match is not None]
        if tokens:
            reply = stack.request("POST", "/api/v1/auth/verify-email", {"token": tokens[0]})
            assert reply.status == 204, reply.body
            return
        time.sleep(0.1)
    raise AssertionError("no mail came")
