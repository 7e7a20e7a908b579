"""Builds the audit log over its table."""

from collections.abc import Mapping
from datetime import timedelta

from nightshift.audit.service import Audit
from nightshift.audit.settings import AuditSettings
from nightshift.audit.store import AuditStore
from nightshift.aws.dynamo import Table
from nightshift.core.environment import load
from nightshift.http.wiring import Outside


def build_audit(environ: Mapping[str, str], outside: Outside) -> Audit:
    """Return the service.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    settings = load(AuditSettings, environ)
    store = AuditStore(
        Table(outside.dynamodb, settings.audit_table),
        keep=timedelta(days=settings.audit_retention_days),
    )
    return Audit(store=store, clock=outside.clock, log=outside.log)
