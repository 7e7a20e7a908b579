"""Builds what manages access: roles, who has them, and API keys."""

from collections.abc import Mapping

from nightshift.audit.service import Audit
from nightshift.core.environment import load
from nightshift.http.routing import Mounted
from nightshift.http.wiring import Outside
from nightshift.identity.api_keys.api import router as api_keys_router
from nightshift.identity.api_keys.service import ApiKeys
from nightshift.identity.api_keys.store import ApiKeyStore
from nightshift.identity.roles.api import router as roles_router
from nightshift.identity.roles.service import Roles
from nightshift.identity.roles.store import RoleStore
from nightshift.identity.settings import ApiKeySettings, VerifierSettings
from nightshift.identity.store import IdentityStore
from nightshift.identity.wiring import build_table
from nightshift.settings.reader import ServerSettingsReader


def mount_access(
    environ: Mapping[str, str], outside: Outside, *, audit: Audit, settings: ServerSettingsReader
) -> list[Mounted]:
    """Return the routes of roles and API keys with their services.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    table = build_table(load(VerifierSettings, environ), outside)
    roles = Roles(
        store=RoleStore(table), users=IdentityStore(table), audit=audit, clock=outside.clock
    )
    api_keys = ApiKeys(
        store=ApiKeyStore(table),
        audit=audit,
        settings=settings,
        clock=outside.clock,
        random=outside.random,
        limit=load(ApiKeySettings, environ).api_keys_max,
    )
    return [roles_router.bind(lambda: roles), api_keys_router.bind(lambda: api_keys)]
