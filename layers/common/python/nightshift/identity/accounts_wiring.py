"""Builds the accounts function: the only one with private keys and password work."""

from collections.abc import Mapping

from nightshift.core.environment import load
from nightshift.http.app import App
from nightshift.http.routing import LimitRule
from nightshift.http.wiring import Outside, build_app, real_outside
from nightshift.identity.accounts_parts import Neighbours, Parts
from nightshift.identity.api import Identity, mounted
from nightshift.identity.oidc.settings import OidcSettings
from nightshift.identity.settings import AccountSettings
from nightshift.identity.wiring import build_authenticator

HOUR_S = 3600


def build_accounts_app(
    environ: Mapping[str, str],
    outside: Outside | None = None,
    neighbours: Neighbours | None = None,
) -> App:
    """Return the accounts function's handler; with a signing key that is bad it answers nothing.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    outside = outside or real_outside()
    neighbours = neighbours or Neighbours()
    parts = Parts(environ, outside, neighbours)
    settings = load(AccountSettings, environ)
    limits = {
        "register": settings.register_limit_address,
        "forgot": settings.forgot_limit_address,
        "oidc-start": load(OidcSettings, environ).oidc_start_limit_address,
    }
    return build_app(
        [*mounted(parts.identity), *neighbours.more],
        environ=environ,
        authenticator=build_authenticator(environ, outside),
        outside=outside,
        rules=[LimitRule(name=n, limit=limit, window_s=HOUR_S) for n, limit in limits.items()],
        start=parts.signing_keys.check,
    )


def build_identity(
    environ: Mapping[str, str], outside: Outside, neighbours: Neighbours
) -> Identity:
    """Return the use cases; the private key is read when the first token is signed.

    Raises:
        SettingsError: a setting is missing or wrong, or two make no sense together.
    """
    return Parts(environ, outside, neighbours).identity
