"""What the routes of signing in with a provider take and answer."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from nightshift.http.schemas import ApiModel, QueryModel, UtcTime
from nightshift.identity.oidc.model import Linked, Provider
from nightshift.identity.oidc.ways import MAX_WAY_CHARS, is_way

MAX_PARAMETER_CHARS = 4096


def _check_way(text: str) -> str:
    if text and not is_way(text):
        raise ValueError("A way on this site begins with one slash, as /reports does")
    return text


Way = Annotated[str, Field(max_length=MAX_WAY_CHARS), AfterValidator(_check_way)]


class ProviderOut(ApiModel):
    """Somebody to sign in with."""

    id: str
    name: str
    start_url: str = Field(description="Where to send the browser.")

    @classmethod
    def of(cls, provider: Provider, base: str) -> "ProviderOut":
        """Return how a provider is shown; `base` is where the API is."""
        return cls(
            id=provider.provider_id,
            name=provider.name,
            start_url=f"{base}/auth/oidc/{provider.provider_id}/start",
        )


class ProviderList(ApiModel):
    """All providers, in the order of the configuration."""

    items: list[ProviderOut]


class StartQuery(QueryModel):
    """Where a browser goes after it has signed in."""

    next: Way = Field(
        default="",
        description=(
            "A page of this site, for sign-ins that begin on one: the callback then redirects "
            "there, with `oidc_error` in the query if nobody was signed in."
        ),
    )


class CallbackQuery(QueryModel):
    """What a provider sends a browser back with; what else it says is not read."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    state: str = Field(default="", max_length=MAX_PARAMETER_CHARS)
    code: str = Field(default="", max_length=MAX_PARAMETER_CHARS)
    iss: str = Field(default="", max_length=MAX_PARAMETER_CHARS, description="RFC 9207.")
    error: str = Field(default="", max_length=MAX_PARAMETER_CHARS)


class LinkIn(ApiModel):
    """Where the browser goes afterwards."""

    next: Way = Field(
        default="",
        description=(
            "A page of this site; the callback redirects there, with `oidc_error` in the query if "
            "nothing was linked. Without it the callback answers 204."
        ),
    )


class LinkStart(ApiModel):
    """Where to send the browser now."""

    url: str
    expires_at: UtcTime = Field(description="By when it has to be back.")


class IdentityOut(ApiModel):
    """An identity at a provider that signs in to this account."""

    id: str
    provider: str = Field(description="The provider's id.")
    email: str | None = Field(description="The address that the provider named when it was linked.")
    linked_at: UtcTime

    @classmethod
    def of(cls, linked: Linked) -> "IdentityOut":
        """Return how an identity is shown."""
        return cls(
            id=linked.link_id,
            provider=linked.provider_id,
            email=linked.email or None,
            linked_at=linked.linked_at,
        )


class IdentityList(ApiModel):
    """All ways to sign in to this account, oldest first; twenty at most."""

    has_password: bool
    items: list[IdentityOut]
