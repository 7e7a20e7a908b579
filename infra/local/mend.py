"""Mending what the emulator's CloudFormation drops: TTLs, time zones, CORS, lifecycles."""

from collections.abc import Mapping
from typing import Any

from infra.local.buckets import mend_bucket
from infra.local.deploy import ClientFactory, Deployed
from infra.local.facts import Facts


def mend(
    stacks: Mapping[str, Deployed], wanted: Facts, found: Facts, clients: ClientFactory
) -> list[str]:
    """Put right what can be put right; return one line for each thing that was."""
    return [
        *_mend_tables(stacks, wanted, found, clients("dynamodb")),
        *_mend_schedules(wanted, found, clients("scheduler")),
        *_mend_cors(stacks, wanted, found, clients("apigatewayv2")),
        *_mend_buckets(stacks, wanted, found, clients("s3")),
    ]


def _mend_tables(
    stacks: Mapping[str, Deployed],
    wanted: Facts,
    found: Facts,
    dynamodb: Any,  # noqa: ANN401 - a client
) -> list[str]:
    names = _physical("table", stacks)
    done = []
    for fact, want in wanted.items():
        have = found.get(fact)
        if not fact.startswith("table ") or have is None:
            continue
        table = names[fact]
        if want["ttl"] != have["ttl"]:
            attribute = want["ttl"] or have["ttl"]
            settings = {"AttributeName": attribute, "Enabled": want["ttl"] is not None}
            dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=settings)
            done.append(f"{fact}: TTL")
        if want["point_in_time_recovery"] != have["point_in_time_recovery"]:
            dynamodb.update_continuous_backups(
                TableName=table,
                PointInTimeRecoverySpecification={
                    "PointInTimeRecoveryEnabled": want["point_in_time_recovery"]
                },
            )
            done.append(f"{fact}: point-in-time recovery")
        if want["encrypted_by_key"] != have["encrypted_by_key"]:
            dynamodb.update_table(
                TableName=table, SSESpecification={"Enabled": want["encrypted_by_key"]}
            )
            done.append(f"{fact}: encryption")
    return done


def _mend_schedules(wanted: Facts, found: Facts, scheduler: Any) -> list[str]:  # noqa: ANN401
    done = []
    for fact, want in wanted.items():
        have = found.get(fact)
        if not fact.startswith("schedule ") or have is None or want["timezone"] == have["timezone"]:
            continue
        name = fact.removeprefix("schedule ")
        standing = scheduler.get_schedule(Name=name)
        scheduler.update_schedule(
            Name=name,
            ScheduleExpression=standing["ScheduleExpression"],
            ScheduleExpressionTimezone=want["timezone"],
            FlexibleTimeWindow=standing["FlexibleTimeWindow"],
            Target=standing["Target"],
            State=standing["State"],
        )
        done.append(f"{fact}: time zone")
    return done


def _mend_cors(
    stacks: Mapping[str, Deployed],
    wanted: Facts,
    found: Facts,
    apis: Any,  # noqa: ANN401 - a client
) -> list[str]:
    names = _physical("api", stacks)
    done = []
    for fact, want in wanted.items():
        have = found.get(fact)
        if not fact.startswith("api ") or have is None or want == have:
            continue
        cors = {name: value for name, value in want.items() if name != "protocol" and value}
        if cors:
            apis.update_api(ApiId=names[fact], CorsConfiguration=cors)
        else:
            apis.delete_cors_configuration(ApiId=names[fact])
        done.append(f"{fact}: CORS")
    return done


def _mend_buckets(
    stacks: Mapping[str, Deployed],
    wanted: Facts,
    found: Facts,
    s3: Any,  # noqa: ANN401 - a client
) -> list[str]:
    names = _physical("bucket", stacks)
    return [
        f"{fact}: {what}"
        for fact, want in wanted.items()
        if fact.startswith("bucket ") and fact in found
        for what in mend_bucket(s3, names[fact], want, found[fact])
    ]


def _physical(kind: str, stacks: Mapping[str, Deployed]) -> dict[str, str]:
    return {
        f"{kind} {logical_id}": physical
        for stack in stacks.values()
        for logical_id, physical in stack.resources.items()
    }
