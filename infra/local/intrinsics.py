"""CloudFormation's intrinsic functions, as far as a template can be read before it stands.

What cannot be known yet (an attribute of a resource) stays as it is written, so that a comparison
sees it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ABSENT = {"Ref": "AWS::NoValue"}
_VARIABLE = re.compile(r"\$\{([^!][^}]*)\}")
_PSEUDO = {
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "000000000000",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Values:
    """What is known: `refs` by name, `attributes` by `Resource.Attribute`, conditions, mappings."""

    refs: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    mappings: Mapping[str, Any] = field(default_factory=dict)

    def condition(self, name: str) -> bool:
        """Return whether the condition of that name holds.

        Raises:
            KeyError: no such condition is declared.
        """
        return bool(resolve(self.conditions[name], self))

    def ref(self, name: str) -> Any:  # noqa: ANN401 - texts, lists, or the reference itself
        """Return what `Ref` of that name gives, or the reference itself when it is not known."""
        return self.refs.get(name, _PSEUDO.get(name, {"Ref": name}))

    def attribute(self, name: str) -> Any:  # noqa: ANN401 - as ref
        """Return the attribute `Resource.Attribute`, or its own expression when not known."""
        return self.attributes.get(name, {"Fn::GetAtt": name.split(".", 1)})


def resolve(node: Any, values: Values) -> Any:  # noqa: ANN401 - any part of a template
    """Return `node` with every intrinsic function that can be computed replaced by its value.

    An entry of a mapping or list whose value is `AWS::NoValue` is left out.
    """
    if isinstance(node, list):
        items = [resolve(item, values) for item in node]
        return [item for item in items if item != ABSENT]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        ((name, argument),) = node.items()
        if name in _FUNCTIONS:
            return _FUNCTIONS[name](argument, values)
    resolved = {key: resolve(value, values) for key, value in node.items()}
    return {key: value for key, value in resolved.items() if value != ABSENT}


def _ref(argument: Any, values: Values) -> Any:  # noqa: ANN401
    return ABSENT if argument == "AWS::NoValue" else values.ref(argument)


def _get_att(argument: Any, values: Values) -> Any:  # noqa: ANN401
    return values.attribute(argument if isinstance(argument, str) else ".".join(argument))


def _if(argument: Any, values: Values) -> Any:  # noqa: ANN401
    name, then, otherwise = argument
    chosen = then if values.condition(name) else otherwise
    return ABSENT if chosen == ABSENT else resolve(chosen, values)


def _sub(argument: Any, values: Values) -> Any:  # noqa: ANN401
    text, extra = (argument, {}) if isinstance(argument, str) else argument
    known = {name: resolve(value, values) for name, value in extra.items()}
    unknown = False

    def replace(match: re.Match[str]) -> str:
        nonlocal unknown
        name = match[1].strip()
        value = known.get(name)
        if value is None:
            value = values.attribute(name) if "." in name else values.ref(name)
        if isinstance(value, dict):
            unknown = True
            return match[0]
        return str(value)

    done = _VARIABLE.sub(replace, text)
    return {"Fn::Sub": done} if unknown else done.replace("${!", "${")


def _join(argument: Any, values: Values) -> Any:  # noqa: ANN401
    separator, parts = argument
    resolved = resolve(parts, values)
    if not isinstance(resolved, list) or any(isinstance(part, dict) for part in resolved):
        return {"Fn::Join": [separator, resolved]}
    return separator.join(map(str, resolved))


def _split(argument: Any, values: Values) -> Any:  # noqa: ANN401
    separator, text = argument
    resolved = resolve(text, values)
    return (
        resolved.split(separator)
        if isinstance(resolved, str)
        else {"Fn::Split": [separator, resolved]}
    )


def _select(argument: Any, values: Values) -> Any:  # noqa: ANN401
    index, items = argument
    resolved = resolve(items, values)
    return resolved[int(index)] if isinstance(resolved, list) else {"Fn::Select": [index, resolved]}


def _find_in_map(argument: Any, values: Values) -> Any:  # noqa: ANN401
    name, top, second = (resolve(part, values) for part in argument)
    return values.mappings[name][top][second]


def _equals(argument: Any, values: Values) -> bool:  # noqa: ANN401
    left, right = (resolve(part, values) for part in argument)
    return str(left) == str(right)


def _and(argument: Any, values: Values) -> bool:  # noqa: ANN401
    return all(resolve(part, values) for part in argument)


def _or(argument: Any, values: Values) -> bool:  # noqa: ANN401
    return any(resolve(part, values) for part in argument)


def _not(argument: Any, values: Values) -> bool:  # noqa: ANN401
    return not resolve(argument[0], values)


def _condition(argument: Any, values: Values) -> Any:  # noqa: ANN401
    # A policy's statement has a Condition too, which is a mapping and none of ours.
    if isinstance(argument, str) and argument in values.conditions:
        return values.condition(argument)
    return {"Condition": resolve(argument, values)}


_FUNCTIONS = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Split": _split,
    "Fn::Select": _select,
    "Fn::FindInMap": _find_in_map,
    "Fn::Equals": _equals,
    "Fn::And": _and,
    "Fn::Or": _or,
    "Fn::Not": _not,
    "Condition": _condition,
}
