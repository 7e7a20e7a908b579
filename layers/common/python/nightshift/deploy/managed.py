"""A stack's secrets in AWS Secrets Manager, by the names that parameters would have."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class ManagedParameters:
    """Secrets under the account's own Secrets Manager key; see `secrets.Parameters`."""

    def __init__(self, client: "SecretsManagerClient") -> None:
        self._client = client

    def find(self, name: str) -> str | None:
        """Return the current text of `name`, or None when there is none."""
        try:
            answer = self._client.get_secret_value(SecretId=name)
        except self._client.exceptions.ResourceNotFoundException:
            return None
        return answer["SecretString"]

    def create(self, name: str, value: str, *, secret: bool) -> bool:
        """Keep `value` unless `name` exists; tell whether it was kept. All are encrypted."""
        del secret
        try:
            self._client.create_secret(Name=name, SecretString=value)
        except self._client.exceptions.ResourceExistsException:
            return False
        return True

    def replace(self, name: str, value: str) -> None:
        """Keep `value`, whatever was there."""
        if not self.create(name, value, secret=False):
            self._client.put_secret_value(SecretId=name, SecretString=value)

    def delete(self, name: str) -> None:
        """Remove `name` for good and at once; that there is none is fine."""
        self._client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
