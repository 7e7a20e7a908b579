"""Where keys come from."""

from typing import Protocol


class Secrets(Protocol):
    """Reads named secrets; does not cache, and does not judge what it reads."""

    def get(self, name: str) -> str:
        """Return the secret's text.

        Raises:
            SecretMissingError: there is none of this name.
        """
        ...


class SecretMissingError(LookupError):
    """A secret that the configuration names does not exist."""
