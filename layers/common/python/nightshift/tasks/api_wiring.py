"""Builds the api function: tasks, runs, dead letters, and the API's own description."""

from collections.abc import Callable, Mapping

from nightshift.http import docs
from nightshift.http.app import App
from nightshift.http.wiring import Outside, build_app, real_outside
from nightshift.identity.wiring import build_authenticator
from nightshift.settings.wiring import build_reader
from nightshift.tasks.api import router as tasks_router
from nightshift.tasks.runs_api import router as runs_router
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
    settings = build_reader(environ, outside)
    return build_app(
        [tasks_router.bind(context), runs_router.bind(context), docs.mounted()],
        environ=environ,
        authenticator=build_authenticator(environ, outside),
        outside=outside,
        asks_verified=lambda: settings.server().require_verified_email,
    )
