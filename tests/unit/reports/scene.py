"""Reports in virtual time: the context on a whole engine, GitHub's stand-in, and the door."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from io import StringIO
from typing import Any

from nightshift.adapters.github import Bounds, RestGitHub
from nightshift.aws.dynamo import Table
from nightshift.cache.service import Cache
from nightshift.cache.settings import CacheSettings
from nightshift.cache.wiring import build_cache
from nightshift.core.access import Caller, Role, RoleName, UserId, permissions_of
from nightshift.core.errors import UnauthenticatedError
from nightshift.http.wiring import build_app
from nightshift.observability import make_log
from nightshift.ports.github import GitHub, Pace
from nightshift.reports.api import router
from nightshift.reports.http_cache import CachedAnswers
from nightshift.reports.model import Visitor, Wish
from nightshift.reports.settings import ReportSettings
from nightshift.reports.wiring import Outside, ReportsContext
from tests.contract.door import ENVIRON, Door, make_world
from tests.support.dynamo import FakeDynamoDB
from tests.support.github import GitHubScene
from tests.support.world import World

START = datetime(2026, 10, 5, 12, 0, 30, tzinfo=UTC)
TABLES = ("jobs", "tasks", "cache", "http")
CROWDS = {"NIGHTSHIFT_RATE_LIMIT_ADDRESS": "1000000", "NIGHTSHIFT_RATE_LIMIT_CALLER": "1000000"}
"""A function answers one request at a time, and books room for the next ones; threads book more."""
ANNA = UserId("01980000-0000-7000-8000-00000000000a")
VISITOR = Visitor(user_id=ANNA, may_refresh=True)
PEOPLE = {"anna": Role.MEMBER, "vera": Role.VIEWER}
USER = "ada"


class Tokens:
    """Anna may have reports made, Vera may only look."""

    def authenticate(self, token: str, *, address: str) -> Caller:
        """Return the caller of a token."""
        if token not in PEOPLE:
            raise UnauthenticatedError
        role = PEOPLE[token]
        return Caller(
            user_id=ANNA,
            roles=(RoleName(role),),
            permissions=permissions_of(role),
        )


class Scene:
    """One stack with the reports context on it."""

    def __init__(
        self,
        *,
        settings: ReportSettings | None = None,
        bounds: Bounds | None = None,
        dynamo: FakeDynamoDB | None = None,
    ) -> None:
        self.dynamo = dynamo or FakeDynamoDB(TABLES)
        self.world = World(start=START, dynamo=self.dynamo)
        self.clock = self.world.clock
        self.github = GitHubScene(self.clock)
        self.github.takes_s = 0.2
        self.bounds = bounds or Bounds()
        self.settings = settings or ReportSettings(task_timeout_seconds=100)
        self.logged = StringIO()
        self.log = make_log(service=f"reports-{id(self)}", stream=self.logged)
        self.cache = self.new_cache()
        self.github.cache = CachedAnswers(self.cache, fresh_s=900)
        self.http = self.github.http()
        outside = Outside(
            cache=self.cache, github=self._github, inline_wait_s=lambda: 65.0, log=self.log
        )
        self.context = ReportsContext(self.world.machine, outside, self.settings)
        self.door = self._door()

    def new_cache(self) -> Cache:
        """Return the cache of another process."""
        table = Table(self.dynamo, "cache")  # type: ignore[arg-type]  # the fake's door
        return build_cache(
            table, self.world.blobs, clock=self.clock, log=self.log, settings=CacheSettings()
        )

    def _github(self, pace: Pace) -> GitHub:
        return RestGitHub(self.http, pace, self.bounds)

    def _door(self) -> Door:
        world = make_world()
        world.dynamodb, world.clock = self.dynamo, self.clock
        handler = build_app(
            [router.bind(lambda: self.context)],
            environ={**ENVIRON, **CROWDS},
            authenticator=Tokens(),
            outside=world.outside,
        )
        return Door(handler=handler)

    def ask(self, *, as_: str | None = "anna", user: str = USER, **query: Any) -> Any:
        """Ask for a report as somebody, or as nobody; return the answer's JSON."""
        said = {name: str(value).lower() for name, value in query.items()}
        said |= {"period": str(query["period"])} if "period" in query else {}
        answer = self.door("GET", f"/reports/{user}", token=as_, query=said)
        assert answer.status == 200, answer.text
        return answer.json

    def settle(self, minutes: float = 3) -> None:
        """Let the jobs of the next minutes run."""
        self.world.run_for(minutes=minutes)

    def made(self, **query: Any) -> Any:
        """Have a report made, and return it as anybody gets it then."""
        self.ask(**query)
        self.settle()
        return self.ask(as_=None, **{k: v for k, v in query.items() if k != "force"})

    def age(self, seconds: float) -> None:
        """Let time pass in which nobody does anything."""
        self.clock.advance(seconds=seconds)

    def wish(self, user: str = USER, period: str = "30d", *, stars: bool = False) -> Wish:
        """Return a wish."""
        return self.context.reports.wish(user, period, show_star_increase=stars)

    def lines(self, *actions: str) -> list[dict[str, Any]]:
        """Return the log lines of these actions."""
        lines = [json.loads(line) for line in self.logged.getvalue().splitlines()]
        return [line for line in lines if line.get("action") in actions]

    def asked(self) -> Sequence[str]:
        """Return what GitHub was asked so far."""
        return self.github.stand_in.asked
