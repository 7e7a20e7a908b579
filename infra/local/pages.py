"""The front's own pages: the start page, the inbox, the functions' processes."""

import asyncio
import html
import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from infra.local.front import Page, problem
from infra.local.http1 import Exchange
from infra.local.stack import LocalStack

_STYLE = """body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:48rem;padding:0 1rem}
:root{color-scheme:light dark}dt{font-weight:600;margin-top:.75rem}dd{margin:0}
article{border-top:1px solid #8886;padding:1rem 0}
iframe{width:100%;height:24rem;border:1px solid #8886}
pre{white-space:pre-wrap}"""
_PAGES = (
    ("/reports", "Reports on GitHub users, as pages"),
    ("/api/v1/docs", "The API, as a page"),
    ("/api/v1/openapi.json", "The API, as OpenAPI 3.1"),
    ("/dev/inbox", "The mail that was sent"),
    ("/dev/dummy-webhook", "The dummy webhook"),
    ("/dev/stack.json", "The stack: addresses, processes, how its start went"),
    ("/dev/comparison.json", "What differs now between template and stack"),
)
Mail = dict[str, Any]


def pages(stack: LocalStack) -> dict[str, Page]:
    """Return the front's own pages by path."""

    async def start(exchange: Exchange) -> None:
        links = "".join(f'<dt><a href="{p}">{p}</a></dt><dd>{text}</dd>' for p, text in _PAGES)
        await _page(exchange, "Nightshift, local stack", f"<dl>{links}</dl>")

    async def inbox(exchange: Exchange) -> None:
        mails = await _mails(stack)
        body = "".join(_article(mail) for mail in mails) or "<p>No mail yet.</p>"
        await _page(exchange, "Inbox", body)

    async def inbox_json(exchange: Exchange) -> None:
        await exchange.answer(200, "application/json", json.dumps(await _mails(stack)).encode())

    async def state(exchange: Exchange) -> None:
        await exchange.answer(200, "application/json", json.dumps(stack.state()).encode())

    async def comparison(exchange: Exchange) -> None:
        found = await asyncio.to_thread(stack.compare)
        await exchange.answer(200, "application/json", json.dumps(found).encode())

    return {
        path: _read_only(page)
        for path, page in {
            "/": start,
            "/dev/inbox": inbox,
            "/dev/inbox.json": inbox_json,
            "/dev/stack.json": state,
            "/dev/comparison.json": comparison,
        }.items()
    }


def mails_of(document: dict[str, Any]) -> list[Mail]:
    """Return the emulator's captured mail as `{to, subject, text, html, sent_at}`, newest first."""
    records = [record for found in document.get("messages", {}).values() for record in found]
    mails = [
        {
            "to": [*record.get("To", []), *record.get("CC", []), *record.get("BCC", [])],
            "subject": record.get("Subject", ""),
            "text": record.get("BodyText") or "",
            "html": record.get("BodyHtml") or "",
            "sent_at": _instant(record.get("Timestamp")),
        }
        for record in records
    ]
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


def _read_only(page: Page) -> Page:
    async def guarded(exchange: Exchange) -> None:
        if exchange.method not in {"GET", "HEAD"}:
            await problem(exchange, 405, "this page can only be read")
        else:
            await page(exchange)

    return guarded


async def _mails(stack: LocalStack) -> list[Mail]:
    if stack.emulator is None or not stack.target.http_api:
        return []
    return mails_of(await stack.emulator.get("/_ministack/ses/messages"))


async def _page(exchange: Exchange, title: str, body: str) -> None:
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
        f"<style>{_STYLE}</style><h1>{title}</h1>{body}</html>"
    )
    await exchange.answer(200, "text/html; charset=utf-8", text.encode())


def _article(mail: Mail) -> str:
    shown = (
        f'<iframe sandbox srcdoc="{html.escape(mail["html"])}"></iframe>' if mail["html"] else ""
    )
    return (
        f"<article><h2>{html.escape(mail['subject'])}</h2>"
        f"<p>To {html.escape(', '.join(mail['to']))}, {html.escape(str(mail['sent_at']))}</p>"
        f"<pre>{html.escape(mail['text'])}</pre>{shown}</article>"
    )
