"""The Ed25519 keys of access tokens (RFC 8037), public and private, as the secrets store them.

Public keys are a JWKS, `{"keys": [...]}`; private keys a JSON list of JWKs, newest first: the first
one signs. To rotate: publish the new public key, then put the private key first, and take the old
public key away once the last token signed with it has expired.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from jwt import InvalidKeyError, PyJWK

from nightshift.core.clock import Clock
from nightshift.core.environment import SettingsError
from nightshift.core.tokens import from_b64url
from nightshift.ports.secrets import Secrets, SecretsUnavailableError

ALGORITHM = "EdDSA"
MAX_AGE = timedelta(minutes=10)
UNKNOWN_AFTER = timedelta(minutes=1)
_KEY_BYTES = 32
_MIN_DISTINCT_BYTES = 12
_PUBLISHED_EXAMPLES = frozenset(
    {
        "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",  # RFC 8037 appendix A, RFC 8032 test 1
        "TM0Imyj_ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U-4pvs",  # RFC 8032 test 2
        "xaqN9D-fg3vtt0QvMdy3sWbThTUHb0i3BgTMgOnBTL8",  # RFC 8032 test 3
    }
)


class PublicKeys:
    """Public keys by `kid`, read at the first use and again every ten minutes.

    An unknown `kid` reads them again after a minute, so that a new key is known soon and made-up
    ids cost nothing. While the store does not answer, the keys that are known stay.
    """

    def __init__(self, secrets: Secrets, name: str, clock: Clock) -> None:
        self._secrets = secrets
        self._name = name
        self._clock = clock
        self._keys: Mapping[str, PyJWK] = {}
        self._read_at: datetime | None = None

    def find(self, kid: str) -> PyJWK | None:
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
            if kid not in self._keys:
                raise
            self._read_at = now
        else:
            self._keys = parse_public_keys(text, self._name)
            self._read_at = now


def parse_public_keys(text: str, name: str) -> dict[str, PyJWK]:
    """Return the keys of a JWKS by `kid`.

    Raises:
        SettingsError: it is no JWKS of Ed25519 public keys with distinct kids.
    """
    document = _json(text, name)
    found = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(found, list) or not found:
        raise SettingsError(f"{name} is no JWKS")
    if any(isinstance(jwk, dict) and "d" in jwk for jwk in found):
        raise SettingsError(f"{name} holds a private key where only public ones belong")
    loaded = [_load(jwk, name) for jwk in found]
    keys = {str(key.key_id): key for key in loaded}
    if len(keys) != len(found):
        raise SettingsError(f"{name} has two keys of one kid")
    return keys


def parse_signing_key(text: str, name: str) -> PyJWK:
    """Return the newest private key.

    Raises:
        SettingsError: it is no list of private Ed25519 JWKs, or the key is a published or weak one.
    """
    found = _json(text, name)
    if not isinstance(found, list) or not found or not isinstance(found[0], dict):
        raise SettingsError(f"{name} is no list of JWKs")
    secret = str(found[0].get("d", ""))
    if secret in _PUBLISHED_EXAMPLES or _is_weak(secret):
        raise SettingsError(f"{name} must hold a private key drawn at random")
    return _load(found[0], name)


def _load(jwk: Any, name: str) -> PyJWK:  # noqa: ANN401 - JSON from a parameter
    if not isinstance(jwk, dict) or not jwk.get("kid") or jwk.get("kty") != "OKP":
        raise SettingsError(f"{name} must hold OKP keys with a kid")
    if jwk.get("crv") != "Ed25519":
        raise SettingsError(f"{name} must hold Ed25519 keys")
    try:
        return PyJWK(jwk, algorithm=ALGORITHM)
    except InvalidKeyError as error:
        raise SettingsError(f"{name} holds a key that cannot be read") from error


def _is_weak(secret: str) -> bool:
    try:
        raw = from_b64url(secret)
    except ValueError:
        return True
    return len(raw) != _KEY_BYTES or len(set(raw)) < _MIN_DISTINCT_BYTES


def _json(text: str, name: str) -> Any:  # noqa: ANN401 - judged by the callers
    try:
        return json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{name} is not JSON") from error
