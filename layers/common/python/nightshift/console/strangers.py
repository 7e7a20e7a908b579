"""Forms for whoever comes: tied to the browser by a cookie, since there may be no session.

The cookie holds a random number; the form's token is an HMAC of it (see `guard`). Forms of all
pages share it, so that one does not make another stale.
"""

import os
from dataclasses import dataclass

from nightshift.console.cookies import CookieJar
from nightshift.console.guard import TOKEN_FIELD, Guard
from nightshift.console.pages import Handler, PageRequest, PageRoute
from nightshift.core.tokens import RandomBytes, b64url, from_b64url
from nightshift.http.routing import PUBLIC, LimitRule

FORM_BYTES = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Tie:
    """What goes along with a form: the cookies of the answer, and the token in the form."""

    cookies: tuple[str, ...]
    token: str


class StrangerForms:
    """Ties forms to browsers, and checks that they are."""

    def __init__(self, guard: Guard, jar: CookieJar, random: RandomBytes = os.urandom) -> None:
        self._guard = guard
        self._jar = jar
        self._random = random

    def tie(self, request: PageRequest) -> Tie:
        """Return what ties a form to the browser that asks."""
        shown = request.cookies.get(self._jar.form, "")
        if not _is_form_cookie(shown):
            shown = b64url(self._random(FORM_BYTES))
        return Tie(cookies=(self._jar.shown_form(shown),), token=self._guard.token(_holder(shown)))

    def check(self, request: PageRequest) -> None:
        """Let a form pass that was shown to this browser.

        Raises:
            StaleFormError: it was shown to another one, or never.
        """
        shown = request.cookies.get(self._jar.form, "")
        self._guard.check_token(_holder(shown), request.form.get(TOKEN_FIELD, ""))


def stranger_route(
    method: str,
    path: str,
    handler: Handler,
    *,
    knows_visitor: bool = True,
    limit: LimitRule | None = None,
) -> PageRoute:
    """Return the route of a page for everybody, whose form is tied by a cookie."""
    return PageRoute(
        method=method,
        path=path,
        access=PUBLIC,
        handler=handler,
        is_own_guard=True,
        knows_visitor=knows_visitor,
        limit=limit,
    )


def _holder(form_cookie: str) -> str:
    """Return what a form's token is bound to; no session's id looks like it."""
    return f"form:{form_cookie}"


def _is_form_cookie(text: str) -> bool:
    try:
        return len(from_b64url(text)) == FORM_BYTES
    except ValueError:
        return False
