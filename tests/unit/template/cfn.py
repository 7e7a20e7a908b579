"""Reads the templates as CloudFormation would: conditions decided, parameters filled in.

What only exists once deployed becomes a symbol: `<Tables/TasksTable>` is what a `Ref` gives,
`<Tables/TasksTable.Arn>` an attribute, with the nested stack's name before the slash.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
STAGES = ("local", "dev", "staging", "prod")
PSEUDO = {
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "nightshift",
}
NOTHING = object()
_HOLE = re.compile(r"\$\{([\w:.]+)\}")


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def _tag(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        return {name: value.split(".", 1) if suffix == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _tag)


@cache
def load(path: str) -> Any:
    """The template at `path` below the root, short forms written out."""
    return yaml.load((ROOT / path).read_text(), _Loader)  # noqa: S506 - a safe loader with tags


class Stack:
    """One template with its parameters, and the stacks nested in it."""

    def __init__(self, path: str, parameters: Mapping[str, Any], name: str = "") -> None:
        self.path = path
        self.name = name
        self.template = load(path)
        self.nested: dict[str, Stack] = {}
        declared = self.template.get("Parameters", {})
        defaults = {key: one["Default"] for key, one in declared.items() if "Default" in one}
        self.parameters = {**defaults, **parameters}
        unknown = parameters.keys() - declared.keys()
        missing = declared.keys() - self.parameters.keys()
        assert not unknown, f"{path} has no parameters {unknown}"
        assert not missing, f"{path} wants {missing}"
        self.resources = {
            key: self.value({k: v for k, v in one.items() if k != "Condition"})
            for key, one in self.template["Resources"].items()
            if "Condition" not in one or self.holds(one["Condition"])
        }
        for key in self.resources:
            self._stack(key)

    def holds(self, condition: str) -> bool:
        """Tell whether the condition of that name holds."""
        return bool(self.value(self.template["Conditions"][condition]))

    def outputs(self) -> dict[str, Any]:
        """The outputs that exist."""
        return {
            key: self.value(one["Value"])
            for key, one in self.template.get("Outputs", {}).items()
            if "Condition" not in one or self.holds(one["Condition"])
        }

    def everything(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each resource of this stack and of those nested in it, by symbol."""
        for key, one in self.resources.items():
            yield self._symbol(key), one
        for stack in self.nested.values():
            yield from stack.everything()

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of every resource of type `kind`, by symbol."""
        return {
            symbol: one.get("Properties", {})
            for symbol, one in self.everything()
            if one["Type"] == kind
        }

    def value(self, tree: Any) -> Any:
        """The tree with every function done."""
        if isinstance(tree, list):
            done = [self.value(one) for one in tree]
            return [one for one in done if one is not NOTHING]
        if not isinstance(tree, dict):
            return tree
        if len(tree) == 1:
            (name, argument), *_ = tree.items()
            if name in {"Ref", "Condition"} or name.startswith("Fn::"):
                return self._call(name, argument)
        pairs = {key: self.value(one) for key, one in tree.items()}
        return {key: one for key, one in pairs.items() if one is not NOTHING}

    def _call(self, name: str, argument: Any) -> Any:
        functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self.holds,
            "Fn::GetAtt": lambda pair: self._attribute(*pair),
            "Fn::Sub": lambda text: _HOLE.sub(lambda hole: str(self._hole(hole[1])), text),
            "Fn::If": lambda three: self.value(three[1 if self.holds(three[0]) else 2]),
            "Fn::Equals": lambda pair: self.value(pair[0]) == self.value(pair[1]),
            "Fn::Not": lambda one: not self.value(one[0]),
            "Fn::And": lambda several: all(self.value(several)),
            "Fn::Or": lambda several: any(self.value(several)),
            "Fn::Split": lambda pair: self.value(pair[1]).split(pair[0]),
            "Fn::ToJsonString": self.value,
        }
        return functions[name](argument)

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NOTHING
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        assert name in self.template["Resources"], f"{self.path} has no {name}"
        return self._symbol(name)

    def _hole(self, name: str) -> Any:
        return self._attribute(*name.split(".", 1)) if "." in name else self._ref(name)

    def _attribute(self, name: str, attribute: str) -> Any:
        assert name in self.template["Resources"], f"{self.path} has no {name}"
        if attribute.startswith("Outputs."):
            return self._stack(name).outputs()[attribute.removeprefix("Outputs.")]
        return f"{self._symbol(name)[:-1]}.{attribute}>"

    def _symbol(self, name: str) -> str:
        return f"<{self.name}/{name}>" if self.name else f"<{name}>"

    def _stack(self, name: str) -> "Stack":
        one = self.template["Resources"][name]
        if name not in self.nested and one["Type"] == "AWS::CloudFormation::Stack":
            properties = one["Properties"]
            parameters = self.value(properties["Parameters"])
            self.nested[name] = Stack(properties["TemplateURL"], parameters, name)
        return self.nested.get(name, self)


@cache
def deployed(stage: str, **parameters: str) -> Stack:
    """The whole of Nightshift as `stage` would have it."""
    return Stack("template.yaml", {"Stage": stage, **parameters})
