"""The edge's own key, read once a process."""

import base64
import binascii
from collections.abc import Callable

from nightshift.core.environment import SettingsError
from nightshift.core.weak_keys import MIN_KEY_BYTES, is_weak
from nightshift.ports.secrets import Secrets


def lazy_key(secrets: Secrets, name: str) -> Callable[[], bytes]:
    """Return a function that reads the base64 key `name` at its first call and keeps it.

    The function raises SettingsError for a key that is short or was evidently not drawn at random.
    """
    kept: list[bytes] = []

    def read() -> bytes:
        if not kept:
            kept.append(parse_key(secrets.get(name), name))
        return kept[0]

    return read


def parse_key(text: str, name: str) -> bytes:
    """Return the key's bytes.

    Raises:
        SettingsError: it is no base64, or evidently guessable; see `core.weak_keys`.
    """
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error as error:
        raise SettingsError(f"{name} is not base64") from error
    if is_weak(key):
        raise SettingsError(f"{name} must be at least {MIN_KEY_BYTES} random bytes")
    return key
