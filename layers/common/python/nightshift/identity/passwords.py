"""Passwords: which are accepted, and how they are kept (argon2id, RFC 9106)."""

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
        """Tell whether the password is right; None does the same work and answers no."""
        try:
            self._hasher.verify(stored or self._nobody, _normal(password))
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Tell whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)


def check_acceptable(password: str, *, email: str) -> None:
    """Accept a new password or say what would be right.

    Raises:
        InvalidInputError: too short, too long, among the most common, or the address itself.
    """
    if not MIN_CHARS <= len(password) <= MAX_CHARS:
        _refuse(f"A password has {MIN_CHARS} to {MAX_CHARS} characters.")
    plain = _normal(password).casefold()
    if plain in _common():
        _refuse("This password is among the most common ones; choose another.")
    if plain in {email.casefold(), email.casefold().partition("@")[0]}:
        _refuse("The password must not be your e-mail address.")


def _refuse(message: str) -> None:
    raise InvalidInputError(
        "The input is not valid: password.",
        errors=[FieldError(field="password", message=message)],
    )


@cache
def _common() -> frozenset[str]:
    text = files("nightshift.identity").joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
