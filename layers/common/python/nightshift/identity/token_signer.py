"""Signing access tokens; only the accounts function can."""

import json
from collections.abc import Callable
from datetime import datetime

from jwt import PyJWK
from jwt.api_jws import PyJWS

from nightshift.core.access import SessionId, UserId
from nightshift.core.clock import to_epoch_s
from nightshift.core.ids import new_id
from nightshift.identity.access_tokens import CLAIM_TYPE, HEADER_TYPE, TokenTerms
from nightshift.identity.jws import ALGORITHM

_JWS = PyJWS(algorithms=[ALGORITHM])


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
