"""What the template declares, as facts that can be compared with what stands.

A fact is a named set of plain values ("table TasksTable" has a TTL attribute, a stream view, ...).
`declared` reads them from the template alone, `infra.local.observed` from the emulator.
"""

import json
from collections.abc import Mapping
from typing import Any

from infra.local.buckets import declared_bucket
from infra.local.clients import ACCOUNT, REGION
from infra.local.deploy import Deployed
from infra.local.intrinsics import Values, resolve

Fact = dict[str, Any]
Facts = dict[str, Fact]

_CORS = ("AllowOrigins", "AllowMethods", "AllowHeaders", "ExposeHeaders")


def declared(stacks: Mapping[str, Deployed]) -> Facts:
    """Return the facts of every stack's template."""
    facts: Facts = {}
    for stack in stacks.values():
        values = known_values(stack, stacks)
        for logical_id, resource in stack.template["Resources"].items():
            condition = resource.get("Condition")
            if condition and not values.condition(condition):
                continue
            reader = _READERS.get(resource["Type"])
            if reader is not None:
                properties = resolve(resource.get("Properties", {}), values)
                name, fact = reader(logical_id, properties)
                facts[name] = fact
    return facts


def known_values(stack: Deployed, stacks: Mapping[str, Deployed]) -> Values:
    """Return what intrinsic functions of `stack` can be resolved to, now that it stands."""
    attributes: dict[str, Any] = {}
    for logical_id, resource in stack.template["Resources"].items():
        physical = stack.resources.get(logical_id, logical_id)
        kind = resource["Type"]
        if kind == "AWS::CloudFormation::Stack":
            child = stacks[resource["Properties"]["TemplateURL"]]
            for output, value in child.outputs.items():
                attributes[f"{logical_id}.Outputs.{output}"] = value
        elif kind in _ARNS:
            name = physical.rsplit("/", 1)[-1] if kind == "AWS::SQS::Queue" else physical
            attributes[f"{logical_id}.Arn"] = f"arn:aws:{_ARNS[kind]}{name}"
            attributes[f"{logical_id}.QueueName"] = name
    return Values(
        refs={**stack.parameters, **stack.resources},
        attributes=attributes,
        conditions=stack.template.get("Conditions", {}),
        mappings=stack.template.get("Mappings", {}),
    )


def differences(wanted: Facts, found: Facts) -> list[str]:
    """Return one sentence for each declared value that does not stand, and for each extra route."""
    lines = []
    for name, fact in sorted(wanted.items()):
        if name not in found:
            lines.append(f"{name} is declared and does not stand")
            continue
        lines += [
            f"{name}: {key} is declared as {_show(value)}, stands as {_show(found[name].get(key))}"
            for key, value in sorted(fact.items())
            if found[name].get(key) != value
        ]
    extra = sorted(name for name in found if name.startswith("route ") and name not in wanted)
    return lines + [f"{name} stands and is not declared" for name in extra]


def last_part(text: object) -> str:
    """Return the last part of an ARN, a queue URL or an integration target: the plain name."""
    return str(text).rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1]


def function_of(uri: object) -> str:
    """Return the function's name in an integration URI or an ARN."""
    inner = str(uri).partition("/functions/")[2].partition("/invocations")[0] or str(uri)
    return inner.partition(":function:")[2] or last_part(inner)


def cors_fact(cors: Mapping[str, Any]) -> Fact:
    """Return an API's CORS configuration in a form that does not depend on order."""
    fact: Fact = {name: sorted(cors.get(name, [])) for name in _CORS}
    fact["AllowCredentials"] = str(cors.get("AllowCredentials", False)).lower() == "true"
    fact["MaxAge"] = int(cors.get("MaxAge", 0))
    return fact


def pattern(text: object) -> object:
    """Return JSON that may come as text or as a document, as a document."""
    return json.loads(text) if isinstance(text, str) and text else text


def _show(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _truth(value: object) -> bool:
    return str(value).lower() == "true"


def _table(logical_id: str, properties: Fact) -> tuple[str, Fact]:
    ttl = properties.get("TimeToLiveSpecification", {})
    recovery = properties.get("PointInTimeRecoverySpecification", {})
    indexes = properties.get("GlobalSecondaryIndexes", [])
    return f"table {logical_id}", {
        "ttl": ttl.get("AttributeName") if _truth(ttl.get("Enabled")) else None,
        "point_in_time_recovery": _truth(recovery.get("PointInTimeRecoveryEnabled")),
        "encrypted_by_key": _truth(properties.get("SSESpecification", {}).get("SSEEnabled")),
        "stream": properties.get("StreamSpecification", {}).get("StreamViewType"),
        "key": [key["AttributeName"] for key in properties["KeySchema"]],
        "indexes": sorted(index["IndexName"] for index in indexes),
    }


def _mapping(logical_id: str, properties: Fact) -> tuple[str, Fact]:
    scaling = properties.get("ScalingConfig", {}).get("MaximumConcurrency")
    return f"mapping {logical_id}", {
        "source": last_part(properties.get("EventSourceArn")),
        "function": function_of(properties.get("FunctionName")),
        "batch_size": int(properties.get("BatchSize", 10)),
        "window_s": int(properties.get("MaximumBatchingWindowInSeconds", 0)),
        "answers": sorted(properties.get("FunctionResponseTypes", [])),
        "concurrency": int(scaling) if scaling is not None else None,
        "enabled": str(properties.get("Enabled", True)).lower() == "true",
    }


def _schedule(_: str, properties: Fact) -> tuple[str, Fact]:
    return f"schedule {properties['Name']}", {
        "expression": properties["ScheduleExpression"],
        "timezone": properties.get("ScheduleExpressionTimezone", "UTC"),
        "state": properties.get("State", "ENABLED"),
        "function": function_of(properties["Target"]["Arn"]),
        "input": properties["Target"].get("Input"),
    }


def _route(_: str, properties: Fact) -> tuple[str, Fact]:
    return f"route {properties['ApiId']} {properties['RouteKey']}", {
        "integration": last_part(properties.get("Target", "")),
        "authorization": properties.get("AuthorizationType", "NONE"),
        "authorizer": properties.get("AuthorizerId", ""),
        "scopes": sorted(properties.get("AuthorizationScopes", [])),
    }


def _integration(logical_id: str, properties: Fact) -> tuple[str, Fact]:
    return f"integration {logical_id}", {
        "function": function_of(properties["IntegrationUri"]),
        "payload": properties.get("PayloadFormatVersion", "2.0"),
    }


def _authorizer(logical_id: str, properties: Fact) -> tuple[str, Fact]:
    source = properties.get("IdentitySource", [])
    jwt = properties.get("JwtConfiguration", {})
    return f"authorizer {logical_id}", {
        "kind": properties.get("AuthorizerType"),
        "source": sorted(source) if isinstance(source, list) else [source],
        "issuer": jwt.get("Issuer"),
        "audience": sorted(jwt.get("Audience", [])),
    }


def _api(logical_id: str, properties: Fact) -> tuple[str, Fact]:
    cors = cors_fact(properties.get("CorsConfiguration", {}))
    return f"api {logical_id}", {"protocol": properties.get("ProtocolType", "HTTP"), **cors}


def _queue(logical_id: str, properties: Fact) -> tuple[str, Fact]:
    redrive = pattern(properties.get("RedrivePolicy")) or {}
    redrive = redrive if isinstance(redrive, dict) else {}
    target = redrive.get("deadLetterTargetArn")
    return f"queue {logical_id}", {
        "visibility_s": int(properties.get("VisibilityTimeout", 30)),
        "retention_s": int(properties.get("MessageRetentionPeriod", 345600)),
        "dead_letters": last_part(target) if target else None,
        "receives": int(redrive["maxReceiveCount"]) if target else None,
    }


def _rule(logical_id: str, properties: Fact) -> tuple[str, Fact]:
    targets = properties.get("Targets", [])
    return f"rule {logical_id}", {
        "bus": last_part(properties.get("EventBusName", "default")),
        "pattern": pattern(properties.get("EventPattern")),
        "schedule": properties.get("ScheduleExpression"),
        "state": properties.get("State", "ENABLED"),
        "targets": sorted(last_part(target["Arn"]) for target in targets),
    }


def _function(logical_id: str, properties: Fact) -> tuple[str, Fact]:
    variables = properties.get("Environment", {}).get("Variables", {})
    return f"function {logical_id}", {
        "handler": properties.get("Handler"),
        "timeout_s": int(properties.get("Timeout", 3)),
        "memory_mb": int(properties.get("MemorySize", 128)),
        "environment": {key: str(value) for key, value in variables.items()},
    }


_READERS = {
    "AWS::DynamoDB::Table": _table,
    "AWS::Lambda::EventSourceMapping": _mapping,
    "AWS::Scheduler::Schedule": _schedule,
    "AWS::ApiGatewayV2::Route": _route,
    "AWS::ApiGatewayV2::Integration": _integration,
    "AWS::ApiGatewayV2::Authorizer": _authorizer,
    "AWS::ApiGatewayV2::Api": _api,
    "AWS::SQS::Queue": _queue,
    "AWS::Events::Rule": _rule,
    "AWS::Lambda::Function": _function,
    "AWS::S3::Bucket": declared_bucket,
}

_ARNS = {
    "AWS::Lambda::Function": f"lambda:{REGION}:{ACCOUNT}:function:",
    "AWS::DynamoDB::Table": f"dynamodb:{REGION}:{ACCOUNT}:table/",
    "AWS::SQS::Queue": f"sqs:{REGION}:{ACCOUNT}:",
    "AWS::IAM::Role": f"iam::{ACCOUNT}:role/",
    "AWS::Events::EventBus": f"events:{REGION}:{ACCOUNT}:event-bus/",
    "AWS::S3::Bucket": "s3:::",
    "AWS::SNS::Topic": f"sns:{REGION}:{ACCOUNT}:",
    "AWS::Logs::LogGroup": f"logs:{REGION}:{ACCOUNT}:log-group:",
}
