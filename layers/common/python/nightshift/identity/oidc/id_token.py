"""ID tokens: every check of OpenID Connect Core 1.0 section 3.1.3.7, and those of RFC 8725.

A pure function of the token, the keys, what was asked, and the time. Encrypted tokens are not
asked for and not read. `none` and the symmetric algorithms are never accepted, whatever a provider
announces: a client's secret is no key.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nightshift.core.clock import to_epoch_s
from nightshift.core.tokens import b64url, from_b64url, same
from nightshift.identity.oidc.errors import IdTokenInvalidError
from nightshift.identity.oidc.model import Flaw

ALGORITHMS = frozenset(
    {
        "RS256",
        "RS384",
        "RS512",
        "PS256",
        "PS384",
        "PS512",
        "ES256",
        "ES384",
        "ES512",
        "EdDSA",
    }
)
MAX_TOKEN_CHARS = 16_384
MAX_SUBJECT_CHARS = 255
MAX_AGE_S = 600
"""How old a token may be that was made for this very sign-in."""
_PARTS = 3
_MAX_TIME = 253_402_300_799  # the end of the year 9999
_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}

Verify = Callable[[str | None, str, bytes, bytes], bool | None]
"""Checks a signature: given `kid`, `alg`, the signed bytes and the signature, tells whether it is
right; None when there is no such key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What the token must answer to. `leeway_s` is the allowed difference of clocks."""

    issuer: str
    client_id: str
    nonce: str
    algorithms: tuple[str, ...]
    leeway_s: int


def read_id_token(
    token: str, asked: Asked, verify: Verify, *, access_token: str, now: datetime
) -> Mapping[str, Any]:
    """Return the claims of a token that stands every check.

    Raises:
        IdTokenInvalidError: with the first flaw found.
    """
    header, claims = _opened(token, asked, verify)
    _check_parties(claims, asked)
    _check_times(claims, to_epoch_s(now), asked.leeway_s)
    if not _is(claims.get("nonce"), asked.nonce):
        raise IdTokenInvalidError(Flaw.NONCE)
    if "at_hash" in claims and not _is(claims["at_hash"], _half(access_token, header["alg"])):
        raise IdTokenInvalidError(Flaw.ACCESS_TOKEN)
    return claims


def _opened(
    token: str, asked: Asked, verify: Verify
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    if len(token) > MAX_TOKEN_CHARS or token.count(".") != _PARTS - 1 or not token.isascii():
        raise IdTokenInvalidError(Flaw.MALFORMED)
    try:
        head, body, signature = map(from_b64url, token.split("."))
    except ValueError as error:
        raise IdTokenInvalidError(Flaw.MALFORMED) from error
    header = _json_object(head)
    _check_header(header, asked)
    kid = header.get("kid")
    signed = token.rpartition(".")[0].encode()
    right = verify(kid, header["alg"], signed, signature)
    if not right:
        raise IdTokenInvalidError(Flaw.KEY if right is None else Flaw.SIGNATURE)
    return header, _json_object(body)


def _check_header(header: Mapping[str, Any], asked: Asked) -> None:
    if "crit" in header:
        raise IdTokenInvalidError(Flaw.CRITICAL)
    if str(header.get("typ", "JWT")).upper() != "JWT":
        raise IdTokenInvalidError(Flaw.TYPE)
    if header.get("alg") not in asked.algorithms or header["alg"] not in ALGORITHMS:
        raise IdTokenInvalidError(Flaw.ALGORITHM)
    if not isinstance(header.get("kid"), str | None):
        raise IdTokenInvalidError(Flaw.KEY)


def _check_parties(claims: Mapping[str, Any], asked: Asked) -> None:
    """Check issuer, audience, authorized party and subject.

    A token that names a further audience is refused: none is trusted here.
    """
    if claims.get("iss") != asked.issuer:
        raise IdTokenInvalidError(Flaw.ISSUER)
    audience = claims.get("aud")
    if (audience if isinstance(audience, list) else [audience]) != [asked.client_id]:
        raise IdTokenInvalidError(Flaw.AUDIENCE)
    if claims.get("azp", asked.client_id) != asked.client_id:
        raise IdTokenInvalidError(Flaw.PARTY)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not is_subject(subject):
        raise IdTokenInvalidError(Flaw.SUBJECT)


def is_subject(text: str) -> bool:
    """Tell whether it may be a subject: up to 255 ASCII characters, none of them a control."""
    return 0 < len(text) <= MAX_SUBJECT_CHARS and text.isascii() and text.isprintable()


def _check_times(claims: Mapping[str, Any], now_s: int, leeway_s: int) -> None:
    expires, issued = _time(claims.get("exp")), _time(claims.get("iat"))
    if expires is None or now_s >= expires + leeway_s:
        raise IdTokenInvalidError(Flaw.EXPIRED)
    if issued is None or issued > now_s + leeway_s or issued < now_s - leeway_s - MAX_AGE_S:
        raise IdTokenInvalidError(Flaw.ISSUED_AT)
    if "nbf" in claims:
        begins = _time(claims["nbf"])
        if begins is None or begins > now_s + leeway_s:
            raise IdTokenInvalidError(Flaw.NOT_YET)


def _time(value: object) -> float | None:
    """Return a NumericDate (RFC 7519 section 2), None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value <= _MAX_TIME else None


def _half(access_token: str, algorithm: str) -> str:
    """Return `at_hash` (section 3.1.3.6): the left half of the hash that the algorithm names."""
    hashed = _HASHES.get(algorithm[-3:], hashlib.sha512)(access_token.encode()).digest()
    return b64url(hashed[: len(hashed) // 2])


def _is(claim: object, text: str) -> bool:
    return isinstance(claim, str) and same(claim.encode(errors="replace"), text.encode())


def _json_object(data: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise IdTokenInvalidError(Flaw.MALFORMED) from error
    if not isinstance(value, dict):
        raise IdTokenInvalidError(Flaw.MALFORMED)
    return value
