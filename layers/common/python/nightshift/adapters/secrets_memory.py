"""Secrets kept in memory; for tests."""

from collections.abc import Mapping

from nightshift.ports.secrets import SecretMissingError, SecretsUnavailableError


class MemorySecrets:
    """Reads from a dictionary counts how often it was asked, and can be down."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = dict(values)
        self.reads = 0
        self.is_down = False

    def get(self, name: str) -> str:
        """Return the value; see `ports.secrets.Secrets`."""
        self.reads += 1
        if self.is_down:
            raise SecretsUnavailableError
        try:
            return self.values[name]
        except KeyError as error:
            raise SecretMissingError(name) from error
