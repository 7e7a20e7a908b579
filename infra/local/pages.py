"""The front's own pages: the start page, the inbox, the functions' processes."""

import asyncio
import json

from infra.local.front import Page, problem
from infra.local.http1 import Exchange
from infra.local.inbox import Inbox
from infra.local.stack import LocalStack

_STYLE = """body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:48rem;padding:0 1rem}
:root{color-scheme:light dark}dt{font-weight:600;margin-top:.75rem}dd{margin:0}
"""
_PAGES = (
    ("/", "The product's own pages"),
    ("/api/v1/docs", "The API, as a page"),
    ("/api/v1/openapi.json", "The API, as OpenAPI 3.1"),
    ("/dev/inbox", "The mail that was sent"),
    ("/dev/dummy-webhook", "The dummy webhook"),
    ("/dev/stack.json", "The stack: addresses, processes, how its start went"),
    ("/dev/comparison.json", "What differs now between template and stack"),
)


def pages(stack: LocalStack) -> dict[str, Page]:
    """Return the front's own pages by path."""
    inbox = Inbox(stack)

    async def start(exchange: Exchange) -> None:
        links = "".join(f'<dt><a href="{p}">{p}</a></dt><dd>{text}</dd>' for p, text in _PAGES)
        await _page(exchange, "Nightshift, local stack", f"<dl>{links}</dl>")

    async def state(exchange: Exchange) -> None:
        await exchange.answer(200, "application/json", json.dumps(stack.state()).encode())

    async def comparison(exchange: Exchange) -> None:
        found = await asyncio.to_thread(stack.compare)
        await exchange.answer(200, "application/json", json.dumps(found).encode())

    return {
        path: _read_only(page)
        for path, page in {
            "/dev": start,
            "/dev/inbox": inbox.page,
            "/dev/inbox.json": inbox.json,
            "/dev/stack.json": state,
            "/dev/comparison.json": comparison,
        }.items()
    }


def _read_only(page: Page) -> Page:
    async def guarded(exchange: Exchange) -> None:
        if exchange.method not in {"GET", "HEAD"}:
            await problem(exchange, 405, "this page can only be read")
        else:
            await page(exchange)

    return guarded


async def _page(exchange: Exchange, title: str, body: str) -> None:
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
        f"<style>{_STYLE}</style><h1>{title}</h1>{body}</html>"
    )
    await exchange.answer(200, "text/html; charset=utf-8", text.encode())
