"""Flows: the way to a provider and back, bound to the browser that began it.

Beginning one stores nothing. The browser keeps a random value and the errand, signed, in a cookie
that only the callback reads; `state`, `nonce` and the PKCE verifier are each derived from it under
the stack's own key (HMAC-SHA256). So an answer is taken only in the browser that asked, only for
the provider that it was sent to, and only for a while, and beginning a thousand flows costs no
write. That it is taken once is the store's matter, and costs one.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from nightshift.core.clock import Clock, from_ms, to_epoch_s
from nightshift.core.tokens import SECRET_BYTES, RandomBytes, b64url, from_b64url, keyed, same
from nightshift.identity.oidc.errors import StateInvalidError
from nightshift.identity.oidc.model import Errand, Flow

COOKIE = "nightshift-oidc-"
MAX_STATE_CHARS = 43
_NAME_CHARS = 8
_PARTS = 4
_NO_ERRAND = Errand()


def challenge(verifier: str) -> str:
    """Return the PKCE challenge S256 of a verifier (RFC 7636 section 4.2)."""
    return b64url(hashlib.sha256(verifier.encode("ascii")).digest())


def cookie_name(state: str) -> str:
    """Return the name of the cookie of the flow with this state."""
    return COOKIE + state[:_NAME_CHARS]


class Flows:
    """Begins flows and recognises them; `key` is asked at each use."""

    def __init__(
        self, key: Callable[[], bytes], random: RandomBytes, clock: Clock, ttl: timedelta
    ) -> None:
        self._key = key
        self._random = random
        self._clock = clock
        self._ttl = ttl

    def begin(self, provider_id: str, errand: Errand = _NO_ERRAND) -> Flow:
        """Return a new flow to a provider."""
        ends_at = from_ms(to_epoch_s(self._clock.now() + self._ttl) * 1000)
        return self._flow(provider_id, self._random(SECRET_BYTES), ends_at, errand)

    def resume(self, provider_id: str, state: str, cookies: Mapping[str, str]) -> Flow:
        """Return the flow that an answer belongs to; `cookies` are those of the request.

        Raises:
            StateInvalidError: this browser began no such flow, or it is over.
        """
        value = cookies.get(cookie_name(state), "")
        parts = value.split(".")
        if len(parts) != _PARTS or not parts[1].isascii() or not parts[1].isdigit():
            raise StateInvalidError
        try:
            secret, ends_at = from_b64url(parts[0]), from_ms(int(parts[1][:12]) * 1000)
            errand = _errand(from_b64url(parts[2]))
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise StateInvalidError from error
        flow = self._flow(provider_id, secret, ends_at, errand)
        is_ours = same(flow.cookie_value.encode(), value.encode(errors="replace"))
        is_this = same(flow.state.encode(), state.encode(errors="replace"))
        if not (is_ours and is_this) or self._clock.now() >= ends_at:
            raise StateInvalidError
        return flow

    def _flow(self, provider_id: str, secret: bytes, ends_at: datetime, errand: Errand) -> Flow:
        end, said = str(to_epoch_s(ends_at)), _bytes(errand)
        parts = provider_id.encode(), secret, end.encode(), said
        key = self._key()

        def derived(what: str) -> str:
            return b64url(keyed(key, f"oidc-{what}".encode(), *parts))

        state = derived("state")
        return Flow(
            provider_id=provider_id,
            state=state,
            nonce=derived("nonce"),
            verifier=derived("verifier"),
            cookie_name=cookie_name(state),
            cookie_value=f"{b64url(secret)}.{end}.{b64url(said)}.{derived('cookie')}",
            ends_at=ends_at,
            errand=errand,
        )


def _bytes(errand: Errand) -> bytes:
    said = [errand.way, errand.user_id, errand.session_id]
    return json.dumps(said, separators=(",", ":")).encode() if any(said) else b""


def _errand(data: bytes) -> Errand:
    if not data:
        return _NO_ERRAND
    way, user_id, session_id = map(str, json.loads(data))
    return Errand(way=way, user_id=user_id, session_id=session_id)
