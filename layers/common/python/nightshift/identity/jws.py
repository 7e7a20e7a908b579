"""JSON Web Signatures in their compact form, signed with Ed25519 (RFC 7515, RFC 8037).

The algorithm is ours to choose and never the token's; keys come from us and never from the token.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from nightshift.core.tokens import from_b64url
from nightshift.http.body import read_json
from nightshift.http.errors import MalformedJsonError
from nightshift.identity.errors import TokenMalformedError, TokenSignatureInvalidError

ALGORITHM = "EdDSA"
MAX_TOKEN_CHARS = 4096
_PARTS = 3

FindKey = Callable[[Any], Ed25519PublicKey | None]
"""Returns our key for what a header says as its `kid`, which may be missing or no text at all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Jws:
    """What was signed: its header, and its payload as it is."""

    header: dict[str, Any]
    payload: bytes


def open_jws(token: str, find_key: FindKey) -> Jws:
    """Return what a token carries, after its signature was found right.

    Raises:
        TokenMalformedError: it is no compact JWS, or has critical headers, of which none is known.
        TokenSignatureInvalidError: it names another algorithm or no key of ours, or the signature
            is wrong.
    """
    if len(token) > MAX_TOKEN_CHARS or token.count(".") != _PARTS - 1:
        raise TokenMalformedError
    try:
        header_bytes, payload, signature = map(from_b64url, token.split("."))
    except ValueError as error:
        raise TokenMalformedError from error
    header = json_object(header_bytes)
    if "crit" in header:
        raise TokenMalformedError("The token has critical headers, which are not understood.")
    key = find_key(header.get("kid"))
    if header.get("alg") != ALGORITHM or key is None:
        raise TokenSignatureInvalidError
    try:
        key.verify(signature, token.rpartition(".")[0].encode())
    except InvalidSignature as error:
        raise TokenSignatureInvalidError from error
    return Jws(header=header, payload=payload)


def json_object(data: bytes) -> dict[str, Any]:
    """Return the JSON object that the bytes are: in UTF-8, and with no name twice.

    Raises:
        TokenMalformedError: they are none.
    """
    try:
        value = read_json(data)
    except MalformedJsonError as error:
        raise TokenMalformedError from error
    if not isinstance(value, dict):
        raise TokenMalformedError
    return value
