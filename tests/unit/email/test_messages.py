"""Messages as they go out: whole, readable, and nobody can write a header into them."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightshift.email.addresses import read_address
from nightshift.email.composing import Composer, Letter
from nightshift.email.errors import BadAddressError
from nightshift.email.messages import Sender
from nightshift.email.model import Address, MailId, Template
from nightshift.email.rendering import Brand
from nightshift.email.schemas import read_data
from nightshift.ports.mail import Attachment, OutgoingMail
from tests.support.mails import EXAMPLES, LINK, READER, UNSUBSCRIBE
from tests.unit.email.scene import START

KNOWN_HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "Reply-To", "Auto-Submitted",
    "X-Auto-Response-Suppress", "MIME-Version", "Content-Type", "List-Unsubscribe",
    "List-Unsubscribe-Post",
}  # fmt: skip
EVIL = [
    "x\r\nBcc: eve@example.com",
    "x\nBcc: eve@example.com",
    "x\rBcc: eve@example.com",
    "x\r\n\r\n<script>",
    "x\x00\x0bBcc: eve@example.com",
    "x\u2028Bcc: eve@example.com\u2029y",
    "x\x85Bcc: eve@example.com",
    "=?utf-8?q?x=0D=0ABcc:_eve@example.com?=",
    "=\x00?utf-8?q?x=0D=0ABcc:_eve@example.com?=",
    "==??utf-8?b?eA0KQmNjOiBldmVAZXhhbXBsZS5jb20=?=",
    "=?us-ascii?q?=3D=3Futf-8=3Fq=3Fx=0D=0ABcc:_eve@example.com?=?=",
    "\u202egnp.exe",
    "a" * 300,
    "ä" * 120,
]


def compose(
    template: Template = Template.TASK_FAILED,
    *,
    to: Address | None = None,
    name: str = "Nightshift",
    unsubscribe_url: str = "",
    attachments: tuple[Attachment, ...] = (),
    **changed: Any,
) -> OutgoingMail:
    """Return an example mail with some data changed."""
    _, data = read_data(template, {**EXAMPLES[template], **changed})
    sender = Sender(
        address=read_address("nightshift@example.com"),
        name=name,
        reply_to=read_address("help@example.com"),
    )
    composer = Composer(sender=sender, brand=Brand(url=LINK), now=lambda: START)
    letter = Letter(
        mail_id=MailId("0123abcd"),
        template=template,
        data=data,
        reader=READER,
        to=to or read_address("ada@example.com"),
        unsubscribe_url=unsubscribe_url,
        attachments=attachments,
    )
    return composer.compose(letter)


def parse(mail: OutgoingMail) -> EmailMessage:
    """Return the message as a mail program reads it."""
    message = message_from_bytes(mail.message, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, kind: str) -> str:
    """Return the text of a part."""
    found = message.get_body(preferencelist=(kind,))
    assert found is not None
    return str(found.get_content())


def test_a_message_has_its_headers_and_both_parts() -> None:
    """Plain text first, then HTML, both as they were rendered."""
    mail = compose()
    message = parse(mail)
    assert "Nightshift <nightshift@example.com>" == message["From"]
    assert ("ada@example.com", "help@example.com") == (message["To"], message["Reply-To"])
    assert "Task failed: nightly-sync" == message["Subject"]
    assert ("<0123abcd@example.com>", "auto-generated") == (
        message["Message-ID"],
        message["Auto-Submitted"],
    )
    assert "Wed, 25 Nov 2026 14:00:30 +0000" == message["Date"]
    assert "multipart/alternative" == message.get_content_type()
    assert mail.text == part(message, "plain").replace("\r\n", "\n")
    assert "<!doctype html>" == part(message, "html").splitlines()[0]


def test_lines_are_short_and_end_as_the_wire_wants_it() -> None:
    """CRLF only, at most 998 characters (RFC 5322 section 2.1.1), ASCII only."""
    for template in Template:
        mail = compose(template, unsubscribe_url=UNSUBSCRIBE)
        lines = mail.message.split(b"\r\n")
        assert not [line for line in lines if b"\n" in line or b"\r" in line]
        assert max(map(len, lines)) <= 998
        assert mail.message.isascii()


def test_a_mail_that_can_be_chosen_can_be_left_by_one_click() -> None:
    """Both headers of RFC 8058 stand there, and only there."""
    message = parse(compose(unsubscribe_url=UNSUBSCRIBE))
    assert f"<{UNSUBSCRIBE}>" == message["List-Unsubscribe"]
    assert "List-Unsubscribe=One-Click" == message["List-Unsubscribe-Post"]
    assert "List-Unsubscribe" not in parse(compose(Template.RESET))


def test_a_path_becomes_an_address_of_the_product() -> None:
    """Who asks for a mail need not know where the product is; an address stays as it is."""
    mail = compose(Template.RESET, link="/console/reset?token=x")
    assert f"{LINK}/console/reset?token=x" in mail.text
    assert f'href="{LINK}/console/reset?token=x"' in mail.html
    elsewhere = compose(Template.WELCOME, link="https://elsewhere.example/x")
    assert "https://elsewhere.example/x" in elsewhere.text


def test_a_file_keeps_its_name() -> None:
    """Names that are not ASCII come through (RFC 2231)."""
    file = Attachment(filename="Bericht März.pdf", content_type="application/pdf", data=b"%PDF")
    message = parse(compose(attachments=(file,)))
    (attached,) = message.iter_attachments()
    assert ("Bericht März.pdf", "application/pdf") == (
        attached.get_filename(),
        attached.get_content_type(),
    )
    assert b"%PDF" == attached.get_content()


@pytest.mark.parametrize("text", EVIL)
def test_nothing_in_the_data_becomes_a_header(text: str) -> None:
    """Whatever a task is called, the message has the headers that it should have, once each."""
    message = parse(compose(task_name=text[:300], reason=text[:300]))
    assert KNOWN_HEADERS >= set(message.keys())
    assert len(message.keys()) == len(set(message.keys()))
    assert "eve@example.com" not in str(message["To"])
    assert 1 == len(str(message["Subject"]).splitlines())


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u200b", "\x00", "\x1b", "\x7f"])
def test_nothing_hides_in_a_header(hidden: str) -> None:
    """Marks that turn the direction of a text or cannot be seen become spaces."""
    text = f"in{hidden}voice"
    file = Attachment(filename=text, content_type="application/pdf", data=b"%PDF")
    message = parse(compose(task_name=text, name=text, attachments=(file,)))
    assert "Task failed: in voice" == str(message["Subject"])
    assert "in voice" == message["From"].addresses[0].display_name
    assert ["in voice"] == [one.get_filename() for one in message.iter_attachments()]


@pytest.mark.parametrize("text", EVIL)
def test_nothing_in_the_name_of_the_sender_becomes_a_header(text: str) -> None:
    """Even a setting cannot break a message."""
    message = parse(compose(name=text))
    assert KNOWN_HEADERS >= set(message.keys())
    assert ["nightshift@example.com"] == [a.addr_spec for a in message["From"].addresses]


@pytest.mark.parametrize("text", EVIL)
def test_nothing_in_the_name_of_a_file_becomes_a_header(text: str) -> None:
    """A file may be called what it likes."""
    file = Attachment(filename=text, content_type="application/pdf", data=b"%PDF")
    (attached,) = parse(compose(attachments=(file,))).iter_attachments()
    known = {"Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "MIME-Version"}
    assert known >= set(attached.keys())


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_no_text_at_all_becomes_a_header(text: str) -> None:
    """Whatever hypothesis finds."""
    message = parse(compose(task_name=text, name=text))
    assert KNOWN_HEADERS >= set(message.keys())
    assert ["ada@example.com"] == [a.addr_spec for a in message["To"].addresses]
    assert ["nightshift@example.com"] == [a.addr_spec for a in message["From"].addresses]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\n",
        "\tada@example.com",
        "ada@exa mple.com",
        "ada@example.com,eve@example.com",
        "ada@example.com eve@example.com",
        "ada@example.com;eve@example.com",
        "Ada <ada@example.com>",
        "<ada@example.com>",
        '"ada\\r\\nBcc: eve"@example.com',
        '"a b"@example.com',
        "ada@[127.0.0.1]",
        "ada@[IPv6:::1]",
        "ada(comment)@example.com",
        "ada@example.com\x00",
        "ada@exam\u202eple.com",
        "ada\u2028@example.com",
        "ada@example..com",
        "ada@-example.com",
        f"{'a' * 65}@example.com",
        f"ada@{'a' * 250}.com",
        "=?utf-8?q?ada=0D=0A?=@example.com\r",
    ],
)
def test_what_is_no_single_address_is_refused(text: str) -> None:
    """Lists, display names, comments, quoting, literals, line ends in any disguise."""
    with pytest.raises(BadAddressError):
        read_address(text)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("Ada.Lovelace+x@Example.COM", "Ada.Lovelace+x@example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ädä@bücher.example", "ädä@xn--bcher-kva.example"),
        ("o'hara_1@sub.example.co.uk", "o'hara_1@sub.example.co.uk"),
    ],
)
def test_an_address_is_taken_with_its_domain_in_ascii(text: str, spec: str) -> None:
    """Local parts stay as they are; domains become what the wire needs."""
    assert spec == read_address(text).spec


def test_an_address_beyond_ascii_makes_a_message_of_utf_8() -> None:
    """RFC 6532; who delivers decides whether it can."""
    mail = compose(to=read_address("ädä@example.com"))
    assert "ädä@example.com".encode() in mail.message
    assert "ädä@example.com" == mail.to
