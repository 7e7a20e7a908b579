"""The addresses and cookies by which a browser goes to a provider and comes back."""

from dataclasses import dataclass
from datetime import timedelta

from nightshift.http.reply import Reply
from nightshift.http.request import RawRequest
from nightshift.http.routing import BASE_PATH
from nightshift.identity.oidc.door import Completed, Pages, ProviderDoor
from nightshift.identity.oidc.flow import COOKIE, cookie_name
from nightshift.identity.oidc.linking import Linking
from nightshift.identity.oidc.model import Back, Flow

HOST_PREFIX = "__Host-"
"""Browsers take such a cookie from this very host alone, over TLS (RFC 6265bis section 4.1.3.2)."""
_SEE_OTHER = 303


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """What the routes call.

    Attributes:
        public_url: the product's address; empty is the gateway's own.
        ttl: of a flow's cookie.
        pages: of this site, if the function serves some.
    """

    door: ProviderDoor
    linking: Linking
    public_url: str
    ttl: timedelta
    pages: Pages | None = None

    def base_url(self, raw: RawRequest) -> str:
        """Return where the API is, as providers know it; the header `host` has no say."""
        return self.public_url or f"https://{raw.domain}"

    def redirect_uri(self, raw: RawRequest, provider_id: str) -> str:
        """Return the address that the provider sends browsers back to, always the same one."""
        return f"{self.base_url(raw)}{BASE_PATH}/auth/oidc/{provider_id}/callback"

    def cookie(self, raw: RawRequest, flow: Flow) -> str:
        """Return the cookie that binds a flow to the browser; only plain http goes without TLS."""
        return self._set(raw, flow.cookie_name, flow.cookie_value, int(self.ttl.total_seconds()))

    def cookies(self, raw: RawRequest) -> dict[str, str]:
        """Return the flows that the browser holds; over TLS only those that it keeps to us."""
        prefix = self._prefix(raw) + COOKIE
        return {
            COOKIE + name.removeprefix(prefix): value
            for name, value in raw.cookies.items()
            if name.startswith(prefix)
        }

    def way_back(self, provider_id: str, back: Back) -> str:
        """Return the page that a browser goes back to when something went wrong; empty is none."""
        way = self.door.way_of(provider_id, back)
        if way is None:
            return self.pages.home if self.pages else ""
        return way

    def send_on(self, raw: RawRequest, done: Completed, state: str) -> Reply:
        """Return the answer that sends a browser on to a page, signed in if it was not."""
        cookies = self.pages.cookies(done.tokens) if self.pages and done.tokens else ()
        return self._see(raw, done.way, (*cookies, self.no_cookie(raw, state)))

    def send_back(self, raw: RawRequest, way: str, state: str) -> Reply:
        """Return the answer that sends a browser to a page that says what went wrong."""
        return self._see(raw, way, (self.no_cookie(raw, state),) if state else ())

    def no_cookie(self, raw: RawRequest, state: str) -> str:
        """Return the cookie that removes the one of a flow."""
        return self._set(raw, cookie_name(state), "", 0)

    def _see(self, raw: RawRequest, way: str, cookies: tuple[str, ...]) -> Reply:
        """Redirect to an address with our own name before the way, so that it cannot lead away."""
        location = self.base_url(raw) + way
        return Reply(status=_SEE_OTHER, headers={"location": location}, cookies=cookies)

    def _prefix(self, raw: RawRequest) -> str:
        return HOST_PREFIX if self.base_url(raw).startswith("https://") else ""

    def _set(self, raw: RawRequest, name: str, value: str, max_age_s: int) -> str:
        prefix = self._prefix(raw)
        secure = "; Secure" if prefix else ""
        return (
            f"{prefix}{name}={value}; Max-Age={max_age_s}; Path=/; HttpOnly; SameSite=Lax{secure}"
        )
