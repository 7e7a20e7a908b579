import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from nightshift.outbound.connector import default_tls
from nightshift.ports.sender import OutboundAnswer, Outcome
from tests.integration.outbound.receivers import (
    call,
    drips,
    receiver,
    says,
    says_then_hangs,
    says_then_resets,
)

NAME = "hook.example"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority that only our test client trusts."""
    return trustme.CA()


@pytest.fixture
def client(authority: trustme.CA) -> ssl.SSLContext:
    """The product's own client context, with the test authority in place of the public ones."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context


def _server(leaf: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context


def _called(
    server: ssl.SSLContext,
    client: ssl.SSLContext | None,
    *,
    host: str = NAME,
    answer: bytes = OK,
) -> OutboundAnswer:
    async def run() -> OutboundAnswer:
        async with receiver(says_then_hangs(answer), tls=server) as found:
            return await call(found.port, scheme="https", host=host, tls=client)

    return asyncio.run(run())


def test_the_right_name_under_a_trusted_authority_is_called(
    authority: trustme.CA, client: ssl.SSLContext
) -> None:
    """A receiver whose certificate holds for the name in the URL gets the call."""
    answer = _called(_server(authority.issue_cert(NAME)), client)
    assert (answer.outcome, answer.status, answer.body) == (Outcome.ANSWERED, 200, b"ok")


def test_the_name_is_told_to_the_receiver(authority: trustme.CA, client: ssl.SSLContext) -> None:
    """The handshake names the host of the URL (SNI), although an address is connected to."""
    server = _server(authority.issue_cert(NAME))
    names: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: names.append(name)
    assert _called(server, client, host="HOOK.example.").ok
    assert names == [NAME]


def test_an_address_in_the_url_is_verified_as_such(
    authority: trustme.CA, client: ssl.SSLContext
) -> None:
    """An https URL with a literal address needs a certificate for that address."""
    right = _called(_server(authority.issue_cert("127.0.0.1")), client, host="127.0.0.1")
    wrong = _called(_server(authority.issue_cert(NAME)), client, host="127.0.0.1")
    assert right.ok
    assert wrong.outcome is Outcome.TLS_FAILED


@pytest.mark.parametrize("name", ["other.example", "example", "*.hook.example", "127.0.0.1"])
def test_a_wrong_name_is_refused(authority: trustme.CA, client: ssl.SSLContext, name: str) -> None:
    """A certificate for another name is no proof, the address's own included."""
    answer = _called(_server(authority.issue_cert(name)), client)
    assert (answer.outcome, answer.status) == (Outcome.TLS_FAILED, None)
    assert "certificate not valid" in answer.detail


def test_an_unknown_authority_is_refused(client: ssl.SSLContext) -> None:
    """A certificate that nobody known has signed is no proof."""
    answer = _called(_server(trustme.CA().issue_cert(NAME)), client)
    assert answer.outcome is Outcome.TLS_FAILED


def test_an_expired_certificate_is_refused(authority: trustme.CA, client: ssl.SSLContext) -> None:
    """A certificate that held until yesterday is no proof."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    leaf = authority.issue_cert(NAME, not_after=yesterday)
    answer = _called(_server(leaf), client)
    assert answer.outcome is Outcome.TLS_FAILED
    assert "expired" in answer.detail


def test_nothing_is_sent_before_the_receiver_is_proved(authority: trustme.CA) -> None:
    """A receiver without a good certificate sees no byte of the request."""

    async def run() -> list[bytes]:
        server = _server(authority.issue_cert(NAME))
        async with receiver(says(OK), tls=server) as found:
            await call(found.port, scheme="https", host=NAME)
            return found.heads

    assert asyncio.run(run()) == []


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_the_environment_adds_no_authority(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: object, variable: str
) -> None:
    """Trust comes with the product: a variable that names another authority changes nothing."""
    bundle = f"{tmp_path}/authority.pem"
    authority.cert_pem.write_to_path(bundle)
    monkeypatch.setenv(variable, bundle if variable == "SSL_CERT_FILE" else str(tmp_path))
    answer = _called(_server(authority.issue_cert(NAME)), default_tls.__wrapped__())
    assert answer.outcome is Outcome.TLS_FAILED


def test_the_keys_of_a_session_are_not_written_anywhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    """A variable that asks for TLS keys to be logged is not heard."""
    monkeypatch.setenv("SSLKEYLOGFILE", f"{tmp_path}/keys")
    assert default_tls.__wrapped__().keylog_filename is None


def test_the_context_is_made_once() -> None:
    """All calls of a process share one context, because making one is dear."""
    assert default_tls() is default_tls()
    assert default_tls().verify_mode is ssl.CERT_REQUIRED
    assert default_tls().check_hostname
    assert ssl.TLSVersion.TLSv1_2 == default_tls().minimum_version


def test_plain_http_on_the_port_is_a_tls_failure(client: ssl.SSLContext) -> None:
    """A receiver that speaks no TLS is told as such."""

    async def chat(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    answer = asyncio.run(_raw(chat, client))
    assert answer.outcome is Outcome.TLS_FAILED


def test_a_handshake_that_hangs_is_cut_off_in_time(client: ssl.SSLContext) -> None:
    """A receiver that accepts and never shakes hands ends at the deadline."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.transport.abort()

    answer = asyncio.run(_raw(silent, client, timeout_s=0.2))
    assert answer.outcome is Outcome.TIMED_OUT
    assert answer.elapsed_ms < 700


def test_a_handshake_that_breaks_off_is_a_failed_connection(client: ssl.SSLContext) -> None:
    """A receiver that hangs up on the handshake is no time-out."""

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.transport.abort()

    answer = asyncio.run(_raw(rude, client))
    assert answer.outcome in {Outcome.CONNECT_FAILED, Outcome.TLS_FAILED}


async def _raw(
    script: Callable[[asyncio.StreamReader, asyncio.StreamWriter], object],
    client: ssl.SSLContext,
    *,
    timeout_s: float = 5.0,
) -> OutboundAnswer:
    server = await asyncio.start_server(script, "127.0.0.1", 0)  # type: ignore[arg-type]
    port = server.sockets[0].getsockname()[1]
    try:
        return await call(port, scheme="https", host=NAME, tls=client, timeout_s=timeout_s)
    finally:
        server.close()
        await asyncio.sleep(0.01)


def test_a_slow_or_broken_answer_over_tls_is_bounded_too(
    authority: trustme.CA, client: ssl.SSLContext
) -> None:
    """Under TLS a drip is a time-out and a reset is a reset, as without."""
    head = b"HTTP/1.1 200 OK\r\n\r\n"

    async def run() -> list[OutboundAnswer]:
        server = _server(authority.issue_cert(NAME))
        answers = []
        for script in (drips(head, every_s=0.02), says_then_resets(head)):
            async with receiver(script, tls=server) as found:
                answers.append(
                    await call(found.port, scheme="https", host=NAME, tls=client, timeout_s=0.4)
                )
        return answers

    outcomes = [answer.outcome for answer in asyncio.run(run())]
    assert outcomes == [Outcome.TIMED_OUT, Outcome.RESET]


def test_a_receiver_that_wants_a_client_certificate_is_a_tls_failure(
    authority: trustme.CA, client: ssl.SSLContext
) -> None:
    """We have no certificate to show; TLS 1.3 says so only after the handshake."""
    server = _server(authority.issue_cert(NAME))
    server.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(server)
    answer = _called(server, client)
    assert answer.outcome in {Outcome.TLS_FAILED, Outcome.RESET}
    assert answer.status is None
