"""Secrets kept in memory; for tests."""

from collections.abc import Mapping

from nightshift.ports.secrets import SecretMissingError


class MemorySecrets:
    """Reads from a dictionary and counts how often it was asked."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = dict(values)
        self.reads = 0

    def get(self, name: str) -> str:
        """Return the value; see `ports.secrets.Secrets`."""
        self.reads += 1
        try:
            return self.values[name]
        except KeyError as error:
            raise SecretMissingError(name) from error
