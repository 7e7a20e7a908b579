"""An answer counts only in the browser that asked, for the provider that was asked, for a while."""

from urllib.parse import parse_qs, urlsplit

import pytest

from nightshift.identity.oidc.errors import (
    CodeInvalidError,
    IdTokenInvalidError,
    IssuerMismatchError,
    ProviderNotFoundError,
    ProviderRefusedError,
    StateInvalidError,
    StateUsedError,
)
from nightshift.identity.oidc.flow import challenge
from nightshift.identity.oidc.model import Flaw
from nightshift.outbound.fakes import answer
from tests.unit.identity.oidc.scene import (
    CLIENT,
    CODE,
    ISSUER,
    REDIRECT,
    Party,
    jar,
)


def test_the_browser_is_sent_to_the_provider() -> None:
    """With all that the code flow with PKCE has, and the endpoint's own query kept."""
    departure = Party().depart()
    place = urlsplit(departure.url)
    said = {name: value for name, (value,) in parse_qs(place.query).items()}
    assert f"{ISSUER}/authorize" == f"{place.scheme}://{place.netloc}{place.path}"
    assert {
        "tenant": "1",
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": REDIRECT,
        "scope": "openid email profile",
        "state": departure.flow.state,
        "nonce": departure.flow.nonce,
        "code_challenge": challenge(departure.flow.verifier),
        "code_challenge_method": "S256",
    } == said


def test_the_challenge_is_the_standards() -> None:
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" == challenge(verifier)


def test_the_code_is_changed_for_tokens_with_the_verifier() -> None:
    """The verifier never was in an address; the client's secret is in no form."""
    party = Party()
    flow = party.depart().flow
    identity = party.finish(flow)
    assert ("user-7", "ada@example.com", True, "Ada") == (
        identity.subject,
        identity.email,
        identity.email_verified,
        identity.name,
    )
    assert {
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": REDIRECT,
        "code_verifier": flow.verifier,
    } == party.idp.form()
    (call,) = party.idp.asked("/token")
    assert "Basic bmlnaHRzaGlmdDpzM2NyZXQlMkZ3aXRoJTNBc2lnbnM=" == call.headers["authorization"]


def test_every_flow_is_its_own() -> None:
    """State, nonce and verifier of two flows share nothing, nor do they tell of each other."""
    party = Party()
    one, two = party.depart().flow, party.depart().flow
    secrets = [(f.state, f.nonce, f.verifier, f.cookie_value) for f in (one, two)]
    assert 8 == len({text for texts in secrets for text in texts})
    assert all(43 == len(text) for texts in secrets for text in texts[:3])


def test_two_tabs_do_not_disturb_each_other() -> None:
    """Each has a cookie of its own; either may come back first."""
    party = Party()
    one = party.depart().flow
    nonce = party.idp.nonce
    two = party.depart().flow
    both = jar(one) | jar(two)
    assert "user-7" == party.finish(two, cookies=both).subject
    party.idp.nonce = nonce
    assert "user-7" == party.finish(one, cookies=both).subject


def test_an_answer_in_another_browser_is_refused() -> None:
    """Who lures somebody to an answer of his own signs nobody in (login CSRF)."""
    party = Party()
    mallory, ada = party.depart().flow, party.depart().flow
    for cookies in ({}, jar(ada), {mallory.cookie_name: ada.cookie_value}):
        with pytest.raises(StateInvalidError):
            party.finish(mallory, cookies=cookies)
    assert [] == party.idp.asked("/token")


@pytest.mark.parametrize("change", ["", "x", "state+x", "cut", "ä"])
def test_a_state_that_was_not_given_out_is_refused(change: str) -> None:
    """Made up, longer, shorter: nothing is asked of the provider."""
    party = Party()
    flow = party.depart().flow
    state = {"state+x": flow.state + "x", "cut": flow.state[:-1]}.get(change, change)
    with pytest.raises(StateInvalidError):
        party.finish(flow, state=state, cookies={"nightshift-oidc-" + state[:8]: flow.cookie_value})
    assert [] == party.idp.asked("/token")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a.b.c.d",
        "...",
        "a.9..c",
        "!.1..!",
        "AA.99999999999999999..AA",
        "AA.٣..AA",
        "ä.1..ö",
        "AA.9.AA.AA",
        "AA.9.W10.AA",
        "AA.9.eyJ9.AA",
        "AA.9.NQ.AA",
    ],
)
def test_a_cookie_that_was_not_given_out_is_refused(value: str) -> None:
    """Whatever stands in it."""
    party = Party()
    flow = party.depart().flow
    with pytest.raises(StateInvalidError):
        party.finish(flow, cookies={flow.cookie_name: value})


def test_a_cookie_cannot_be_made_to_last() -> None:
    """Its end is signed like the rest."""
    party = Party()
    flow = party.depart().flow
    secret, end, errand, mac = flow.cookie_value.split(".")
    longer = f"{secret}.{int(end) + 600}.{errand}.{mac}"
    with pytest.raises(StateInvalidError):
        party.finish(flow, cookies={flow.cookie_name: longer})


def test_a_flow_lasts_ten_minutes() -> None:
    """To the second."""
    party = Party()
    flow = party.depart().flow
    party.clock.advance(seconds=599)
    assert "user-7" == party.finish(flow).subject
    party.clock.advance(seconds=1)
    with pytest.raises(StateInvalidError):
        party.finish(flow)


def test_a_cookie_of_another_key_is_refused() -> None:
    """Nobody makes one without the stack's key."""
    party = Party()
    flow = party.depart().flow
    party.key = bytes(32)
    with pytest.raises(StateInvalidError):
        party.finish(flow)


def test_an_answer_of_another_provider_is_refused() -> None:
    """A flow to one provider does not end at another's callback (mix-up, RFC 9700 section 4.4)."""
    party = Party()
    flow = party.flows.begin("other")
    with pytest.raises(StateInvalidError):
        party.finish(flow)


def test_a_provider_that_names_itself_must_be_the_one_asked() -> None:
    """RFC 9207: judged before the code is used, and before an error is believed."""
    for back in ({"issuer": "https://evil.example.com"}, {"issuer": ISSUER + "/"}):
        party = Party()
        for more in ({}, {"error": "access_denied", "code": ""}):
            with pytest.raises(IssuerMismatchError):
                party.sign_in(**back, **more)
        assert [] == party.idp.asked("/token")


def test_a_provider_that_promised_to_name_itself_must() -> None:
    """Who leaves the name out is somebody else; who never promised may leave it out."""
    promise = {"authorization_response_iss_parameter_supported": True}
    with pytest.raises(IssuerMismatchError):
        Party(metadata=promise).sign_in()
    assert "user-7" == Party(metadata=promise).sign_in(issuer=ISSUER).subject
    assert "user-7" == Party().sign_in(issuer=ISSUER).subject


@pytest.mark.parametrize("error", ["access_denied", "login_required", "<script>", "x" * 1000])
def test_a_provider_that_lets_nobody_in(error: str) -> None:
    """The log names the error if it looks like one; nothing is asked."""
    party = Party()
    with pytest.raises(ProviderRefusedError):
        party.sign_in(error=error, code="")
    (line,) = party.logged("oidc.error_answered")
    assert (error if error.endswith("d") else "unknown") == line["said"]
    assert [] == party.idp.asked("/token")


def test_an_error_without_a_state_is_an_error() -> None:
    """Some providers forget it; nobody is signed in either way. With a code it is no answer."""
    party = Party()
    with pytest.raises(ProviderRefusedError):
        party.sign_in(error="access_denied", code="", state="", cookies={})
    with pytest.raises(StateInvalidError):
        party.sign_in(state="", cookies={})


def test_an_answer_of_neither_code_nor_error_is_none() -> None:
    """It lets nobody in."""
    with pytest.raises(ProviderRefusedError):
        Party().sign_in(code="")


def test_an_error_beside_a_code_is_an_error() -> None:
    """No code is used that came with one."""
    party = Party()
    with pytest.raises(ProviderRefusedError):
        party.sign_in(error="access_denied")
    assert [] == party.idp.asked("/token")


def test_a_code_is_used_once() -> None:
    """The provider says so, and the user begins again."""
    party = Party()
    party.idp.token_answer = answer(400, body=b'{"error": "invalid_grant"}')
    with pytest.raises(CodeInvalidError):
        party.sign_in()


def test_tokens_of_one_flow_are_none_of_another() -> None:
    """A code that was stolen and put into another flow brings the wrong nonce."""
    party = Party()
    victim = party.depart()
    nonce = party.idp.nonce
    mallory = party.depart()
    party.idp.nonce = nonce
    with pytest.raises(IdTokenInvalidError) as refused:
        party.finish(mallory.flow)
    assert Flaw.NONCE == refused.value.flaw
    assert "user-7" == party.finish(victim.flow).subject


def test_a_provider_that_is_not_configured_is_unknown() -> None:
    """On the way there and on the way back."""
    party = Party()
    with pytest.raises(ProviderNotFoundError):
        party.service.start("google", redirect_uri=REDIRECT)
    assert ["staff"] == [p.provider_id for p in party.service.providers()]


def test_a_state_is_taken_once() -> None:
    """Whatever came of the first answer; nothing is asked of the provider for the second."""
    party = Party()
    flow = party.depart().flow
    assert "user-7" == party.finish(flow).subject
    calls = len(party.idp.sender.requests)
    with pytest.raises(StateUsedError):
        party.finish(flow, code="another")
    other = party.depart().flow
    with pytest.raises(ProviderRefusedError):
        party.finish(other, code="", error="access_denied")
    with pytest.raises(StateUsedError):
        party.finish(other)
    assert calls == len(party.idp.sender.requests)
    assert ["oidc_state_used"] * 2 == [
        line["error"] for line in party.logged("oidc.refused") if "state" in line["error"]
    ]


def test_an_answer_of_another_browser_does_not_use_a_state_up() -> None:
    """Who knows a state but not its cookie cannot keep its browser out."""
    party = Party()
    flow = party.depart().flow
    with pytest.raises(StateInvalidError):
        party.finish(flow, cookies={})
    assert "user-7" == party.finish(flow).subject
