"""Values for a JSON schema as pydantic writes it: good ones, and ones that cannot be right."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
Path = tuple[str | int, ...]

GOOD: Mapping[str, object] = {
    "email": "new@example.com",
    "password": "a long uncommon phrase",
    "new_password": "a long uncommon phrase",
    "current_password": "correct horse battery",
    "name": "Somebody",
    "refresh_token": "nsr_" + "A" * 107,
    "task_name": "nightly-sync",
    "webhook_url": "https://example.com/hook",
    "task_schedule": "*/5 * * * *",
    "schedule": "*/5 * * * *",
    "timezone": "Europe/Berlin",
}
BAD: tuple[object, ...] = (
    None,
    True,
    0,
    -1,
    7,
    10**9,
    10**30,
    -(10**30),
    1.5,
    1e300,
    -0.5,
    "",
    " ",
    "x",
    "x" * 5_000,
    "\x00",
    "\u202e\U0001f600",
    "1",
    "null",
    "../../etc/passwd",
    "'; DROP TABLE users; --",
    "0193a5c0-7e1a-7b3c-8d2e-4f5a6b7c8d9e",
    [],
    [[]],
    ["x"],
    [None],
    ["x"] * 500,
    {},
    {"x": 1},
    {"__proto__": {}},
)
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


class Schemas:
    """Reads schemas of one OpenAPI document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._named: Mapping[str, Schema] = document["components"]["schemas"]

    def resolve(self, schema: Schema) -> Schema:
        """Return the schema behind a reference."""
        while "$ref" in schema:
            schema = self._named[schema["$ref"].rpartition("/")[2]]
        return schema

    def good(self, schema: Schema, name: str = "") -> Any:
        """Return a value that fits; only what is required is filled in."""
        schema = self.resolve(schema)
        if name in GOOD:
            return GOOD[name]
        for word in ("examples", "enum"):
            if word in schema:
                return schema[word][0]
        if "const" in schema:
            return schema["const"]
        for word in ("anyOf", "oneOf", "allOf"):
            if word in schema:
                return self.good(schema[word][0], name)
        return self._plain(schema)

    def _plain(self, schema: Schema) -> Any:
        kind = schema.get("type")
        if kind == "object":
            properties = schema.get("properties", {})
            return {n: self.good(properties[n], n) for n in schema.get("required", ())}
        if kind == "array":
            return [self.good(schema["items"])] * schema.get("minItems", 0)
        if kind == "string":
            return "x" * max(1, schema.get("minLength", 1))
        number = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        return {"boolean": False, "null": None}.get(str(kind), number)

    def fields(self, schema: Schema, path: Path = ()) -> Iterator[tuple[Path, Schema]]:
        """Yield every place in a value of this schema, itself first."""
        schema = self.resolve(schema)
        yield path, schema
        for word in ("anyOf", "oneOf"):
            for option in schema.get(word, ()):
                resolved = self.resolve(option)
                if resolved.get("type") in {"object", "array"}:
                    yield from list(self.fields(resolved, path))[1:]
        for name, inner in schema.get("properties", {}).items():
            yield from self.fields(inner, (*path, name))
        if schema.get("type") == "array" and "items" in schema:
            yield from self.fields(schema["items"], (*path, 0))

    def put(self, base: Any, schema: Schema, path: Path, value: object) -> Any:
        """Return `base` with `value` at `path`, filling in what leads there."""
        if not path:
            return value
        schema = self._container(schema, path[0])
        step, rest = path[0], path[1:]
        if isinstance(step, int):
            inner = self.put(self.good(schema["items"]), schema["items"], rest, value)
            return [inner]
        inner_schema = schema["properties"][step]
        found = dict(base) if isinstance(base, dict) else self.good(schema)
        inner_base = found.get(step, self.good(inner_schema, step))
        return found | {step: self.put(inner_base, inner_schema, rest, value)}

    def _container(self, schema: Schema, step: str | int) -> Schema:
        schema = self.resolve(schema)
        for word in ("anyOf", "oneOf"):
            for option in schema.get(word, ()):
                resolved = self.resolve(option)
                if ("items" in resolved) if isinstance(step, int) else ("properties" in resolved):
                    return resolved
        return schema

    def fits(self, schema: Schema, value: object) -> bool:
        """Tell whether `value` may be right; errs on the side of yes."""
        schema = self.resolve(schema)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return any(self.fits(option, value) for option in schema[word])
        if "const" in schema:
            return bool(schema["const"] == value)
        if "enum" in schema:
            return value in schema["enum"]
        kind = schema.get("type")
        return (kind is None or _is_kind(kind, value)) and self._inner_fits(schema, value)

    def _inner_fits(self, schema: Schema, value: object) -> bool:
        if isinstance(value, dict):
            return self._object_fits(schema, value)
        if isinstance(value, list):
            return self._array_fits(schema, value)
        return _scalar_fits(schema, value)

    def _object_fits(self, schema: Schema, value: dict[str, object]) -> bool:
        properties = schema.get("properties", {})
        if not set(schema.get("required", ())) <= set(value):
            return False
        extra = schema.get("additionalProperties", True)
        for name, inner in value.items():
            if name in properties:
                if not self.fits(properties[name], inner):
                    return False
            elif extra is False or (isinstance(extra, dict) and not self.fits(extra, inner)):
                return False
        return True

    def _array_fits(self, schema: Schema, value: list[object]) -> bool:
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 10**9):
            return False
        return all(self.fits(schema.get("items", {}), one) for one in value)


def _is_kind(kind: str, value: object) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])


def _scalar_fits(schema: Schema, value: object) -> bool:
    if isinstance(value, str):
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**9):
            return False
        return "pattern" not in schema or re.search(schema["pattern"], value) is not None
    if isinstance(value, int | float):
        return bool(
            schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf)
            and schema.get("exclusiveMinimum", -math.inf)
            < value
            < schema.get("exclusiveMaximum", math.inf)
        )
    return True
