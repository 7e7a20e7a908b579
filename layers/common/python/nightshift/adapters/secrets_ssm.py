"""Secrets kept as SSM parameters (SecureString or String)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from nightshift.ports.secrets import SecretMissingError, SecretsUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


class SsmSecrets:
    """Reads parameters; `client` is called at the first read, so that building costs nothing."""

    def __init__(self, client: "Callable[[], SSMClient]") -> None:
        self._client = client

    def get(self, name: str) -> str:
        """Return the parameter's decrypted value; see `ports.secrets.Secrets`."""
        try:
            answer = self._client().get_parameter(Name=name, WithDecryption=True)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ParameterNotFound":
                raise SecretMissingError(name) from error
            raise SecretsUnavailableError from error
        except BotoCoreError as error:
            raise SecretsUnavailableError from error
        return answer["Parameter"]["Value"]
