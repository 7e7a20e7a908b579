"""The HTTP door of the built apps: requests in as API Gateway sends them, answers out."""

import base64
import hashlib
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import StringIO
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nightshift.adapters.secrets_memory import MemorySecrets
from nightshift.core.clock import ManualClock
from nightshift.core.tokens import b64url
from nightshift.http.wiring import Outside
from nightshift.observability import Log, make_log
from tests.support.dynamo import FakeDynamoDB

START = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
KID = "test-1"
CURSOR_KEY = hashlib.sha256(b"cursor key").digest()
MAIL_KEY = hashlib.sha256(b"mail key").digest()
ENVIRON: Mapping[str, str] = {
    "NIGHTSHIFT_STAGE": "local",
    "NIGHTSHIFT_HTTP_TABLE": "http",
    "NIGHTSHIFT_IDENTITY_TABLE": "identity",
    "NIGHTSHIFT_TASKS_TABLE": "tasks",
    "NIGHTSHIFT_AUDIT_TABLE": "audit",
    "NIGHTSHIFT_SETTINGS_TABLE": "settings",
    "NIGHTSHIFT_CURSOR_KEY_PARAM": "cursor-key",
    "NIGHTSHIFT_TOKEN_SIGNING_KEYS_PARAM": "signing-keys",
    "NIGHTSHIFT_TOKEN_PUBLIC_KEYS_PARAM": "public-keys",
    "NIGHTSHIFT_ASSETS_BUCKET": "assets",
    "NIGHTSHIFT_ARGON2_MEMORY_KIB": "64",
    "NIGHTSHIFT_ARGON2_TIME": "1",
}
_WORLDS = itertools.count()
TABLES = ("http", "identity", "tasks", "jobs", "audit", "settings", "memos", "email", "cache")
Handler = Callable[[Mapping[str, Any], object], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer, its header names in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str
    cookies: tuple[str, ...] = ()

    @property
    def json(self) -> Any:
        """Return the body's JSON."""
        return json.loads(self.text)

    @property
    def error(self) -> str:
        """Return the problem's slug."""
        return str(self.json["error"])


@dataclass(kw_only=True)
class Door:
    """Sends requests to one app."""

    handler: Handler
    address: str = "203.0.113.7"
    sent: int = field(default=0)

    def __call__(
        self,
        method: str,
        path: str,
        *,
        json_body: object = None,
        body: bytes | None = None,
        query: Mapping[str, str] | str = "",
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        encoded: bool = False,
        cookies: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request; `path` is relative to the base path."""
        sent = {"host": "api.example.com", **(headers or {})}
        if json_body is not None:
            body = json.dumps(json_body).encode()
            sent.setdefault("content-type", "application/json")
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        event = self._event(method, path, query, sent, body, encoded=encoded)
        if cookies:
            event["cookies"] = [f"{name}={value}" for name, value in cookies.items()]
        raw = self.handler(event, None)
        text = raw["body"]
        if raw["isBase64Encoded"]:
            text = base64.b64decode(text).decode("latin-1")
        return Answer(
            status=raw["statusCode"],
            headers=raw["headers"],
            text=text,
            cookies=tuple(raw.get("cookies", ())),
        )

    def _event(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        encoded: bool,
    ) -> dict[str, Any]:
        self.sent += 1
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": "/api/v1" + path,
            "rawQueryString": query if isinstance(query, str) else urlencode(query),
            "headers": dict(headers),
            "requestContext": {
                "stage": "$default",
                "requestId": f"request-{self.sent}",
                "http": {"method": method, "path": path, "sourceIp": self.address},
            },
            "isBase64Encoded": encoded,
        }
        if body is not None:
            text = base64.b64encode(body) if encoded else body
            event["body"] = text.decode("utf-8", "surrogateescape")
        return event


@dataclass(kw_only=True)
class World:
    """Everything outside of an app, held by the test."""

    dynamodb: FakeDynamoDB
    secrets: MemorySecrets
    clock: ManualClock
    key: Ed25519PrivateKey
    logged: StringIO
    log: Log

    @property
    def outside(self) -> Outside:
        """Return it as the wiring takes it."""
        return Outside(
            dynamodb=self.dynamodb,  # type: ignore[arg-type]  # the fake has the methods used
            secrets=self.secrets,
            clock=self.clock,
            log=self.log,
        )

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Return what was logged."""
        return [json.loads(line) for line in self.logged.getvalue().splitlines()]

    def actions(self, action: str) -> list[dict[str, Any]]:
        """Return the lines of one action."""
        return [line for line in self.lines if line["action"] == action]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the items of a table."""
        return self.dynamodb.items(table)


def make_world(tables: tuple[str, ...] = TABLES) -> World:
    """Return a fresh world with random keys."""
    clock = ManualClock(START)
    key = Ed25519PrivateKey.generate()
    secrets = MemorySecrets(
        {
            "cursor-key": base64.b64encode(CURSOR_KEY).decode(),
            "signing-keys": json.dumps([private_jwk(key)]),
            "public-keys": json.dumps({"keys": [public_jwk(key)]}),
        }
    )
    logged = StringIO()
    return World(
        dynamodb=FakeDynamoDB(tables, clock=clock),
        secrets=secrets,
        clock=clock,
        key=key,
        logged=logged,
        log=make_log(service=f"test-{next(_WORLDS)}", stream=logged),
    )


def public_jwk(key: Ed25519PrivateKey, kid: str = KID) -> dict[str, str]:
    """Return the public JWK of `key` (RFC 8037)."""
    raw = key.public_key().public_bytes_raw()
    return {"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": b64url(raw), "alg": "EdDSA"}


def private_jwk(key: Ed25519PrivateKey, kid: str = KID) -> dict[str, str]:
    """Return the private JWK of `key`."""
    return public_jwk(key, kid) | {"d": b64url(key.private_bytes_raw())}


def register(door: Door, email: str, password: str = PASSWORD) -> dict[str, Any]:
    """Make an account and return the answer's body."""
    answer = door(
        "POST", "/auth/register", json_body={"email": email, "password": password, "name": "Ada"}
    )
    assert answer.status == 201, answer.text
    body: dict[str, Any] = answer.json
    return body
