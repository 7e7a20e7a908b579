"""Builds the pages of accounts, for the function that has the keys and does the password work."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from nightshift.console.account.page import AccountPages
from nightshift.console.account.recovery import RecoveryPages
from nightshift.console.account.register import RegisterPages
from nightshift.console.account.sessions import SessionPages
from nightshift.console.app import PageApp, PageEdge
from nightshift.console.doors import AccountsDoor, SignInDoor
from nightshift.console.sign_in import SignInPages
from nightshift.console.strangers import StrangerForms
from nightshift.core.environment import load
from nightshift.http.routing import LimitRule
from nightshift.http.wiring import Outside
from nightshift.identity.api import Identity
from nightshift.identity.settings import AccountSettings

_HOUR_S: Final = 3600


def build_account_app(
    identity: Callable[[], Identity],
    edge: PageEdge,
    environ: Mapping[str, str],
    outside: Outside,
) -> PageApp:
    """Return what serves the pages.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    settings = load(AccountSettings, environ)
    forms = StrangerForms(edge.guard, edge.jar, outside.random)

    @cache
    def door() -> SignInDoor:
        found = identity()
        providers = found.desk().door.providers
        return AccountsDoor(found.sign_in, found.sessions, providers, outside.clock.now)

    sign_in = SignInPages(door, renderer=edge.renderer, guard=edge.guard, jar=edge.jar, forms=forms)
    recovery = RecoveryPages(
        identity,
        renderer=edge.renderer,
        forms=forms,
        limit=_hourly("forgot", settings.forgot_limit_address),
    )
    register = RegisterPages(
        door,
        renderer=edge.renderer,
        jar=edge.jar,
        forms=forms,
        limit=_hourly("register", settings.register_limit_address),
    )
    sessions = SessionPages(identity, renderer=edge.renderer, jar=edge.jar)
    account = AccountPages(identity, renderer=edge.renderer, jar=edge.jar)
    pages = (sign_in, register, recovery, sessions, account)
    return PageApp([route for page in pages for route in page.routes()], edge)


def _hourly(name: str, limit: int) -> LimitRule:
    """Return a limit of the API, by its name there: both are counted together."""
    return LimitRule(name=name, limit=limit, window_s=_HOUR_S)
