"""Builds the settings over their table."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from nightshift.aws.dynamo import Table
from nightshift.core.environment import load
from nightshift.http.wiring import Outside
from nightshift.settings.reader import ServerSettingsReader
from nightshift.settings.settings import SettingsSettings
from nightshift.settings.store import SettingsStore

if TYPE_CHECKING:
    from nightshift.audit.service import Audit
    from nightshift.settings.service import Settings


def build_store(environ: Mapping[str, str], outside: Outside) -> SettingsStore:
    """Return the store over the table that the environment names.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    said = load(SettingsSettings, environ)
    return SettingsStore(Table(outside.dynamodb, said.settings_table))


def build_reader(environ: Mapping[str, str], outside: Outside) -> ServerSettingsReader:
    """Return what other contexts read the server's settings with; make one for each process.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    said = load(SettingsSettings, environ)
    return ServerSettingsReader(
        store=build_store(environ, outside),
        clock=outside.clock,
        max_age=timedelta(seconds=said.settings_cache_s),
    )


def build_settings(
    environ: Mapping[str, str], outside: Outside, *, reader: ServerSettingsReader, audit: "Audit"
) -> "Settings":
    """Return the service.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    from nightshift.settings.service import Settings  # noqa: PLC0415 - for the accounts function

    return Settings(store=build_store(environ, outside), reader=reader, audit=audit)
