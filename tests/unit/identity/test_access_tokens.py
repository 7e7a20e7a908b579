"""Forged, foreign, old and broken access tokens (RFC 8725), through the HTTP door."""

import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from nightshift.core.clock import to_epoch_s
from nightshift.core.ids import new_id
from nightshift.core.tokens import b64url
from tests.contract.door import KID, START, Answer, Door, World, public_jwk

NOW = to_epoch_s(START)
HEADERS = {"kid": KID, "typ": "at+jwt"}
MISSING = object()


def me(door: Door, token: str) -> Answer:
    """Use a token."""
    return door("GET", "/users/me", token=token)


def signed(
    world: World,
    claims: dict[str, Any],
    headers: dict[str, Any] | None = None,
    key: Ed25519PrivateKey | None = None,
) -> str:
    """Sign any claims with the service's own key, or another."""
    return jwt.encode(
        claims, key or world.key, algorithm="EdDSA", headers=HEADERS | (headers or {})
    )


def raw_token(header: object, payload: object, signature: bytes = b"x" * 64) -> str:
    parts = [b64url(json.dumps(part).encode()) for part in (header, payload)]
    return ".".join([*parts, b64url(signature)])


def test_claims_are_as_promised(claims: dict[str, Any], ada: dict[str, Any]) -> None:
    """A token names issuer, audience, user, session, kind, times and itself."""
    assert {"iss", "aud", "sub", "sid", "typ", "iat", "exp", "jti"} == set(claims)
    assert (ada["user"]["id"], "access", NOW, NOW + 900) == (
        claims["sub"],
        claims["typ"],
        claims["iat"],
        claims["exp"],
    )
    assert {"alg": "EdDSA", "kid": KID, "typ": "at+jwt"} == jwt.get_unverified_header(
        ada["access_token"]
    )


def test_a_token_that_we_signed_is_good(world: World, door: Door, claims: dict[str, Any]) -> None:
    """The forging helper makes good tokens, so the refusals below mean something."""
    assert me(door, signed(world, claims)).status == 200


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        ({"iss": "somebody"}, "token_wrong_issuer"),
        ({"iss": ["nightshift"]}, "token_malformed"),
        ({"aud": "another-api"}, "token_wrong_audience"),
        ({"aud": ["nightshift-api"]}, "token_malformed"),
        ({"typ": "refresh"}, "token_wrong_type"),
        ({"typ": "id"}, "token_wrong_type"),
        ({"exp": NOW}, "token_expired"),
        ({"exp": NOW - 5}, "token_expired"),
        ({"exp": 0}, "token_expired"),
        ({"exp": -1}, "token_malformed"),
        ({"exp": 10**400}, "token_malformed"),
        ({"exp": "2026"}, "token_malformed"),
        ({"exp": True}, "token_malformed"),
        ({"exp": None}, "token_malformed"),
        ({"exp": NOW + 0.5}, "token_malformed"),
        ({"iat": NOW + 11}, "token_not_yet_valid"),
        ({"iat": "now"}, "token_malformed"),
        ({"nbf": NOW + 11}, "token_not_yet_valid"),
        ({"nbf": "now"}, "token_malformed"),
        ({"sub": "ada"}, "token_malformed"),
        ({"sub": 7}, "token_malformed"),
        ({"sub": new_id(START)}, "token_revoked"),
        ({"sid": new_id(START)}, "token_revoked"),
        ({"sid": "../x"}, "token_malformed"),
        *[
            ({name: MISSING}, "token_malformed")
            for name in ("iss", "aud", "sub", "sid", "typ", "iat", "exp", "jti")
        ],
    ],
)
def test_wrong_claims_are_refused(
    world: World, door: Door, claims: dict[str, Any], change: dict[str, Any], slug: str
) -> None:
    """Every claim is looked at, even under a good signature."""
    world.clock.advance(seconds=5)
    wrong = {k: v for k, v in {**claims, **change}.items() if v is not MISSING}
    payload = json.dumps(wrong).encode()
    token = jwt.PyJWS().encode(payload, world.key, algorithm="EdDSA", headers=HEADERS)
    answer = me(door, token)
    assert (401, slug) == (answer.status, answer.error)
    assert slug == world.actions("auth.refused")[-1]["error"]


@pytest.mark.parametrize(
    ("headers", "slug"),
    [
        ({"kid": "unknown"}, "token_signature_invalid"),
        ({"kid": "../../etc/passwd"}, "token_signature_invalid"),
        ({"typ": "JWT"}, "token_wrong_type"),
        ({"typ": None}, "token_wrong_type"),
        ({"typ": "AT+JWT"}, None),
        ({"crit": ["exp"]}, "token_malformed"),
        ({"jwk": {"kty": "OKP"}}, None),
    ],
)
def test_the_header_is_judged(
    world: World, door: Door, claims: dict[str, Any], headers: dict[str, Any], slug: str | None
) -> None:
    """Key id, type and critical extensions are checked; an embedded key is not looked at."""
    parts = [
        b64url(json.dumps(part).encode())
        for part in ({"alg": "EdDSA", **HEADERS, **headers}, claims)
    ]
    signature = world.key.sign(".".join(parts).encode())
    answer = me(door, ".".join([*parts, b64url(signature)]))
    assert (200 if slug is None else 401) == answer.status
    assert slug == answer.json.get("error")


def test_an_embedded_key_does_not_verify(door: Door, claims: dict[str, Any]) -> None:
    """A token that brings its own key is refused (CVE-2018-0114)."""
    mine = Ed25519PrivateKey.generate()
    for kid in (KID, "mine"):
        headers = {"kid": kid, "typ": "at+jwt", "jwk": public_jwk(mine, kid)}
        token = jwt.encode(claims, mine, algorithm="EdDSA", headers=headers)
        assert "token_signature_invalid" == me(door, token).error


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None, 7, "HS256", "ES256"])
def test_another_algorithm_is_refused(door: Door, claims: dict[str, Any], alg: object) -> None:
    """The algorithm is ours to choose, never the token's."""
    for signature in (b"", b"x" * 64):
        token = raw_token({**HEADERS, "alg": alg}, claims, signature)
        assert "token_signature_invalid" == me(door, token).error


@pytest.mark.parametrize("alg", ["none", "HS256", "ES256", "Ed25519", None])
def test_even_our_own_signature_needs_our_algorithm(
    world: World, door: Door, claims: dict[str, Any], alg: object
) -> None:
    """A header that names another algorithm is refused under a signature that is good."""
    parts = [b64url(json.dumps(part).encode()) for part in ({**HEADERS, "alg": alg}, claims)]
    signature = world.key.sign(".".join(parts).encode())
    token = ".".join([*parts, b64url(signature)])
    assert "token_signature_invalid" == me(door, token).error


@pytest.mark.parametrize("spelling", ["raw", "pem", "jwk", "jwks"])
def test_the_public_key_is_no_hmac_secret(
    world: World, door: Door, claims: dict[str, Any], spelling: str
) -> None:
    """HS256 over the public key is refused in every spelling of the key."""
    public = world.key.public_key()
    secret = {
        "raw": public.public_bytes_raw(),
        "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "jwk": json.dumps(public_jwk(world.key)).encode(),
        "jwks": world.secrets.values["public-keys"].encode(),
    }[spelling]
    for alg in ("HS256", "EdDSA"):
        head = b64url(json.dumps({**HEADERS, "alg": alg}).encode())
        signing_input = f"{head}.{b64url(json.dumps(claims).encode())}"
        mac = hmac.digest(secret, signing_input.encode(), "sha256")
        assert "token_signature_invalid" == me(door, f"{signing_input}.{b64url(mac)}").error


def test_another_curve_is_refused(door: Door, claims: dict[str, Any]) -> None:
    """A real signature of another algorithm is worth nothing."""
    token = jwt.encode(claims, generate_private_key(SECP256R1()), "ES256", headers=HEADERS)
    assert "token_signature_invalid" == me(door, token).error


def test_a_signature_covers_every_byte(door: Door, ada: dict[str, Any]) -> None:
    """Changing any character of a good token is noticed."""
    token = ada["access_token"]
    for index in range(0, len(token), 5):
        flipped = "A" if token[index] != "A" else "B"
        answer = me(door, token[:index] + flipped + token[index + 1 :])
        assert 401 == answer.status, index
        assert answer.error in {"token_malformed", "token_signature_invalid"}


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "..",
        "....",
        "bnVsbA.bnVsbA.eA",
        "W10.W10.eA",
        "eyJhbGciOiJFZERTQSJ9",
        "A" * 5000,
        "é.é.é",
        "\x00.\x00.\x00",
    ],
)
def test_what_is_no_token_is_malformed(door: Door, token: str) -> None:
    """Garbage is told apart from forgery."""
    answer = me(door, token)
    assert (401, "token_malformed") == (answer.status, answer.error)


def test_padding_and_other_spellings_are_refused(door: Door, ada: dict[str, Any]) -> None:
    """A token has one spelling."""
    head, payload, signature = ada["access_token"].split(".")
    twin = signature[:-1] + chr(ord(signature[-1]) + 1)
    for token in (
        f"{head}.{payload}.{signature}==",
        f"{head}=.{payload}.{signature}",
        f"{head}.{payload}.{twin}",
        f" {head}.{payload}.{signature[:40]}\n{signature[40:]}",
    ):
        assert (401, "token_malformed") == (me(door, token).status, me(door, token).error)


def test_nesting_does_not_crash(world: World, door: Door) -> None:
    """Deeply nested headers and claims are refused, not recursed into."""
    deep = b64url(b"[" * 1400 + b"]" * 1400)
    head = b64url(json.dumps({"alg": "EdDSA", **HEADERS}).encode())
    payload = (b"[" * 1200) + (b"]" * 1200)
    good = jwt.PyJWS().encode(payload, world.key, algorithm="EdDSA", headers=HEADERS)
    for token in (f"{deep}.e30.eA", f"{head}.{deep}.eA", good):
        assert me(door, token).status == 401


@pytest.mark.parametrize("prefix", ["nsr_"])
def test_other_kinds_of_tokens_are_told_apart(door: Door, prefix: str) -> None:
    """A refresh token is no access token."""
    answer = me(door, prefix + "x" * 40)
    assert (401, "token_wrong_type") == (answer.status, answer.error)


@pytest.mark.parametrize(
    ("after_s", "slug"),
    [(899, None), (904, None), (905, "token_expired"), (10**7, "token_expired")],
)
def test_time_is_the_injected_clock(
    world: World, door: Door, ada: dict[str, Any], after_s: int, slug: str | None
) -> None:
    """A token lives its fifteen minutes and the leeway, to the second."""
    world.clock.advance(seconds=after_s)
    assert slug == me(door, ada["access_token"]).json.get("error")


def test_keys_can_be_rotated(world: World, door: Door, claims: dict[str, Any]) -> None:
    """A published new key is found without a restart; one taken away is not trusted for long."""
    new = Ed25519PrivateKey.generate()
    assert me(door, signed(world, claims)).status == 200
    world.secrets.values["public-keys"] = json.dumps(
        {"keys": [public_jwk(new, "new"), public_jwk(world.key)]}
    )
    fresh = signed(world, claims, {"kid": "new"}, new)
    assert "token_signature_invalid" == me(door, fresh).error
    world.clock.advance(seconds=60)
    assert (200, 200) == (me(door, fresh).status, me(door, signed(world, claims)).status)
    world.secrets.values["public-keys"] = json.dumps({"keys": [public_jwk(new, "new")]})
    world.clock.advance(seconds=600)
    assert "token_signature_invalid" == me(door, signed(world, claims)).error
    assert me(door, fresh).status == 200


def test_unknown_keys_do_not_make_us_read_again(world: World, door: Door) -> None:
    """Tokens with made-up key ids cost no call of the secret store each."""
    me(door, "no.token.at-all")
    before = world.secrets.reads
    for number in range(50):
        token = raw_token({**HEADERS, "alg": "EdDSA", "kid": f"kid-{number}"}, {})
        assert "token_signature_invalid" == me(door, token).error
    assert world.secrets.reads <= before + 1


def test_an_outage_of_the_secret_store_keeps_known_keys(
    world: World, door: Door, claims: dict[str, Any]
) -> None:
    """Keys that were read stay good while the store does not answer; unknown ones are 503."""
    good = signed(world, claims)
    assert me(door, good).status == 200
    world.clock.advance(seconds=600)
    world.secrets.is_down = True
    assert me(door, good).status == 200
    world.clock.advance(seconds=60)
    answer = me(door, signed(world, claims, {"kid": "new"}))
    assert (503, "secrets_unavailable") == (answer.status, answer.error)


@given(token=st.text(max_size=200))
def test_no_token_is_a_server_error(token: str) -> None:
    """Whatever stands in the header, the answer is 401 or says that the header is bad."""
    answer = me(_DOOR, token)
    assert answer.status == 401


def _make_door() -> Door:
    from nightshift.identity.accounts_wiring import build_accounts_app  # noqa: PLC0415 - once
    from tests.contract.door import ENVIRON, make_world  # noqa: PLC0415 - once

    settings = {**ENVIRON, "NIGHTSHIFT_RATE_LIMIT_ADDRESS": "1000000"}
    return Door(handler=build_accounts_app(settings, make_world().outside))


_DOOR = _make_door()
