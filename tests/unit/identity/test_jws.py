"""Signed tokens against published vectors: what is right opens, everything else is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt import PyJWK
from jwt.api_jws import PyJWS

from nightshift.core.tokens import b64url, from_b64url
from nightshift.identity.errors import TokenError, TokenMalformedError, TokenSignatureInvalidError
from nightshift.identity.jws import open_jws

VECTORS = Path(__file__).resolve().parents[2] / "data" / "jws" / "rfc.json"
ALL: list[dict[str, Any]] = json.loads(VECTORS.read_text("utf-8"))
(OURS,) = [one for one in ALL if one["alg"] == "EdDSA"]
OTHERS = [one for one in ALL if one["alg"] != "EdDSA"]
ORDER = 2**252 + 27742317777372353535851937790883648493
"""Of the group that Ed25519 works in (RFC 8032 section 5.1)."""


def our_key(_: object) -> Ed25519PublicKey:
    """The key of RFC 8037, whatever a header asks for: nothing is refused for want of a key."""
    return Ed25519PublicKey.from_public_bytes(from_b64url(OURS["key"]["x"]))


@pytest.mark.parametrize("vector", [v for v in ALL if v["key"]], ids=lambda v: v["source"])
def test_the_vectors_are_as_published(vector: dict[str, Any]) -> None:
    """Another library opens each by its own key, so a refusal below means something."""
    alg = vector["alg"]
    key = PyJWK(vector["key"], algorithm=alg)
    assert PyJWS(algorithms=[alg]).decode(vector["token"], key, algorithms=[alg])


def test_what_is_signed_as_ours_is_opened() -> None:
    """RFC 8037 appendix A.4."""
    found = open_jws(OURS["token"], our_key)
    assert ({"alg": "EdDSA"}, b"Example of Ed25519 signing") == (found.header, found.payload)


@pytest.mark.parametrize("vector", OTHERS, ids=lambda v: v["source"])
def test_what_is_rightly_signed_otherwise_is_refused(vector: dict[str, Any]) -> None:
    """Every algorithm of RFC 7515 appendix A, `none` among them, although its signature is good."""
    with pytest.raises(TokenSignatureInvalidError):
        open_jws(vector["token"], our_key)


def test_no_key_of_ours_opens_nothing() -> None:
    """A good signature by a key that is not ours."""
    with pytest.raises(TokenSignatureInvalidError):
        open_jws(OURS["token"], lambda _: None)


def test_every_bit_counts() -> None:
    """No bit of header, payload or signature can be another one."""
    parts = [from_b64url(part) for part in OURS["token"].split(".")]
    opened = 0
    for index, part in enumerate(parts):
        for bit in range(8 * len(part)):
            changed = bytearray(part)
            changed[bit // 8] ^= 1 << bit % 8
            forged = [*parts[:index], bytes(changed), *parts[index + 1 :]]
            try:
                open_jws(".".join(map(b64url, forged)), our_key)
            except TokenError:
                continue
            opened += 1
    assert 0 == opened


def test_a_signature_has_one_form() -> None:
    """S plus the group's order would verify in the equation; RFC 8032 section 5.1.7 forbids it."""
    head, payload, signature = OURS["token"].split(".")
    raw = from_b64url(signature)
    s = int.from_bytes(raw[32:], "little") + ORDER
    with pytest.raises(TokenSignatureInvalidError):
        open_jws(f"{head}.{payload}.{b64url(raw[:32] + s.to_bytes(32, 'little'))}", our_key)


@pytest.mark.parametrize(
    "token",
    [
        OURS["token"].rpartition(".")[0],
        OURS["token"] + ".",
        OURS["token"] + "=",
        OURS["token"] + "\n",
        OURS["token"].replace(".", ". ", 1),
        json.dumps({"payload": "e30", "signatures": [{"protected": "e30", "signature": "e30"}]}),
        json.dumps({"payload": "e30", "protected": "e30", "signature": "e30"}),
        "e30.e30.e30.e30.e30",
        "W10.e30.e30",
        "bm90IGpzb24.e30.e30",
        "..",
        "",
    ],
)
def test_what_is_no_compact_jws_is_malformed(token: str) -> None:
    """Other numbers of parts, the JSON forms, an encrypted token, other base64, no JSON object."""
    with pytest.raises(TokenMalformedError):
        open_jws(token, our_key)
