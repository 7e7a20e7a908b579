"""Access tokens: JSON Web Tokens signed with Ed25519 (RFC 7519, RFC 8037, RFC 8725, RFC 9068).

The algorithm is pinned, the key is found by `kid` among our own, the header's `typ` must be
`at+jwt`, and every claim must be there with its right type. Times are judged by the injected clock.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jwt import InvalidTokenError, PyJWK
from jwt.api_jws import PyJWS
from jwt.exceptions import InvalidAlgorithmError, InvalidSignatureError

from nightshift.core.access import SessionId, UserId
from nightshift.core.clock import Clock, to_epoch_s
from nightshift.core.ids import is_id, new_id
from nightshift.core.tokens import from_b64url
from nightshift.identity.errors import (
    TokenExpiredError,
    TokenMalformedError,
    TokenNotYetValidError,
    TokenSignatureInvalidError,
    TokenWrongAudienceError,
    TokenWrongIssuerError,
    TokenWrongTypeError,
)
from nightshift.identity.signing_keys import ALGORITHM, PublicKeys

HEADER_TYPE = "at+jwt"
CLAIM_TYPE = "access"
MAX_TOKEN_CHARS = 4096
_PARTS = 3
_OPAQUE_PREFIXES = ("nsr_", "nsk_")
_MAX_TIME = 253_402_300_799  # the end of the year 9999
_JWS = PyJWS(algorithms=[ALGORITHM])


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
        claims = self._claims(self._payload(token))
        if claims["typ"] != CLAIM_TYPE:
            raise TokenWrongTypeError
        if claims["iss"] != self._terms.issuer:
            raise TokenWrongIssuerError
        if claims["aud"] != self._terms.audience:
            raise TokenWrongAudienceError
        self._check_times(claims["iat"], claims["exp"])
        return Claims(user_id=UserId(claims["sub"]), session_id=SessionId(claims["sid"]))

    def _payload(self, token: str) -> bytes:
        """Return the signed bytes, after the header and the signature were found right."""
        parts = token.split(".")
        if len(token) > MAX_TOKEN_CHARS or len(parts) != _PARTS:
            raise TokenMalformedError
        try:
            for part in parts:
                from_b64url(part)
            header = _JWS.get_unverified_header(token)
        except (ValueError, InvalidTokenError) as error:
            raise TokenMalformedError from error
        kid = header.get("kid")
        key = self._keys.find(kid) if isinstance(kid, str) else None
        if key is None:
            raise TokenSignatureInvalidError
        payload = _verified(token, key)
        if str(header.get("typ", "")).lower() != HEADER_TYPE:
            raise TokenWrongTypeError
        return payload

    @staticmethod
    def _claims(payload: bytes) -> dict[str, Any]:
        try:
            claims = json.loads(payload)
        except (ValueError, RecursionError) as error:
            raise TokenMalformedError from error
        texts, times = ("iss", "aud", "sub", "sid", "typ", "jti"), ("iat", "exp")
        if (
            not isinstance(claims, dict)
            or not all(isinstance(claims.get(name), str) for name in texts)
            or not all(_is_time(claims.get(name)) for name in times)
            or not is_id(claims["sub"])
            or not is_id(claims["sid"])
        ):
            raise TokenMalformedError
        return claims

    def _check_times(self, issued_at: int, expires_at: int) -> None:
        now = to_epoch_s(self._clock.now())
        if issued_at > now + self._terms.leeway_s:
            raise TokenNotYetValidError
        if now >= expires_at + self._terms.leeway_s:
            raise TokenExpiredError


class AccessTokenSigner:
    """Makes tokens; `key` gives the private key, read when the first token is made."""

    def __init__(self, *, key: Callable[[], PyJWK], terms: TokenTerms, ttl_s: int) -> None:
        self._key = key
        self._terms = terms
        self._ttl_s = ttl_s

    def sign(self, user_id: UserId, session_id: SessionId, now: datetime) -> str:
        """Return a token for the session, issued `now`."""
        key = self._key()
        issued_at = to_epoch_s(now)
        claims = {
            "iss": self._terms.issuer,
            "aud": self._terms.audience,
            "sub": user_id,
            "sid": session_id,
            "typ": CLAIM_TYPE,
            "iat": issued_at,
            "exp": issued_at + self._ttl_s,
            "jti": new_id(now),
        }
        payload = json.dumps(claims, separators=(",", ":")).encode()
        headers = {"kid": key.key_id, "typ": HEADER_TYPE}
        return _JWS.encode(payload, key, algorithm=ALGORITHM, headers=headers)


def _verified(token: str, key: PyJWK) -> bytes:
    try:
        payload: bytes = _JWS.decode(token, key, algorithms=[ALGORITHM])
    except (InvalidSignatureError, InvalidAlgorithmError) as error:
        raise TokenSignatureInvalidError from error
    except InvalidTokenError as error:
        raise TokenMalformedError from error
    return payload


def _is_time(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_TIME
