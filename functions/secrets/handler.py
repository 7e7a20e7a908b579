"""Entry point: the custom resource that creates the stack's secrets where they are absent."""

from typing import Any

from nightshift.deploy.wiring import answer_secrets


def handler(event: dict[str, Any], context: Any) -> None:  # noqa: ANN401 - Lambda's own type
    """Do what CloudFormation asks for, and answer it within this invocation."""
    answer_secrets(event, remaining_s=context.get_remaining_time_in_millis() / 1000)
