"""The templates as the local stack deploys them: read, transformed, and mended where needed.

The product of this module is plain CloudFormation (no transform left), once for the root and once
for each nested template. It differs from what the cloud gets in the following, and only in this:

- code and layers point at a stub in the artifacts bucket: the function host runs the work tree;
- every function has `NIGHTSHIFT_LOCAL_CODE`, the folder that it is run from;
- the routes, integrations, authorizers and CORS that stand in an HTTP API's `Body` are resources
  of their own, since the emulator drops the body;
- the concurrency of event source mappings is a number, where a parameter makes a text of it;
- conditions in deletion policies are resolved, since the emulator knows only their text.
"""

import copy
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.local.http_api import BodyError, lift_body
from infra.local.intrinsics import Values, resolve

ARTIFACTS_BUCKET = "nightshift-local-artifacts"
STUB_KEY = "stub.zip"
CODE_VARIABLE = "NIGHTSHIFT_LOCAL_CODE"
_STUB_URI = f"s3://{ARTIFACTS_BUCKET}/{STUB_KEY}"
_NESTED = "AWS::CloudFormation::Stack"
_POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")

Template = dict[str, Any]


class TemplateError(Exception):
    """The template cannot be deployed to the local stack."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """Templates ready for the emulator.

    `nested` maps the path that the root names (`infra/tables.yaml`) to that template; `parameters`
    are what the root is deployed with.
    """

    root: Template
    nested: Mapping[str, Template]
    parameters: Mapping[str, str]

    def resource_types(self) -> dict[str, list[str]]:
        """Return every resource type that would be created, with the resources of that type."""
        found: dict[str, list[str]] = {}
        for file, template in [("template.yaml", self.root), *self.nested.items()]:
            for logical_id, resource in template["Resources"].items():
                found.setdefault(resource["Type"], []).append(f"{file}:{logical_id}")
        return found


def prepare(root: Path, parameters: Mapping[str, str]) -> Prepared:
    """Read `template.yaml` under `root` and what it nests, and make both ready to deploy.

    Raises:
        TemplateError: a file is missing or is no template, or the transform refuses it.
    """
    source = _read(root / "template.yaml")
    values = _values_of(source, parameters)
    _point_code_at_stub(source)
    template = _transform(source, parameters)
    for resource in list(template["Resources"]):
        condition = template["Resources"][resource].get("Condition")
        if condition and not values.condition(condition):
            del template["Resources"][resource]
    _drop_outputs(template, values)
    nested = _nested(root, template, values)
    try:
        lift_body(template, values)
    except BodyError as error:
        raise TemplateError(str(error)) from error
    _resolve_mappings(template, values)
    _mark_code(source, template)
    return Prepared(root=template, nested=nested, parameters=parameters)


def _read(path: Path) -> Template:
    try:
        document = yaml.load(path.read_text(), Loader=_Loader)  # noqa: S506 - a SafeLoader of ours
    except (OSError, yaml.YAMLError) as error:
        raise TemplateError(f"{path.name}: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise TemplateError(f"{path.name} has no Resources")
    return document


def _values_of(template: Template, parameters: Mapping[str, str]) -> Values:
    declared = template.get("Parameters", {})
    defaults = {name: str(spec.get("Default", "")) for name, spec in declared.items()}
    return Values(
        refs={**defaults, **parameters},
        conditions=template.get("Conditions", {}),
        mappings=template.get("Mappings", {}),
    )


def _point_code_at_stub(template: Template) -> None:
    for resource in template["Resources"].values():
        properties = resource.setdefault("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            variables = properties.setdefault("Environment", {}).setdefault("Variables", {})
            variables[CODE_VARIABLE] = properties["CodeUri"]
            properties["CodeUri"] = _STUB_URI
        elif resource["Type"] == "AWS::Serverless::LayerVersion":
            properties["ContentUri"] = _STUB_URI


def _transform(template: Template, parameters: Mapping[str, str]) -> Template:
    from samtranslator.translator.transform import transform  # noqa: PLC0415 - 0.9 s to import

    class NoPolicies:
        def load(self) -> dict[str, str]:
            return {}

    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # The transform reads it from there.
    try:
        done: Template = transform(copy.deepcopy(template), dict(parameters), NoPolicies())
    except Exception as error:
        raise TemplateError(f"the SAM transform refuses template.yaml: {error}") from error
    done.pop("Transform", None)
    return json.loads(json.dumps(done))  # type: ignore[no-any-return]  # detaches shared parts


def _drop_outputs(template: Template, values: Values) -> None:
    outputs = template.get("Outputs", {})
    for name in list(outputs):
        condition = outputs[name].get("Condition")
        if condition and not values.condition(condition):
            del outputs[name]


def _nested(root: Path, template: Template, values: Values) -> dict[str, Template]:
    found = {}
    for resource in template["Resources"].values():
        if resource["Type"] != _NESTED:
            continue
        file = resource["Properties"]["TemplateURL"]
        child = _read(root / file)
        given = resource["Properties"].get("Parameters", {})
        known = {name: resolve(value, values) for name, value in given.items()}
        texts = {name: value for name, value in known.items() if isinstance(value, str)}
        _resolve_policies(child, _values_of(child, texts))
        child.pop("Transform", None)
        found[file] = child
    return found


def _resolve_policies(template: Template, values: Values) -> None:
    for resource in template["Resources"].values():
        for attribute in _POLICIES:
            if attribute in resource:
                resource[attribute] = resolve(resource[attribute], values)


def _resolve_mappings(template: Template, values: Values) -> None:
    """Make numbers of what parameters give as texts: the emulator does not."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Lambda::EventSourceMapping":
            properties = resource["Properties"]
            scaling = resolve(properties.get("ScalingConfig", {}), values)
            if "MaximumConcurrency" in scaling:
                scaling["MaximumConcurrency"] = int(scaling["MaximumConcurrency"])
                properties["ScalingConfig"] = scaling


def _mark_code(source: Template, template: Template) -> None:
    for logical_id, resource in source["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function" and logical_id in template["Resources"]:
            deployed = template["Resources"][logical_id]["Properties"]
            variables = deployed.setdefault("Environment", {}).setdefault("Variables", {})
            variables.setdefault(
                CODE_VARIABLE, resource["Properties"]["Environment"]["Variables"][CODE_VARIABLE]
            )


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags, read into their long form."""


def _tagged(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]  # a mapping
    return {name: value}


def _plain_date(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


_Loader.add_multi_constructor("!", _tagged)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _plain_date)
