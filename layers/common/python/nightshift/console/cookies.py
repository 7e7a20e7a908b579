"""The cookies of a browser's session: names, scope, and how they are read and written.

A browser holds the same pair of tokens as a program. The access token goes along with every
request. The refresh token goes to `REFRESH_PATH` alone, so that no page but that one ever sees it.
The access token's cookie outlives the token: an expired one says that there is a session to be
carried on. The third cookie ties the sign-in form to the browser that it was shown in.

Where addresses are https, names carry the prefixes of RFC 6265bis section 4.1.3, by which a
browser refuses such a cookie from a neighbouring host or from plain http.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nightshift.console.ways import REFRESH_PATH

MAX_COOKIES = 50
_VALUE = re.compile(r"[\w.~+/=-]{0,4096}", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class CookieJar:
    """The names and attributes of this site's cookies; `secure` where addresses are https."""

    secure: bool

    @property
    def session(self) -> str:
        """The name of the access token's cookie."""
        return f"{self._host}nightshift_session"

    @property
    def refresh(self) -> str:
        """The name of the refresh token's cookie."""
        return f"{'__Secure-' if self.secure else ''}nightshift_refresh"

    @property
    def form(self) -> str:
        """The name of the cookie that goes with the sign-in form."""
        return f"{self._host}nightshift_form"

    def signed_in(self, access: str, refresh: str, *, for_s: int) -> tuple[str, ...]:
        """Return the cookies of a session that can be carried on for so many seconds."""
        return (
            self._set(self.session, access, "/", for_s),
            self._set(self.refresh, refresh, REFRESH_PATH, for_s),
        )

    def signed_out(self) -> tuple[str, ...]:
        """Return the cookies that end a session in the browser."""
        return (self._set(self.session, "", "/", 0), self._set(self.refresh, "", REFRESH_PATH, 0))

    def shown_form(self, value: str) -> str:
        """Return the cookie that goes with a form; it ends with the browser."""
        return self._set(self.form, value, "/", None)

    @property
    def _host(self) -> str:
        return "__Host-" if self.secure else ""

    def _set(self, name: str, value: str, path: str, for_s: int | None) -> str:
        parts = [f"{name}={value}", f"Path={path}", "HttpOnly", "SameSite=Lax"]
        if for_s is not None:
            parts.append(f"Max-Age={for_s}")
        if self.secure:
            parts.append("Secure")
        return "; ".join(parts)


def read_cookies(event: Mapping[str, Any]) -> dict[str, str]:
    """Return the cookies of an HTTP API event; of two with one name the first counts.

    API Gateway lists them apart from the headers; what stands in for it may leave them there.
    Values that no cookie of ours can have are left out.
    """
    listed = event.get("cookies") or []
    headers = {str(k).lower(): str(v) for k, v in (event.get("headers") or {}).items()}
    texts = [str(one) for one in listed] or headers.get("cookie", "").split(";")
    found: dict[str, str] = {}
    for text in texts[:MAX_COOKIES]:
        name, _, value = text.strip().partition("=")
        if name and _VALUE.fullmatch(value):
            found.setdefault(name, value)
    return found
