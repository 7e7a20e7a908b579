"""Sealing: addresses and data of mails wait in tables and queues in a form that tells nothing.

A mail may carry a link that signs its reader in, so nothing of it is stored in clear. AES-256-GCM
under the stack's mail key; the key may be a list, newest first: the first seals, all open, so that
it can be rotated while mails wait.
"""

import re
from collections.abc import Callable, Sequence

from nightshift.core.tokens import RandomBytes, b64url, from_b64url, keyed, same
from nightshift.http.keys import parse_key
from nightshift.ports.secrets import Secrets

NONCE_BYTES = 12
Keys = Callable[[], Sequence[bytes]]


class BrokenSealError(ValueError):
    """What was sealed was changed, or the key that sealed it is gone."""


class Sealer:
    """Seals and signs; `keys` is asked at each use and may read a parameter at the first."""

    def __init__(self, keys: Keys, random: RandomBytes) -> None:
        self._keys = keys
        self._random = random

    def seal(self, data: bytes, *, about: str) -> str:
        """Return `data` as text that only `open` with the same `about` takes back."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - cold start

        nonce = self._random(NONCE_BYTES)
        cipher = AESGCM(keyed(self._keys()[0], b"seal"))
        return b64url(nonce + cipher.encrypt(nonce, data, about.encode()))

    def open(self, text: str, *, about: str) -> bytes:
        """Return what was sealed.

        Raises:
            BrokenSealError: no key opens it.
        """
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - cold start
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - the same

        raw = from_b64url(text)
        for key in self._keys():
            try:
                cipher = AESGCM(keyed(key, b"seal"))
                return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], about.encode())
            except InvalidTag:
                continue
        raise BrokenSealError("no key opens this seal")

    def sign(self, text: str) -> str:
        """Return `text` with a signature (HMAC-SHA256) that `verify` knows."""
        return f"{b64url(text.encode())}.{b64url(_mac(self._keys()[0], text))}"

    def verify(self, token: str) -> str:
        """Return the text that was signed.

        Raises:
            BrokenSealError: it was not signed here, or is no such token at all.
        """
        body, _, mac = token.partition(".")
        try:
            text, given = from_b64url(body).decode(), from_b64url(mac)
        except ValueError as error:
            raise BrokenSealError("this is no signed text") from error
        if not any(same(_mac(key, text), given) for key in self._keys()):
            raise BrokenSealError("no key signed this")
        return text


def lazy_keys(secrets: Secrets, name: str) -> Keys:
    """Return a function that reads the parameter's keys, base64, at its first call.

    The function raises SettingsError for a key that is short or was evidently not drawn at random.
    """
    kept: list[bytes] = []

    def read() -> Sequence[bytes]:
        if not kept:
            kept.extend(parse_key(text, name) for text in re.split(r"[\s,]+", secrets.get(name)))
        return kept

    return read


def _mac(key: bytes, text: str) -> bytes:
    return keyed(key, b"sign", text.encode())
