"""Signing in with a real provider process, and with each claim tampered with on its way."""

from collections.abc import Iterator

import pytest

from nightshift.identity.oidc.errors import (
    CodeInvalidError,
    IdTokenInvalidError,
    ProviderRefusedError,
    StateInvalidError,
    StateUsedError,
)
from nightshift.identity.oidc.model import Back, Flaw
from tests.support.openid import OpenIdProcess, openid_process
from tests.support.openid_line import ADA, REDIRECT, Browser
from tests.unit.identity.oidc.scene import jar


@pytest.fixture(scope="module")
def process() -> Iterator[OpenIdProcess]:
    """A provider that knows Ada."""
    with openid_process() as running:
        running.know("ada", ADA)
        yield running


def test_a_user_comes_in(process: OpenIdProcess) -> None:
    """Discovery, redirect, code, tokens, keys, checks."""
    browser = Browser(process)
    identity = browser.arrive(browser.depart())
    assert ("ada", process.issuer, "ada@example.com", True, "Ada") == (
        identity.subject,
        identity.issuer,
        identity.email,
        identity.email_verified,
        identity.name,
    )


TAMPERED: dict[str, tuple[dict[str, object], Flaw]] = {
    "issuer": ({"iss": "http://127.0.0.1:1"}, Flaw.ISSUER),
    "no issuer": ({"iss": None}, Flaw.ISSUER),
    "audience": ({"aud": ["shop"]}, Flaw.AUDIENCE),
    "further audience": ({"aud": ["nightshift", "shop"]}, Flaw.AUDIENCE),
    "authorized party": ({"azp": "shop"}, Flaw.PARTY),
    "expired": ({"exp": 1}, Flaw.EXPIRED),
    "no expiry": ({"exp": None}, Flaw.EXPIRED),
    "issued long ago": ({"iat": 1}, Flaw.ISSUED_AT),
    "issued tomorrow": ({"iat": 4_102_444_800}, Flaw.ISSUED_AT),
    "not yet valid": ({"nbf": 4_102_444_800}, Flaw.NOT_YET),
    "nonce": ({"nonce": "another"}, Flaw.NONCE),
    "no nonce": ({"nonce": None}, Flaw.NONCE),
    "subject": ({"sub": ""}, Flaw.SUBJECT),
    "no subject": ({"sub": None}, Flaw.SUBJECT),
    "access token": ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, Flaw.ACCESS_TOKEN),
}


@pytest.mark.parametrize("name", list(TAMPERED))
def test_a_claim_that_was_tampered_with_lets_nobody_in(process: OpenIdProcess, name: str) -> None:
    """Though the signature is right by keys that the provider seems to publish."""
    browser = Browser(process)
    browser.line.change, flaw = TAMPERED[name]
    with pytest.raises(IdTokenInvalidError) as refused:
        browser.arrive(browser.depart())
    assert flaw == refused.value.flaw


def test_the_forger_changes_nothing_else(process: OpenIdProcess) -> None:
    """Signed anew with a claim that nobody reads, the token is taken: the line itself is sound."""
    browser = Browser(process)
    browser.line.change = {"unread": True}
    assert "ada" == browser.arrive(browser.depart()).subject


@pytest.mark.parametrize("change", [{"sub": "root"}, {"email": "root@example.com"}])
def test_a_token_that_another_key_signed_lets_nobody_in(
    process: OpenIdProcess, change: dict[str, object]
) -> None:
    """Whatever it says: the provider's own keys do not know that one."""
    browser = Browser(process)
    browser.line.with_keys, browser.line.change = False, change
    with pytest.raises(IdTokenInvalidError) as refused:
        browser.arrive(browser.depart())
    assert refused.value.flaw in {Flaw.KEY, Flaw.SIGNATURE}


def test_who_refuses_at_the_provider_stays_out(process: OpenIdProcess) -> None:
    """The provider says `access_denied`."""
    browser = Browser(process)
    with pytest.raises(ProviderRefusedError):
        browser.arrive(browser.depart(), None)


def test_a_code_is_good_once(process: OpenIdProcess) -> None:
    """The second use is refused by the provider, in whatever flow."""
    browser = Browser(process)
    first, second = browser.depart(), browser.depart()
    code = process.authorize(first.url, "ada")["code"]
    assert "ada" == browser.arrive(first, code=code).subject
    with pytest.raises(CodeInvalidError):
        browser.arrive(second, code=code)


def test_an_answer_is_good_once(process: OpenIdProcess) -> None:
    """The whole of it again, or with a code that nobody used yet, is refused unasked."""
    browser = Browser(process)
    departure = browser.depart()
    said = process.authorize(departure.url, "ada")
    assert "ada" == browser.arrive(departure, **said).subject
    calls = len(browser.line.requests)
    for code in (said["code"], process.authorize(departure.url, "ada")["code"]):
        with pytest.raises(StateUsedError):
            browser.arrive(departure, **{**said, "code": code})
    assert calls == len(browser.line.requests)


def test_a_code_of_another_flow_brings_the_wrong_nonce(process: OpenIdProcess) -> None:
    """Mallory's code in Ada's browser, with Ada's own state."""
    browser = Browser(process)
    mallory, ada = browser.depart(), browser.depart()
    code = process.authorize(mallory.url, "ada")["code"]
    with pytest.raises(IdTokenInvalidError) as refused:
        browser.arrive(ada, code=code)
    assert Flaw.NONCE == refused.value.flaw


def test_a_state_of_another_browser_lets_nobody_in(process: OpenIdProcess) -> None:
    """Mallory's whole answer in Ada's browser."""
    browser = Browser(process)
    mallory, ada = browser.depart(), browser.depart()
    said = process.authorize(mallory.url, "ada")
    with pytest.raises(StateInvalidError):
        browser.arrive(ada, **said)


def test_the_redirect_is_told_twice_and_exactly(process: OpenIdProcess) -> None:
    """The provider refuses a code whose redirect is another one."""
    browser = Browser(process)
    departure = browser.depart()
    said = process.authorize(departure.url, "ada")
    back = Back(state=said["state"], code=said["code"], cookies=jar(departure.flow))
    with pytest.raises(CodeInvalidError):
        browser.service.finish("mock", back, redirect_uri=REDIRECT + "/")


def test_no_secret_goes_by_an_address(process: OpenIdProcess) -> None:
    """Neither the client's nor the flow's verifier stands in any URL."""
    browser = Browser(process)
    departure = browser.depart()
    browser.arrive(departure)
    urls = [departure.url, *(request.url for request in browser.line.requests)]
    secrets = ("s3cret", departure.flow.verifier)
    assert not [url for url in urls for secret in secrets if secret in url]
