"""Configuration of sign-in providers."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nightshift.core.environment import SettingsError, setting
from nightshift.identity.oidc.id_token import ALGORITHMS
from nightshift.identity.oidc.model import Provider
from nightshift.identity.oidc.urls import is_safe

NAME = "NIGHTSHIFT_OIDC_PROVIDERS"
MAX_PROVIDERS = 20
_ID = re.compile(r"[a-z][a-z0-9-]{0,31}\Z")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}\Z")
_TEXTS = ("id", "issuer", "client_id")
_KNOWN = frozenset(
    (*_TEXTS, "name", "client_secret_param", "scopes", "algorithms", "links_by_email")
)


@dataclass(frozen=True, kw_only=True, slots=True)
class OidcSettings:
    """Whom users may sign in with."""

    oidc_providers: str = setting(
        default="[]",
        doc="Sign-in providers, a JSON list of objects with `id`, `issuer` and `client_id`, and if "
        "need be `name`, `client_secret_param`, `scopes`, `algorithms`, `links_by_email`.",
    )
    oidc_secrets_param: str = setting(
        default="",
        doc="Path of the parameters with the clients' secrets at sign-in providers.",
        wiring=True,
    )
    oidc_flow_ttl_s: int = setting(
        doc="How long a user may take at the provider.",
        default=600,
        unit="seconds",
        ge=30,
        le=3_600,
    )
    oidc_timeout_s: int = setting(
        doc="How long one call to a provider may take in all; a sign-in makes four at most.",
        default=6,
        unit="seconds",
        ge=1,
        le=7,
    )
    oidc_leeway_s: int = setting(
        doc="How far the provider's clock may differ when an ID token's times are judged.",
        default=60,
        unit="seconds",
        ge=0,
        le=300,
    )
    oidc_fresh_s: int = setting(
        doc="How long after a sign-in identities at providers may be linked and removed.",
        default=900,
        unit="seconds",
        ge=60,
        le=86_400,
    )
    oidc_start_limit_address: int = setting(
        doc="Sign-ins with a provider that are begun from one address in an hour.",
        default=300,
        unit="sign-ins",
        ge=1,
        le=1_000_000,
    )


def read_providers(
    text: str, *, allow_loopback: bool, secrets_path: str = ""
) -> dict[str, Provider]:
    """Return the providers by id; only secrets under `secrets_path` could be read later.

    Raises:
        SettingsError: saying which provider is wrong and how.
    """
    try:
        found = json.loads(text or "[]")
    except ValueError as error:
        raise SettingsError(f"{NAME} is not JSON") from error
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise SettingsError(f"{NAME} must be a JSON list of objects")
    if len(found) > MAX_PROVIDERS:
        raise SettingsError(f"{NAME} may name {MAX_PROVIDERS} providers at most")
    providers = [_provider(one, allow_loopback=allow_loopback) for one in found]
    for what in ("provider_id", "issuer"):
        if len({getattr(p, what) for p in providers}) != len(providers):
            raise SettingsError(f"{NAME} names one {what.removeprefix('provider_')} twice")
    below = f"{secrets_path}/" if secrets_path else ""
    for provider in providers:
        if provider.secret_param and not provider.secret_param.startswith(below):
            raise SettingsError(
                f"{NAME}: provider {provider.provider_id!r}: client_secret_param must be below "
                f"{below}"
            )
    return {provider.provider_id: provider for provider in providers}


def _provider(said: Mapping[str, Any], *, allow_loopback: bool) -> Provider:
    who = f"{NAME}: provider {said.get('id')!r}"
    if unknown := sorted(said.keys() - _KNOWN):
        raise SettingsError(f"{who} has unknown {', '.join(unknown)}")
    for key in _TEXTS:
        if not isinstance(said.get(key), str) or not said[key]:
            raise SettingsError(f"{who} needs {key}")
    if not _ID.match(said["id"]):
        raise SettingsError(f"{who}: an id is lower case letters, digits and dashes")
    if not is_safe(said["issuer"], allow_loopback=allow_loopback) or "?" in said["issuer"]:
        raise SettingsError(f"{who}: the issuer must be an https address without a query")
    scopes = _texts(said.get("scopes", ["openid", "email", "profile"]))
    if scopes is None or "openid" not in scopes or not all(map(_SCOPE.match, scopes)):
        raise SettingsError(f"{who}: scopes must be a list with openid")
    algorithms = _texts(said.get("algorithms", []))
    if algorithms is None or not set(algorithms) <= ALGORITHMS:
        raise SettingsError(f"{who}: algorithms must be among {', '.join(sorted(ALGORITHMS))}")
    if not isinstance(said.get("links_by_email", True), bool):
        raise SettingsError(f"{who}: links_by_email is true or false")
    return Provider(
        provider_id=said["id"],
        name=str(said.get("name") or said["id"].title()),
        issuer=said["issuer"],
        client_id=said["client_id"],
        secret_param=str(said.get("client_secret_param") or ""),
        scopes=scopes,
        algorithms=algorithms,
        links_by_email=said.get("links_by_email", True),
    )


def _texts(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return None
    return tuple(value)
