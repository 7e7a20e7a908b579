"""Builds sign-in with providers, from the configuration."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache

from nightshift.core.environment import load
from nightshift.http.keys import lazy_key
from nightshift.http.settings import HttpSettings
from nightshift.http.wiring import Outside
from nightshift.identity.oidc.api import Desk
from nightshift.identity.oidc.federation import Federation
from nightshift.identity.oidc.flow import Flows
from nightshift.identity.oidc.library import Library
from nightshift.identity.oidc.service import ProviderSignIn
from nightshift.identity.oidc.settings import OidcSettings, read_providers
from nightshift.identity.oidc.wire import MAX_ANSWER_BYTES, Wire
from nightshift.identity.settings import AccountSettings, VerifierSettings
from nightshift.ports.sender import Sender


def build_desk(
    environ: Mapping[str, str], outside: Outside, federation: Federation, sender: Sender | None
) -> Callable[[], Desk]:
    """Return what gives the desk; `sender` None is the one that reaches nothing inside.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    settings = load(OidcSettings, environ)
    is_local = load(VerifierSettings, environ).stage == "local"
    wire = Wire(
        cache(lambda: sender or _guarded(allow_loopback=is_local)),
        timeout_s=settings.oidc_timeout_s,
    )
    ttl = timedelta(seconds=settings.oidc_flow_ttl_s)
    key = lazy_key(outside.secrets, load(HttpSettings, environ).cursor_key_param)
    desk = Desk(
        sign_in=ProviderSignIn(
            providers=read_providers(settings.oidc_providers, allow_loopback=is_local),
            flows=Flows(key, outside.random, outside.clock, ttl),
            library=Library(wire, outside.clock, outside.log, allow_loopback=is_local),
            wire=wire,
            secrets=outside.secrets,
            clock=outside.clock,
            log=outside.log,
            leeway_s=settings.oidc_leeway_s,
        ),
        federation=federation,
        public_url=load(AccountSettings, environ).public_url,
        ttl=ttl,
    )
    return lambda: desk


def _guarded(*, allow_loopback: bool) -> Sender:
    from nightshift.outbound.sender import HttpSender  # noqa: PLC0415 - at the first sign-in only

    return HttpSender(allow_loopback=allow_loopback, max_body=MAX_ANSWER_BYTES)
