"""The mail port: every deliverer hands over the same bytes, and tells the same failures apart."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
import trustme
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from nightshift.adapters.mail_memory import MemoryMail
from nightshift.adapters.mail_noop import KeptMail, kept_mail
from nightshift.adapters.mail_ses import SesMail
from nightshift.adapters.mail_smtp import SmtpMail, SmtpServer
from nightshift.aws import clients
from nightshift.aws.dynamo import Table
from nightshift.ports.mail import (
    MailError,
    MailRefusedError,
    MailThrottledError,
    MailTransport,
    MailUnavailableError,
    MailUncertainError,
    OutgoingMail,
)
from tests.support.dynamo import FakeDynamoDB
from tests.support.mailserver import PASSWORD, Mailbox, MailServer
from tests.support.parameters import check_parameters

NOW = datetime(2026, 11, 25, 14, 0, 30, tzinfo=UTC)


def a_mail(to: str = "ada@example.com") -> OutgoingMail:
    """Return a small mail with a line that begins with a dot, which SMTP must not swallow."""
    message = EmailMessage(policy=policy.SMTP if to.isascii() else policy.SMTPUTF8)
    message["From"], message["To"] = "nightshift@example.com", to
    message["Subject"] = "Hello"
    message.set_content("one\n.\n..two\n", cte="7bit")
    return OutgoingMail(
        mail_id="0123abcd",
        sender="nightshift@example.com",
        to=to,
        message=message.as_bytes(),
        subject="Hello",
        text="one\n.\n..two\n",
        html="<p>Hello</p>",
        made_at=NOW,
        headers={"Subject": "Hello"},
    )


@dataclass
class SesStub:
    """SES's one operation: checks the request's shape, keeps it, answers or raises."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    error: BaseException | None = None

    def send_email(self, **request: Any) -> dict[str, str]:
        """Take a mail."""
        check_parameters("sesv2", "SendEmail", request)
        self.requests.append(request)
        if self.error is not None:
            raise self.error
        return {"MessageId": "ses-1"}


AUTHORITY = trustme.CA()


def _server_tls(name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(name).configure_cert(context)
    return context


def _client_tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """Return a function that starts a server on loopback and returns its port."""
    with ExitStack() as running:
        yield lambda box, **options: running.enter_context(MailServer(box, **options)).port


def _smtp(port: int, *, security: str = "starttls", **more: Any) -> SmtpMail:
    server = SmtpServer(host="127.0.0.1", port=port, security=security, **more)
    return SmtpMail(server, lambda: PASSWORD, tls=_client_tls(), timeout_s=5)


Delivered = Callable[[], list[bytes]]


@pytest.fixture(params=["memory", "ses", "smtp", "noop"])
def delivery(
    request: pytest.FixtureRequest, serve: Callable[..., int]
) -> tuple[MailTransport, Delivered]:
    """Return each deliverer, and what it has delivered."""
    if request.param == "memory":
        memory = MemoryMail()
        return memory, lambda: [m.message for m in memory.mails]
    if request.param == "ses":
        stub = SesStub()
        return SesMail(lambda: stub), lambda: [  # type: ignore[arg-type,return-value]  # a stub
            r["Content"]["Raw"]["Data"] for r in stub.requests
        ]
    if request.param == "smtp":
        box = Mailbox()
        port = serve(box, tls_context=_server_tls(), require_starttls=True)
        return _smtp(port), lambda: [bytes(m.original_content or b"") for m in box.mails]
    dynamo = FakeDynamoDB(["email"])
    table = Table(dynamo, "email")  # type: ignore[arg-type]  # the fake's door
    return KeptMail(table), lambda: [a_mail().message for _ in dynamo.items("email")]


def test_a_mail_is_handed_over_as_it_is(delivery: tuple[MailTransport, Delivered]) -> None:
    """Not a byte is changed, and there is an id to find it by."""
    transport, delivered = delivery
    assert transport.send(a_mail())
    assert [a_mail().message] == delivered()


def test_ses_gets_envelope_tag_and_configuration() -> None:
    """The mail's own id is a tag, so that events and doubles can be traced to it."""
    stub = SesStub()
    assert "ses-1" == SesMail(lambda: stub, configuration_set="set").send(a_mail())  # type: ignore[arg-type,return-value]  # a stub
    (request,) = stub.requests
    assert ("nightshift@example.com", {"ToAddresses": ["ada@example.com"]}, "set") == (
        request["FromEmailAddress"],
        request["Destination"],
        request["ConfigurationSetName"],
    )
    assert [{"Name": "nightshift-mail", "Value": "0123abcd"}] == request["EmailTags"]


def _answered(code: str, status: int = 400, message: str = "") -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "SendEmail")


@pytest.mark.parametrize(
    ("error", "meant"),
    [
        (_answered("MessageRejected"), MailRefusedError),
        (_answered("MailFromDomainNotVerifiedException"), MailRefusedError),
        (_answered("AccountSuspendedException"), MailRefusedError),
        (_answered("BadRequestException"), MailRefusedError),
        (_answered("NotFoundException", 404), MailRefusedError),
        (_answered("TooManyRequestsException", 429), MailThrottledError),
        (_answered("LimitExceededException"), MailThrottledError),
        (_answered("SendingPausedException"), MailUnavailableError),
        (_answered("AccessDeniedException", 403), MailUnavailableError),
        (_answered("InternalFailure", 500), MailUncertainError),
        (_answered("ServiceUnavailable", 503), MailUncertainError),
        (ConnectTimeoutError(endpoint_url="x"), MailUnavailableError),
        (EndpointConnectionError(endpoint_url="x"), MailUnavailableError),
        (ReadTimeoutError(endpoint_url="x"), MailUncertainError),
        (ConnectionClosedError(endpoint_url="x"), MailUncertainError),
    ],
)
def test_what_ses_answers_is_told_apart(error: BaseException, meant: type[MailError]) -> None:
    """For good, for now, or nobody knows."""
    stub = SesStub(error=error)
    with pytest.raises(MailError) as told:
        SesMail(lambda: stub).send(a_mail())  # type: ignore[arg-type,return-value]  # a stub
    assert meant is type(told.value)


def test_a_used_up_quota_of_ses_is_waited_for() -> None:
    """An hour, since the day's quota comes back slowly; a rate only for the usual backoff."""
    told = []
    for message in ("Daily message quota exceeded.", "Maximum sending rate exceeded."):
        stub = SesStub(error=_answered("TooManyRequestsException", 429, message))
        with pytest.raises(MailThrottledError) as error:
            SesMail(lambda stub=stub: stub).send(a_mail())  # type: ignore[misc]  # a stub
        told.append(error.value.retry_after_s)
    assert [3600, None] == told


def test_the_client_of_ses_never_sends_twice_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK would repeat a call whose answer it did not hear."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    client: Any = clients.sesv2.__wrapped__()
    assert 1 == client.meta.config.retries["total_max_attempts"]


def test_ses_refuses_what_it_cannot_take() -> None:
    """A local part beyond ASCII is refused before the call."""
    stub = SesStub()
    with pytest.raises(MailRefusedError):
        SesMail(lambda: stub).send(a_mail("ädä@example.com"))  # type: ignore[arg-type,return-value]  # a stub
    assert [] == stub.requests


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_smtp_signs_in_under_tls(serve: Callable[..., int], security: str) -> None:
    """By STARTTLS or from the first byte; the password goes out only then."""
    box = Mailbox()
    options: dict[str, Any] = {"authenticator": box.sign_in}
    if security == "tls":
        options |= {"tls": _server_tls(), "auth_require_tls": False}
    else:
        options |= {"tls_context": _server_tls(), "require_starttls": True, "auth_required": True}
    port = serve(box, **options)
    _smtp(port, security=security, user="nightshift").send(a_mail())
    assert ["nightshift"] == box.users
    assert ["ada@example.com"] == box.mails[0].rcpt_tos


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_smtp_does_not_trust_a_wrong_certificate(serve: Callable[..., int], security: str) -> None:
    """A certificate for another name, or one that nobody vouches for: nothing is said."""
    box = Mailbox()
    kind = "tls" if security == "tls" else "tls_context"
    signing_in = {"authenticator": box.sign_in, "auth_require_tls": False}
    wrong = serve(box, **{kind: _server_tls("mail.example.com")}, **signing_in)
    unvouched = serve(box, **{kind: _server_tls()}, **signing_in)
    stranger = SmtpMail(
        SmtpServer(host="127.0.0.1", port=unvouched, security=security, user="nightshift"),
        lambda: PASSWORD,
        timeout_s=5,
    )
    for transport in (_smtp(wrong, security=security, user="nightshift"), stranger):
        with pytest.raises(MailUnavailableError):
            transport.send(a_mail())
    assert ([], []) == (box.users, box.mails)


def test_smtp_says_nothing_to_a_server_without_tls(serve: Callable[..., int]) -> None:
    """STARTTLS is not optional: who strips it gets no password and no mail."""
    box = Mailbox()
    port = serve(box, authenticator=box.sign_in, auth_require_tls=False)
    with pytest.raises(MailUnavailableError):
        _smtp(port, user="nightshift").send(a_mail())
    assert ([], []) == (box.users, box.mails)


def test_smtp_refuses_to_go_on_without_sign_in(serve: Callable[..., int]) -> None:
    """A wrong password is for the operator to mend, so the mail waits."""
    box = Mailbox()
    port = serve(box, tls_context=_server_tls(), authenticator=box.sign_in, auth_required=True)
    server = SmtpServer(host="127.0.0.1", port=port, user="nightshift")
    with pytest.raises(MailUnavailableError, match="credentials"):
        SmtpMail(server, lambda: "wrong", tls=_client_tls(), timeout_s=5).send(a_mail())


@pytest.mark.parametrize(
    ("answers", "meant"),
    [
        ({"at_recipient": "550 5.1.1 no such user"}, MailRefusedError),
        ({"at_recipient": "451 4.7.1 greylisted"}, MailThrottledError),
        ({"at_recipient": "440 later"}, MailUnavailableError),
        ({"at_data": "554 5.7.1 spam"}, MailRefusedError),
        ({"at_data": "452 4.3.1 full"}, MailThrottledError),
        ({"at_data": "421 4.3.2 going down"}, MailThrottledError),
    ],
)
def test_what_a_mail_server_answers_is_told_apart(
    serve: Callable[..., int], answers: dict[str, str], meant: type[MailError]
) -> None:
    """5yz is for good, 4yz is for now."""
    port = serve(Mailbox(**answers))  # type: ignore[arg-type]  # texts only
    with pytest.raises(MailError) as told:
        _smtp(port, security="none").send(a_mail())
    assert meant is type(told.value)


def test_nobody_at_the_port_is_certain() -> None:
    """No connection, no mail."""
    with pytest.raises(MailUnavailableError):
        _smtp(9).send(a_mail())


def test_a_server_that_vanishes_after_the_message_leaves_doubt(serve: Callable[..., int]) -> None:
    """It may have taken the mail."""
    box = Mailbox(vanish=True)
    port = serve(box)
    with pytest.raises(MailUncertainError):
        _smtp(port, security="none").send(a_mail())
    assert 1 == len(box.mails)


@pytest.mark.parametrize("utf8", [True, False])
def test_smtp_takes_addresses_beyond_ascii_where_the_server_does(
    serve: Callable[..., int], utf8: bool
) -> None:
    """SMTPUTF8 (RFC 6531) is asked for; a server without it is told nothing."""
    box = Mailbox()
    port = serve(box, enable_SMTPUTF8=utf8)
    transport = _smtp(port, security="none")
    if utf8:
        transport.send(a_mail("ädä@example.com"))
        assert ["ädä@example.com"] == box.mails[0].rcpt_tos
    else:
        with pytest.raises(MailRefusedError):
            transport.send(a_mail("ädä@example.com"))


def test_a_mail_that_is_kept_can_be_read_again() -> None:
    """All that an inbox shows, for a week."""
    dynamo = FakeDynamoDB(["email"])
    table = Table(dynamo, "email")  # type: ignore[arg-type]  # the fake's door
    KeptMail(table).send(a_mail())
    KeptMail(table).send(a_mail())
    items: list[dict[str, Any]] = dynamo.items("email")
    (item,) = items
    assert {
        "to": "ada@example.com",
        "subject": "Hello",
        "text": "one\n.\n..two\n",
        "html": "<p>Hello</p>",
        "sent_at": "2026-11-25T14:00:30Z",
        "headers": {"Subject": "Hello"},
        "attachments": [],
    } == kept_mail(item)
    assert 7 * 86_400 == item["expires_at"] - NOW.timestamp()


def test_a_message_is_whole_after_the_wire(serve: Callable[..., int]) -> None:
    """Lines that begin with dots arrive as they were written (RFC 5321 section 4.5.2)."""
    box = Mailbox()
    _smtp(serve(box), security="none").send(a_mail())
    message = message_from_bytes(box.mails[0].content or b"", policy=policy.default)  # type: ignore[arg-type]  # bytes here
    assert "one\n.\n..two\n" == str(message.get_payload()).replace("\r\n", "\n")
