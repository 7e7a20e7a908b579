"""The text of an API key: `nsk_`, 30 random characters of base62 and 6 of checksum. Pure.

The random part holds 178 bits. The checksum is the CRC-32 of the random part in base62: a mistyped
or cut-off key is told from a wrong one before any table is asked, and scanners can tell a key from
text that only looks like one. It protects nothing.
"""

import re
import string
import zlib

from nightshift.core.tokens import RandomBytes, digest
from nightshift.identity.api_keys.errors import ApiKeyChecksumError, ApiKeyMalformedError

PREFIX = "nsk_"
RANDOM_CHARS = 30
CHECK_CHARS = 6
SHOWN_CHARS = len(PREFIX) + 4
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_FAIR_BYTES = 256 - 256 % len(_ALPHABET)
_SHAPE = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{RANDOM_CHARS + CHECK_CHARS}}}", re.ASCII)


def new_secret(random: RandomBytes) -> str:
    """Return a fresh key; every character is as likely as any other."""
    drawn = ""
    while len(drawn) < RANDOM_CHARS:
        drawn += "".join(
            _ALPHABET[byte % len(_ALPHABET)] for byte in random(RANDOM_CHARS) if byte < _FAIR_BYTES
        )
    body = drawn[:RANDOM_CHARS]
    return PREFIX + body + checksum(body)


def checksum(body: str) -> str:
    """Return the six characters that belong to the random part."""
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(CHECK_CHARS):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits


def hash_of(secret: str) -> str:
    """Return the hash under which a presented key is looked for.

    Raises:
        ApiKeyMalformedError: it has another length or other characters.
        ApiKeyChecksumError: it was mistyped, cut or made up.
    """
    if not _SHAPE.fullmatch(secret):
        raise ApiKeyMalformedError
    body, check = secret[len(PREFIX) : -CHECK_CHARS], secret[-CHECK_CHARS:]
    if checksum(body) != check:
        raise ApiKeyChecksumError
    return digest(secret.encode())
