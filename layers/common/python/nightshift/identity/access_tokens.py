"""Access tokens: JSON Web Tokens signed with Ed25519 (RFC 7515, 7519, 8037, 8725, 9068).

The algorithm is pinned, the key is found by `kid` among our own, the header's `typ` must be
`at+jwt`, and every claim must be there with its right type. Times are judged by the injected clock.
Ed25519 is all that is ever verified, so this is a few lines over `cryptography`; tokens are signed
by the JWT library, in `token_signer`.
"""

from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from nightshift.core.access import SessionId, UserId
from nightshift.core.clock import Clock, to_epoch_s
from nightshift.core.ids import is_id
from nightshift.identity.errors import (
    TokenExpiredError,
    TokenMalformedError,
    TokenNotYetValidError,
    TokenWrongAudienceError,
    TokenWrongIssuerError,
    TokenWrongTypeError,
)
from nightshift.identity.jws import json_object, open_jws
from nightshift.identity.public_keys import PublicKeys

HEADER_TYPE = "at+jwt"
CLAIM_TYPE = "access"
_OPAQUE_PREFIXES = ("nsr_", "nsk_")
_MAX_TIME = 253_402_300_799  # the end of the year 9999


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenTerms:
    """What both sides agree on; `leeway_s` is the allowed difference of clocks in seconds."""

    issuer: str
    audience: str
    leeway_s: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """A verified token: whose it is, and of which session."""

    user_id: UserId
    session_id: SessionId


class AccessTokenVerifier:
    """Checks a token by itself; whether its session still stands is not looked at."""

    def __init__(self, *, keys: PublicKeys, terms: TokenTerms, clock: Clock) -> None:
        self._keys = keys
        self._terms = terms
        self._clock = clock

    def verify(self, token: str) -> Claims:
        """Return the token's claims.

        Raises:
            TokenError: one subclass with its own slug for each way to be wrong.
        """
        if token.startswith(_OPAQUE_PREFIXES):
            raise TokenWrongTypeError
        found = open_jws(token, self._find_key)
        if str(found.header.get("typ")).lower() != HEADER_TYPE:
            raise TokenWrongTypeError
        claims = _claims(found.payload)
        if claims["typ"] != CLAIM_TYPE:
            raise TokenWrongTypeError
        if claims["iss"] != self._terms.issuer:
            raise TokenWrongIssuerError
        if claims["aud"] != self._terms.audience:
            raise TokenWrongAudienceError
        self._check_times(claims["iat"], claims.get("nbf", 0), claims["exp"])
        return Claims(user_id=UserId(claims["sub"]), session_id=SessionId(claims["sid"]))

    def _find_key(self, kid: object) -> Ed25519PublicKey | None:
        return self._keys.find(kid) if isinstance(kid, str) else None

    def _check_times(self, issued_at: int, not_before: int, expires_at: int) -> None:
        now = to_epoch_s(self._clock.now())
        if max(issued_at, not_before) > now + self._terms.leeway_s:
            raise TokenNotYetValidError
        if now >= expires_at + self._terms.leeway_s:
            raise TokenExpiredError


def _claims(payload: bytes) -> dict[str, Any]:
    claims = json_object(payload)
    texts, times = ("iss", "aud", "sub", "sid", "typ", "jti"), ("iat", "exp")
    if (
        not all(isinstance(claims.get(name), str) for name in texts)
        or not all(_is_time(claims.get(name)) for name in times)
        or not _is_time(claims.get("nbf", 0))
        or not is_id(claims["sub"])
        or not is_id(claims["sid"])
    ):
        raise TokenMalformedError
    return claims


def _is_time(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_TIME
