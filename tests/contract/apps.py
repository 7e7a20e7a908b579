"""All HTTP functions of the product over one in-memory world, behind one door."""

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from nightshift.accounts_wiring import Beside, build_accounts_app, build_accounts_function
from nightshift.adapters.mail_memory import MemoryMail
from nightshift.adapters.uploads import MemoryUploads
from nightshift.api_wiring import Contexts, build_api_app
from nightshift.aws.dynamo import Table
from nightshift.cache.settings import CacheSettings
from nightshift.cache.wiring import build_cache
from nightshift.core.access import UserId
from nightshift.core.ids import new_id
from nightshift.email.addresses import read_address
from nightshift.email.choices import ChoiceStore
from nightshift.email.model import SuppressionReason
from nightshift.email.readers import IdentityReaders
from nightshift.email.settings import MailQueueSettings, MailSettings
from nightshift.email.wiring import EmailContext
from nightshift.email.wiring import Outside as EmailOutside
from nightshift.http.app import App
from nightshift.identity.avatars import forget_pictures
from nightshift.identity.leaving import Purge, Step
from nightshift.identity.leaving_store import LeavingStore
from nightshift.identity.leaving_wiring import LeavingContext
from nightshift.identity.mailer import NoMail
from nightshift.identity.wiring import make_directory
from nightshift.jobs.kinds import JobKind
from nightshift.memos.cards import Written
from nightshift.memos.settings import MemoSettings
from nightshift.memos.wiring import MemosContext
from nightshift.memos.wiring import Outside as MemosOutside
from nightshift.observability import make_log
from nightshift.ports.github import GitHubUnavailableError
from nightshift.reports.settings import ReportSettings
from nightshift.reports.wiring import Outside as ReportsOutside
from nightshift.reports.wiring import ReportsContext
from nightshift.tasks.model import Definition, Limits
from tests.contract.door import (
    ENVIRON,
    MAIL_KEY,
    PASSWORD,
    START,
    TABLES,
    Answer,
    Door,
    Handler,
    World,
    make_world,
    register,
)
from tests.contract.identities import PROVIDER, link_identity
from tests.support.dynamo import FakeDynamoDB
from tests.support.world import World as Engine
from tests.unit.identity.oidc.scene import ISSUER, Idp
from tests.unit.memos.scene import Lines

FLOW_KEY = "nightly"
ACCOUNT_PATHS = (
    "/api/v1/auth/",
    "/api/v1/users",
    "/api/v1/sessions",
    "/api/v1/roles",
    "/api/v1/api-keys",
    "/api/v1/settings",
    "/api/v1/audit",
)
GENEROUS = {
    "NIGHTSHIFT_RATE_LIMIT_ADDRESS": "10000000",
    "NIGHTSHIFT_RATE_LIMIT_CALLER": "10000000",
    "NIGHTSHIFT_REGISTER_LIMIT_ADDRESS": "1000000",
    "NIGHTSHIFT_FORGOT_LIMIT_ADDRESS": "1000000",
    "NIGHTSHIFT_LINK_MAIL_FREE": "1000",
    "NIGHTSHIFT_LOGIN_FREE_ATTEMPTS": "100",
    "NIGHTSHIFT_ADMIN_EMAIL": "root@example.com",
    "NIGHTSHIFT_LOGIN_FREE_ATTEMPTS_ADDRESS": "100000",
    "NIGHTSHIFT_OIDC_START_LIMIT_ADDRESS": "1000000",
    "NIGHTSHIFT_OIDC_PROVIDERS": json.dumps(
        [{"id": PROVIDER, "issuer": ISSUER, "client_id": "nightshift"}]
    ),
}


@dataclass(kw_only=True)
class Email:
    """The email context and what it has delivered. While silent, accounts ask it for no mail."""

    context: EmailContext
    deliverer: MemoryMail
    table: Table
    is_silent: bool = False

    def of_accounts(self) -> Any:
        """Return what accounts get."""
        if self.is_silent:
            return SimpleNamespace(mailer=NoMail(self.table), choices=self.context.choices)
        return self.context

    def suppress(self, email: str) -> str:
        """Put an address on the suppression list and return the entry's id."""
        address = read_address(email)
        return self.context.suppressions.add(address, SuppressionReason.BOUNCE)[0].id


@dataclass(frozen=True, kw_only=True)
class Behind:
    """What stands behind the functions."""

    engine: Engine
    memos: MemosContext
    reports: ReportsContext
    email: Email
    beside: Beside


@dataclass(kw_only=True)
class Product:
    """The whole API with one user, who has one of everything and two sessions.

    The user is an administrator, and so is `root`, who was there before.
    """

    world: World
    behind: Behind
    door: Door
    user: Mapping[str, Any]
    root: Mapping[str, Any]
    ids: Mapping[str, str]
    apps: tuple[App, ...]

    @property
    def engine(self) -> Engine:
        """Return the engine under all contexts."""
        return self.behind.engine

    @property
    def memos(self) -> MemosContext:
        """Return the context of memos."""
        return self.behind.memos

    @property
    def email(self) -> Email:
        """Return the context of mail, with what it delivered."""
        return self.behind.email

    def newcomer(self, email: str) -> dict[str, Any]:
        """Register somebody to whom no mail goes out, and so no job."""
        self.email.is_silent = True
        made = register(self.door, email)
        self.email.is_silent = False
        return made

    @property
    def token(self) -> str:
        """Return the user's access token."""
        return str(self.user["access_token"])

    def send(self, method: str, path: str, **more: Any) -> Answer:
        """Send a request as the user."""
        return self.door(method, path, token=self.token, **more)

    @property
    def user_id(self) -> str:
        """Return the user's id."""
        return str(self.user["user"]["id"])

    def set_roles(self, *roles: str, user_id: str | None = None) -> None:
        """Have root give the user, or another one, exactly these roles."""
        path = f"/users/{user_id or self.user_id}/roles"
        body = {"roles": list(roles)}
        answer = self.door("PUT", path, json_body=body, token=self.root["access_token"])
        assert answer.status == 200, answer.text

    def make_role(self, name: str, permissions: Iterable[str]) -> None:
        """Have root make a role."""
        body = {"name": name, "permissions": sorted(permissions)}
        answer = self.door("POST", "/roles", json_body=body, token=self.root["access_token"])
        assert answer.status == 201, answer.text

    def make_key(self, scopes: Iterable[str], **more: object) -> dict[str, Any]:
        """Have the user make an API key and return it with its secret."""
        body = {"name": "test", "scopes": sorted(scopes), **more}
        answer = self.door("POST", "/api-keys", json_body=body, token=self.token)
        assert answer.status == 201, answer.text
        made: dict[str, Any] = answer.json
        return made

    def sign_in(self, email: str = "fuzz@example.com") -> str:
        """Sign in once more and return the access token."""
        login = {"email": email, "password": PASSWORD}
        answer = self.door("POST", "/auth/login", json_body=login)
        assert answer.status == 200, answer.text
        return str(answer.json["access_token"])

    def another_process(self, environ: Mapping[str, str] = GENEROUS) -> Door:
        """Return the door of a process that has seen nothing yet, over the same tables."""
        return Door(handler=_handler(self.world, self.behind, environ)[0])

    def pages(self) -> Handler:
        """Return the accounts function with its pages, in a process of its own."""
        environ = {**ENVIRON, **GENEROUS}
        return build_accounts_function(environ, self.world.outside, self.behind.beside)

    def stored(self) -> list[str]:
        """Return all items but those that count requests."""
        return [
            repr(row)
            for table in TABLES
            for row in self.world.rows(table)
            if not str(row["pk"]).startswith(("RATE#", "ATTEMPTS#"))
        ]


def make_product(*kinds: JobKind[Any]) -> Product:
    """Return a fresh product, with these kinds of jobs beside its own."""
    dynamodb = FakeDynamoDB(TABLES)
    engine = Engine(start=START, dynamo=dynamodb, kinds=kinds)
    world = make_world()
    world.dynamodb, world.clock = dynamodb, engine.clock
    memos = make_memos(engine)
    email = make_email(engine)
    behind = Behind(
        engine=engine,
        memos=memos,
        reports=make_reports(engine, world),
        email=email,
        beside=make_beside(engine, email, engine.context.forget, memos.forget),
    )
    handler, apps = _handler(world, behind)
    door = Door(handler=handler)
    email.is_silent = True
    dynamodb.strict = False  # what is only there to be used is made without a check of each request
    root = register(door, "root@example.com")
    user = register(door, "fuzz@example.com")
    login = {"email": "fuzz@example.com", "password": PASSWORD}
    door("POST", "/auth/login", json_body=login)
    sessions = door("GET", "/sessions", token=user["access_token"]).json["items"]
    other = next(s["id"] for s in sessions if not s["current"])
    product = Product(
        world=world,
        behind=behind,
        door=door,
        user=user,
        root=root,
        ids={},
        apps=apps,
    )
    product.set_roles("admin")
    product.make_role("support", ["users:read"])
    key = product.make_key(["tasks:read"])
    product.ids = {
        **own_things(engine, memos, UserId(user["user"]["id"])),
        "session_id": other,
        "user_id": product.user_id,
        "role_name": "support",
        "key_id": key["id"],
        "suppression_id": email.suppress("bounced@example.com"),
        "provider": PROVIDER,
        "identity_id": link_identity(world, product.user_id),
    }
    dynamodb.strict, email.is_silent = True, False
    return product


def _handler(
    world: World, behind: Behind, settings: Mapping[str, str] = GENEROUS
) -> tuple[Handler, tuple[App, ...]]:
    """Return fresh functions over the world, behind one handler."""
    environ = {**ENVIRON, **settings}
    accounts = build_accounts_app(environ, world.outside, behind.beside)
    contexts = Contexts(
        tasks=lambda: behind.engine.context,
        memos=lambda: behind.memos,
        reports=lambda: behind.reports,
        email=lambda: behind.email.context,
        machine=lambda: behind.engine.machine,
    )
    api = build_api_app(environ, world.outside, contexts)

    def route(event: Mapping[str, Any], context: object) -> dict[str, Any]:
        chosen = accounts if str(event["rawPath"]).startswith(ACCOUNT_PATHS) else api
        return chosen(event, context)

    return route, (accounts, api)


def make_beside(engine: Engine, email: Email, *others: Step) -> Beside:
    """Return what accounts work with: mail, pictures, and the job that clears up after a user."""
    pictures = MemoryUploads()
    table = Table(engine.dynamo, "identity")  # type: ignore[arg-type]  # the fake's door
    purge = Purge(
        store=LeavingStore(table), steps=[lambda user_id: forget_pictures(pictures, user_id)]
    )
    leaving = LeavingContext(engine.machine, lambda: purge)
    for step in others:
        leaving.also(step)
    return Beside(
        email=email.of_accounts,
        leaver=lambda: leaving.leaver,
        uploads=pictures,
        sender=Idp(engine.clock).sender,
    )


def set_flag(world: World, user_id: str, name: str) -> None:
    """Set a flag of a user, `email_verified` or `disabled`, to true."""
    world.dynamodb.update_item(
        TableName="identity",
        Key={"pk": {"S": f"USER#{user_id}"}, "sk": {"S": "PROFILE"}},
        UpdateExpression="SET #flag = :true",
        ExpressionAttributeNames={"#flag": name},
        ExpressionAttributeValues={":true": {"BOOL": True}},
    )


def make_memos(engine: Engine) -> MemosContext:
    """Return the memos context on the engine's machine."""
    tokens = itertools.count()
    outside = MemosOutside(
        table=Table(engine.dynamo, "memos"),  # type: ignore[arg-type]  # the fake's door
        generator=Lines,
        new_token=lambda: f"maker-{next(tokens)}",
    )
    return MemosContext(engine.machine, outside, MemoSettings())


def make_reports(engine: Engine, world: World) -> ReportsContext:
    """Return the reports context on the engine's machine; GitHub does not answer."""

    def github(_: object) -> Any:
        raise GitHubUnavailableError

    table = Table(engine.dynamo, "cache")  # type: ignore[arg-type]  # the fake's door
    cache = build_cache(
        table, engine.blobs, clock=engine.clock, log=world.log, settings=CacheSettings()
    )
    outside = ReportsOutside(cache=cache, github=github, inline_wait_s=lambda: 0.0, log=world.log)
    return ReportsContext(engine.machine, outside, ReportSettings(task_timeout_seconds=100))


def make_email(engine: Engine) -> Email:
    """Return the email context on the engine's machine, with identity's users as readers."""
    nonces = itertools.count(1)
    deliverer = MemoryMail()
    table = Table(engine.dynamo, "email")  # type: ignore[arg-type]  # the fake's door
    users = Table(engine.dynamo, "identity")  # type: ignore[arg-type]  # the same
    outside = EmailOutside(
        table=table,
        keys=lambda: [MAIL_KEY],
        readers=lambda: IdentityReaders(make_directory(users), ChoiceStore(table)),
        url=lambda: "https://nightshift.example.com",
        transport=lambda: deliverer,
        random=lambda n: next(nonces).to_bytes(n, "big"),
        log=make_log(service="email"),
    )
    context = EmailContext(
        engine.machine,
        outside,
        MailQueueSettings(email_table="email"),
        lambda: MailSettings(mail_from="nightshift@example.com"),
    )
    return Email(context=context, deliverer=deliverer, table=table)


def own_things(engine: Engine, memos: MemosContext, user_id: UserId) -> dict[str, str]:
    """Give the user one of each thing, and return the ids by the names that routes have."""
    said = Definition(name="t", url="https://example.com/hook", schedule="@daily")
    task = engine.context.tasks.create(user_id, said).task
    engine.context.flow.pin(user_id, FLOW_KEY, Limits(parallelism=5), expected=None)
    memo = memos.memos.create(user_id, title="m", text="a = 1")
    card = memos.cards.write(
        user_id,
        memo.id,
        Written(front="f", back="b", kind="question"),
        request_id=new_id(engine.clock.now()),
    )
    unlucky = memos.memos.create(user_id, title="u", text="b = 2")
    (message,) = [m for m in engine.queue.messages if unlucky.job_id in m.body]
    letter = engine.machine.dead_letters().bury(message.body)
    assert letter is not None
    return {
        "task_id": task.id,
        "flow_key": FLOW_KEY,
        "memo_id": memo.id,
        "card_id": card.id,
        "job_id": memo.job_id,
        "letter_id": letter.id,
        "queue": "default",
    }
