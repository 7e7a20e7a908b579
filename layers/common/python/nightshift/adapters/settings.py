"""Settings of what reaches the world."""

from dataclasses import dataclass

from nightshift.core.environment import setting


@dataclass(frozen=True, kw_only=True, slots=True)
class SecretsSettings:
    """Where the stack keeps its secrets."""

    secrets_from: str = setting(
        default="ssm",
        doc="Which store the secrets are in: parameters of Systems Manager, or Secrets Manager.",
        choices=("ssm", "secretsmanager"),
        wiring=True,
    )
