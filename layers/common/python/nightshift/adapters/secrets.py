"""The store of secrets that the stack was told to use."""

from collections.abc import Mapping

from nightshift.adapters.settings import SecretsSettings
from nightshift.aws import clients
from nightshift.core.environment import load
from nightshift.ports.secrets import Secrets


def stack_secrets(environ: Mapping[str, str]) -> Secrets:
    """Return the store that `environ` names; nothing is read yet.

    Raises:
        SettingsError: there is no such store.
    """
    if load(SecretsSettings, environ).secrets_from == "secretsmanager":
        from nightshift.adapters.secrets_manager import (  # noqa: PLC0415 - one of two
            ManagedSecrets,
        )

        return ManagedSecrets(clients.secretsmanager)
    from nightshift.adapters.secrets_ssm import SsmSecrets  # noqa: PLC0415 - one of two

    return SsmSecrets(clients.ssm)
