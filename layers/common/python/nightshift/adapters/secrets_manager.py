"""Secrets kept in AWS Secrets Manager, by the names that parameters would have."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from nightshift.ports.secrets import SecretMissingError, SecretsUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class ManagedSecrets:
    """Reads secrets; `client` is called at the first read, so that building costs nothing."""

    def __init__(self, client: "Callable[[], SecretsManagerClient]") -> None:
        self._client = client

    def get(self, name: str) -> str:
        """Return the current version's text; see `ports.secrets.Secrets`.

        One that holds bytes alone, or is marked for deletion, is missing.
        """
        try:
            answer = self._client().get_secret_value(SecretId=name)
        except ClientError as error:
            if error.response["Error"]["Code"] in {
                "ResourceNotFoundException",
                "InvalidRequestException",
            }:
                raise SecretMissingError(name) from error
            raise SecretsUnavailableError from error
        except BotoCoreError as error:
            raise SecretsUnavailableError from error
        if "SecretString" not in answer:
            raise SecretMissingError(name)
        return answer["SecretString"]
