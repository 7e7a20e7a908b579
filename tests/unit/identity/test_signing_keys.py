"""Keys as they are stored: what is accepted, and what stops the function."""

import json
import os
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nightshift.core.environment import SettingsError
from nightshift.deploy.secrets import new_signing_key, public_half
from nightshift.http.keys import lazy_key, parse_key
from nightshift.identity.public_keys import parse_public_keys
from nightshift.identity.signing_keys import parse_signing_key
from tests.contract.door import World, private_jwk, public_jwk

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
