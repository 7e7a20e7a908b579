"""The inbox of the local stack: what it lists, and how it shows a mail."""

import asyncio
import json
from typing import Any

import pytest

from infra.local.front import Front, Target
from infra.local.http1 import port_of, serve
from infra.local.inbox import Inbox, captured_by_ses, kept_mail, newest_first

KEPT = {
    "to": "ada@example.com",
    "subject": "Hello <b>",
    "text": "Hello & goodbye",
    "html": '<html><head></head><body><p>"Hello"</p><script>x</script></body></html>',
    "sent_at": "2026-11-25T14:00:30Z",
    "headers": {"Message-ID": "<1@example.com>"},
    "attachments": [{"filename": "a.pdf", "content_type": "application/pdf", "size": 3}],
}
ITEM = {
    "pk": {"S": "KEPT"},
    "sk": {"S": "01795615230000#abc"},
    "mail": {"S": json.dumps(KEPT)},
}
CAPTURED = {
    "messages": {
        "000000000000": [
            {
                "MessageId": "m1",
                "To": ["a@example.com"],
                "CC": ["c@example.com"],
                "Subject": "first",
                "BodyText": "text",
                "BodyHtml": None,
                "Timestamp": 1700000000.5,
            },
            {
                "MessageId": "m2",
                "To": ["b@example.com"],
                "Subject": "second",
                "BodyHtml": "<p>html</p>",
                "Timestamp": "2026-01-01T01:00:00+01:00",
            },
        ]
    }
}


class FakeStack:
    """What the inbox asks of a stack."""

    def __init__(self, items: list[dict[str, Any]], *, outputs: bool = True) -> None:
        self.emulator = self
        self.target = Target(http_api="api")
        self.outputs = {"EmailTable": "email"} if outputs else {}
        self._items = items

    async def get(self, path: str) -> dict[str, Any]:
        """Answer as the emulator does."""
        assert "/_ministack/ses/messages" == path
        return CAPTURED

    def client(self, service: str) -> "FakeStack":
        """Be the client, too."""
        assert "dynamodb" == service
        return self

    def query(self, **request: Any) -> dict[str, Any]:
        """Answer the table's items."""
        assert ("email", False) == (request["TableName"], request["ScanIndexForward"])
        return {"Items": self._items}


def get(path: str, items: list[dict[str, Any]], **options: Any) -> tuple[int, str, str]:
    """Return status, headers and body of a page."""

    async def main() -> bytes:
        inbox = Inbox(FakeStack(items, **options))  # type: ignore[arg-type]  # all that it asks
        target = Target(pages={"/dev/inbox": inbox.page, "/dev/inbox.json": inbox.json})
        front = await serve(Front(target).handle, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(front))
        writer.write(
            f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n".encode()
        )
        got = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        front.close()
        return got

    head, _, body = asyncio.run(main()).decode().partition("\r\n\r\n")
    return int(head.split(" ")[1]), head, body


def test_all_mail_is_listed_newest_first() -> None:
    """What was kept and what SES took, in the five fields that are promised."""
    status, head, body = get("/dev/inbox.json", [ITEM])
    assert 200 == status
    assert "application/json" in head
    mails = json.loads(body)
    assert ["Hello <b>", "second", "first"] == [mail["subject"] for mail in mails]
    assert {key: KEPT[key] for key in ("to", "subject", "text", "html", "sent_at")} == mails[0]
    assert {
        "to": "a@example.com, c@example.com",
        "subject": "first",
        "text": "text",
        "html": "",
        "sent_at": "2023-11-14T22:13:20.500Z",
    } == mails[2]


def test_the_list_leads_to_each_mail() -> None:
    """Time, recipient and subject of each; nothing of a mail is taken for markup."""
    _, head, body = get("/dev/inbox", [ITEM])
    assert '<a href="?mail=abc">Hello &lt;b&gt;</a>' in body
    assert "default-src 'none'" in head


def test_a_mail_is_shown_and_cannot_do_anything() -> None:
    """HTML in a sandboxed frame, text, headers and files; links open beside it."""
    _, head, body = get("/dev/inbox?mail=abc", [ITEM])
    assert '<iframe sandbox="allow-popups allow-popups-to-escape-sandbox"' in body
    assert "allow-scripts" not in body
    assert "<script>" not in body
    assert "&lt;base target=&quot;_blank&quot;&gt;" in body
    for part in ("Hello &amp; goodbye", "&lt;1@example.com&gt;", "a.pdf"):
        assert part in body
    assert "script-src" not in head


def test_a_mail_that_is_not_there_is_404() -> None:
    """Or not any more."""
    assert 404 == get("/dev/inbox?mail=nothing", [ITEM])[0]


@pytest.mark.parametrize("outputs", [True, False])
def test_no_mail_is_an_empty_list(outputs: bool) -> None:
    """Nothing has been kept yet, or the stack has no such table."""
    mails = json.loads(get("/dev/inbox.json", [], outputs=outputs)[2])
    assert ["second", "first"] == [mail["subject"] for mail in mails]
    assert [] == list(captured_by_ses({"messages": {}}))


def test_mails_are_ordered_by_time() -> None:
    """Whoever took them."""
    mails = [kept_mail(ITEM), *captured_by_ses(CAPTURED)]
    assert ["abc", "m2", "m1"] == [mail["id"] for mail in newest_first(mails[::-1])]
