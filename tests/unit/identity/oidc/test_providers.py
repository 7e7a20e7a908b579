"""What is known of providers, how they are asked, and what their configuration may be."""

import json
from typing import Any

import pytest

from nightshift.core.environment import SettingsError
from nightshift.core.errors import NightshiftError
from nightshift.identity.oidc.errors import (
    IdTokenInvalidError,
    ProviderUnavailableError,
)
from nightshift.identity.oidc.model import Flaw, Provider
from nightshift.identity.oidc.settings import read_providers
from nightshift.outbound.fakes import answer
from nightshift.outbound.sender import HttpSender
from tests.unit.identity.oidc.scene import (
    ACCESS,
    CLIENT,
    ISSUER,
    SECRET,
    STAFF,
    Party,
    jwk_of,
    rsa_key,
)

NEW = jwk_of(rsa_key(3072), "RS256", kid="k2")
OLD = jwk_of(rsa_key(), "RS256")


def test_a_provider_is_asked_once_an_hour() -> None:
    """Metadata and keys are kept in the process; a sign-in costs one call."""
    party = Party()
    for _ in range(3):
        party.sign_in()
    assert (1, 1, 3) == tuple(len(party.idp.asked(p)) for p in ("configuration", "jwks", "token"))
    party.clock.advance(seconds=3600)
    party.sign_in()
    assert (2, 2, 4) == tuple(len(party.idp.asked(p)) for p in ("configuration", "jwks", "token"))


def test_a_new_key_is_followed_at_once() -> None:
    """A token signed by a key that is not known makes the keys be read again."""
    party = Party(keys=[OLD])
    party.sign_in()
    party.clock.advance(seconds=60)
    party.idp.keys, party.idp.key, party.idp.kid = [NEW, OLD], rsa_key(3072), "k2"
    assert "user-7" == party.sign_in().subject
    assert 2 == len(party.idp.asked("/jwks"))


def test_a_key_that_was_withdrawn_is_believed_for_an_hour_at_most() -> None:
    """Then it is no key any more."""
    party = Party(keys=[OLD])
    party.sign_in()
    party.idp.keys = [NEW]
    party.clock.advance(seconds=3600)
    with pytest.raises(IdTokenInvalidError) as refused:
        party.sign_in()
    assert Flaw.KEY == refused.value.flaw


def test_made_up_keys_cost_a_minute_each() -> None:
    """A hundred tokens of unknown keys make the keys be read twice in two minutes."""
    party = Party(kid="made-up")
    for _ in range(100):
        with pytest.raises(IdTokenInvalidError):
            party.sign_in()
        party.clock.advance(seconds=1.1)
    assert 2 == len(party.idp.asked("/jwks"))


def test_what_is_known_outlives_an_outage() -> None:
    """For a day; a provider that is down is asked once a minute."""
    party = Party()
    party.sign_in()
    party.idp.down = {"openid-configuration", "jwks"}
    party.clock.advance(seconds=7200)
    for _ in range(5):
        assert "user-7" == party.sign_in().subject
    assert (2, 2) == (len(party.idp.asked("configuration")), len(party.idp.asked("/jwks")))
    party.clock.advance(seconds=22 * 3600)
    with pytest.raises(ProviderUnavailableError):
        party.sign_in()
    party.idp.down = set()
    assert "user-7" == party.sign_in().subject


@pytest.mark.parametrize("what", ["openid-configuration", "jwks", "token"])
def test_a_provider_that_is_down_lets_nobody_in(what: str) -> None:
    """The user may try again; the log says what failed."""
    party = Party(down={what})
    with pytest.raises(ProviderUnavailableError):
        party.sign_in()
    (line,) = party.logged("oidc.unavailable")
    assert line["reason"].endswith("the provider answered 503")


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"issuer": "https://evil.example.com"}, "issuer is another"),
        ({"issuer": ISSUER + "/"}, "issuer is another"),
        ({"issuer": None}, "issuer is another"),
        ({"token_endpoint": None}, "no usable token_endpoint"),
        ({"token_endpoint": "http://id.example.com/token"}, "no usable token_endpoint"),
        ({"jwks_uri": "https://127.0.0.1/jwks"}, "no usable jwks_uri"),
        ({"jwks_uri": "https://169.254.169.254/keys"}, "no usable jwks_uri"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "no usable authorization_endpoint"),
        ({"userinfo_endpoint": "file:///etc/passwd"}, "no usable userinfo_endpoint"),
        ({"response_types_supported": ["id_token"]}, "no authorization code flow"),
        ({"code_challenge_methods_supported": ["plain"]}, "no PKCE by S256"),
        (
            {"id_token_signing_alg_values_supported": ["HS256", "none"]},
            "no algorithm of ID tokens that is accepted",
        ),
    ],
    ids=str,
)
def test_metadata_that_cannot_be_trusted_is_not_used(metadata: dict[str, Any], reason: str) -> None:
    """Nobody is sent anywhere."""
    party = Party(metadata=metadata)
    with pytest.raises(ProviderUnavailableError):
        party.depart()
    (line,) = party.logged("oidc.unavailable")
    assert reason == line["reason"]


def test_no_provider_leads_inside() -> None:
    """Calls go through the sender that judges every address, with its answer bounded."""
    party = Party()
    inside = HttpSender()
    party.idp.sender = inside  # type: ignore[assignment]  # the real one, which refuses at once
    provider = Provider(
        provider_id="staff", name="", issuer="https://10.0.0.1", client_id=CLIENT, secret_param=""
    )
    with pytest.raises(ProviderUnavailableError):
        party.library.metadata(provider)
    (line,) = party.logged("oidc.unavailable")
    assert "not a public one" in line["reason"]


@pytest.mark.parametrize(
    "tokens",
    [
        {"id_token": None},
        {"id_token": 7},
        {"access_token": None},
        {"token_type": None},
        {"token_type": "DPoP"},
    ],
    ids=str,
)
def test_an_answer_without_its_tokens_lets_nobody_in(tokens: dict[str, Any]) -> None:
    """The provider's mistake, not the user's."""
    with pytest.raises(ProviderUnavailableError):
        Party(tokens=tokens).sign_in()


def test_what_a_provider_says_of_us_is_for_the_log() -> None:
    """A secret that it does not take is the operator's to mend."""
    party = Party()
    party.idp.token_answer = answer(401, body=b'{"error": "invalid_client"}')
    with pytest.raises(ProviderUnavailableError):
        party.sign_in()
    (line,) = party.logged("oidc.unavailable")
    assert ("invalid_client", "tokens: the provider answered 401") == (line["said"], line["reason"])


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'"x"', b"\xff", b"[" * 100_000])
def test_an_answer_that_is_no_object_is_none(body: bytes) -> None:
    """No crash, and no sign-in."""
    party = Party()
    party.idp.token_answer = answer(200, body=body)
    with pytest.raises(ProviderUnavailableError):
        party.sign_in()


def test_a_client_proves_itself_as_the_provider_wants() -> None:
    """By the header unless the form alone is taken; a public client has PKCE alone."""
    party = Party(metadata={"token_endpoint_auth_methods_supported": ["client_secret_post"]})
    party.sign_in()
    assert (CLIENT, SECRET) == (party.idp.form()["client_id"], party.idp.form()["client_secret"])
    assert "authorization" not in party.idp.asked("/token")[0].headers
    public = Party(Provider(provider_id="staff", name="Staff", issuer=ISSUER, client_id=CLIENT))
    public.sign_in()
    assert CLIENT == public.idp.form()["client_id"]
    assert "client_secret" not in public.idp.form()
    assert "authorization" not in public.idp.asked("/token")[0].headers


def test_a_secret_that_is_not_there_lets_nobody_in() -> None:
    """And the log says whose."""
    party = Party()
    party.secrets.values.clear()
    with pytest.raises(ProviderUnavailableError):
        party.sign_in()
    assert ["staff"] == [line["provider"] for line in party.logged("oidc.secret_missing")]


def test_an_address_that_the_token_does_not_say_is_asked_for() -> None:
    """With the access token, and believed only of the same person (OIDC Core 5.3.2)."""
    told = {"sub": "user-7", "email": "ada@example.org", "email_verified": "true"}
    party = Party(claims={"email": None, "name": None}, userinfo=told)
    identity = party.sign_in()
    assert ("ada@example.org", True) == (identity.email, identity.email_verified)
    (call,) = party.idp.asked("/userinfo")
    assert f"Bearer {ACCESS}" == call.headers["authorization"]
    for sub in ("user-8", None, ["user-7"]):
        party.idp.userinfo = told | {"sub": sub}
        with pytest.raises(IdTokenInvalidError):
            party.sign_in()


def test_an_address_and_its_proof_are_of_one_document() -> None:
    """What the token calls verified is not the address that userinfo names."""
    party = Party(
        claims={"email": None, "email_verified": True},
        userinfo={"sub": "user-7", "email": "root@example.org"},
    )
    assert not party.sign_in().email_verified


@pytest.mark.parametrize("verified", [False, None, "false", 1, "1", "yes", ["true"]], ids=str)
def test_only_a_clear_word_verifies(verified: object) -> None:
    """True, or the text `true` that some providers write."""
    assert not Party(claims={"email_verified": verified}).sign_in().email_verified


def test_no_secret_is_in_the_log() -> None:
    """Neither codes nor tokens nor states nor addresses, whatever happens."""
    party = Party()
    flow = party.depart().flow
    party.finish(flow)
    for back in ({"state": "x"}, {"issuer": "https://e.example.com"}, {"error": "access_denied"}):
        with pytest.raises(NightshiftError):
            party.finish(flow, **back)
    text = party.lines.getvalue()
    secrets = (flow.state, flow.nonce, flow.verifier, flow.cookie_value, "code-1", ACCESS, SECRET)
    assert not [s for s in (*secrets, "ada@example.com", "eyJ") if s in text]


def test_providers_are_read_from_the_configuration() -> None:
    """With defaults for all but id, issuer and client."""
    said = [
        {"id": "staff", "issuer": ISSUER, "client_id": CLIENT},
        {
            "id": "hub",
            "name": "The Hub",
            "issuer": "https://hub.example.com",
            "client_id": "ns",
            "client_secret_param": "/hub",
            "scopes": ["openid", "email"],
            "algorithms": ["ES256"],
            "links_by_email": False,
        },
    ]
    found = read_providers(json.dumps(said), allow_loopback=False)
    assert ["staff", "hub"] == list(found)
    assert ("Staff", "", ("openid", "email", "profile"), ()) == (
        found["staff"].name,
        found["staff"].secret_param,
        found["staff"].scopes,
        found["staff"].algorithms,
    )
    assert (("ES256",), False, "/hub") == (
        found["hub"].algorithms,
        found["hub"].links_by_email,
        found["hub"].secret_param,
    )
    assert {} == read_providers("", allow_loopback=False)


_GOOD: dict[str, Any] = {"id": "staff", "issuer": ISSUER, "client_id": CLIENT}


@pytest.mark.parametrize(
    "said",
    [
        "{",
        "{}",
        "[1]",
        [{**_GOOD, "id": None}],
        [{**_GOOD, "id": "Staff"}],
        [{**_GOOD, "id": "a/b"}],
        [{**_GOOD, "client_id": ""}],
        [{**_GOOD, "issuer": "http://id.example.com"}],
        [{**_GOOD, "issuer": "http://127.0.0.1:9000"}],
        [{**_GOOD, "issuer": "https://id.example.com?x"}],
        [{**_GOOD, "scopes": ["email"]}],
        [{**_GOOD, "scopes": "openid"}],
        [{**_GOOD, "scopes": ["openid", "a b"]}],
        [{**_GOOD, "algorithms": ["HS256"]}],
        [{**_GOOD, "algorithms": ["none"]}],
        [{**_GOOD, "links_by_email": "no"}],
        [{**_GOOD, "secret": "x"}],
        [_GOOD, _GOOD],
        [_GOOD, {**_GOOD, "id": "again"}],
        [{**_GOOD, "id": f"p{n}", "issuer": f"https://p{n}.example.com"} for n in range(21)],
    ],
    ids=lambda said: str(said)[:60],
)
def test_a_bad_configuration_stops_the_start(said: object) -> None:
    """With a message that names the setting."""
    text = said if isinstance(said, str) else json.dumps(said)
    with pytest.raises(SettingsError, match="NIGHTSHIFT_OIDC_PROVIDERS"):
        read_providers(text, allow_loopback=False)


def test_a_provider_on_this_machine_is_for_development() -> None:
    """Plain http is fine there, and nowhere else."""
    here = json.dumps([{**_GOOD, "issuer": "http://127.0.0.1:9400"}])
    assert ["staff"] == list(read_providers(here, allow_loopback=True))
    away = json.dumps([{**_GOOD, "issuer": "http://id.example.com"}])
    with pytest.raises(SettingsError):
        read_providers(away, allow_loopback=True)


def test_a_configured_algorithm_is_the_only_one() -> None:
    """What else the provider announces is not taken."""
    narrow = Provider(**{**_fields(STAFF), "algorithms": ("ES256",)})
    party = Party(narrow, metadata={"id_token_signing_alg_values_supported": ["RS256", "ES256"]})
    with pytest.raises(IdTokenInvalidError) as refused:
        party.sign_in()
    assert Flaw.ALGORITHM == refused.value.flaw


def _fields(provider: Provider) -> dict[str, Any]:
    return {name: getattr(provider, name) for name in Provider.__slots__}


def test_a_new_key_under_an_old_name_is_followed() -> None:
    """As of a provider that names no keys at all; forged signatures cost one look a minute."""
    party = Party(kid=None)
    party.idp.keys = [jwk_of(rsa_key(), "RS256", kid=None)]
    assert "user-7" == party.sign_in().subject
    party.idp.key = rsa_key(3072)
    party.idp.keys = [jwk_of(rsa_key(3072), "RS256", kid=None)]
    with pytest.raises(IdTokenInvalidError):
        party.sign_in()
    party.clock.advance(seconds=60)
    assert "user-7" == party.sign_in().subject
    party.idp.key = rsa_key()
    for _ in range(10):
        party.clock.advance(seconds=10)
        with pytest.raises(IdTokenInvalidError):
            party.sign_in()
    assert 3 == len(party.idp.asked("/jwks"))
