"""No word of a provider is believed that does not stand every check (OIDC Core 3.1.3.7)."""

import base64
import hashlib
import json
from typing import Any

import pytest

from nightshift.identity.oidc.errors import IdTokenInvalidError
from nightshift.identity.oidc.id_token import ALGORITHMS
from nightshift.identity.oidc.model import Flaw
from tests.unit.identity.oidc.scene import (
    ACCESS,
    CLIENT,
    ISSUER,
    SECRET,
    Party,
    jwk_of,
    key_of,
    other_key,
    rsa_key,
    signed,
)

NOW = 1_795_348_800
FORGED: dict[str, tuple[dict[str, Any], Flaw]] = {
    "issuer of another": ({"iss": "https://evil.example.com"}, Flaw.ISSUER),
    "issuer with a slash": ({"iss": ISSUER + "/"}, Flaw.ISSUER),
    "issuer in capitals": ({"iss": ISSUER.upper()}, Flaw.ISSUER),
    "no issuer": ({"iss": None}, Flaw.ISSUER),
    "issuer in a list": ({"iss": [ISSUER]}, Flaw.ISSUER),
    "audience of another": ({"aud": "shop"}, Flaw.AUDIENCE),
    "further audience": ({"aud": [CLIENT, "shop"], "azp": CLIENT}, Flaw.AUDIENCE),
    "audience twice": ({"aud": [CLIENT, CLIENT]}, Flaw.AUDIENCE),
    "empty audience": ({"aud": []}, Flaw.AUDIENCE),
    "no audience": ({"aud": None}, Flaw.AUDIENCE),
    "party of another": ({"azp": "shop"}, Flaw.PARTY),
    "party that is no text": ({"azp": [CLIENT]}, Flaw.PARTY),
    "expired": ({"exp": NOW - 60}, Flaw.EXPIRED),
    "no expiry": ({"exp": None}, Flaw.EXPIRED),
    "expiry in a text": ({"exp": str(NOW + 300)}, Flaw.EXPIRED),
    "expiry that is true": ({"exp": True}, Flaw.EXPIRED),
    "issued in the future": ({"iat": NOW + 61}, Flaw.ISSUED_AT),
    "issued long ago": ({"iat": NOW - 661}, Flaw.ISSUED_AT),
    "no time of issue": ({"iat": None}, Flaw.ISSUED_AT),
    "not yet valid": ({"nbf": NOW + 61}, Flaw.NOT_YET),
    "not yet valid, in a text": ({"nbf": "0"}, Flaw.NOT_YET),
    "nonce of another flow": ({"nonce": "x" * 43}, Flaw.NONCE),
    "no nonce": ({"nonce": None}, Flaw.NONCE),
    "nonce in a list": ({"nonce": ["x"]}, Flaw.NONCE),
    "nobody": ({"sub": ""}, Flaw.SUBJECT),
    "no subject": ({"sub": None}, Flaw.SUBJECT),
    "subject too long": ({"sub": "a" * 256}, Flaw.SUBJECT),
    "subject beyond ASCII": ({"sub": "häns"}, Flaw.SUBJECT),
    "subject of two lines": ({"sub": "a\nb"}, Flaw.SUBJECT),
    "access token of another": ({"at_hash": "x" * 22}, Flaw.ACCESS_TOKEN),
    "access token in no text": ({"at_hash": 7}, Flaw.ACCESS_TOKEN),
}


def flaw_of(party: Party, **back: Any) -> Flaw:
    """Return why the sign-in is refused, and see that the log says the same."""
    with pytest.raises(IdTokenInvalidError) as refused:
        party.sign_in(**back)
    (line,) = party.logged("oidc.refused")
    assert ("oidc_id_token_invalid", refused.value.flaw) == (line["error"], line["flaw"])
    return refused.value.flaw


@pytest.mark.parametrize("name", list(FORGED))
def test_a_claim_that_is_not_as_it_must_be_is_refused(name: str) -> None:
    """Signed well by the provider's own key; one claim is wrong."""
    claims, flaw = FORGED[name]
    assert flaw == flaw_of(Party(claims=claims))


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"aud": [CLIENT]},
        {"azp": CLIENT},
        {"exp": NOW - 59},
        {"iat": NOW + 60, "nbf": NOW + 60},
        {"iat": NOW - 660},
        {"exp": NOW + 300.5},
        {"acr": "0", "auth_time": NOW - 86_400},
    ],
    ids=str,
)
def test_what_the_standard_allows_is_taken(claims: dict[str, Any]) -> None:
    """A list of one, clocks that differ by a minute, fractions, claims that nobody asked for."""
    assert "user-7" == Party(claims=claims).sign_in().subject


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_every_accepted_algorithm_verifies(algorithm: str) -> None:
    """With the hash of the access token that goes with it (section 3.1.3.6)."""
    size = algorithm[-3:] if algorithm[-3:].isdigit() else "512"
    hashed = hashlib.new(f"sha{size}", ACCESS.encode()).digest()
    half = base64.urlsafe_b64encode(hashed[: len(hashed) // 2]).decode().rstrip("=")
    party = Party(algorithm=algorithm, claims={"at_hash": half})
    assert "user-7" == party.sign_in().subject


def test_no_secret_is_a_key() -> None:
    """HS256 under the client's secret, or under the public key's text, is refused unread."""
    jwk = json.dumps(jwk_of(rsa_key(), "RS256"))
    for key in (SECRET, jwk):
        party = Party(metadata={"id_token_signing_alg_values_supported": ["RS256", "HS256"]})
        forged = signed({"sub": "root"}, {"alg": "HS256", "kid": "k1"}, key.encode())
        party.idp.tokens = {"id_token": forged}
        assert Flaw.ALGORITHM == flaw_of(party)


def test_nothing_unsigned_is_believed() -> None:
    """`none`, however it is spelt, and a signature that was cut off."""
    for name in ("none", "None", "NONE", "nOnE"):
        party = Party()
        head = base64.urlsafe_b64encode(json.dumps({"alg": name}).encode()).decode().rstrip("=")
        party.idp.tokens = {"id_token": f"{head}.{party.idp.id_token().split('.')[1]}."}
        assert Flaw.ALGORITHM == flaw_of(party)
    party = Party()
    party.idp.tokens = {"id_token": party.idp.id_token().rpartition(".")[0] + "."}
    assert Flaw.SIGNATURE == flaw_of(party)


@pytest.mark.parametrize(
    "token",
    ["", "a", "a.b", "a.b.c.d", "a.b.c.d.e", "!.!.!", "eyJ9.e30.", "e30=.e30=.e30=", "ä.ö.ü"],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    """Also the five parts of an encrypted one."""
    assert Flaw.MALFORMED == flaw_of(Party(tokens={"id_token": token or "."}))


def test_a_token_of_megabytes_is_not_read() -> None:
    """Its length alone condemns it."""
    assert Flaw.MALFORMED == flaw_of(Party(claims={"junk": "x" * 20_000}))


@pytest.mark.parametrize(
    ("header", "flaw"),
    [
        ({"crit": ["exp"]}, Flaw.CRITICAL),
        ({"typ": "at+jwt"}, Flaw.TYPE),
        ({"typ": "logout+jwt"}, Flaw.TYPE),
    ],
    ids=str,
)
def test_a_header_that_means_something_else_is_refused(header: dict[str, Any], flaw: Flaw) -> None:
    """A critical extension is not understood; an access token is no ID token (RFC 8725 3.11)."""
    assert flaw == flaw_of(Party(header=header))


def test_a_key_that_a_token_brings_along_is_not_used() -> None:
    """`jwk` and `jku` in the header are only words (RFC 8725 section 3.10)."""
    stranger = rsa_key(3072)
    header = {"jwk": jwk_of(stranger, "RS256"), "jku": "https://evil.example.com/jwks"}
    party = Party(key=stranger, header=header, keys=[jwk_of(rsa_key(), "RS256")])
    assert Flaw.SIGNATURE == flaw_of(party)
    assert not [r for r in party.idp.sender.requests if "evil" in r.url]


def test_each_part_of_a_token_is_signed() -> None:
    """One character changed anywhere, and it is refused."""
    token = Party().idp.id_token()
    head, body, signature = token.split(".")
    for part in range(3):
        parts = [head, body, signature]
        middle = len(parts[part]) // 2
        swapped = "A" if parts[part][middle] != "A" else "B"
        parts[part] = parts[part][:middle] + swapped + parts[part][middle + 1 :]
        flaw = flaw_of(Party(tokens={"id_token": ".".join(parts)}))
        assert flaw in {Flaw.SIGNATURE, Flaw.MALFORMED, Flaw.KEY, Flaw.ALGORITHM, Flaw.TYPE}


@pytest.mark.parametrize(
    ("jwk", "why"),
    [
        ({"kid": "other"}, "another name"),
        ({"use": "enc"}, "for encrypting"),
        ({"key_ops": ["encrypt"]}, "for encrypting"),
        ({"key_ops": "verify"}, "no list"),
        ({"alg": "PS256"}, "another algorithm"),
        ({"kty": "EC"}, "another family"),
        ({"d": "AQAB"}, "a private key"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_key_that_is_not_for_this_is_no_key(jwk: dict[str, Any], why: str) -> None:
    """The name fits, but it is no key for verifying by this algorithm."""
    party = Party(keys=[jwk_of(rsa_key(), "RS256", **jwk)])
    assert Flaw.KEY == flaw_of(party), why


def test_a_small_key_signs_nothing() -> None:
    """RSA below 2048 bits (RFC 7518 section 3.3)."""
    small = rsa_key(1024)
    party = Party(key=small, keys=[jwk_of(small, "RS256")])
    assert Flaw.SIGNATURE == flaw_of(party)


def test_a_key_of_another_curve_is_no_key() -> None:
    """ES256 is P-256 and nothing else (RFC 7518 section 3.4)."""
    party = Party(algorithm="ES256", keys=[jwk_of(other_key("ES384"), "ES384", alg="ES256")])
    assert Flaw.KEY == flaw_of(party)


@pytest.mark.parametrize("broken", [{"n": "!"}, {"n": None}, {"e": "AA"}], ids=str)
def test_a_key_that_cannot_be_read_signs_nothing(broken: dict[str, Any]) -> None:
    """The provider's mistake is no way in, and no crash."""
    assert Flaw.SIGNATURE == flaw_of(Party(keys=[jwk_of(rsa_key(), "RS256", **broken)]))


def test_a_token_without_a_name_of_a_key() -> None:
    """Is fine while one key alone fits, and ambiguous beside a second one."""
    ours = jwk_of(rsa_key(), "RS256")
    encrypting = jwk_of(rsa_key(3072), "RS256", kid="k2", use="enc")
    assert "user-7" == Party(kid=None, keys=[encrypting, ours]).sign_in().subject
    second = jwk_of(rsa_key(3072), "RS256", kid="k2")
    assert Flaw.KEY == flaw_of(Party(kid=None, keys=[ours, second]))


def test_two_keys_of_one_name_are_none() -> None:
    """Which of them is meant nobody knows; of different kinds it is clear."""
    ours, second = jwk_of(rsa_key(), "RS256"), jwk_of(rsa_key(3072), "RS256")
    assert Flaw.KEY == flaw_of(Party(keys=[ours, second]))
    curve = jwk_of(key_of("ES256"), "ES256")
    assert "user-7" == Party(keys=[curve, ours]).sign_in().subject
