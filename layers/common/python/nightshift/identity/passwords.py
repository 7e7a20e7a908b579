"""Passwords: which are accepted, and how they are kept (argon2id, RFC 9106).

They are normalised by NFKC (NIST SP 800-63B), so that what looks the same on two keyboards is the
same. A new password may hold no character that Unicode has not assigned: a later version could
normalise it otherwise, and nobody could sign in with it any more.
"""

import base64
import unicodedata
from functools import cache
from importlib.resources import files

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from nightshift.core.errors import FieldError, InvalidInputError

MIN_CHARS = 8
MAX_CHARS = 128
_SALT_BYTES = 16
_HASH_BYTES = 32
_UNTYPABLE = frozenset({"Cc", "Cn", "Cs"})
_OWN_WORDS = frozenset({"nightshift"})


class Passwords:
    """Hashes and verifies with the parameters given; memory in KiB."""

    def __init__(self, *, memory_kib: int, time_cost: int, parallelism: int) -> None:
        self._hasher = PasswordHasher(
            time_cost=time_cost,
            memory_cost=memory_kib,
            parallelism=parallelism,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
            type=Type.ID,
        )
        blank = base64.b64encode(bytes(_HASH_BYTES)).decode().rstrip("=")
        salt = base64.b64encode(bytes(_SALT_BYTES)).decode().rstrip("=")
        cost = f"m={memory_kib},t={time_cost},p={parallelism}"
        self._nobody = f"$argon2id$v=19${cost}${salt}${blank}"

    def hash(self, password: str) -> str:
        """Return the hash with its salt and parameters."""
        return self._hasher.hash(_normal(password))

    def verify(self, stored: str | None, password: str) -> bool:
        """Tell whether the password is right; without a hash the same work is done for a no."""
        try:
            self._hasher.verify(stored or self._nobody, _normal(password))
        except (VerificationError, InvalidHashError):
            return False
        return bool(stored)

    def is_outdated(self, stored: str) -> bool:
        """Tell whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)


def check_acceptable(password: str, *, email: str, name: str = "", field: str = "password") -> None:
    """Accept a new password or say what would be right; `field` is where it stood in the input.

    Raises:
        InvalidInputError: too short, too long, with characters that cannot be typed, among the most
            common, or what everybody knows of the user.
    """
    normal = _normal(password)
    if len(normal) < MIN_CHARS or max(len(password), len(normal)) > MAX_CHARS:
        _refuse(field, f"A password has {MIN_CHARS} to {MAX_CHARS} characters.")
    if any(unicodedata.category(char) in _UNTYPABLE for char in normal):
        _refuse(field, "A password has no control characters and none that Unicode does not know.")
    plain = normal.casefold()
    if plain in _common():
        _refuse(field, "This password is among the most common ones; choose another.")
    known = {email.casefold(), email.casefold().partition("@")[0], _normal(name).casefold()}
    if plain in known or plain.strip("0123456789!?.-_ ") in _OWN_WORDS:
        _refuse(field, "The password must not be your address or name, or ours.")


def _refuse(field: str, message: str) -> None:
    raise InvalidInputError(
        f"The input is not valid: {field}.", errors=[FieldError(field=field, message=message)]
    )


@cache
def _common() -> frozenset[str]:
    text = files("nightshift.identity").joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def _normal(password: str) -> str:
    """Return the form that is compared and counted."""
    return unicodedata.normalize("NFKC", password)
