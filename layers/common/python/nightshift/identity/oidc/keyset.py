"""A provider's public keys: a JWKS (RFC 7517), of which only keys that can verify are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jwt import PyJWK
from jwt.exceptions import PyJWTError

MIN_RSA_BITS = 2048
MAX_KEYS = 100
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"}
_FAMILIES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


@dataclass(frozen=True, kw_only=True, slots=True)
class KeySet:
    """Keys as the provider wrote them."""

    keys: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "KeySet | None":
        """Return the keys of a JWKS, None when it is none; keys of other uses are passed over."""
        found = document.get("keys")
        if not isinstance(found, list):
            return None
        return cls(keys=[k for k in found[:MAX_KEYS] if isinstance(k, dict) and _verifies(k)])

    def find(self, kid: str | None, algorithm: str) -> Mapping[str, Any] | None:
        """Return the one key that `kid` names and that fits the algorithm.

        A token without `kid` is fine as long as one key alone fits (OpenID Connect Core 1.0 section
        10.1).
        """
        fitting = [key for key in self.keys if _fits(key, algorithm)]
        named = [key for key in fitting if kid is None or key.get("kid") == kid]
        return named[0] if len(named) == 1 else None


def is_signed_by(key: Mapping[str, Any], algorithm: str, signed: bytes, signature: bytes) -> bool:
    """Tell whether the signature is right by this key; a key that is no good signs nothing."""
    try:
        loaded = PyJWK(dict(key), algorithm=algorithm)
    except (PyJWTError, ValueError, TypeError):
        return False
    if key["kty"] == "RSA" and loaded.key.key_size < MIN_RSA_BITS:
        return False
    return bool(loaded.Algorithm.verify(signed, loaded.key, signature))


def _verifies(key: Mapping[str, Any]) -> bool:
    operations = key.get("key_ops", ["verify"])
    return (
        key.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and "d" not in key
    )


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    curve = _CURVES.get(algorithm)
    return (
        key.get("kty") == _FAMILIES[algorithm[:2]]
        and key.get("alg", algorithm) == algorithm
        and (curve is None or key.get("crv") == curve)
    )
