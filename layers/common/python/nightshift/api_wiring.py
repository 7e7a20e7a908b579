"""Builds the api function: the routes of all contexts but accounts, and their own description.

A context's routes, and what stands behind them, are imported when a path of theirs is first asked
for. A new context is a section here, and a router in `infra/openapi.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightshift.http import docs
from nightshift.http.app import App
from nightshift.http.routing import Mounted, Section
from nightshift.http.wiring import Outside, build_app, real_outside
from nightshift.identity.wiring import build_authenticator
from nightshift.settings.wiring import build_reader

if TYPE_CHECKING:
    from nightshift.email.wiring import EmailContext
    from nightshift.jobs.wiring import Machine
    from nightshift.memos.wiring import MemosContext
    from nightshift.reports.wiring import ReportsContext
    from nightshift.tasks.wiring import Context as TasksContext


def _tasks() -> "TasksContext":
    from nightshift.tasks.wiring import get_context  # noqa: PLC0415 - see the module

    return get_context()


def _memos() -> "MemosContext":
    from nightshift.memos.wiring import get_context  # noqa: PLC0415 - see the module

    return get_context()


def _reports() -> "ReportsContext":
    from nightshift.reports.wiring import get_context  # noqa: PLC0415 - see the module

    return get_context()


def _email() -> "EmailContext":
    from nightshift.email.wiring import get_context  # noqa: PLC0415 - see the module

    return get_context()


def _machine() -> "Machine":
    from nightshift.work_wiring import get_machine  # noqa: PLC0415 - see the module

    return get_machine()


@dataclass(frozen=True, kw_only=True, slots=True)
class Contexts:
    """What stands behind the routes, each made when a route first asks for it."""

    tasks: "Callable[[], TasksContext]" = _tasks
    memos: "Callable[[], MemosContext]" = _memos
    reports: "Callable[[], ReportsContext]" = _reports
    email: "Callable[[], EmailContext]" = _email
    machine: "Callable[[], Machine]" = _machine


def sections(contexts: Contexts) -> list[Section]:
    """Return the sections of the API, by the first segments of their paths."""
    return [
        Section(segments=("tasks", "flow-controls"), load=lambda: _task_routes(contexts)),
        Section(segments=("jobs", "dead-letters", "queues"), load=lambda: _job_routes(contexts)),
        Section(segments=("memos", "cards"), load=lambda: _memo_routes(contexts)),
        Section(segments=("reports",), load=lambda: _report_routes(contexts)),
        Section(segments=("email",), load=lambda: _email_routes(contexts)),
    ]


def _task_routes(contexts: Contexts) -> Sequence[Mounted]:
    from nightshift.tasks.routers import ROUTERS  # noqa: PLC0415 - see the module

    return [router.bind(contexts.tasks) for router in ROUTERS]


def _job_routes(contexts: Contexts) -> Sequence[Mounted]:
    from nightshift.jobs.api import router as jobs  # noqa: PLC0415 - see the module
    from nightshift.jobs.dead_api import router as dead  # noqa: PLC0415 - see the module
    from nightshift.jobs.queues_api import router as queues  # noqa: PLC0415 - see the module

    return [router.bind(contexts.machine) for router in (jobs, dead, queues)]


def _memo_routes(contexts: Contexts) -> Sequence[Mounted]:
    from nightshift.memos.api import router as memos  # noqa: PLC0415 - see the module
    from nightshift.memos.cards_api import router as cards  # noqa: PLC0415 - see the module

    return [memos.bind(contexts.memos), cards.bind(contexts.memos)]


def _report_routes(contexts: Contexts) -> Sequence[Mounted]:
    from nightshift.reports.api import router as reports  # noqa: PLC0415 - see the module

    return [reports.bind(contexts.reports)]


def _email_routes(contexts: Contexts) -> Sequence[Mounted]:
    from nightshift.email.api import router as email  # noqa: PLC0415 - see the module

    return [email.bind(contexts.email)]


def build_api_app(
    environ: Mapping[str, str],
    outside: Outside | None = None,
    contexts: Contexts | None = None,
) -> App:
    """Return the api function's handler.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    outside = outside or real_outside()
    settings = build_reader(environ, outside)
    return build_app(
        [*sections(contexts or Contexts()), docs.mounted()],
        environ=environ,
        authenticator=build_authenticator(environ, outside),
        outside=outside,
        asks_verified=lambda: settings.server().require_verified_email,
    )
