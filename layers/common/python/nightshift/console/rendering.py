"""Turns templates into pages."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from nightshift.console import assets, words
from nightshift.console.guard import TOKEN_FIELD, Guard
from nightshift.console.pages import PageRequest
from nightshift.core.errors import NightshiftError
from nightshift.http.errors import MethodNotAllowedError
from nightshift.http.problem import title_of
from nightshift.http.reply import Reply

TEMPLATES = Path(__file__).with_name("templates")
HTML = "text/html; charset=utf-8"


@cache
def environment() -> Environment:
    """Return the process's templates; every value is escaped, and a missing one is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {"asset": assets.address, "token_field": TOKEN_FIELD}
    made.filters |= {
        "number": words.number,
        "plural": words.plural,
        "breakable": _breakable,
        "day": words.day,
        "moment": words.moment,
        "wait": words.wait,
    }
    return made


def _breakable(name: str) -> Markup:
    """Return a repository's name so that a line may end behind its slash."""
    return Markup("/<wbr>").join(escape(part) for part in name.split("/"))


class Renderer:
    """Renders pages; `guard` gives the tokens of the forms on them."""

    def __init__(self, guard: Guard, now: Callable[[], datetime]) -> None:
        self._guard = guard
        self._now = now

    def page(
        self,
        template: str,
        request: PageRequest,
        *,
        status: int = 200,
        here: str | None = None,
        cookies: tuple[str, ...] = (),
        headers: dict[str, str] | None = None,
        **values: Any,  # noqa: ANN401 - what the template shows
    ) -> Reply:
        """Return a page; `here` is where sign-in and sign-out lead back to.

        What is shown to somebody signed in is not kept by the browser; anything else is, and asked
        for by its entity tag.
        """
        caller = request.caller
        text = self._render(
            template,
            signed_in=caller is not None,
            form_token=self._guard.token(caller.session_id) if caller else "",
            here=request.here if here is None else here,
            **values,
        )
        kept = {} if caller or cookies else {"cache-control": "private, no-cache"}
        tag = hashlib.sha256(text.encode()).hexdigest()[:32]
        marks = {**kept, "etag": f'"{tag}"'} if kept and status == 200 else {}  # noqa: PLR2004
        return Reply(
            status=status,
            body=text,
            content_type=HTML,
            cookies=cookies,
            headers={**marks, **(headers or {})},
        )

    def failure(self, error: NightshiftError, request_id: str) -> Reply:
        """Return the page of a failure. It tells nothing of who asks, known or not."""
        headers = {"retry-after": str(max(1, error.retry_after_s))} if error.retry_after_s else {}
        if isinstance(error, MethodNotAllowedError):
            headers["allow"] = ", ".join(error.allowed)
        text = self._render(
            "failure.html",
            signed_in=None,
            form_token="",
            here="/",
            title=title_of(error.status),
            status=error.status,
            message=error.message,
            errors=error.errors,
            wait_s=error.retry_after_s,
            request_id=request_id,
        )
        return Reply(status=error.status, body=text, content_type=HTML, headers=headers)

    def _render(self, template: str, **values: Any) -> str:  # noqa: ANN401 - the same
        return environment().get_template(template).render(now=self._now(), **values)
