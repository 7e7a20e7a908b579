import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightshift.outbound.signing import new_secret, sign, signed_headers, verify

# The vector that the specification's reference libraries share.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"test": 2432232314}'
SIGNED_AT = datetime.fromtimestamp(1614265330, UTC)
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = new_secret(b"o" * 32)


def _verify(
    *,
    secret: str = SECRET,
    message_id: str = MESSAGE,
    timestamp: str = "1614265330",
    signature: str = SIGNATURE,
    body: bytes = BODY,
    now: datetime = SIGNED_AT,
) -> bool:
    return verify(secret, message_id, timestamp, signature, body, now=now)


def test_the_reference_vector_is_reproduced() -> None:
    """Our signature is the one that the reference libraries compute."""
    signature = sign([SECRET], MESSAGE, SIGNED_AT, BODY)
    assert signature == SIGNATURE
    assert _verify()


def test_the_headers_are_the_three_of_the_specification() -> None:
    """A signed call carries id, whole seconds and signature."""
    later = SIGNED_AT + timedelta(milliseconds=999)
    expected = {
        "webhook-id": MESSAGE,
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }
    assert expected == signed_headers([SECRET], MESSAGE, later, BODY)


def test_each_secret_signs_while_secrets_are_rotated() -> None:
    """With two secrets there are two signatures, and the holder of either verifies."""
    both = sign([OTHER, SECRET], MESSAGE, SIGNED_AT, BODY)
    assert f"{sign([OTHER], MESSAGE, SIGNED_AT, BODY)} {SIGNATURE}" == both
    assert _verify(signature=both)
    assert _verify(signature=both, secret=OTHER)


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": OTHER},
        {"message_id": MESSAGE + "x"},
        {"timestamp": "1614265331"},
        {"timestamp": "-1614265330"},
        {"timestamp": "soon"},
        {"timestamp": "161426533\N{FULLWIDTH DIGIT ZERO}"},
        {"timestamp": ""},
        {"timestamp": "1" * 5000},
        {"body": BODY + b" "},
        {"signature": SIGNATURE.replace("v1,", "v2,")},
        {"signature": SIGNATURE.removeprefix("v1,")},
        {"signature": ""},
        {"signature": "v1,"},
        {"signature": "v1,ü"},
    ],
)
def test_a_changed_call_does_not_verify(wrong: dict[str, str]) -> None:
    """Changing any signed part, or the signature, makes a call not genuine."""
    assert not _verify(**wrong)  # type: ignore[arg-type]  # one case changes the bytes


@pytest.mark.parametrize(
    ("seconds", "expected"), [(300, True), (301, False), (-300, True), (-301, False)]
)
def test_an_old_or_early_call_does_not_verify(seconds: int, expected: bool) -> None:
    """A call is good within five minutes of the receiver's clock, either way."""
    assert expected == _verify(now=SIGNED_AT + timedelta(seconds=seconds))


@settings(deadline=None)
@given(st.binary(min_size=24, max_size=64), st.binary(max_size=200), st.integers(0, 2**33))
def test_what_is_signed_verifies(random: bytes, body: bytes, second: int) -> None:
    """Any body signed with a fresh secret verifies with it."""
    at = datetime.fromtimestamp(second, UTC)
    headers = signed_headers([new_secret(random)], "run", at, body)
    assert verify(
        new_secret(random),
        headers["webhook-id"],
        headers["webhook-timestamp"],
        headers["webhook-signature"],
        body,
        now=at,
    )


@pytest.mark.parametrize("size", [0, 23, 65])
def test_a_secret_has_24_to_64_bytes(size: int) -> None:
    """A secret outside the specification's sizes can be neither made nor used."""
    with pytest.raises(ValueError, match="24 to 64"):
        new_secret(b"x" * size)
    with pytest.raises(ValueError, match="24 to 64"):
        sign(["whsec_" + base64.b64encode(b"x" * size).decode()], MESSAGE, SIGNED_AT, BODY)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_***", SECRET.removeprefix("whsec_"), "whsec_ü"]
)
def test_a_malformed_secret_is_no_key(secret: str) -> None:
    """Text that is no secret is refused rather than used as a weak key."""
    with pytest.raises(ValueError, match="whsec_"):
        sign([secret], MESSAGE, SIGNED_AT, BODY)


@pytest.mark.parametrize("message_id", ["", "a.b"])
def test_an_ambiguous_message_id_is_refused(message_id: str) -> None:
    """An id that could be confused with the timestamp after it is not signed."""
    with pytest.raises(ValueError, match="message id"):
        sign([SECRET], message_id, SIGNED_AT, BODY)
