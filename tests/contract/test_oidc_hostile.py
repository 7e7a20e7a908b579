"""Providers that forge, change, mix up, fall silent or talk too much, over real connections."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from nightshift.identity.oidc.errors import (
    IdTokenInvalidError,
    IssuerMismatchError,
    ProviderUnavailableError,
)
from nightshift.identity.oidc.model import Flaw
from tests.support.openid import OpenIdProcess, openid_process
from tests.support.openid_line import ADA, Browser
from tests.unit.identity.oidc.scene import other_key, rsa_key

PEM = rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
SLOW_S = 0.3
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def process() -> Iterator[OpenIdProcess]:
    """A provider that knows Ada."""
    with openid_process() as running:
        running.know("ada", ADA)
        yield running


FORGED: dict[str, tuple[dict[str, object], Any, set[Flaw]]] = {
    "no algorithm": ({"alg": "none"}, b"", {Flaw.ALGORITHM}),
    "no algorithm, spelt otherwise": ({"alg": "nOnE"}, b"", {Flaw.ALGORITHM}),
    "the public key as a secret": ({"alg": "HS256"}, PEM, {Flaw.ALGORITHM}),
    "the client's secret as a key": ({"alg": "HS256"}, b"s3cret", {Flaw.ALGORITHM}),
    "a key that nobody published": ({"kid": "unheard-of"}, None, {Flaw.KEY}),
    "another key under a known name": ({"alg": "ES256"}, other_key("ES256"), {Flaw.ALGORITHM}),
    "a key that the token brings along": ({"kid": "x", "jku": "https://x"}, None, {Flaw.KEY}),
    "a critical extension": ({"crit": ["exp"]}, None, {Flaw.CRITICAL}),
    "a token of another kind": ({"typ": "at+jwt"}, None, {Flaw.TYPE}),
}


@pytest.mark.parametrize("name", list(FORGED))
def test_a_token_that_was_signed_otherwise_lets_nobody_in(
    process: OpenIdProcess, name: str
) -> None:
    """By no key, a wrong one, or in a way that only looks like signing."""
    browser = Browser(process)
    browser.line.header, browser.line.key, flaws = FORGED[name]
    with pytest.raises(IdTokenInvalidError) as refused:
        browser.arrive(browser.depart())
    assert refused.value.flaw in flaws


def test_keys_that_a_provider_changes_are_followed() -> None:
    """A provider that comes back with other keys is believed, and its old ones are not."""
    with openid_process() as before:
        before.know("ada", ADA)
        browser = Browser(before)
        assert "ada" == browser.arrive(browser.depart()).subject
        port = before.port
    with openid_process(port) as after:
        after.know("ada", ADA)
        browser.clock.advance(seconds=61)
        assert "ada" == browser.arrive(browser.depart()).subject
    assert 2 == len([r for r in browser.line.requests if r.url.endswith("/jwks")])


@pytest.mark.parametrize("verified", [False, None, "false", "yes", 1])
def test_an_address_that_the_provider_does_not_vouch_for_is_said_so(
    process: OpenIdProcess, verified: object
) -> None:
    """Whoever uses it to link or to register must refuse."""
    claims = {**ADA, "email_verified": verified}
    kept = {name: value for name, value in claims.items() if value is not None}
    process.know("unsure", kept)
    browser = Browser(process)
    assert not browser.arrive(browser.depart(), "unsure").email_verified


def test_an_answer_that_names_another_provider_is_refused(process: OpenIdProcess) -> None:
    """RFC 9207: before its code is shown to anybody."""
    browser = Browser(process)
    departure = browser.depart()
    calls = len(browser.line.requests)
    with pytest.raises(IssuerMismatchError):
        browser.arrive(departure, iss="https://evil.example.com")
    assert calls == len(browser.line.requests)


def test_a_provider_that_promised_its_name_must_give_it(process: OpenIdProcess) -> None:
    """An answer without it comes from somebody else."""
    browser = Browser(process)
    browser.line.documents["openid-configuration"] = {
        "authorization_response_iss_parameter_supported": True
    }
    with pytest.raises(IssuerMismatchError):
        browser.arrive(browser.depart(), iss="")
    assert "ada" == browser.arrive(browser.depart(), iss=process.issuer).subject


def test_a_provider_that_names_another_issuer_is_not_used(process: OpenIdProcess) -> None:
    """In its metadata: nobody is sent there."""
    browser = Browser(process)
    browser.line.documents["openid-configuration"] = {"issuer": "https://evil.example.com"}
    with pytest.raises(ProviderUnavailableError):
        browser.depart()
    assert "issuer is another" in browser.lines.getvalue()


def answers(body: bytes, status: int = 200) -> Callable[[BaseHTTPRequestHandler], None]:
    """Return a provider that gives one answer to everything."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("content-type", "application/json")
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        with contextlib.suppress(OSError):
            request.wfile.write(body)

    return answer


def redirects(request: BaseHTTPRequestHandler) -> None:
    """Send everybody to the metadata of another address."""
    request.send_response(302)
    request.send_header("location", "http://169.254.169.254/latest")
    request.send_header("content-length", "0")
    request.end_headers()


def falls_silent(request: BaseHTTPRequestHandler) -> None:
    """Begin to answer, and never go on until the other side has left."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{")
    with contextlib.suppress(OSError):
        request.connection.recv(1)


@contextlib.contextmanager
def provider(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[OpenIdProcess]:
    """Serve what only stands where a provider should."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield OpenIdProcess(port=server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


HUGE = json.dumps({"issuer": "x" * MEGABYTE}).encode()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (answers(HUGE), "too long"),
        (answers(b"[" * 200_000), "answered 200"),
        (answers(b"<html>"), "answered 200"),
        (answers(b"{}", 500), "answered 500"),
        (answers(b"{}"), "answered 200"),
        (redirects, "answered 302"),
        (falls_silent, ""),
    ],
    ids=["huge", "deep", "no JSON", "broken", "empty", "leads inside", "silent"],
)
def test_a_provider_that_does_not_answer_as_it_should_sends_nobody_anywhere(
    answer: Callable[[BaseHTTPRequestHandler], None], reason: str
) -> None:
    """Soon, with the reason in the log, and no matter how much it says."""
    with provider(answer) as standing:
        browser = Browser(standing, timeout_s=SLOW_S)
        with pytest.raises(ProviderUnavailableError):
            browser.depart()
    assert reason in logged(browser)


def test_a_provider_that_is_not_there_sends_nobody_anywhere() -> None:
    """Its port is closed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        browser = Browser(OpenIdProcess(port=probe.getsockname()[1]))
        with pytest.raises(ProviderUnavailableError):
            browser.depart()


def test_a_provider_that_goes_away_meanwhile_lets_nobody_in() -> None:
    """Between the way there and the way back."""
    with openid_process() as running:
        running.know("ada", ADA)
        browser = Browser(running)
        departure = browser.depart()
        said = running.authorize(departure.url, "ada")
    with pytest.raises(ProviderUnavailableError):
        browser.come_back(departure, said)


def logged(browser: Browser) -> str:
    """Return the reason in the log line."""
    lines = [json.loads(line) for line in browser.lines.getvalue().splitlines()]
    (line,) = [one for one in lines if one["action"] == "oidc.unavailable"]
    return str(line["reason"])
