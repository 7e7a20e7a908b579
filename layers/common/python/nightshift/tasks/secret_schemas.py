"""The answer about an owner's signing secret."""

from pydantic import Field

from nightshift.http.schemas import ApiModel, UtcTime


class SecretOut(ApiModel):
    """The secret that the calls of the caller's tasks are signed with (Standard Webhooks)."""

    secret: str = Field(description="`whsec_` and base64; verify `webhook-signature` with it.")
    generation: int
    rotated_at: UtcTime | None
    previous_valid_until: UtcTime | None
