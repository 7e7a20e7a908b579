"""JSON Web Token Best Current Practices (RFC 8725), item by item, each with a forged token."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nightshift.core.environment import SettingsError
from nightshift.core.tokens import b64url, from_b64url
from nightshift.identity.signing_keys import parse_signing_key
from tests.contract.door import KID, Answer, Door, World

Claims = dict[str, Any]
HEADER = {"alg": "EdDSA", "typ": "at+jwt", "kid": KID}


def signed(world: World, header: dict[str, Any], body: bytes) -> str:
    """Return a token with any header and any payload, signed by the service's own key."""
    text = f"{b64url(json.dumps(header).encode())}.{b64url(body)}"
    return f"{text}.{b64url(world.key.sign(text.encode()))}"


def use(door: Door, token: str) -> Answer:
    """Use a token."""
    return door("GET", "/users/me", token=token)


def refused(answer: Answer) -> str:
    """Return the slug of a refusal."""
    assert 401 == answer.status, answer.text
    return answer.error


def test_the_forger_makes_good_tokens(world: World, door: Door, claims: Claims) -> None:
    """With nothing wrong, what is forged below is taken."""
    assert 200 == use(door, signed(world, HEADER, json.dumps(claims).encode())).status


def _by_public_key(world: World, text: str) -> bytes:
    public = world.key.public_key().public_bytes_raw()
    return hmac.new(public, text.encode(), hashlib.sha256).digest()


FORGERS: dict[str, Callable[[World, str], bytes]] = {
    "none": lambda _, __: b"",
    "HS256": _by_public_key,
    "EdDSA": lambda _, text: Ed25519PrivateKey.generate().sign(text.encode()),
    "RS256": lambda world, text: world.key.sign(text.encode()),
}


@pytest.mark.parametrize("alg", FORGERS)
def test_3_1_the_algorithm_is_verified(
    world: World,
    door: Door,
    claims: Claims,
    alg: str,
) -> None:
    """`none`, a MAC keyed with the public key, a stranger's key, and a name that does not fit."""
    head = b64url(json.dumps({**HEADER, "alg": alg}).encode())
    text = f"{head}.{b64url(json.dumps(claims).encode())}"
    token = f"{text}.{b64url(FORGERS[alg](world, text))}"
    assert "token_signature_invalid" == refused(use(door, token))


@pytest.mark.parametrize("alg", ["RSA-OAEP", "RSA1_5", "PBES2-HS256+A128KW", "ES256K", "HS256"])
def test_3_2_other_algorithms_do_not_exist_here(
    world: World,
    door: Door,
    claims: Claims,
    alg: str,
) -> None:
    """What is weak, costly or made for something else is not there to be chosen."""
    token = signed(world, {**HEADER, "alg": alg}, json.dumps(claims).encode())
    assert "token_signature_invalid" == refused(use(door, token))


def test_3_3_every_operation_is_validated(world: World, door: Door, claims: Claims) -> None:
    """A good token inside of a forged one makes the outer one no better."""
    inner = signed(world, HEADER, json.dumps(claims).encode())
    forged = Ed25519PrivateKey.generate()
    head = b64url(json.dumps({**HEADER, "cty": "JWT"}).encode())
    text = f"{head}.{b64url(inner.encode())}"
    outer = f"{text}.{b64url(forged.sign(text.encode()))}"
    assert "token_signature_invalid" == refused(use(door, outer))
    nested = signed(world, {**HEADER, "cty": "JWT"}, inner.encode())
    assert "token_malformed" == refused(use(door, nested))


@pytest.mark.parametrize("signature", [bytes(64), bytes(63), bytes(65), b"", b"\x01" + bytes(63)])
def test_3_4_cryptographic_inputs_are_validated(
    door: Door,
    claims: Claims,
    signature: bytes,
) -> None:
    """Signatures of the wrong length, and the points and scalars that an equation could like."""
    text = f"{b64url(json.dumps(HEADER).encode())}.{b64url(json.dumps(claims).encode())}"
    assert "token_signature_invalid" == refused(use(door, f"{text}.{b64url(signature)}"))


@pytest.mark.parametrize(
    "secret", [bytes(32), b"secret" * 5 + b"se", b"\xff" * 32, bytes(range(8)) * 4]
)
def test_3_5_keys_have_entropy(secret: bytes) -> None:
    """A signing key that a person could have made up signs nothing."""
    key = Ed25519PrivateKey.from_private_bytes(secret)
    jwk = {
        "kty": "OKP",
        "crv": "Ed25519",
        "kid": "weak",
        "x": b64url(key.public_key().public_bytes_raw()),
        "d": b64url(secret),
    }
    with pytest.raises(SettingsError, match="drawn at random"):
        parse_signing_key(json.dumps([jwk]), "signing-keys")


@pytest.mark.parametrize("zip_", ["DEF", None, ""])
def test_3_6_nothing_is_decompressed(
    world: World,
    door: Door,
    claims: Claims,
    zip_: str | None,
) -> None:
    """`zip` belongs to encrypted tokens; the payload is read as it is, and five parts are none."""
    body = json.dumps(claims).encode()
    assert 200 == use(door, signed(world, {**HEADER, "zip": zip_}, body)).status
    assert "token_malformed" == refused(use(door, "e30.e30.e30.e30.e30"))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le"])
def test_3_7_text_is_utf8(
    world: World,
    door: Door,
    claims: Claims,
    encoding: str,
) -> None:
    """Claims in another encoding are no claims, even under a good signature."""
    token = signed(world, HEADER, json.dumps(claims).encode(encoding))
    assert "token_malformed" == refused(use(door, token))


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        ({"iss": "https://evil.example"}, "token_wrong_issuer"),
        ({"iss": "nightshift "}, "token_wrong_issuer"),
        ({"iss": ["nightshift"]}, "token_malformed"),
        ({"sub": "01980000-0000-7000-8000-000000000000"}, "token_revoked"),
        ({"sub": ""}, "token_malformed"),
    ],
)
def test_3_8_issuer_and_subject_are_validated(
    world: World,
    door: Door,
    claims: Claims,
    change: Claims,
    slug: str,
) -> None:
    """The issuer is exactly ours, and the subject has the session that the token names."""
    token = signed(world, HEADER, json.dumps({**claims, **change}).encode())
    assert slug == refused(use(door, token))


@pytest.mark.parametrize(
    "audience", ["another-api", "", ["nightshift-api"], ["nightshift-api", "another-api"], None]
)
def test_3_9_the_audience_is_validated(
    world: World,
    door: Door,
    claims: Claims,
    audience: object,
) -> None:
    """The audience is exactly ours: we never issue for several."""
    token = signed(world, HEADER, json.dumps({**claims, "aud": audience}).encode())
    assert refused(use(door, token)) in {"token_wrong_audience", "token_malformed"}


@pytest.mark.parametrize(
    "kid",
    ["../../etc/passwd", "' OR '1'='1", "USER#x", "x" * 900, "", {"$ne": ""}, ["test-1"], 0, None],
)
def test_3_10_received_claims_are_not_trusted(
    world: World,
    door: Door,
    claims: Claims,
    kid: object,
) -> None:
    """A `kid` is looked up among our keys and used for nothing else."""
    before = world.secrets.reads
    token = signed(world, {**HEADER, "kid": kid}, json.dumps(claims).encode())
    assert "token_signature_invalid" == refused(use(door, token))
    assert world.secrets.reads <= before + 1


@pytest.mark.parametrize("name", ["jku", "x5u", "jwk", "x5c"])
def test_3_10_no_key_comes_from_the_token(
    door: Door,
    claims: Claims,
    name: str,
) -> None:
    """An address or a key in the header is neither called nor used."""
    theirs = Ed25519PrivateKey.generate()
    x = b64url(theirs.public_key().public_bytes_raw())
    given = {
        "jku": "http://127.0.0.1:1/jwks.json",
        "x5u": "http://169.254.169.254/",
        "jwk": {"kty": "OKP", "crv": "Ed25519", "x": x},
        "x5c": [x],
    }
    head = b64url(json.dumps({**HEADER, name: given[name]}).encode())
    text = f"{head}.{b64url(json.dumps(claims).encode())}"
    started = time.monotonic()
    token = f"{text}.{b64url(theirs.sign(text.encode()))}"
    assert "token_signature_invalid" == refused(use(door, token))
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("typ", ["JWT", "jwt", "secevent+jwt", "id_token", "", None, 7])
def test_3_11_types_are_explicit(
    world: World,
    door: Door,
    claims: Claims,
    typ: object,
) -> None:
    """Only `at+jwt` (RFC 9068), in any case (RFC 7515 section 4.1.9)."""
    token = signed(world, {**HEADER, "typ": typ}, json.dumps(claims).encode())
    assert "token_wrong_type" == refused(use(door, token))
    shouted = signed(world, {**HEADER, "typ": "AT+JWT"}, json.dumps(claims).encode())
    assert 200 == use(door, shouted).status


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        ({"typ": "refresh"}, "token_wrong_type"),
        ({"typ": "id"}, "token_wrong_type"),
        ({"sid": None}, "token_malformed"),
        ({"jti": None}, "token_malformed"),
        ({"exp": None}, "token_malformed"),
        ({"exp": "never"}, "token_malformed"),
        ({"exp": 1e300}, "token_malformed"),
        ({"iat": True}, "token_malformed"),
    ],
)
def test_3_12_kinds_exclude_each_other(
    world: World,
    door: Door,
    claims: Claims,
    change: Claims,
    slug: str,
) -> None:
    """Another kind of token lacks a claim that this one must have, or says what it is."""
    token = signed(world, HEADER, json.dumps({**claims, **change}).encode())
    assert slug == refused(use(door, token))


@pytest.mark.parametrize("where", ["header", "claims"])
def test_no_name_stands_twice(
    world: World,
    door: Door,
    claims: Claims,
    where: str,
) -> None:
    """What two parsers could read differently is refused (RFC 7515 and 7519, section 4)."""
    head, body = json.dumps(HEADER), json.dumps(claims)
    if where == "header":
        head = head.replace("{", '{"alg": "none", ', 1)
    else:
        body = body.replace("{", '{"sub": "01980000-0000-7000-8000-000000000000", ', 1)
    text = f"{b64url(head.encode())}.{b64url(body.encode())}"
    token = f"{text}.{b64url(world.key.sign(text.encode()))}"
    assert "token_malformed" == refused(use(door, token))


def test_3_12_other_tokens_of_ours_open_nothing(door: Door, ada: dict[str, Any]) -> None:
    """A refresh token and an API key's form are told apart before anything is verified."""
    assert "token_wrong_type" == refused(use(door, ada["refresh_token"]))
    assert from_b64url(ada["access_token"].split(".")[0])
    swapped = door("POST", "/auth/refresh", json_body={"refresh_token": ada["access_token"]})
    assert "token_wrong_type" == refused(swapped)
