"""Flows: the way to a provider and back, bound to the browser that began it.

Nothing is stored. The browser keeps a random value, signed, in a cookie that only the callback
reads; `state`, `nonce` and the PKCE verifier are each derived from it under the stack's own key
(HMAC-SHA256). So an answer is taken only in the browser that asked, only for the provider that it
was sent to, and only for a while, and beginning a thousand flows costs no write.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from nightshift.core.clock import Clock, from_ms, to_epoch_s
from nightshift.core.tokens import SECRET_BYTES, RandomBytes, b64url, from_b64url, keyed, same
from nightshift.identity.oidc.errors import StateInvalidError
from nightshift.identity.oidc.model import Flow

COOKIE = "nightshift-oidc-"
MAX_STATE_CHARS = 43
_NAME_CHARS = 8
_PARTS = 3


def challenge(verifier: str) -> str:
    """Return the PKCE challenge S256 of a verifier (RFC 7636 section 4.2)."""
    return b64url(hashlib.sha256(verifier.encode("ascii")).digest())


class Flows:
    """Begins flows and recognises them; `key` is asked at each use."""

    def __init__(
        self, key: Callable[[], bytes], random: RandomBytes, clock: Clock, ttl: timedelta
    ) -> None:
        self._key = key
        self._random = random
        self._clock = clock
        self._ttl = ttl

    def begin(self, provider_id: str) -> Flow:
        """Return a new flow to a provider."""
        ends_at = from_ms(to_epoch_s(self._clock.now() + self._ttl) * 1000)
        return self._flow(provider_id, self._random(SECRET_BYTES), ends_at)

    def resume(self, provider_id: str, state: str, cookies: Mapping[str, str]) -> Flow:
        """Return the flow that an answer belongs to; `cookies` are those of the request.

        Raises:
            StateInvalidError: this browser began no such flow, or it is over.
        """
        value = cookies.get(COOKIE + state[:_NAME_CHARS], "")
        parts = value.split(".")
        if len(parts) != _PARTS or not parts[1].isascii() or not parts[1].isdigit():
            raise StateInvalidError
        try:
            secret, ends_at = from_b64url(parts[0]), from_ms(int(parts[1][:12]) * 1000)
        except (ValueError, OverflowError) as error:
            raise StateInvalidError from error
        flow = self._flow(provider_id, secret, ends_at)
        is_ours = same(flow.cookie_value.encode(), value.encode(errors="replace"))
        is_this = same(flow.state.encode(), state.encode(errors="replace"))
        if not (is_ours and is_this) or self._clock.now() >= ends_at:
            raise StateInvalidError
        return flow

    def _flow(self, provider_id: str, secret: bytes, ends_at: datetime) -> Flow:
        end = str(to_epoch_s(ends_at))
        state = self._derived("state", provider_id, secret, end)
        mac = self._derived("cookie", provider_id, secret, end)
        return Flow(
            provider_id=provider_id,
            state=state,
            nonce=self._derived("nonce", provider_id, secret, end),
            verifier=self._derived("verifier", provider_id, secret, end),
            cookie_name=COOKIE + state[:_NAME_CHARS],
            cookie_value=f"{b64url(secret)}.{end}.{mac}",
            ends_at=ends_at,
        )

    def _derived(self, what: str, provider_id: str, secret: bytes, end: str) -> str:
        label = f"oidc-{what}".encode()
        return b64url(keyed(self._key(), label, provider_id.encode(), secret, end.encode()))
