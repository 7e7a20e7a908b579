"""Builds the reports context on an engine, one object graph a process."""

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from nightshift.cache.service import Cache
from nightshift.cache.wiring import get_cache
from nightshift.core.environment import load
from nightshift.jobs.wiring import Machine, get_machine
from nightshift.observability import Log, get_log
from nightshift.ports.github import GitHub, Pace
from nightshift.reports.jobs import ReportMaking, report_kind
from nightshift.reports.settings import GitHubSettings, ReportSettings

if TYPE_CHECKING:
    from nightshift.adapters.github_http import GitHubHttp
    from nightshift.core.clock import Clock
    from nightshift.ports.secrets import Secrets
    from nightshift.reports.service import ReportService

TOKEN_AGE_S = 300.0
"""For how long GitHub's token is believed to be the one that was read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outside:
    """What the context stands on beside the engine; tests give fakes.

    `github` and `inline_wait_s` (seconds that an attempt waits at a time) are asked by jobs only.
    """

    cache: Cache
    github: Callable[[Pace], GitHub]
    inline_wait_s: Callable[[], float]
    log: Log


class ReportsContext:
    """The reports context on an engine, with its kind put into it."""

    def __init__(self, machine: Machine, outside: Outside, settings: ReportSettings) -> None:
        self._machine = machine
        self._outside = outside
        self._settings = settings
        making = ReportMaking(
            cache=outside.cache,
            github=outside.github,
            bus=machine.parts.bus,
            clock=machine.parts.clock,
            log=outside.log,
            settings=settings,
            inline_wait_s=outside.inline_wait_s,
        )
        self._kind = report_kind(making, settings)
        machine.add(self._kind)

    @cached_property
    def reports(self) -> "ReportService":
        """The front door."""
        from nightshift.reports.service import ReportService  # noqa: PLC0415 - not for workers

        return ReportService(
            cache=self._outside.cache,
            jobs=self._machine.jobs,
            kind=self._kind,
            clock=self._machine.parts.clock,
            log=self._outside.log,
            settings=self._settings,
        )


@cache
def get_context() -> ReportsContext:
    """Return the process's context over AWS, from its environment.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    outside = Outside(
        cache=get_cache(),
        github=_github,
        inline_wait_s=lambda: load(GitHubSettings, os.environ).github_inline_wait_s,
        log=get_log(),
    )
    return ReportsContext(get_machine(), outside, load(ReportSettings, os.environ))


def _github(pace: Pace) -> GitHub:
    """Return a client at this pace, over what the process has one of."""
    from nightshift.adapters.github import Bounds, RestGitHub  # noqa: PLC0415 - for jobs only

    limit = load(ReportSettings, os.environ).report_max_pull_requests
    return RestGitHub(_http(), pace, Bounds(pull_requests=limit))


@cache
def _http() -> "GitHubHttp":
    from nightshift.adapters.github_http import (  # noqa: PLC0415 - for jobs only: httpx is heavy
        GitHubHttp,
        Limits,
        new_client,
    )
    from nightshift.adapters.secrets import stack_secrets  # noqa: PLC0415 - the same
    from nightshift.reports.http_cache import CachedAnswers  # noqa: PLC0415 - the same

    said = load(GitHubSettings, os.environ)
    clock = get_machine().parts.clock
    return GitHubHttp(
        new_client(),
        base_url=said.github_api_url,
        token=Token(stack_secrets(os.environ), said.github_token_param, clock),
        cache=CachedAnswers(get_cache(), fresh_s=said.github_fresh_s),
        clock=clock,
        sleep=time.sleep,
        random=random.random,
        limits=Limits(tries=said.github_tries, max_bytes=said.github_max_answer_bytes),
    )


class Token:
    """GitHub's token, read again now and then; None where there is none."""

    def __init__(self, secrets: "Secrets", name: str, clock: "Clock") -> None:
        self._secrets = secrets
        self._name = name
        self._clock = clock
        self._read_at = float("-inf")
        self._token: str | None = None

    def __call__(self) -> str | None:
        """Return the token.

        Raises:
            SecretsUnavailableError: the store does not answer.
        """
        from nightshift.ports.secrets import SecretMissingError  # noqa: PLC0415 - for jobs only

        now = self._clock.now().timestamp()
        if self._name and now - self._read_at >= TOKEN_AGE_S:
            try:
                self._token = self._secrets.get(self._name).strip() or None
            except SecretMissingError:
                self._token = None
            self._read_at = now
        return self._token
