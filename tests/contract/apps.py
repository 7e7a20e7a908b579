"""All HTTP functions of the product over one in-memory world, behind one door."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nightshift.core.access import UserId
from nightshift.identity.accounts_wiring import build_accounts_app
from nightshift.tasks.api_wiring import build_api_app
from nightshift.tasks.farewell import build_farewell
from nightshift.tasks.model import Definition, Limits
from tests.contract.door import ENVIRON, PASSWORD, START, TABLES, Door, World, make_world, register
from tests.support.dynamo import FakeDynamoDB
from tests.support.world import World as Engine

FLOW_KEY = "nightly"
ACCOUNT_PATHS = ("/api/v1/auth/", "/api/v1/users/", "/api/v1/sessions")
GENEROUS = {
    "NIGHTSHIFT_RATE_LIMIT_ADDRESS": "10000000",
    "NIGHTSHIFT_RATE_LIMIT_CALLER": "10000000",
    "NIGHTSHIFT_REGISTER_LIMIT_ADDRESS": "1000000",
    "NIGHTSHIFT_LOGIN_FREE_ATTEMPTS": "100",
    "NIGHTSHIFT_LOGIN_FREE_ATTEMPTS_ADDRESS": "100000",
}


@dataclass(kw_only=True)
class Product:
    """The whole API with one user, who has a task and two sessions."""

    world: World
    engine: Engine
    door: Door
    user: Mapping[str, Any]
    ids: Mapping[str, str]

    @property
    def token(self) -> str:
        """Return the user's access token."""
        return str(self.user["access_token"])

    def stored(self) -> list[str]:
        """Return all items but those that count requests."""
        return [
            repr(row)
            for table in TABLES
            for row in self.world.rows(table)
            if not str(row["pk"]).startswith(("RATE#", "ATTEMPTS#"))
        ]


def make_product() -> Product:
    """Return a fresh product."""
    dynamodb = FakeDynamoDB(TABLES)
    engine = Engine(start=START, dynamo=dynamodb)
    world = make_world()
    world.dynamodb, world.clock = dynamodb, engine.clock
    environ = {**ENVIRON, **GENEROUS}
    accounts = build_accounts_app(environ, world.outside, farewell=build_farewell(environ))
    api = build_api_app(environ, world.outside, lambda: engine.context)

    def route(event: Mapping[str, Any], context: object) -> dict[str, Any]:
        chosen = accounts if str(event["rawPath"]).startswith(ACCOUNT_PATHS) else api
        return chosen(event, context)

    door = Door(handler=route)
    user = register(door, "fuzz@example.com")
    login = {"email": "fuzz@example.com", "password": PASSWORD}
    door("POST", "/auth/login", json_body=login)
    sessions = door("GET", "/sessions", token=user["access_token"]).json["items"]
    owner = UserId(user["user"]["id"])
    said = Definition(name="t", url="https://example.com/hook", schedule="@daily")
    task = engine.context.tasks.create(owner, said).task
    engine.context.flow.pin(owner, FLOW_KEY, Limits(parallelism=5), expected=None)
    other = next(s["id"] for s in sessions if not s["current"])
    return Product(
        world=world,
        engine=engine,
        door=door,
        user=user,
        ids={"task_id": task.id, "session_id": other, "flow_key": FLOW_KEY},
    )
