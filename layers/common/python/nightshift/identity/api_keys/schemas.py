"""Inputs and answers of the API keys' routes."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints

from nightshift.core.access import Permission
from nightshift.http.schemas import ApiModel, UtcTime, distinct, printable
from nightshift.identity.api_keys.model import ApiKey, plain_cidrs

MAX_NAME_CHARS = 60
MAX_CIDRS = 20
MAX_CIDR_CHARS = 50
MAX_GRACE_S = 604_800


def _networks(texts: list[str]) -> list[str]:
    return list(plain_cidrs(texts))


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME_CHARS),
    AfterValidator(printable),
]
Scopes = Annotated[
    list[Permission],
    Field(min_length=1, max_length=len(Permission)),
    AfterValidator(distinct),
]
Cidrs = Annotated[
    list[Annotated[str, Field(max_length=MAX_CIDR_CHARS)]],
    Field(max_length=MAX_CIDRS),
    AfterValidator(_networks),
]


class ApiKeyIn(ApiModel):
    """A new API key."""

    name: Name = Field(description="What the key is for.")
    scopes: Scopes = Field(
        description="What it may do: at each use, that of it which you may do yourself."
    )
    expires_at: UtcTime | None = Field(
        default=None, description="When it ends; null is never, where administrators allow that."
    )
    allowed_cidrs: Cidrs = Field(
        default_factory=list,
        description="Networks from which it works, like 192.0.2.0/24; none is everywhere.",
    )


class ApiKeyPatch(ApiModel):
    """What of a key is to change; what is left out stays."""

    name: Name | None = Field(default=None, description="What the key is for; null leaves it.")
    scopes: Scopes | None = Field(default=None, description="What it may do; null leaves it.")
    expires_at: UtcTime | None = Field(default=None, description="When it ends; null is never.")
    allowed_cidrs: Cidrs | None = Field(
        default=None, description="Networks from which it works; null is everywhere."
    )


class RotateIn(ApiModel):
    """How to rotate a key."""

    grace_s: int | None = Field(
        default=None,
        ge=0,
        le=MAX_GRACE_S,
        description="For how many seconds the present secret still works; null is a day.",
    )


class ApiKeyOut(ApiModel):
    """An API key without its secret."""

    id: str
    name: str
    shown: str = Field(description="The first characters of the secret.")
    scopes: list[Permission]
    allowed_cidrs: list[str]
    expires_at: UtcTime | None
    last_used_at: UtcTime | None = Field(description="To the hour.")
    old_secret_until: UtcTime | None = Field(
        description="Until when the secret before the last rotation still works."
    )
    created_at: UtcTime
    updated_at: UtcTime
    version: int

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        """Return the key as its owner sees it."""
        return cls(
            id=key.key_id,
            name=key.name,
            shown=key.shown,
            scopes=sorted(key.scopes),
            allowed_cidrs=list(key.cidrs),
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
            old_secret_until=key.old_until,
            created_at=key.created_at,
            updated_at=key.updated_at,
            version=key.version,
        )


class ApiKeyWithSecret(ApiKeyOut):
    """An API key with its secret, which is shown this once."""

    secret: str

    @classmethod
    def made(cls, key: ApiKey, secret: str) -> Self:
        """Return the key as its owner sees it this once."""
        return cls(**ApiKeyOut.of(key).model_dump(), secret=secret)


class ApiKeyPage(ApiModel):
    """A page of API keys, newest first."""

    items: list[ApiKeyOut]
    next_cursor: str | None
