"""Where keys come from."""

from typing import Protocol

from nightshift.core.errors import UnavailableError


class Secrets(Protocol):
    """Reads named secrets; does not cache, and does not judge what it reads."""

    def get(self, name: str) -> str:
        """Return the secret's text.

        Raises:
            SecretMissingError: there is none of this name.
            SecretsUnavailableError: the store does not answer, or refuses.
        """
        ...


class SecretMissingError(LookupError):
    """A secret that the configuration names does not exist."""


class SecretsUnavailableError(UnavailableError):
    """The store of secrets does not answer; try again later."""

    slug = "secrets_unavailable"
