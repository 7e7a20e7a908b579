"""Secrets that are watched: where do they turn up, and in what disguise?

Every place where something is kept or told is turned into text (`spread`): nested values, bytes,
what is compressed. In that text each secret is looked for as it is, as URLs, JSON and HTML have it,
in hex, and in base64 wherever it may begin.
"""

import base64
import html
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

LEAST = 12
"""A shorter secret would be found everywhere."""
_ZLIB_OR_GZIP = 47


@dataclass(frozen=True, kw_only=True, slots=True)
class Leak:
    """A secret where it must not be."""

    secret: str
    place: str

    def __str__(self) -> str:
        return f"{self.secret} in {self.place}"


class Canaries:
    """Secrets by name, and the texts that would betray them."""

    def __init__(self) -> None:
        self._forms: dict[str, frozenset[str]] = {}

    def __len__(self) -> int:
        return len(self._forms)

    @property
    def names(self) -> frozenset[str]:
        """Return the names of all."""
        return frozenset(self._forms)

    def watch(self, name: str, *secrets: str | bytes) -> None:
        """Look for a secret from now on; several are ways to say the same one."""
        assert all(len(secret) >= LEAST for secret in secrets), name
        forms = frozenset(form for secret in secrets for form in disguises(secret))
        self._forms[name] = self._forms.get(name, frozenset()) | forms

    def found_in(self, value: object) -> frozenset[str]:
        """Return the names of the secrets that a value holds."""
        text = "\n".join(spread(value))
        return frozenset(
            name for name, forms in self._forms.items() if any(form in text for form in forms)
        )

    def leaks(self, places: Iterable[tuple[str, object]]) -> list[Leak]:
        """Return every secret that is in one of the places."""
        return [
            Leak(secret=name, place=place)
            for place, value in places
            for name in sorted(self.found_in(value))
        ]


def disguises(secret: str | bytes) -> Iterator[str]:
    """Yield the texts in which a secret could be written down."""
    raw = secret.encode() if isinstance(secret, str) else secret
    if isinstance(secret, str):
        yield from (secret, secret[::-1], json.dumps(secret)[1:-1], html.escape(secret))
        yield from (quote(secret), quote(secret, safe=""), quote_plus(secret))
    yield repr(raw)[2:-1]
    yield from (raw.hex(), raw.hex().upper(), raw.hex(" "), raw.hex(":"))
    for before in range(3):
        inside = _inside_base64(raw, before)
        yield from (inside, inside.replace("+", "-").replace("/", "_"))
    yield base64.b32encode(raw).decode().rstrip("=")


def _inside_base64(raw: bytes, before: int) -> str:
    """Return the characters that depend on nothing but `raw`, which begins after `before` bytes."""
    text = base64.b64encode(bytes(before) + raw).decode()
    bits = 8 * before
    return text[-(-bits // 6) : (bits + 8 * len(raw)) // 6]


def spread(value: object) -> Iterator[str]:
    """Yield all texts that are in a value, what is packed in it too."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from spread(key)
            yield from spread(inner)
    elif isinstance(value, str):
        yield value
        yield from _packed(_as_base64(value))
    elif isinstance(value, bytes | bytearray):
        yield repr(bytes(value))[2:-1]
        yield bytes(value).hex()
        yield bytes(value).decode("latin-1")
        yield from _packed(bytes(value))
    elif isinstance(value, Iterable):
        for inner in value:
            yield from spread(inner)
    else:
        yield str(value)


def _packed(data: bytes) -> Iterator[str]:
    try:
        unpacked = zlib.decompress(data, _ZLIB_OR_GZIP)
    except zlib.error:
        return
    yield from spread(unpacked.decode("latin-1"))


def _as_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=None, validate=True)
    except ValueError:
        return b""
