"""The routes of signing in with a provider."""

from dataclasses import dataclass
from datetime import timedelta

from pydantic import ConfigDict, Field

from nightshift.core.errors import ConflictError
from nightshift.http.reply import Reply
from nightshift.http.request import RawRequest, Request
from nightshift.http.routing import BASE_PATH, PUBLIC, PathParam, Router
from nightshift.http.schemas import ApiModel, NoBody, QueryModel
from nightshift.identity.edge import client_of
from nightshift.identity.errors import (
    AccountDisabledError,
    EmailTakenError,
    RegistrationClosedError,
)
from nightshift.identity.oidc.errors import (
    AccountUnverifiedError,
    CodeInvalidError,
    EmailUnverifiedError,
    IdTokenInvalidError,
    IssuerMismatchError,
    ProviderNotFoundError,
    ProviderRefusedError,
    ProviderUnavailableError,
    StateInvalidError,
)
from nightshift.identity.oidc.federation import Federation
from nightshift.identity.oidc.flow import COOKIE
from nightshift.identity.oidc.model import Back, Flow, Provider
from nightshift.identity.oidc.service import ProviderSignIn
from nightshift.identity.schemas import AuthOut

MAX_PARAMETER_CHARS = 4096
HOST_PREFIX = "__Host-"
"""Browsers take such a cookie from this very host alone, over TLS (RFC 6265bis section 4.1.3.2)."""
_PROVIDER = PathParam(pattern="[a-z][a-z0-9-]{0,31}", doc="The provider's id.", example="staff")


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """What the routes call. `public_url` is the product's address; empty is the gateway's own."""

    sign_in: ProviderSignIn
    federation: Federation
    public_url: str
    ttl: timedelta

    def base_url(self, raw: RawRequest) -> str:
        """Return where the API is, as providers know it; the header `host` has no say."""
        return self.public_url or f"https://{raw.domain}"

    def redirect_uri(self, raw: RawRequest, provider_id: str) -> str:
        """Return the address that the provider sends browsers back to, always the same one."""
        return f"{self.base_url(raw)}{BASE_PATH}/auth/oidc/{provider_id}/callback"

    def cookie(self, raw: RawRequest, flow: Flow) -> str:
        """Return the cookie that binds a flow to the browser; only plain http goes without TLS."""
        return self._set(raw, flow.cookie_name, flow.cookie_value, int(self.ttl.total_seconds()))

    def no_cookie(self, raw: RawRequest, state: str) -> str:
        """Return the cookie that removes the one of a flow."""
        return self._set(raw, COOKIE + state[:8], "", 0)

    def cookies(self, raw: RawRequest) -> dict[str, str]:
        """Return the flows that the browser holds; over TLS only those that it keeps to us."""
        prefix = self._prefix(raw) + COOKIE
        return {
            COOKIE + name.removeprefix(prefix): value
            for name, value in raw.cookies.items()
            if name.startswith(prefix)
        }

    def _prefix(self, raw: RawRequest) -> str:
        return HOST_PREFIX if self.base_url(raw).startswith("https://") else ""

    def _set(self, raw: RawRequest, name: str, value: str, max_age_s: int) -> str:
        prefix = self._prefix(raw)
        secure = "; Secure" if prefix else ""
        return (
            f"{prefix}{name}={value}; Max-Age={max_age_s}; Path=/; HttpOnly; SameSite=Lax{secure}"
        )


class ProviderOut(ApiModel):
    """Somebody to sign in with."""

    id: str
    name: str
    start_url: str = Field(description="Where to send the browser.")


class ProviderList(ApiModel):
    """All providers, in the order of the configuration."""

    items: list[ProviderOut]


class CallbackQuery(QueryModel):
    """What a provider sends a browser back with; what else it says is not read."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    state: str = Field(default="", max_length=MAX_PARAMETER_CHARS)
    code: str = Field(default="", max_length=MAX_PARAMETER_CHARS)
    iss: str = Field(default="", max_length=MAX_PARAMETER_CHARS, description="RFC 9207.")
    error: str = Field(default="", max_length=MAX_PARAMETER_CHARS)


router: Router[Desk] = Router(tag="Sign-in")


@router.route("GET", "/auth/oidc", PUBLIC, answer=ProviderList)
def list_providers(desk: Desk, request: Request) -> Reply:
    """List whom one can sign in with."""
    base = desk.base_url(request.raw) + BASE_PATH
    return Reply(body=ProviderList(items=[_out(p, base) for p in desk.sign_in.providers()]))


@router.route(
    "GET",
    "/auth/oidc/{provider}/start",
    PUBLIC,
    status=302,
    path_params={"provider": _PROVIDER},
    limit="oidc-start",
    errors=(ProviderNotFoundError, ProviderUnavailableError),
)
def start_oidc(desk: Desk, request: Request) -> Reply:
    """Send the browser to the provider; a cookie binds what comes back to this browser."""
    provider_id = request.path["provider"]
    departure = desk.sign_in.start(
        provider_id, redirect_uri=desk.redirect_uri(request.raw, provider_id)
    )
    return Reply(
        headers={"location": departure.url},
        cookies=(desk.cookie(request.raw, departure.flow),),
    )


@router.route(
    "GET",
    "/auth/oidc/{provider}/callback",
    PUBLIC,
    query=CallbackQuery,
    answer=AuthOut,
    path_params={"provider": _PROVIDER},
    errors=(
        ProviderNotFoundError,
        ProviderUnavailableError,
        StateInvalidError,
        IssuerMismatchError,
        ProviderRefusedError,
        CodeInvalidError,
        IdTokenInvalidError,
        EmailUnverifiedError,
        AccountUnverifiedError,
        AccountDisabledError,
        EmailTakenError,
        RegistrationClosedError,
        ConflictError,
    ),
)
def finish_oidc(desk: Desk, request: Request[NoBody, CallbackQuery]) -> Reply:
    """Sign in with what the provider says; the answer is that of a sign-in with a password.

    Who comes for the first time gets an account, or is linked to the one of the same address if
    both sides have verified it.
    """
    provider_id, said = request.path["provider"], request.query
    back = Back(
        state=said.state,
        code=said.code,
        issuer=said.iss,
        error=said.error,
        cookies=desk.cookies(request.raw),
    )
    identity = desk.sign_in.finish(
        provider_id, back, redirect_uri=desk.redirect_uri(request.raw, provider_id)
    )
    user, tokens = desk.federation.arrive(
        identity,
        desk.sign_in.get_provider(provider_id),
        user_id=request.new_id(),
        client=client_of(request.raw),
    )
    return Reply(
        body=AuthOut.of(user, tokens),
        cookies=(desk.no_cookie(request.raw, said.state),),
    )


def _out(provider: Provider, base: str) -> ProviderOut:
    return ProviderOut(
        id=provider.provider_id,
        name=provider.name,
        start_url=f"{base}/auth/oidc/{provider.provider_id}/start",
    )
