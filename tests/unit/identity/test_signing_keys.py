"""Keys as they are stored: what is accepted, and what stops the function."""

import json
import os
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from nightshift.core.environment import SettingsError
from nightshift.core.tokens import b64url
from nightshift.deploy.secrets import new_signing_key, public_half
from nightshift.http.keys import lazy_key, parse_key
from nightshift.identity.accounts_wiring import build_accounts_app
from nightshift.identity.public_keys import parse_public_keys
from nightshift.identity.signing_keys import parse_signing_key
from tests.contract.door import (
    ENVIRON,
    PASSWORD,
    Door,
    World,
    make_world,
    private_jwk,
    public_jwk,
)

KEY = Ed25519PrivateKey.generate()
OTHER = Ed25519PrivateKey.generate()


def test_the_first_private_key_signs() -> None:
    """Newest first."""
    text = json.dumps([private_jwk(KEY, "new"), private_jwk(OTHER, "old")])
    assert parse_signing_key(text, "keys").key_id == "new"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("{}", "no list of JWKs"),
        ("[]", "no list of JWKs"),
        ('["x"]', "no list of JWKs"),
        (json.dumps([public_jwk(KEY)]), "drawn at random"),
        (json.dumps([public_jwk(KEY) | {"d": "A" * 43}]), "drawn at random"),
        (json.dumps([public_jwk(KEY) | {"d": "!"}]), "drawn at random"),
        (
            json.dumps([public_jwk(KEY) | {"d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}]),
            "drawn at random",
        ),
        (json.dumps([private_jwk(KEY) | {"kid": ""}]), "with a kid"),
        (json.dumps([private_jwk(KEY) | {"kty": "RSA"}]), "OKP"),
        (json.dumps([private_jwk(KEY) | {"crv": "X25519"}]), "Ed25519"),
        (json.dumps([private_jwk(KEY) | {"x": "AA"}]), "cannot be read"),
    ],
)
def test_bad_private_keys_are_refused(text: str, message: str) -> None:
    """Weak, published and broken keys sign nothing."""
    with pytest.raises(SettingsError, match=message):
        parse_signing_key(text, "keys")


PUBLISHED = (
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
)
"""The private keys of RFC 8032 section 7.1, tests 1 to 3."""


@pytest.mark.parametrize("secret", PUBLISHED)
def test_published_keys_neither_sign_nor_verify(secret: str) -> None:
    """What stands in an RFC is in somebody's configuration, and known to everybody."""
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    with pytest.raises(SettingsError, match="drawn at random"):
        parse_signing_key(json.dumps([private_jwk(key)]), "keys")
    with pytest.raises(SettingsError, match="anybody can sign"):
        parse_public_keys(json.dumps({"keys": [public_jwk(key)]}), "keys")


IDENTITY = b"\x01" + bytes(31)


def test_under_a_point_of_small_order_anybody_could_sign() -> None:
    """The library takes such a key, and a signature that was made of nothing."""
    Ed25519PublicKey.from_public_bytes(IDENTITY).verify(IDENTITY + bytes(32), b"anything at all")


@pytest.mark.parametrize(
    "point",
    [
        IDENTITY.hex(),
        "00" * 32,
        "00" * 31 + "80",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    ],
)
def test_points_of_small_order_do_not_verify(point: str) -> None:
    """All eight, and two that are written in another way."""
    jwk = public_jwk(KEY) | {"x": b64url(bytes.fromhex(point))}
    with pytest.raises(SettingsError, match="anybody can sign"):
        parse_public_keys(json.dumps({"keys": [jwk]}), "keys")


def _weaken(world: World) -> None:
    weak = Ed25519PrivateKey.from_private_bytes(b"secret" * 5 + b"se")
    world.secrets.values["signing-keys"] = json.dumps([private_jwk(weak)])


def test_with_a_weak_key_nothing_is_answered() -> None:
    """A function that finds one has not started: not even what needs no signature works."""
    world = make_world()
    _weaken(world)
    door = Door(handler=build_accounts_app(ENVIRON, world.outside))
    body = {"email": "ada@example.com", "password": PASSWORD, "name": "Ada"}
    for _ in range(2):
        assert 500 == door("POST", "/auth/register", json_body=body).status
        assert 500 == door("GET", "/auth/oidc").status
    assert [] == world.rows("identity") + world.rows("http")
    assert "signing-keys must hold a private key drawn at random" in world.logged.getvalue()


def test_a_store_that_is_down_stops_no_start() -> None:
    """What needs no signature works meanwhile; the key is judged as soon as it can be read."""
    world = make_world()
    world.secrets.is_down = True
    door = Door(handler=build_accounts_app(ENVIRON, world.outside))
    assert 200 == door("GET", "/auth/oidc").status
    world.secrets.is_down = False
    _weaken(world)
    body = {"email": "ada@example.com", "password": PASSWORD, "name": "Ada"}
    assert 500 == door("POST", "/auth/register", json_body=body).status
    assert [] == world.rows("identity")


def test_a_start_costs_one_reading_of_the_key() -> None:
    """The first token is signed with the key that the start has read."""
    world = make_world()
    door = Door(handler=build_accounts_app(ENVIRON, world.outside))
    for _ in range(3):
        assert 200 == door("GET", "/auth/oidc").status
    assert 1 == world.secrets.reads


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"keys": [public_jwk(KEY) | {"x": "AA"}]}, "cannot be read"),
        ({"keys": [public_jwk(KEY) | {"x": "=="}]}, "cannot be read"),
        ({"keys": [public_jwk(KEY) | {"kid": 7}]}, "with a kid"),
        ([], "no JWKS"),
        ({"keys": []}, "no JWKS"),
        ({"keys": "x"}, "no JWKS"),
        ({"keys": [private_jwk(KEY)]}, "holds a private key"),
        ({"keys": [public_jwk(KEY), public_jwk(OTHER)]}, "two keys of one kid"),
        ({"keys": [public_jwk(KEY) | {"crv": "Ed448"}]}, "Ed25519"),
        ({"keys": [7]}, "OKP"),
        ({"keys": [{"kty": "oct", "k": "AA", "kid": "x"}]}, "OKP"),
    ],
)
def test_bad_public_keys_are_refused(document: Any, message: str) -> None:
    """Only Ed25519 public keys with distinct names are trusted."""
    with pytest.raises(SettingsError, match=message):
        parse_public_keys(json.dumps(document), "keys")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("!!", "not base64"),
        ("AAAA", "at least 32 random bytes"),
        ("A" * 44, "at least 32 random bytes"),
        ("A" * 43, "not base64"),
        ("A" * 43 + "=", "at least 32 random bytes"),
        ("QUJD" * 16, "at least 32 random bytes"),
    ],
)
def test_weak_edge_keys_are_refused(text: str, message: str) -> None:
    """Short keys and those of a few repeated bytes are no secrets."""
    with pytest.raises(SettingsError, match=message):
        parse_key(text, "cursor-key")


def test_the_keys_that_a_stack_makes_are_good(world: World) -> None:
    """What the stack's own secrets function creates is what the functions accept."""
    signing = new_signing_key(os.urandom(32))
    public = parse_public_keys(json.dumps({"keys": [public_half(signing)]}), "public")
    assert [parse_signing_key(json.dumps([signing]), "private").key_id] == list(public)


def test_the_edge_key_is_read_once(world: World) -> None:
    """One call of the store for a process."""
    read = lazy_key(world.secrets, "cursor-key")
    assert (read(), 1) == (read(), world.secrets.reads)
