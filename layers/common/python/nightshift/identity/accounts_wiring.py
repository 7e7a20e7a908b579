"""Builds the accounts function: the only one with private keys and password work."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cache

from jwt import PyJWK

from nightshift.core.environment import load
from nightshift.http.app import App
from nightshift.http.routing import LimitRule, Mounted
from nightshift.http.wiring import Outside, build_app, real_outside
from nightshift.identity.api import router
from nightshift.identity.attempts import Patience
from nightshift.identity.passwords import Passwords
from nightshift.identity.service import Accounts, Farewell, anybody, nobody_else
from nightshift.identity.sessions import Lifetimes, Sessions
from nightshift.identity.settings import AccountSettings, VerifierSettings
from nightshift.identity.signing_keys import parse_signing_key
from nightshift.identity.store import IdentityStore
from nightshift.identity.token_signer import AccessTokenSigner
from nightshift.identity.wiring import build_authenticator, build_store, build_terms

DEMO_EMAIL = "demo@example.com"


def build_accounts_app(
    environ: Mapping[str, str],
    outside: Outside | None = None,
    *,
    farewell: Farewell = nobody_else,
    may_register: Callable[[], bool] = anybody,
    more: Sequence[Mounted] = (),
) -> App:
    """Return the accounts function's handler.

    `farewell` is what other contexts let go with a user, `may_register` whether new accounts are
    taken at the moment, `more` what else the function serves.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    outside = outside or real_outside()
    accounts = build_accounts(environ, outside, farewell, may_register)
    settings = load(AccountSettings, environ)
    per_hour = LimitRule(name="register", limit=settings.register_limit_address, window_s=3600)
    return build_app(
        [router.bind(lambda: accounts), *more],
        environ=environ,
        authenticator=build_authenticator(environ, outside),
        outside=outside,
        rules=[per_hour],
    )


def build_accounts(
    environ: Mapping[str, str],
    outside: Outside,
    farewell: Farewell,
    may_register: Callable[[], bool] = anybody,
) -> Accounts:
    """Return the service; it reads the private key when it signs its first token.

    Raises:
        SettingsError: a setting is missing or wrong, or two make no sense together.
    """
    shared = load(VerifierSettings, environ)
    settings = load(AccountSettings, environ)
    store = build_store(shared, outside)
    return Accounts(
        store=store,
        sessions=_sessions(shared, settings, store, outside),
        passwords=Passwords(
            memory_kib=settings.argon2_memory_kib,
            time_cost=settings.argon2_time,
            parallelism=settings.argon2_parallelism,
        ),
        clock=outside.clock,
        log=outside.log,
        account_patience=_patience(settings, settings.login_free_attempts),
        address_patience=_patience(settings, settings.login_free_attempts_address),
        farewell=farewell,
        may_register=may_register,
        unverified_admin=_local_admin(settings) if shared.stage == "local" else "",
    )


def _sessions(
    shared: VerifierSettings, settings: AccountSettings, store: IdentityStore, outside: Outside
) -> Sessions:
    name = settings.token_signing_keys_param

    @cache
    def signing_key() -> PyJWK:
        return parse_signing_key(outside.secrets.get(name), name)

    return Sessions(
        store=store,
        signer=AccessTokenSigner(
            key=signing_key, terms=build_terms(shared), ttl_s=settings.access_token_ttl_s
        ),
        clock=outside.clock,
        random=outside.random,
        lifetimes=Lifetimes(
            access=timedelta(seconds=settings.access_token_ttl_s),
            refresh=timedelta(seconds=settings.refresh_token_ttl_s),
            grace=timedelta(seconds=settings.refresh_grace_s),
        ),
        log=outside.log,
    )


def _local_admin(settings: AccountSettings) -> str:
    return settings.admin_email or DEMO_EMAIL


def _patience(settings: AccountSettings, free: int) -> Patience:
    return Patience(free=free, max_delay=timedelta(seconds=settings.login_max_delay_s))
