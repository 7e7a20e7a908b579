"""The custom resource `Custom::NightshiftSecrets`, put together."""

import os
from collections.abc import Mapping
from typing import Any

from nightshift.aws import clients
from nightshift.deploy.custom_resource import Change, answer
from nightshift.deploy.managed import ManagedParameters
from nightshift.deploy.secrets import SsmParameters, StackSecrets
from nightshift.observability import get_log

KEPT_STAGES = frozenset({"prod"})


def answer_secrets(event: Mapping[str, Any], *, remaining_s: float) -> None:
    """Create or delete the secrets that `event` asks for, and answer CloudFormation.

    Production's secrets outlive the stack, as its data does.
    """
    answer(event, physical_id=_physical_id, act=_act, remaining_s=remaining_s, log=get_log())


def _physical_id(change: Change) -> str:
    return f"nightshift-{change.properties.get('Stage', 'unknown')}-secrets"


def _act(change: Change) -> None:
    stage = str(change.properties["Stage"])
    secrets = _secrets(stage, str(change.properties.get("From", "ssm")))
    if change.kind != "Delete":
        secrets.ensure()
    elif stage not in KEPT_STAGES:
        secrets.remove()


def _secrets(stage: str, kept_in: str) -> StackSecrets:
    """Return the secrets of a stage; those of Secrets Manager were parameters before, maybe."""
    ssm = SsmParameters(clients.ssm())
    if kept_in == "ssm":
        return StackSecrets(stage=stage, parameters=ssm, random_bytes=os.urandom)
    managed = ManagedParameters(clients.secretsmanager())
    return StackSecrets(stage=stage, parameters=managed, before=ssm, random_bytes=os.urandom)
