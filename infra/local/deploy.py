"""Deploying the prepared templates to the emulator through its CloudFormation."""

import contextlib
import hashlib
import io
import json
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from infra.local.template import ARTIFACTS_BUCKET, STUB_KEY, Prepared, Template, TemplateError

STACK = "nightshift-local"
_NESTED = "AWS::CloudFormation::Stack"
_POLL_S = 0.1
_TIMEOUT_S = 120.0
_NO_CHANGE = "No updates are to be performed"

ClientFactory = Callable[[str], Any]


class DeployError(Exception):
    """The emulator did not deploy the template; the message gives its reasons."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployed:
    """One stack as it stands: its template, resolved parameters, physical ids and outputs."""

    template: Template
    parameters: Mapping[str, str]
    resources: Mapping[str, str]
    outputs: Mapping[str, str]


def deploy(prepared: Prepared, clients: ClientFactory, endpoint: str) -> str:
    """Create or update the stack; return `created`, `updated` or `unchanged`.

    Raises:
        DeployError: the emulator refused the template or a resource failed.
    """
    url = _upload(prepared, clients("s3"), endpoint)
    cloudformation = clients("cloudformation")
    request = {
        "StackName": STACK,
        "TemplateURL": url,
        "Parameters": [
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in prepared.parameters.items()
        ],
        "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    status = _status(cloudformation)
    if status in {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"}:
        cloudformation.delete_stack(StackName=STACK)
        _wait(cloudformation)
        status = None
    try:
        if status is None:
            cloudformation.create_stack(**request, OnFailure="DO_NOTHING")
        else:
            cloudformation.update_stack(**request)
    except ClientError as error:
        if _NO_CHANGE in str(error):
            return "unchanged"
        raise DeployError(str(error)) from error
    final = _wait(cloudformation)
    if final not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        raise DeployError(f"the stack is {final}: {_reasons(cloudformation)}")
    return "created" if status is None else "updated"


def standing(prepared: Prepared, clients: ClientFactory) -> dict[str, Deployed]:
    """Return every stack that stands, the root under `template.yaml`, nested ones by their path."""
    cloudformation = clients("cloudformation")
    root = _read(cloudformation, STACK, prepared.root, prepared.parameters)
    stacks = {"template.yaml": root}
    for logical_id, resource in prepared.root["Resources"].items():
        if resource["Type"] == _NESTED:
            file = resource["Properties"]["TemplateURL"]
            name = root.resources[logical_id]
            stacks[file] = _read(cloudformation, name, prepared.nested[file], None)
    return stacks


def _upload(prepared: Prepared, s3: Any, endpoint: str) -> str:  # noqa: ANN401 - a client
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=ARTIFACTS_BUCKET)
    s3.put_object(Bucket=ARTIFACTS_BUCKET, Key=STUB_KEY, Body=_stub())
    root = json.loads(json.dumps(prepared.root))
    for resource in root["Resources"].values():
        if resource["Type"] == _NESTED:
            child = prepared.nested[resource["Properties"]["TemplateURL"]]
            resource["Properties"]["TemplateURL"] = _put(s3, child, endpoint)
    return _put(s3, root, endpoint)


def _put(s3: Any, template: Template, endpoint: str) -> str:  # noqa: ANN401 - a client
    body = json.dumps(template, sort_keys=True).encode()
    key = f"{hashlib.sha256(body).hexdigest()[:24]}.json"
    s3.put_object(Bucket=ARTIFACTS_BUCKET, Key=key, Body=body)
    return f"{endpoint}/{ARTIFACTS_BUCKET}/{key}"


def _stub() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("handler.py", date_time=(2026, 1, 1, 0, 0, 0))
        archive.writestr(entry, "# The function host runs the work tree's code instead.\n")
    return buffer.getvalue()


def _status(cloudformation: Any) -> str | None:  # noqa: ANN401 - a client
    try:
        stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    except ClientError:
        return None
    status = str(stack["StackStatus"])
    return None if status == "DELETE_COMPLETE" else status


def _wait(cloudformation: Any) -> str | None:  # noqa: ANN401 - a client
    deadline = time.monotonic() + _TIMEOUT_S
    while (status := _status(cloudformation)) is not None and status.endswith("_IN_PROGRESS"):
        if time.monotonic() > deadline:
            raise DeployError(f"the stack is still {status} after {_TIMEOUT_S:.0f} s")
        time.sleep(_POLL_S)
    return status


def _reasons(cloudformation: Any) -> str:  # noqa: ANN401 - a client
    events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
    failed = [
        f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
        for event in events
        if event["ResourceStatus"].endswith("_FAILED") and event.get("ResourceStatusReason")
    ]
    return "; ".join(reversed(failed)) or "no reason given"


def _read(
    cloudformation: Any,  # noqa: ANN401 - a client
    name: str,
    template: Template,
    parameters: Mapping[str, str] | None,
) -> Deployed:
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    summaries = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    resources = {
        summary["LogicalResourceId"]: summary["PhysicalResourceId"]
        for page in summaries
        for summary in page["StackResourceSummaries"]
        if summary.get("PhysicalResourceId")
        and not str(summary["ResourceStatus"]).startswith("DELETE_COMPLETE")
    }
    missing = sorted(set(template["Resources"]) - set(resources))
    if missing:
        raise TemplateError(f"the emulator left out of {name}: {', '.join(missing)}")
    defaults = {
        key: str(spec["Default"])
        for key, spec in template.get("Parameters", {}).items()
        if "Default" in spec
    }
    actual = {p["ParameterKey"]: p["ParameterValue"] for p in stack.get("Parameters", [])}
    return Deployed(
        template=template,
        parameters={**defaults, **actual, **(parameters or {})},
        resources=resources,
        outputs={o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])},
    )
