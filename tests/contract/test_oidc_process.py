"""Signing in with a real provider process, and with each claim tampered with on its way."""

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from nightshift.adapters.secrets_memory import MemorySecrets
from nightshift.core.clock import SystemClock
from nightshift.identity.oidc.errors import (
    CodeInvalidError,
    IdTokenInvalidError,
    ProviderRefusedError,
    StateInvalidError,
)
from nightshift.identity.oidc.flow import Flows
from nightshift.identity.oidc.library import Library
from nightshift.identity.oidc.model import Back, Flaw, Identity, Provider
from nightshift.identity.oidc.service import Departure, ProviderSignIn
from nightshift.identity.oidc.wire import Wire
from nightshift.observability import make_log
from nightshift.outbound.sender import HttpSender
from nightshift.ports.sender import OutboundAnswer, OutboundRequest
from tests.support.openid import OpenIdProcess, openid_process
from tests.unit.identity.oidc.scene import Spent, jar, jwk_of, rsa_key, signed

REDIRECT = "http://127.0.0.1:8787/api/v1/auth/oidc/mock/callback"
ADA = {"email": "ada@example.com", "email_verified": True, "name": "Ada"}
SEVEN_HOURS = 25_200


@pytest.fixture(scope="module")
def process() -> Iterator[OpenIdProcess]:
    """A provider that knows Ada."""
    with openid_process() as running:
        running.know("ada", ADA)
        yield running


class Tampering:
    """The real sender, and somebody on the line who signs what the provider never said.

    `change` is merged into the claims; the keys that the provider publishes are replaced by the
    forger's when `with_keys` is set, so that the claim alone is wrong.
    """

    def __init__(self) -> None:
        self.change: Mapping[str, object] = {}
        self.with_keys = True
        self.requests: list[OutboundRequest] = []
        self._sender = HttpSender(allow_loopback=True, max_body=65_536)

    async def send(self, request: OutboundRequest) -> OutboundAnswer:
        """Make the call, and change what comes back."""
        self.requests.append(request)
        answer = await self._sender.send(request)
        if not self.change or not answer.ok:
            return answer
        document = json.loads(answer.body)
        if request.url.endswith("/jwks") and self.with_keys:
            document = {"keys": [jwk_of(rsa_key(), "RS256", kid="forged")]}
        if "id_token" in document:
            document["id_token"] = self._forged(document["id_token"])
        body = json.dumps(document).encode()
        return OutboundAnswer(
            outcome=answer.outcome,
            status=answer.status,
            retry_after_s=None,
            body=body,
            truncated=False,
            elapsed_ms=0,
            detail="tampered with",
        )

    async def aclose(self) -> None:
        """Release the sender."""
        await self._sender.aclose()

    def _forged(self, token: str) -> str:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        changed = {**claims, **self.change}
        kept = {name: value for name, value in changed.items() if value is not None}
        return signed(kept, {"alg": "RS256", "kid": "forged"}, rsa_key())


class Browser:
    """A browser and a relying party that never met before, on the real clock."""

    def __init__(self, process: OpenIdProcess) -> None:
        self.process = process
        self.line = Tampering()
        clock, log = SystemClock(), make_log(service="oidc-process")
        wire = Wire(lambda: self.line, timeout_s=10)
        provider = Provider(
            provider_id="mock",
            name="Mock",
            issuer=process.issuer,
            client_id="nightshift",
            secret_param="secret",
        )
        tokens = iter(range(1, 100))
        self.service = ProviderSignIn(
            providers={"mock": provider},
            flows=Flows(
                lambda: bytes(range(32)),
                lambda n: next(tokens).to_bytes(n, "big"),
                clock,
                timedelta(minutes=10),
            ),
            states=Spent(),
            library=Library(wire, clock, log, allow_loopback=True),
            wire=wire,
            secrets=MemorySecrets({"secret": "s3cret"}),
            clock=clock,
            log=log,
            leeway_s=60,
        )

    def depart(self) -> Departure:
        """Begin."""
        return self.service.start("mock", redirect_uri=REDIRECT)

    def arrive(self, departure: Departure, subject: str | None = "ada", **change: Any) -> Identity:
        """Sign in at the provider and come back, with some of what it said changed."""
        said = {**self.process.authorize(departure.url, subject), **change}
        back = Back(
            state=said.get("state", ""),
            code=said.get("code", ""),
            issuer=said.get("iss", ""),
            error=said.get("error", ""),
            cookies=jar(departure.flow),
        )
        return self.service.finish("mock", back, redirect_uri=REDIRECT)[0]


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
    """The second use is refused by the provider."""
    browser = Browser(process)
    departure = browser.depart()
    said = process.authorize(departure.url, "ada")
    back = Back(state=said["state"], code=said["code"], cookies=jar(departure.flow))
    assert "ada" == browser.service.finish("mock", back, redirect_uri=REDIRECT)[0].subject
    with pytest.raises(CodeInvalidError):
        browser.service.finish("mock", back, redirect_uri=REDIRECT)[0]


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
