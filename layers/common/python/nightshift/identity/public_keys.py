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
_PUBLISHED_EXAMPLES = frozenset(
    {
        "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",  # RFC 8037 appendix A, RFC 8032 test 1
        "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw",  # RFC 8032 test 2
        "_FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU",  # RFC 8032 test 3
    }
)
"""Their private halves are known to everybody."""
_PRIME = 2**255 - 19
_ORDER_8_Y = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_SMALL_ORDER_YS = frozenset({0, 1, _PRIME - 1, _PRIME, _PRIME + 1, _ORDER_8_Y, _PRIME - _ORDER_8_Y})
"""Of the points of small order: under them a signature can be made of nothing."""


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
        SettingsError: it is no JWKS of Ed25519 public keys with distinct kids, or one of them is
            such that anybody can sign.
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
    public = str(jwk.get("x", ""))
    try:
        raw = from_b64url(public)
        key = Ed25519PublicKey.from_public_bytes(raw)
    except ValueError as error:
        raise SettingsError(f"{name} holds a key that cannot be read") from error
    if public in _PUBLISHED_EXAMPLES or _y_of(raw) in _SMALL_ORDER_YS:
        raise SettingsError(f"{name} holds a key under which anybody can sign")
    return key


def _y_of(raw: bytes) -> int:
    """Return the y coordinate of a point without the sign of x (RFC 8032 section 5.1.2)."""
    return int.from_bytes(raw, "little") & (2**255 - 1)
