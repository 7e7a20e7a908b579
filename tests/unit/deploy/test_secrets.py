import base64
import json
import os
import random
from collections.abc import Callable, Iterator

import boto3
import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from mypy_boto3_ssm import SSMClient

from nightshift.core.tokens import from_b64url
from nightshift.deploy.managed import ManagedParameters
from nightshift.deploy.secrets import (
    Parameters,
    SsmParameters,
    StackSecrets,
    WeakSigningKeyError,
    new_signing_key,
    public_half,
)

SIGNING = "/nightshift/dev/token-signing-keys"
PUBLIC = "/nightshift/dev/token-public-keys"
CURSOR = "/nightshift/dev/cursor-key"
SEALING = "/nightshift/dev/sealing-key"
MAIL = "/nightshift/dev/mail-key"
ALL = (SIGNING, PUBLIC, CURSOR, SEALING, MAIL)


class FakeParameters:
    """Parameters in memory; `before_create` runs first, as somebody faster would."""

    def __init__(self, values: dict[str, str] | None = None) -> None:
        self.values = values or {}
        self.secret: dict[str, bool] = {}
        self.before_create: Callable[[str], None] = lambda _name: None

    def find(self, name: str) -> str | None:
        """Return what is kept."""
        return self.values.get(name)

    def create(self, name: str, value: str, *, secret: bool) -> bool:
        """Keep what is new, after somebody faster had a turn."""
        self.before_create(name)
        if name in self.values:
            return False
        self.values[name], self.secret[name] = value, secret
        return True

    def replace(self, name: str, value: str) -> None:
        """Keep it in any case."""
        self.values[name], self.secret[name] = value, False

    def delete(self, name: str) -> None:
        """Forget it."""
        self.values.pop(name, None)


def secrets_of(parameters: Parameters, seed: int = 1) -> StackSecrets:
    """The secrets of the stage dev, with repeatable randomness."""
    repeatable = random.Random(seed)  # noqa: S311 - tests want the same keys each time
    return StackSecrets(stage="dev", parameters=parameters, random_bytes=repeatable.randbytes)


@pytest.fixture
def ssm(monkeypatch: pytest.MonkeyPatch) -> Iterator[SSMClient]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield boto3.client("ssm", region_name="us-east-1")


def value(ssm: SSMClient, name: str) -> str:
    text: str = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    return text


def test_creates_what_is_absent(ssm: SSMClient) -> None:
    """A fresh stack gets all four parameters, and only the public keys lie in plain."""
    created = secrets_of(SsmParameters(ssm)).ensure()
    assert sorted(ALL) == sorted(created)
    found = {item["Name"]: item["Type"] for item in ssm.describe_parameters()["Parameters"]}
    assert {
        SIGNING: "SecureString",
        PUBLIC: "String",
        CURSOR: "SecureString",
        SEALING: "SecureString",
        MAIL: "SecureString",
    } == found
    assert 32 == len(base64.b64decode(value(ssm, CURSOR), validate=True))
    assert 32 == len(base64.b64decode(value(ssm, SEALING), validate=True))
    assert value(ssm, CURSOR) != value(ssm, SEALING)


def test_keeps_what_is_there(ssm: SSMClient) -> None:
    """A second deployment changes nothing."""
    secrets_of(SsmParameters(ssm), seed=1).ensure()
    before = {name: value(ssm, name) for name in ALL}
    assert [] == secrets_of(SsmParameters(ssm), seed=2).ensure()
    assert before == {name: value(ssm, name) for name in ALL}


def test_removes_all(ssm: SSMClient) -> None:
    """What was created can be removed, and removing nothing is fine."""
    secrets = secrets_of(SsmParameters(ssm))
    secrets.ensure()
    secrets.remove()
    secrets.remove()
    assert [] == ssm.describe_parameters()["Parameters"]


def test_create_keeps_a_value_that_exists(ssm: SSMClient) -> None:
    """A parameter that somebody else made meanwhile is not overwritten."""
    parameters = SsmParameters(ssm)
    assert parameters.create(CURSOR, "first", secret=True)
    assert not parameters.create(CURSOR, "second", secret=True)
    assert "first" == parameters.find(CURSOR)


def test_public_keys_verify_what_the_signing_keys_sign() -> None:
    """A token signed with the first private key verifies with the public key of the same id."""
    parameters = FakeParameters()
    secrets_of(parameters).ensure()
    (signing,) = json.loads(parameters.values[SIGNING])
    (public,) = json.loads(parameters.values[PUBLIC])["keys"]
    token = jwt.encode({"sub": "a"}, jwt.PyJWK(signing).key, algorithm="EdDSA")
    assert {"sub": "a"} == jwt.decode(token, jwt.PyJWK(public).key, algorithms=["EdDSA"])
    assert signing["kid"] == public["kid"]
    assert {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig"} == {
        name: public[name] for name in ("kty", "crv", "alg", "use")
    }
    assert "d" not in public


def test_the_example_key_of_the_standard() -> None:
    """The key of RFC 8037 appendix A has the public half and the thumbprint given there."""
    key = new_signing_key(from_b64url("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"))
    assert "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" == key["x"]
    assert "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" == key["kid"]


def test_losing_a_race_publishes_the_winners_key() -> None:
    """Whoever loses the race for the signing keys publishes those of the winner."""
    parameters = FakeParameters()
    winner = new_signing_key(os.urandom(32))

    def somebody_is_faster(name: str) -> None:
        if name == SIGNING:
            parameters.values.setdefault(SIGNING, json.dumps([winner]))

    parameters.before_create = somebody_is_faster
    created = secrets_of(parameters).ensure()
    assert SIGNING not in created
    assert [public_half(winner)] == json.loads(parameters.values[PUBLIC])["keys"]


def test_public_keys_of_an_earlier_life_do_not_lock_everybody_out() -> None:
    """Signing keys made anew beside old public keys are published too, before the old ones."""
    old = public_half(new_signing_key(b"o" * 32))
    parameters = FakeParameters({PUBLIC: json.dumps({"keys": [old]})})
    secrets_of(parameters).ensure()
    (signing,) = json.loads(parameters.values[SIGNING])
    assert [public_half(signing), old] == json.loads(parameters.values[PUBLIC])["keys"]


def test_what_a_stack_had_moves_along() -> None:
    """A stack that changes its store keeps its keys; what it never had is made there."""
    parameters = FakeParameters()
    secrets_of(parameters, seed=1).ensure()
    del parameters.values[MAIL]
    elsewhere = FakeParameters()
    moved = StackSecrets(
        stage="dev", parameters=elsewhere, before=parameters, random_bytes=os.urandom
    )
    assert sorted(ALL) == sorted(moved.ensure())
    assert parameters.values == {k: v for k, v in elsewhere.values.items() if k != MAIL}
    elsewhere.values[CURSOR] = "turned over"
    assert [] == moved.ensure()
    assert "turned over" == elsewhere.values[CURSOR]
    moved.remove()
    assert ({}, {}) == (parameters.values, elsewhere.values)


def test_secrets_manager_keeps_what_parameters_keep(ssm: SSMClient) -> None:
    """Made once, completed, replaced and deleted; doing any of it twice is no error."""
    client = boto3.client("secretsmanager", region_name="us-east-1")
    secrets = secrets_of(ManagedParameters(client), seed=1)
    assert sorted(ALL) == sorted(secrets.ensure())
    first = client.get_secret_value(SecretId=SIGNING)["SecretString"]
    assert [] == secrets_of(ManagedParameters(client), seed=2).ensure()
    client.put_secret_value(
        SecretId=SIGNING, SecretString=json.dumps([new_signing_key(os.urandom(32))])
    )
    assert [PUBLIC] == secrets.ensure()
    assert 2 == len(json.loads(client.get_secret_value(SecretId=PUBLIC)["SecretString"])["keys"])
    assert first != client.get_secret_value(SecretId=SIGNING)["SecretString"]
    for _ in range(2):
        secrets.remove()
        assert [] == client.list_secrets()["SecretList"]
    assert [] == ssm.describe_parameters()["Parameters"]


def test_a_guessable_signing_key_stops_the_deployment() -> None:
    """Wherever it stands in the list; nobody is told to trust it."""
    weak, good = (
        new_signing_key(b"correct horse battery staple 123"),
        new_signing_key(os.urandom(32)),
    )
    for keys in ([weak], [good, weak]):
        parameters = FakeParameters({SIGNING: json.dumps(keys)})
        with pytest.raises(WeakSigningKeyError, match="token-signing-keys"):
            secrets_of(parameters).ensure()
        assert PUBLIC not in parameters.values


@given(st.sets(st.sampled_from(ALL)))
def test_whatever_was_lost_is_made_again(lost: set[str]) -> None:
    """From any part of the parameters the next call gets to a whole set that fits together."""
    parameters = FakeParameters()
    secrets_of(parameters, seed=1).ensure()
    kept = {name: text for name, text in parameters.values.items() if name not in lost}
    parameters.values = dict(kept)
    secrets_of(parameters, seed=2).ensure()
    assert set(ALL) == set(parameters.values)
    public = {key["kid"] for key in json.loads(parameters.values[PUBLIC])["keys"]}
    assert {key["kid"] for key in json.loads(parameters.values[SIGNING])} <= public
    for name in kept.keys() - {PUBLIC}:
        assert kept[name] == parameters.values[name]
