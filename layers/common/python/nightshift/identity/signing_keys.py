"""The private keys of access tokens: a JSON list of Ed25519 JWKs (RFC 8037), newest first.

The first one signs. To rotate: publish the new public key, wait until every function has read it (a
key is known ten minutes later at most), then put the private key first; every function signs with
it after another ten minutes. Take the old public key away once the last token signed with it has
expired. Sessions and refresh tokens are not signed, so nobody is signed out.
"""

from contextlib import suppress
from datetime import datetime, timedelta

from jwt import InvalidKeyError, PyJWK

from nightshift.core.clock import Clock
from nightshift.core.environment import SettingsError
from nightshift.core.tokens import from_b64url
from nightshift.core.weak_keys import MIN_KEY_BYTES, is_weak
from nightshift.identity.jws import ALGORITHM
from nightshift.identity.public_keys import kid_of, read_json
from nightshift.ports.secrets import Secrets, SecretsUnavailableError

MAX_AGE = timedelta(minutes=10)


class SigningKeys:
    """The private keys, read when the first token is signed and again every ten minutes.

    While the store does not answer, the key that is known stays.
    """

    def __init__(self, secrets: Secrets, name: str, clock: Clock) -> None:
        self._secrets = secrets
        self._name = name
        self._clock = clock
        self._newest: PyJWK | None = None
        self._read_at: datetime | None = None

    def check(self) -> None:
        """Refuse to start with a bad key; that the store does not answer now is no reason to.

        Raises:
            SettingsError: the parameter holds no good key.
        """
        with suppress(SecretsUnavailableError):
            self.newest()

    def newest(self) -> PyJWK:
        """Return the key that signs.

        Raises:
            SettingsError: the parameter holds no good key.
            SecretsUnavailableError: the store does not answer, and no key is known.
        """
        now = self._clock.now()
        if self._newest is None or self._read_at is None or now - self._read_at >= MAX_AGE:
            try:
                self._newest = parse_signing_key(self._secrets.get(self._name), self._name)
            except SecretsUnavailableError:
                if self._newest is None:
                    raise
            self._read_at = now
        return self._newest


def parse_signing_key(text: str, name: str) -> PyJWK:
    """Return the newest private key.

    Raises:
        SettingsError: it is no list of private Ed25519 JWKs, or the key is evidently guessable.
    """
    found = read_json(text, name)
    if not isinstance(found, list) or not found or not isinstance(found[0], dict):
        raise SettingsError(f"{name} is no list of JWKs")
    kid_of(found[0], name)
    secret = str(found[0].get("d", ""))
    if _is_weak(secret):
        raise SettingsError(f"{name} must hold a private key drawn at random")
    try:
        return PyJWK(found[0], algorithm=ALGORITHM)
    except InvalidKeyError as error:
        raise SettingsError(f"{name} holds a key that cannot be read") from error


def _is_weak(secret: str) -> bool:
    try:
        raw = from_b64url(secret)
    except ValueError:
        return True
    return len(raw) != MIN_KEY_BYTES or is_weak(raw)
