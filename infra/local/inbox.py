"""The inbox: the mail that the stack kept instead of sending, and what the emulator's SES took.

The pages show a mail in a frame that can run nothing and load nothing; its links open beside it.
"""

import asyncio
import html
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs

from infra.local.front import problem
from infra.local.http1 import Exchange
from infra.local.stack import LocalStack

Mail = dict[str, Any]
PARTITION = "KEPT"
SHOWN = ("to", "subject", "text", "html", "sent_at")
MAX_MAILS = 500
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
FRAME = 'sandbox="allow-popups allow-popups-to-escape-sandbox"'
_STYLE = """:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:56rem;padding:0 1rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.5rem .75rem .5rem 0;border-bottom:1px solid #8886;
vertical-align:top;overflow-wrap:anywhere}
th{font-weight:600}time{white-space:nowrap}
iframe{width:100%;height:44rem;border:1px solid #8886;border-radius:8px;background:#fff}
pre{white-space:pre-wrap;overflow-wrap:anywhere;padding:1rem;border:1px solid #8886;
border-radius:8px}"""


class Inbox:
    """The pages `/dev/inbox` and `/dev/inbox.json`."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack

    async def page(self, exchange: Exchange) -> None:
        """Answer the list, or with `?mail=` one mail."""
        query = parse_qs(exchange.request.target.decode("latin-1").partition("?")[2])
        mails = await self.mails()
        wanted = query.get("mail", [None])[0]
        if wanted is None:
            await _answer(exchange, "Inbox", _list_of(mails))
            return
        found = next((mail for mail in mails if mail["id"] == wanted), None)
        if found is None:
            await problem(exchange, 404, "there is no such mail, or not any more")
            return
        await _answer(exchange, found["subject"], _whole(found))

    async def json(self, exchange: Exchange) -> None:
        """Answer all mails, the newest first."""
        mails = [{key: mail[key] for key in SHOWN} for mail in await self.mails()]
        await exchange.answer(200, "application/json", json.dumps(mails).encode())

    async def mails(self) -> list[Mail]:
        """Return all mails, the newest first; none while the stack is starting."""
        if self._stack.emulator is None or not self._stack.target.http_api:
            return []
        captured = await self._stack.emulator.get("/_ministack/ses/messages")
        kept = await asyncio.to_thread(self._kept)
        return newest_first([*kept, *captured_by_ses(captured)])

    def _kept(self) -> list[Mail]:
        table = self._stack.outputs.get("EmailTable")
        if table is None:
            return []
        answer = self._stack.client("dynamodb").query(
            TableName=table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": PARTITION}},
            ScanIndexForward=False,
            Limit=MAX_MAILS,
            ConsistentRead=True,
        )
        return [kept_mail(item) for item in answer["Items"]]


def kept_mail(item: dict[str, Any]) -> Mail:
    """Return the mail in an item of the email table."""
    mail: Mail = json.loads(item["mail"]["S"])
    return {**mail, "id": item["sk"]["S"].partition("#")[2]}


def captured_by_ses(document: dict[str, Any]) -> Iterator[Mail]:
    """Yield what the emulator's SES took, for a stack that is told to send by it."""
    for found in document.get("messages", {}).values():
        for record in found:
            to = [*record.get("To", []), *record.get("CC", []), *record.get("BCC", [])]
            yield {
                "id": str(record.get("MessageId", "")),
                "to": ", ".join(to),
                "subject": record.get("Subject", ""),
                "text": record.get("BodyText") or "",
                "html": record.get("BodyHtml") or "",
                "sent_at": _instant(record.get("Timestamp")),
                "headers": {},
                "attachments": [],
            }


def newest_first(mails: list[Mail]) -> list[Mail]:
    """Return the mails by their time, the newest first."""
    return sorted(mails, key=lambda mail: str(mail["sent_at"]), reverse=True)


def _instant(value: object) -> str:
    if isinstance(value, (int, float)):
        moment = datetime.fromtimestamp(value, UTC)
    else:
        text = str(value)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = parsedate_to_datetime(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


async def _answer(exchange: Exchange, title: str, body: str) -> None:
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style>"
        f"<h1>{html.escape(title)}</h1>{body}</html>"
    )
    headers = {"content-security-policy": POLICY}
    await exchange.answer(200, "text/html; charset=utf-8", text.encode(), headers=headers)


def _list_of(mails: list[Mail]) -> str:
    if not mails:
        return "<p>No mail yet.</p>"
    rows = "".join(
        f"<tr><td><time>{html.escape(mail['sent_at'])}</time></td>"
        f"<td>{html.escape(mail['to'])}</td>"
        f'<td><a href="?mail={html.escape(mail["id"])}">'
        f"{html.escape(mail['subject']) or '(no subject)'}</a></td></tr>"
        for mail in mails
    )
    return (
        "<table><thead><tr><th>Sent</th><th>To</th><th>Subject</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
        '<p><a href="/dev/inbox.json">The same as JSON</a></p>'
    )


def _whole(mail: Mail) -> str:
    headers = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(str(value))}</td></tr>"
        for name, value in mail["headers"].items()
    )
    files = "".join(
        f"<li>{html.escape(one['filename'])}, {html.escape(one['content_type'])}, "
        f"{one['size']} bytes</li>"
        for one in mail["attachments"]
    )
    shown = ""
    if mail["html"]:
        framed = mail["html"].replace("<head>", '<head><base target="_blank">', 1)
        shown = (
            f'<h2>As HTML</h2><iframe {FRAME} title="The mail" srcdoc="{html.escape(framed)}">'
            "</iframe>"
        )
    return (
        '<p><a href="/dev/inbox">All mail</a></p>'
        f"<p>To {html.escape(mail['to'])}, {html.escape(mail['sent_at'])}</p>{shown}"
        f"<h2>As text</h2><pre>{html.escape(mail['text'])}</pre>"
        + (f"<h2>Files</h2><ul>{files}</ul>" if files else "")
        + (f"<h2>Headers</h2><table>{headers}</table>" if headers else "")
    )
