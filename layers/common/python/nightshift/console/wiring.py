"""Builds what serves pages: the console function, and the pages of the accounts function."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from nightshift.console.ways import LOGIN_PATH
from nightshift.core.environment import load
from nightshift.core.tokens import keyed
from nightshift.http.keys import lazy_key
from nightshift.http.limits import Limiter
from nightshift.http.routing import LimitRule
from nightshift.http.settings import HttpSettings
from nightshift.http.wiring import Outside, real_outside
from nightshift.identity.oidc.door import Pages
from nightshift.identity.sessions import Tokens
from nightshift.identity.wiring import build_authenticator

if TYPE_CHECKING:
    from nightshift.console.app import PageApp, PageEdge
    from nightshift.identity.api import Identity
    from nightshift.reports.wiring import ReportsContext

Handler = Callable[[Mapping[str, Any], object], dict[str, Any]]
API = "/api/"


def _reports() -> "ReportsContext":
    from nightshift.reports.wiring import get_context  # noqa: PLC0415 - when first asked for

    return get_context()


def build_console_app(
    environ: Mapping[str, str],
    outside: Outside | None = None,
    reports: "Callable[[], ReportsContext]" = _reports,
) -> "PageApp":
    """Return the console function's handler.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    from nightshift.console.app import PageApp  # noqa: PLC0415 - not for the accounts function
    from nightshift.console.public import routes as public  # noqa: PLC0415 - the same
    from nightshift.console.report.pages import ReportPages  # noqa: PLC0415 - the same
    from nightshift.console.report.query import web_of  # noqa: PLC0415 - the same
    from nightshift.reports.settings import GitHubSettings  # noqa: PLC0415 - the same

    edge = make_edge(environ, outside or real_outside())
    web = web_of(load(GitHubSettings, environ).github_api_url)
    pages = ReportPages(reports, renderer=edge.renderer, web=web)
    return PageApp([*public(), *pages.routes()], edge)


def with_pages(
    api: Handler,
    identity: "Callable[[], Identity]",
    environ: Mapping[str, str],
    outside: Outside | None = None,
) -> Handler:
    """Return a handler that serves the API by `api`, and besides the pages of accounts.

    What pages need is imported and built when the first of them is asked for.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    outside = outside or real_outside()

    @cache
    def pages() -> "PageApp":
        from nightshift.console.account.wiring import build_account_app  # noqa: PLC0415 - see above

        return build_account_app(identity, make_edge(environ, outside), environ, outside)

    def handle(event: Mapping[str, Any], context: object) -> dict[str, Any]:
        """Answer one event; never raises."""
        is_api = str(event.get("rawPath", "")).startswith(API)
        return api(event, context) if is_api else pages()(event, context)

    return handle


def sign_in_pages(environ: Mapping[str, str]) -> Pages:
    """Return how a browser that signed in with a provider goes on to pages.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    from nightshift.console.cookies import CookieJar  # noqa: PLC0415 - see above
    from nightshift.console.settings import ConsoleSettings  # noqa: PLC0415 - see above

    jar = CookieJar(secure=load(ConsoleSettings, environ).stage != "local")

    def cookies(tokens: Tokens) -> tuple[str, ...]:
        return jar.signed_in(
            tokens.access_token, tokens.refresh_token, for_s=tokens.refresh_expires_in
        )

    return Pages(cookies=cookies, home=LOGIN_PATH)


def make_edge(environ: Mapping[str, str], outside: Outside) -> "PageEdge":
    """Return what pages stand on.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    from nightshift.aws.dynamo import Table  # noqa: PLC0415 - not before a page is asked for
    from nightshift.console.app import PageEdge  # noqa: PLC0415 - the same
    from nightshift.console.cookies import CookieJar  # noqa: PLC0415 - the same
    from nightshift.console.guard import Guard  # noqa: PLC0415 - the same
    from nightshift.console.rendering import Renderer  # noqa: PLC0415 - the same
    from nightshift.console.settings import ConsoleSettings  # noqa: PLC0415 - the same

    http, here = load(HttpSettings, environ), load(ConsoleSettings, environ)
    key = lazy_key(outside.secrets, http.cursor_key_param)
    guard = Guard(lambda: keyed(key(), b"console forms"), public_url=here.public_url)
    return PageEdge(
        authenticator=build_authenticator(environ, outside),
        limiter=Limiter(table=Table(outside.dynamodb, http.http_table), clock=outside.clock),
        per_caller=LimitRule(
            name="caller", limit=http.rate_limit_caller, window_s=http.rate_window_s
        ),
        per_address=LimitRule(
            name="address", limit=http.rate_limit_address, window_s=http.rate_window_s
        ),
        guard=guard,
        jar=CookieJar(secure=here.stage != "local"),
        renderer=Renderer(guard, outside.clock.now),
        log=outside.log,
    )
