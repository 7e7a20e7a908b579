"""The public keys of access tokens: a JWKS of Ed25519 keys (RFC 7517, RFC 8037).

Every function that verifies reads these and imports this module alone: the JWT library would cost
each of them a tenth of its cold start.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from nightshift.core.clock import Clock
from nightshift.core.environment import SettingsError
from nightshift.core.tokens import from_b64url
from nightshift.ports.secrets import Secrets, SecretsUnavailableError

MAX_AGE = timedelta(minutes=10)
UNKNOWN_AFTER = timedelta(minutes=1)


class PublicKeys:
    """Public keys by `kid`, read at the first use and again every ten minutes.

    An unknown `kid` reads them again after a minute, so that a new key is known soon and made-up
    ids cost nothing. While the store does not answer, the keys that are known stay.
    """

    def __init__(self, secrets: Secrets, name: str, clock: Clock) -> None:
        self._secrets = secrets
        self._name = name
        self._clock = clock
        self._keys: Mapping[str, Ed25519PublicKey] = {}
        self._read_at: datetime | None = None

    def find(self, kid: str) -> Ed25519PublicKey | None:
        """Return the key, or None when this service has no key of this name.

        Raises:
            SecretsUnavailableError: the store does not answer, and the key is not known.
        """
        now = self._clock.now()
        pause = MAX_AGE if kid in self._keys else UNKNOWN_AFTER
        if self._read_at is None or now - self._read_at >= pause:
            self._read(kid, now)
        return self._keys.get(kid)

    def _read(self, kid: str, now: datetime) -> None:
        try:
            text = self._secrets.get(self._name)
        except SecretsUnavailableError:
            self._read_at = now
            if kid not in self._keys:
                raise
        else:
            self._keys = parse_public_keys(text, self._name)
            self._read_at = now


def parse_public_keys(text: str, name: str) -> dict[str, Ed25519PublicKey]:
    """Return the keys of a JWKS by `kid`.

    Raises:
        SettingsError: it is no JWKS of Ed25519 public keys with distinct kids.
    """
    document = read_json(text, name)
    found = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(found, list) or not found:
        raise SettingsError(f"{name} is no JWKS")
    if any(isinstance(jwk, dict) and "d" in jwk for jwk in found):
        raise SettingsError(f"{name} holds a private key where only public ones belong")
    keys = {kid_of(jwk, name): _load(jwk, name) for jwk in found}
    if len(keys) != len(found):
        raise SettingsError(f"{name} has two keys of one kid")
    return keys


def kid_of(jwk: Any, name: str) -> str:  # noqa: ANN401 - JSON from a parameter
    """Return the key id of an Ed25519 JWK, public or private.

    Raises:
        SettingsError: it is a key of another kind, or has no id.
    """
    if not isinstance(jwk, dict) or jwk.get("kty") != "OKP" or not isinstance(jwk.get("kid"), str):
        raise SettingsError(f"{name} must hold OKP keys with a kid")
    if jwk.get("crv") != "Ed25519" or not jwk["kid"]:
        raise SettingsError(f"{name} must hold Ed25519 keys with a kid")
    return str(jwk["kid"])


def read_json(text: str, name: str) -> Any:  # noqa: ANN401 - judged by the callers
    """Return the JSON that a parameter holds.

    Raises:
        SettingsError: it is none.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{name} is not JSON") from error


def _load(jwk: Mapping[str, Any], name: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(from_b64url(str(jwk.get("x", ""))))
    except ValueError as error:
        raise SettingsError(f"{name} holds a key that cannot be read") from error
