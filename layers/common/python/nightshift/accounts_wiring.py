"""Builds the accounts function: accounts, roles, API keys, settings and the audit log."""

from collections.abc import Mapping

from nightshift.audit.api import router as audit_router
from nightshift.audit.wiring import build_audit
from nightshift.http.app import App
from nightshift.http.wiring import Outside, real_outside
from nightshift.identity.access_wiring import mount_access
from nightshift.identity.accounts_wiring import build_accounts_app as build_identity_app
from nightshift.settings.api import router as settings_router
from nightshift.settings.wiring import build_reader, build_settings, build_store
from nightshift.tasks.farewell import build_farewell


def build_accounts_app(environ: Mapping[str, str], outside: Outside | None = None) -> App:
    """Return the accounts function's handler.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    outside = outside or real_outside()
    audit = build_audit(environ, outside)
    reader = build_reader(environ, outside)
    settings = build_settings(environ, outside, reader=reader, audit=audit)
    settings_store = build_store(environ, outside)
    tasks_farewell = build_farewell(environ)
    return build_identity_app(
        environ,
        outside,
        farewell=lambda user_id: [*tasks_farewell(user_id), *settings_store.farewell(user_id)],
        may_register=lambda: reader.server().registration_open,
        more=[
            *mount_access(environ, outside, audit=audit, settings=reader),
            settings_router.bind(lambda: settings),
            audit_router.bind(lambda: audit),
        ],
    )
