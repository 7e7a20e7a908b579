"""Builds sign-in with providers, from the configuration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from nightshift.aws.dynamo import Table
from nightshift.core.environment import load
from nightshift.http.keys import lazy_key
from nightshift.http.settings import HttpSettings
from nightshift.http.wiring import Outside
from nightshift.identity.ground import Ground
from nightshift.identity.oidc.desk import Desk
from nightshift.identity.oidc.door import Pages, ProviderDoor
from nightshift.identity.oidc.federation import Federation
from nightshift.identity.oidc.flow import Flows
from nightshift.identity.oidc.library import Library
from nightshift.identity.oidc.linking import Linking
from nightshift.identity.oidc.model import Provider
from nightshift.identity.oidc.service import ProviderSignIn
from nightshift.identity.oidc.settings import OidcSettings, read_providers
from nightshift.identity.oidc.store import FederatedStore, StateStore
from nightshift.identity.oidc.wire import MAX_ANSWER_BYTES, Wire
from nightshift.identity.settings import AccountSettings, VerifierSettings
from nightshift.ports.sender import Sender


@dataclass(frozen=True, kw_only=True, slots=True)
class Around:
    """What stands around sign-in with providers.

    `sender` None is the one that reaches nothing inside, `pages` None a function without pages.
    """

    ground: Ground
    federation: Federation
    table: Table
    sender: Sender | None
    pages: Pages | None


def build_desk(environ: Mapping[str, str], outside: Outside, around: Around) -> Callable[[], Desk]:
    """Return what gives the desk.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    settings = load(OidcSettings, environ)
    is_local = load(VerifierSettings, environ).stage == "local"
    providers = read_providers(
        settings.oidc_providers,
        allow_loopback=is_local,
        secrets_path=settings.oidc_secrets_param,
    )
    key = lazy_key(outside.secrets, load(HttpSettings, environ).cursor_key_param)
    ttl = timedelta(seconds=settings.oidc_flow_ttl_s)
    linking = Linking(
        ground=around.ground,
        store=FederatedStore(around.table),
        providers=providers,
        fresh_for=timedelta(seconds=settings.oidc_fresh_s),
    )
    desk = Desk(
        door=ProviderDoor(
            sign_in=_sign_in(
                settings,
                outside,
                around,
                providers=providers,
                flows=Flows(key, outside.random, outside.clock, ttl),
                is_local=is_local,
            ),
            federation=around.federation,
            linking=linking,
        ),
        linking=linking,
        public_url=load(AccountSettings, environ).public_url,
        ttl=ttl,
        pages=around.pages,
    )
    return lambda: desk


def _sign_in(
    settings: OidcSettings,
    outside: Outside,
    around: Around,
    *,
    providers: Mapping[str, Provider],
    flows: Flows,
    is_local: bool,
) -> ProviderSignIn:
    wire = Wire(
        cache(lambda: around.sender or _guarded(allow_loopback=is_local)),
        timeout_s=settings.oidc_timeout_s,
    )
    return ProviderSignIn(
        providers=providers,
        flows=flows,
        states=StateStore(around.table, outside.random),
        library=Library(wire, outside.clock, outside.log, allow_loopback=is_local),
        wire=wire,
        secrets=outside.secrets,
        clock=outside.clock,
        log=outside.log,
        leeway_s=settings.oidc_leeway_s,
    )


def _guarded(*, allow_loopback: bool) -> Sender:
    from nightshift.outbound.sender import HttpSender  # noqa: PLC0415 - at the first sign-in only

    return HttpSender(allow_loopback=allow_loopback, max_body=MAX_ANSWER_BYTES)
