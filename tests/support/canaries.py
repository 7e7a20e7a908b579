"""Canaries: secrets that are looked for, in every form, wherever they must not be."""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

from tests.support.faults import Fault, FaultHook

Secret = TypeVar("Secret", str, bytes)
_HASHES = ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b")
_SHORTEST = 8
"""Shorter pieces of a base64 form could be there by chance."""


def forms(secret: str | bytes, *, guessable: bool) -> frozenset[bytes]:
    """Return what a secret can look like: as it is, quoted, in base64 at any offset, in hex.

    For one that a person chose also its hashes without a salt, as these can be guessed.
    """
    raw = secret if isinstance(secret, bytes) else secret.encode()
    text = raw.decode("latin-1")
    found = {
        raw,
        quote(raw, safe="").encode(),
        json.dumps(text)[1:-1].encode(),
        repr(raw)[2:-1].encode(),
        raw.hex().encode(),
        raw.hex().upper().encode(),
        raw[::-1],
        *_in_base64(raw),
    }
    if guessable:
        for name in _HASHES:
            digest = hashlib.new(name, raw, usedforsecurity=False).digest()
            found |= {digest, digest.hex().encode(), *_in_base64(digest)}
    return frozenset(found)


def _in_base64(raw: bytes) -> Iterator[bytes]:
    """Yield the characters that are the same wherever in a longer text the bytes begin."""
    for offset in range(3):
        coded = base64.b64encode(bytes(offset) + raw).rstrip(b"=")
        inner = coded[(0, 2, 3)[offset] : len(coded) - (1 if (offset + len(raw)) % 3 else 0)]
        if len(inner) >= _SHORTEST:
            yield inner
            yield inner.translate(bytes.maketrans(b"+/", b"-_"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Canary:
    """A secret; `allowed` are the beginnings of the places in which it may be."""

    name: str
    forms: frozenset[bytes]
    allowed: tuple[str, ...] = ()


@dataclass(kw_only=True, slots=True)
class Aviary:
    """All canaries of a test, and all places in which something was seen."""

    canaries: dict[str, Canary] = field(default_factory=dict)
    places: dict[str, bytearray] = field(default_factory=dict)

    def watch(
        self, name: str, secret: Secret, *, guessable: bool = False, allowed: tuple[str, ...] = ()
    ) -> Secret:
        """Look for a secret from now on, and return it."""
        assert len(secret) >= _SHORTEST
        said = Canary(name=name, forms=forms(secret, guessable=guessable), allowed=allowed)
        self.canaries[f"{name} {len(self.canaries)}"] = said
        return secret

    def see(self, place: str, value: object) -> None:
        """Note what stands in a place, packed or not."""
        page = self.places.setdefault(place, bytearray())
        for text in flat(value):
            page += text + b"\n"

    def found(self) -> list[tuple[str, str]]:
        """Return which canary is where it must not be."""
        return sorted(
            {
                (canary.name, place)
                for place, page in self.places.items()
                for canary in self.canaries.values()
                if not place.startswith(canary.allowed or ("\0",))
                and any(form in page for form in canary.forms)
            }
        )


def flat(value: object) -> Iterator[bytes]:
    """Yield all texts and bytes in a value, unpacked where they are packed."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from flat(key)
            yield from flat(inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from flat(inner)
    elif isinstance(value, bytes | bytearray):
        yield bytes(value)
        for wbits in (zlib.MAX_WBITS, -zlib.MAX_WBITS, zlib.MAX_WBITS | 16):
            try:
                yield zlib.decompress(bytes(value), wbits)
            except zlib.error:
                continue
    else:
        yield str(value).encode("utf-8", "surrogateescape")


@dataclass(kw_only=True, slots=True)
class Witness:
    """A hook that shows the aviary every request to the tables, and then does what `then` says."""

    aviary: Aviary
    then: FaultHook | None = None

    def __call__(self, operation: str, request: Mapping[str, Any]) -> Fault | None:
        """Look at one request."""
        name = request.get("TableName", "several")
        self.aviary.see(f"table {name} {operation}", request)
        return self.then(operation, request) if self.then else None
