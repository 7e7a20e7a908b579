"""Settings from the environment, declared once with unit, default and bounds.

A settings model is a frozen dataclass whose fields are made by `setting(...)`; the field `lease_s`
is read from `NIGHTSHIFT_LEASE_S`. Only the standard library is used, since the functions that
deliver calls load their settings at a cold start and pay for every import.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from nightshift.core.errors import NightshiftError

PREFIX = "NIGHTSHIFT_"
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})
_M = TypeVar("_M")


class SettingsError(NightshiftError):
    """A setting is missing or has a bad value."""

    slug = "bad_settings"
    status = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingInfo:
    """What a reader of `docs/settings.md` needs to know of one setting.

    `unit` is a plural noun ("seconds"), `ge` and `le` are inclusive bounds, `choices` the only
    texts allowed. `wiring` marks what the template fills in, such as table names.
    """

    name: str
    doc: str
    kind: str
    default: object
    unit: str
    ge: float | None
    le: float | None
    choices: tuple[str, ...]
    wiring: bool


def setting(
    *,
    doc: str,
    default: object = dataclasses.MISSING,
    unit: str = "",
    ge: float | None = None,
    le: float | None = None,
    choices: tuple[str, ...] = (),
    wiring: bool = False,
) -> Any:  # noqa: ANN401 - stands for a value of the field's own type, as dataclasses.field does
    """Declare one setting as a dataclass field; without `default` it is required."""
    meta = {"doc": doc, "unit": unit, "ge": ge, "le": le, "choices": choices, "wiring": wiring}
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata=meta)
    return dataclasses.field(default=default, metadata=meta)


def describe(model: type) -> list[SettingInfo]:
    """Return what is known of each setting of `model`, in declaration order."""
    hints = get_type_hints(model)
    infos = []
    for field in dataclasses.fields(model):
        default = None if field.default is dataclasses.MISSING else field.default
        kind = hints[field.name].__name__
        infos.append(
            SettingInfo(name=_env_name(field.name), kind=kind, default=default, **field.metadata)
        )
    return infos


def load(model: type[_M], environ: Mapping[str, str]) -> _M:
    """Read `model` from `environ`.

    Raises:
        SettingsError: with one sentence for every setting that is missing or wrong.
    """
    values: dict[str, object] = {}
    problems: list[str] = []
    hints = get_type_hints(model)
    for field in dataclasses.fields(model):  # type: ignore[arg-type]  # any dataclass will do
        name = _env_name(field.name)
        text = environ.get(name)
        if text is None:
            if field.default is dataclasses.MISSING:
                problems.append(f"{name} is not set: {field.metadata['doc']}")
            continue
        try:
            values[field.name] = _parse(text.strip(), hints[field.name], field.metadata)
        except ValueError as error:
            problems.append(f"{name}={text!r} {error}")
    if problems:
        raise SettingsError("; ".join(problems))
    return model(**values)


def _env_name(field_name: str) -> str:
    return PREFIX + field_name.upper()


def _parse(text: str, kind: type, meta: Mapping[str, Any]) -> object:
    if meta["choices"] and text not in meta["choices"]:
        raise ValueError(f"must be one of {', '.join(meta['choices'])}")
    if kind is bool:
        return _parse_bool(text)
    if kind is str:
        return text
    try:
        number: int | float = int(text) if kind is int else float(text)
    except ValueError:
        noun = "a whole number" if kind is int else "a number"
        raise ValueError(f"must be {noun}{_of_unit(meta)}") from None
    low, high = meta["ge"], meta["le"]
    if (low is not None and not number >= low) or (high is not None and not number <= high):
        raise ValueError(f"must be {_range_text(low, high)}{_of_unit(meta)}")
    return number


def _parse_bool(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError("must be 1 or 0 (true or false)")


def _of_unit(meta: Mapping[str, Any]) -> str:
    return f" of {meta['unit']}" if meta["unit"] else ""


def _range_text(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high:g}"
    if high is None:
        return f"at least {low:g}"
    return f"between {low:g} and {high:g}"
