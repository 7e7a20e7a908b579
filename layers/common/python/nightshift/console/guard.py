"""Refuses forms that no page of this site has shown to this browser.

Two checks, each of which would do by itself. Where the request comes from: the browser says so in
`Sec-Fetch-Site`, or in `Origin` where it is older; with neither the form is refused. And a token in
the form that is an HMAC of what the visitor holds: the session's id, or the cookie that came with
the sign-in form. Nothing is stored for it. `SameSite=Lax` on the cookies is a third one.
"""

from collections.abc import Callable

from nightshift.console.errors import CrossSiteError, StaleFormError
from nightshift.core.tokens import b64url, keyed, same
from nightshift.http.request import RawRequest

TOKEN_FIELD = "form_token"


class Guard:
    """`key` gives the function's own secret, `public_url` the site's address or nothing."""

    def __init__(self, key: Callable[[], bytes], *, public_url: str = "") -> None:
        self._key = key
        self._public_url = public_url.rstrip("/").lower()

    def check_origin(self, raw: RawRequest) -> None:
        """Let a form pass that was sent from a page of this site.

        Raises:
            CrossSiteError: it was not, or the browser does not say.
        """
        site = raw.headers.get("sec-fetch-site")
        if site is not None:
            if site != "same-origin":
                raise CrossSiteError
            return
        origin = raw.headers.get("origin", "").lower()
        if not origin or origin not in {self._public_url, _own_origin(raw)}:
            raise CrossSiteError

    def token(self, holder: str) -> str:
        """Return the token of the forms that are shown to who holds this."""
        return b64url(keyed(self._key(), b"form", holder.encode()))

    def check_token(self, holder: str, token: str) -> None:
        """Let a form pass that was shown to who holds this.

        Raises:
            StaleFormError: it was shown to somebody else, or never.
        """
        if not same(self.token(holder).encode(), token.encode()):
            raise StaleFormError


def _own_origin(raw: RawRequest) -> str:
    scheme = "https" if raw.headers.get("x-forwarded-proto", "https") == "https" else "http"
    return f"{scheme}://{raw.headers.get('host', '')}".lower()
