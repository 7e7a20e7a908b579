"""Writes the OpenAPI document of all HTTP functions; with `--check` only compares.

The same bytes stand in `docs/`, for readers, and in the layer, from where the API serves them.
"""

import json
import sys
from pathlib import Path
from typing import Any

from nightshift import __version__
from nightshift.audit.api import router as audit_router
from nightshift.core.errors import NightshiftError
from nightshift.email.api import router as email_router
from nightshift.http.docs import router as docs_router
from nightshift.http.errors import (
    AnswerTooLargeError,
    MethodNotAllowedError,
    RouteNotFoundError,
)
from nightshift.http.failures import UnexpectedError
from nightshift.http.openapi import build_document
from nightshift.http.routing import Router
from nightshift.identity import errors
from nightshift.identity.api import ROUTERS as IDENTITY_ROUTERS
from nightshift.identity.api_keys.api import router as api_keys_router
from nightshift.identity.api_keys.errors import KEY_ERRORS
from nightshift.identity.roles.api import router as roles_router
from nightshift.jobs.api import router as jobs_router
from nightshift.jobs.dead_api import router as dead_router
from nightshift.jobs.queues_api import router as queues_router
from nightshift.memos.api import router as memos_router
from nightshift.memos.cards_api import router as cards_router
from nightshift.ports.secrets import SecretsUnavailableError
from nightshift.reports.api import router as reports_router
from nightshift.settings.api import router as settings_router
from nightshift.tasks.routers import ROUTERS as TASK_ROUTERS

ROOT = Path(__file__).resolve().parent.parent
TARGETS = (
    ROOT / "docs" / "openapi.json",
    ROOT / "layers" / "common" / "python" / "nightshift" / "http" / "openapi.json",
)
ROUTERS: tuple[Router[Any], ...] = (
    *IDENTITY_ROUTERS,
    roles_router,
    api_keys_router,
    settings_router,
    audit_router,
    *TASK_ROUTERS,
    jobs_router,
    dead_router,
    queues_router,
    memos_router,
    cards_router,
    reports_router,
    email_router,
    docs_router,
)
AUTH_ERRORS: tuple[type[NightshiftError], ...] = (
    errors.TokenExpiredError,
    errors.TokenMalformedError,
    errors.TokenSignatureInvalidError,
    errors.TokenWrongTypeError,
    errors.TokenWrongIssuerError,
    errors.TokenWrongAudienceError,
    errors.TokenNotYetValidError,
    errors.TokenRevokedError,
    *KEY_ERRORS,
)
GENERAL_ERRORS = (
    RouteNotFoundError,
    MethodNotAllowedError,
    AnswerTooLargeError,
    UnexpectedError,
    SecretsUnavailableError,
)


def render() -> str:
    """Return the document's text."""
    document = build_document(
        ROUTERS,
        title="Nightshift",
        version=__version__,
        auth_errors=AUTH_ERRORS,
        general_errors=GENERAL_ERRORS,
    )
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write the document, or with `--check` answer 1 when what stands differs from it."""
    text = render()
    if "--check" not in arguments:
        for target in TARGETS:
            target.write_text(text, "utf-8")
        return 0
    stale = [t for t in TARGETS if not t.is_file() or t.read_text("utf-8") != text]
    for target in stale:
        sys.stderr.write(f"{target.relative_to(ROOT)} is not what the code says: make openapi\n")
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
