"""Builds an HTTP function's handler from its environment."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightshift.adapters.secrets import stack_secrets
from nightshift.aws import clients
from nightshift.aws.dynamo import Table
from nightshift.core.clock import Clock, SystemClock
from nightshift.core.environment import load
from nightshift.core.tokens import RandomBytes
from nightshift.http.app import App, Authenticator, Edge
from nightshift.http.idempotency import IdempotencyKeys
from nightshift.http.keys import lazy_key
from nightshift.http.limits import Limiter
from nightshift.http.routing import LimitRule, Mounted, Section
from nightshift.http.settings import HttpSettings
from nightshift.observability import Log, get_log
from nightshift.ports.secrets import Secrets

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, kw_only=True, slots=True)
class Outside:
    """The effects that an HTTP function reaches the world by; tests bring their own."""

    dynamodb: "DynamoDBClient"
    secrets: Secrets
    clock: Clock
    log: Log
    random: RandomBytes = os.urandom


def real_outside() -> Outside:
    """Return the deployed effects; keys are read when first needed."""
    return Outside(
        dynamodb=clients.dynamodb(),
        secrets=stack_secrets(os.environ),
        clock=SystemClock(),
        log=get_log(),
    )


def build_app(
    mounted: Sequence[Mounted | Section],
    *,
    environ: Mapping[str, str],
    authenticator: Authenticator,
    outside: Outside,
    rules: Sequence[LimitRule] = (),
    asks_verified: Callable[[], bool] = lambda: False,
    start: Callable[[], None] = lambda: None,
) -> App:
    """Return the Lambda handler that serves `mounted`; `rules` are the limits that routes name.

    `asks_verified` tells whether routes that want a verified e-mail address insist on it now;
    `start` is what the function does before its first answer.

    Raises:
        SettingsError: a setting is missing or wrong.
        TypeError: a route declares no permission.
        ValueError: a route is declared twice, or names a limit that is not among `rules`.
    """
    settings = load(HttpSettings, environ)
    table = Table(outside.dynamodb, settings.http_table)
    key = lazy_key(outside.secrets, settings.cursor_key_param)
    edge = Edge(
        settings=settings,
        clock=outside.clock,
        log=outside.log,
        authenticator=authenticator,
        limiter=Limiter(table=table, clock=outside.clock),
        idempotency=IdempotencyKeys(
            table=table,
            clock=outside.clock,
            key=key,
            random=outside.random,
            ttl_s=settings.idempotency_ttl_s,
            sealed_ttl_s=settings.idempotency_sealed_ttl_s,
            lease_s=settings.idempotency_lease_s,
        ),
        key=key,
        asks_verified=asks_verified,
        start=start,
    )
    return App(mounted, edge, rules=rules)
