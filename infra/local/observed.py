"""What stands in the emulator, as the facts that `infra.local.facts` declares."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from infra.local.buckets import observed_bucket
from infra.local.deploy import ClientFactory, Deployed
from infra.local.facts import Fact, Facts, cors_fact, function_of, last_part, pattern


def observed(stacks: Mapping[str, Deployed], clients: ClientFactory) -> Facts:
    """Return the facts of everything that stands and that the template's facts speak of."""
    observer = _Observer(clients)
    facts: Facts = {}
    for stack in stacks.values():
        for logical_id, resource in stack.template["Resources"].items():
            read = observer.reader(resource["Type"])
            physical = stack.resources.get(logical_id)
            if read is not None and physical is not None:
                try:
                    facts.update(read(logical_id, physical))
                except observer.missing:
                    continue
    return facts


class _Observer:
    """Reads facts through one client a service."""

    def __init__(self, clients: ClientFactory) -> None:
        self._clients = {
            name: clients(name)
            for name in ("dynamodb", "lambda", "scheduler", "apigatewayv2", "sqs", "events", "s3")
        }
        self._apis: dict[str, Facts] = {}
        dynamodb, functions = self._clients["dynamodb"], self._clients["lambda"]
        self.missing: tuple[type[Exception], ...] = (
            dynamodb.exceptions.ResourceNotFoundException,
            functions.exceptions.ResourceNotFoundException,
            self._clients["scheduler"].exceptions.ResourceNotFoundException,
            self._clients["apigatewayv2"].exceptions.NotFoundException,
            self._clients["sqs"].exceptions.QueueDoesNotExist,
            self._clients["events"].exceptions.ResourceNotFoundException,
            self._clients["s3"].exceptions.NoSuchBucket,
        )

    def reader(self, kind: str) -> Callable[[str, str], Facts] | None:
        return {
            "AWS::DynamoDB::Table": self._table,
            "AWS::Lambda::EventSourceMapping": self._mapping,
            "AWS::Scheduler::Schedule": self._schedule,
            "AWS::ApiGatewayV2::Api": self._api,
            "AWS::ApiGatewayV2::Integration": self._integration,
            "AWS::ApiGatewayV2::Authorizer": self._authorizer,
            "AWS::SQS::Queue": self._queue,
            "AWS::Events::Rule": self._rule,
            "AWS::Lambda::Function": self._function,
            "AWS::S3::Bucket": self._bucket,
        }.get(kind)

    def _table(self, logical_id: str, name: str) -> Facts:
        client = self._clients["dynamodb"]
        table = client.describe_table(TableName=name)["Table"]
        ttl = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        backups = client.describe_continuous_backups(TableName=name)
        recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        stream = table.get("StreamSpecification") or {}
        enabled = ttl["TimeToLiveStatus"] in {"ENABLED", "ENABLING"}
        indexes = table.get("GlobalSecondaryIndexes") or []
        return {
            f"table {logical_id}": {
                "ttl": ttl.get("AttributeName") if enabled else None,
                "point_in_time_recovery": recovery["PointInTimeRecoveryStatus"] == "ENABLED",
                "encrypted_by_key": (table.get("SSEDescription") or {}).get("Status") == "ENABLED",
                "stream": stream.get("StreamViewType"),
                "key": [key["AttributeName"] for key in table["KeySchema"]],
                "indexes": sorted(index["IndexName"] for index in indexes),
            }
        }

    def _mapping(self, logical_id: str, uuid: str) -> Facts:
        mapping = self._clients["lambda"].get_event_source_mapping(UUID=uuid)
        return {
            f"mapping {logical_id}": {
                "source": last_part(mapping["EventSourceArn"]),
                "function": function_of(mapping["FunctionArn"]),
                "batch_size": mapping["BatchSize"],
                "window_s": mapping.get("MaximumBatchingWindowInSeconds", 0),
                "answers": sorted(mapping.get("FunctionResponseTypes", [])),
                "concurrency": (mapping.get("ScalingConfig") or {}).get("MaximumConcurrency"),
                "enabled": mapping["State"] in {"Enabled", "Enabling", "Creating"},
            }
        }

    def _schedule(self, _: str, name: str) -> Facts:
        schedule = self._clients["scheduler"].get_schedule(Name=name)
        return {
            f"schedule {name}": {
                "expression": schedule["ScheduleExpression"],
                "timezone": schedule.get("ScheduleExpressionTimezone", "UTC"),
                "state": schedule["State"],
                "function": function_of(schedule["Target"]["Arn"]),
                "input": schedule["Target"].get("Input"),
            }
        }

    def _api(self, logical_id: str, api: str) -> Facts:
        client = self._clients["apigatewayv2"]
        description = client.get_api(ApiId=api)
        cors = cors_fact(description.get("CorsConfiguration") or {})
        facts: Facts = {f"api {logical_id}": {"protocol": description["ProtocolType"], **cors}}
        for route in _pages(client.get_routes, ApiId=api):
            facts[f"route {api} {route['RouteKey']}"] = {
                "integration": last_part(route.get("Target", "")),
                "authorization": route.get("AuthorizationType", "NONE"),
                "authorizer": route.get("AuthorizerId", ""),
                "scopes": sorted(route.get("AuthorizationScopes", [])),
            }
        self._apis[api] = {
            **{i["IntegrationId"]: i for i in _pages(client.get_integrations, ApiId=api)},
            **{a["AuthorizerId"]: a for a in _pages(client.get_authorizers, ApiId=api)},
        }
        return facts

    def _of_api(self, physical: str) -> Fact | None:
        name = last_part(physical)
        return next((parts[name] for parts in self._apis.values() if name in parts), None)

    def _integration(self, logical_id: str, physical: str) -> Facts:
        found = self._of_api(physical)
        if found is None:
            return {}
        return {
            f"integration {logical_id}": {
                "function": function_of(found["IntegrationUri"]),
                "payload": found.get("PayloadFormatVersion"),
            }
        }

    def _authorizer(self, logical_id: str, physical: str) -> Facts:
        found = self._of_api(physical)
        if found is None:
            return {}
        jwt = found.get("JwtConfiguration") or {}
        return {
            f"authorizer {logical_id}": {
                "kind": found["AuthorizerType"],
                "source": sorted(found.get("IdentitySource", [])),
                "issuer": jwt.get("Issuer"),
                "audience": sorted(jwt.get("Audience", [])),
            }
        }

    def _queue(self, logical_id: str, url: str) -> Facts:
        client = self._clients["sqs"]
        attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        redrive = pattern(attributes.get("RedrivePolicy")) or {}
        redrive = redrive if isinstance(redrive, dict) else {}
        target = redrive.get("deadLetterTargetArn")
        return {
            f"queue {logical_id}": {
                "visibility_s": int(attributes["VisibilityTimeout"]),
                "retention_s": int(attributes["MessageRetentionPeriod"]),
                "dead_letters": last_part(target) if target else None,
                "receives": int(redrive["maxReceiveCount"]) if target else None,
            }
        }

    def _rule(self, logical_id: str, physical: str) -> Facts:
        client = self._clients["events"]
        bus, _, name = physical.rpartition("|")
        where = {"EventBusName": bus or "default"}
        rule = client.describe_rule(Name=name, **where)
        targets = client.list_targets_by_rule(Rule=name, **where)["Targets"]
        return {
            f"rule {logical_id}": {
                "bus": last_part(rule.get("EventBusName", "default")),
                "pattern": pattern(rule.get("EventPattern")),
                "schedule": rule.get("ScheduleExpression") or None,
                "state": rule["State"],
                "targets": sorted(last_part(target["Arn"]) for target in targets),
            }
        }

    def _function(self, logical_id: str, name: str) -> Facts:
        found = self._clients["lambda"].get_function_configuration(FunctionName=name)
        return {
            f"function {logical_id}": {
                "handler": found["Handler"],
                "timeout_s": found["Timeout"],
                "memory_mb": found["MemorySize"],
                "environment": found.get("Environment", {}).get("Variables", {}),
            }
        }

    def _bucket(self, logical_id: str, name: str) -> Facts:
        return {f"bucket {logical_id}": observed_bucket(self._clients["s3"], name)}


def _pages(call: Callable[..., dict[str, Any]], **arguments: str) -> Iterator[dict[str, Any]]:
    token: dict[str, str] = {}
    while True:
        page = call(**arguments, **token)
        yield from page["Items"]
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}
