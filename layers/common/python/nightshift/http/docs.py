"""The routes that serve the API's own description, from the file that the generator wrote."""

import hashlib
import json
from functools import cache
from importlib.resources import files

from nightshift.http.docs_page import POLICY, render_page
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import PUBLIC, Mounted, Router

_CACHE = {"cache-control": "public, max-age=300"}

router: Router[None] = Router(tag="Documentation")


@router.route("GET", "/openapi.json", PUBLIC, etag=True)
def get_openapi(_: None, _request: Request) -> Reply:
    """Read this document."""
    text = _document()
    return Reply(body=text, headers=_CACHE | {"etag": _tag(text)})


@router.route("GET", "/docs", PUBLIC, etag=True, content_type="text/html")
def get_docs(_: None, _request: Request) -> Reply:
    """Browse this API; the page loads nothing from anywhere."""
    page = _page()
    headers = _CACHE | {"etag": _tag(page), "content-security-policy": POLICY}
    return Reply(body=page, headers=headers, content_type="text/html; charset=utf-8")


def mounted() -> Mounted:
    """Return the router, ready for `build_app`."""
    return router.bind(lambda: None)


@cache
def _document() -> str:
    return files("nightshift.http").joinpath("openapi.json").read_text("utf-8")


@cache
def _page() -> str:
    return render_page(json.loads(_document()))


def _tag(text: str) -> str:
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
