"""The secrets port: the real adapter and the fake behave the same."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from nightshift.adapters.secrets import stack_secrets
from nightshift.adapters.secrets_manager import ManagedSecrets
from nightshift.adapters.secrets_memory import MemorySecrets
from nightshift.adapters.secrets_ssm import SsmSecrets
from nightshift.core.environment import SettingsError
from nightshift.ports.secrets import SecretMissingError, Secrets, SecretsUnavailableError

Make = Callable[[Mapping[str, str]], Secrets]


def _ssm(values: Mapping[str, str]) -> Secrets:
    client = boto3.client("ssm", region_name="eu-central-1")
    for number, (name, value) in enumerate(values.items()):
        kind = "SecureString" if number % 2 == 0 else "String"
        client.put_parameter(Name=name, Value=value, Type=kind)  # type: ignore[arg-type]  # either
    return SsmSecrets(lambda: client)


def _managed(values: Mapping[str, str]) -> Secrets:
    client = boto3.client("secretsmanager", region_name="eu-central-1")
    client.create_secret(Name="/a/bytes", SecretBinary=b"1")
    client.create_secret(Name="/a/leaving", SecretString="1")
    client.delete_secret(SecretId="/a/leaving")
    for name, value in values.items():
        client.create_secret(Name=name, SecretString=value)
    return ManagedSecrets(lambda: client)


@pytest.fixture(params=[MemorySecrets, _ssm, _managed], ids=["memory", "ssm", "secretsmanager"])
def make(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield request.param


def test_gives_the_text_of_a_secret(make: Make) -> None:
    """What was stored is read, decrypted."""
    secrets = make({"/a/one": "1", "/a/two": '{"k": 2}'})
    assert ("1", '{"k": 2}') == (secrets.get("/a/one"), secrets.get("/a/two"))


@pytest.mark.parametrize("name", ["/a/three", "/a/bytes", "/a/leaving"])
def test_a_missing_secret_is_told(make: Make, name: str) -> None:
    """A name that does not exist is no outage; nor is what is no text, or about to be deleted."""
    with pytest.raises(SecretMissingError, match=name):
        make({"/a/one": "1"}).get(name)


def test_a_store_that_is_down_is_told_apart() -> None:
    """No answer is SecretsUnavailableError in both."""
    memory = MemorySecrets({"a": "b"})
    memory.is_down = True
    config = Config(connect_timeout=0.2, retries={"total_max_attempts": 1})
    nowhere = partial(
        boto3.client,
        region_name="eu-central-1",
        endpoint_url="http://127.0.0.1:9",
        config=config,
        aws_access_key_id="x",
        aws_secret_access_key="y",
    )
    ssm, managed = nowhere("ssm"), nowhere("secretsmanager")
    for secrets in (memory, SsmSecrets(lambda: ssm), ManagedSecrets(lambda: managed)):
        with pytest.raises(SecretsUnavailableError):
            secrets.get("a")


@pytest.mark.parametrize(
    ("told", "expected"),
    [({}, SsmSecrets), ({"NIGHTSHIFT_SECRETS_FROM": "secretsmanager"}, ManagedSecrets)],
)
def test_the_stack_says_which_store(told: Mapping[str, str], expected: type) -> None:
    """Parameters unless told otherwise."""
    assert isinstance(stack_secrets(told), expected)


def test_a_store_that_nobody_knows_stops_the_start() -> None:
    """The message says which there are."""
    with pytest.raises(SettingsError, match="ssm, secretsmanager"):
        stack_secrets({"NIGHTSHIFT_SECRETS_FROM": "vault"})
