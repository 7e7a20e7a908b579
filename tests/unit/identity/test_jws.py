"""Signed tokens against published vectors: what is right opens, everything else is refused."""

import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
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


HEAD, PAYLOAD, SIGNATURE = OURS["token"].split(".")
THEIRS = Ed25519PrivateKey.generate()


def changed(text: str) -> str:
    """Return base64url whose first byte is another one."""
    raw = bytearray(from_b64url(text))
    raw[0] ^= 1
    return b64url(bytes(raw))


def signed_by_them(**header: Any) -> str:
    """Return a token that a stranger signed, under a header of any kind."""
    text = f"{b64url(json.dumps({'alg': 'EdDSA', **header}).encode())}.{PAYLOAD}"
    return f"{text}.{b64url(THEIRS.sign(text.encode()))}"


def mac_by_public_key(form: serialization.Encoding) -> str:
    """Return a token whose MAC is keyed with what everybody knows of our key."""
    encodings = serialization.PublicFormat
    kind = encodings.Raw if form is serialization.Encoding.Raw else encodings.SubjectPublicKeyInfo
    key = our_key(None).public_bytes(form, kind)
    text = f"{b64url(json.dumps({'alg': 'HS256'}).encode())}.{PAYLOAD}"
    return f"{text}.{b64url(hmac.digest(key, text.encode(), 'sha256'))}"


THEIR_JWK = {"kty": "OKP", "crv": "Ed25519", "x": b64url(THEIRS.public_key().public_bytes_raw())}
NONE, NONE_AGAIN = b64url(b'{"alg":"none"}'), b64url(b'{"alg":"nOnE"}')
FORGERIES = {
    "modified signature": f"{HEAD}.{PAYLOAD}.{changed(SIGNATURE)}",
    "missing signature": f"{HEAD}.{PAYLOAD}.",
    "missing signature and separator": f"{HEAD}.{PAYLOAD}",
    "modified payload": f"{HEAD}.{changed(PAYLOAD)}.{SIGNATURE}",
    "missing payload": f"{HEAD}..{SIGNATURE}",
    "missing payload and separator": f"{HEAD}.{SIGNATURE}",
    "modified header": f"{b64url(b'{ ' + from_b64url(HEAD)[1:])}.{PAYLOAD}.{SIGNATURE}",
    "missing header": f".{PAYLOAD}.{SIGNATURE}",
    "missing header and separator": f"{PAYLOAD}.{SIGNATURE}",
    "missing header and signature": f".{PAYLOAD}.",
    "payload alone": PAYLOAD,
    "empty": "",
    "extra empty component": f"{OURS['token']}.",
    "extra component": f"{OURS['token']}.foo",
    "none without a signature": f"{NONE}.{PAYLOAD}.",
    "none with a signature": f"{NONE}.{PAYLOAD}.{SIGNATURE}",
    "none in another case": f"{NONE_AGAIN}.{PAYLOAD}.",
    "JSON serialization": json.dumps(
        {"payload": PAYLOAD, "signatures": [{"protected": HEAD, "signature": SIGNATURE}]}
    ),
    "flattened JSON": json.dumps({"payload": PAYLOAD, "protected": HEAD, "signature": SIGNATURE}),
    "MAC keyed with the raw public key": mac_by_public_key(serialization.Encoding.Raw),
    "MAC keyed with the public key's DER": mac_by_public_key(serialization.Encoding.DER),
    "MAC keyed with the public key's PEM": mac_by_public_key(serialization.Encoding.PEM),
    "embedded key": signed_by_them(jwk=THEIR_JWK),
    "embedded key under our name": signed_by_them(jwk={**THEIR_JWK, "kid": "x"}, kid="x"),
    "another key": signed_by_them(),
    "detached payload": signed_by_them(b64=False, crit=["b64"]),
    "unknown critical header": signed_by_them(crit=["exp"], exp=1),
    "wrong alphabet": f"{HEAD}.{PAYLOAD}.{SIGNATURE.replace('-', '+').replace('_', '/')}",
    "padding": f"{HEAD}.{PAYLOAD}.{SIGNATURE}==",
    "half a signature": f"{HEAD}.{PAYLOAD}.{SIGNATURE[:43]}",
}
"""What Project Wycheproof's file for JSON Web Signatures tries, made for the key of RFC 8037.

The kinds of attacks, not its vectors: none of those is signed by an algorithm of ours."""


@pytest.mark.parametrize("name", FORGERIES)
def test_no_forgery_opens(name: str) -> None:
    """Each kind that the public suite knows."""
    with pytest.raises((TokenMalformedError, TokenSignatureInvalidError)):
        open_jws(FORGERIES[name], our_key)


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
