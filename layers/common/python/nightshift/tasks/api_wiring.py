"""Builds the api function: tasks, runs, dead letters, and the API's own description."""

from collections.abc import Callable, Mapping

from nightshift.http import docs
from nightshift.http.app import App
from nightshift.http.wiring import Outside, build_app, real_outside
from nightshift.identity.wiring import build_authenticator
from nightshift.tasks.routers import ROUTERS
from nightshift.tasks.wiring import Context, get_context


def build_api_app(
    environ: Mapping[str, str],
    outside: Outside | None = None,
    context: Callable[[], Context] = get_context,
) -> App:
    """Return the api function's handler.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    outside = outside or real_outside()
    return build_app(
        [*(router.bind(context) for router in ROUTERS), docs.mounted()],
        environ=environ,
        authenticator=build_authenticator(environ, outside),
        outside=outside,
    )
