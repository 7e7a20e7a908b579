"""Payloads as JSON and back: frozen dataclasses of plain values, by their type hints.

What comes back equals what went in, with its nested dataclasses, enums, tuples and times. A payload
of a type that could not come back is refused when its kind is declared.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, Union

T = TypeVar("T")
_PLAIN: Mapping[type, tuple[type, ...]] = {
    str: (str,),
    int: (int,),
    float: (int, float),
    bool: (bool,),
    type(None): (type(None),),
}
_LISTS = frozenset({list, tuple, frozenset})
_MAPS = frozenset({dict, Mapping})


def encode(payload: object) -> str:
    """Return a payload as JSON text.

    Raises:
        TypeError, ValueError: a value is none of JSON's.
    """
    return json.dumps(_plain(payload), separators=(",", ":"), allow_nan=False)


def _plain(value: object) -> object:  # noqa: PLR0911 - one return for each type
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, frozenset):
        return sorted(map(_plain, value))  # type: ignore[type-var]  # else json refuses it
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def decode(model: type[T], data: object) -> T:
    """Return the payload of type `model` in plain JSON values.

    Raises:
        TypeError, ValueError: the data is none of this type's, or the payload refused it.
    """
    made: T = _read(model, data, model.__name__)
    return made


def check_type(model: type) -> None:
    """Refuse a payload's type that could not come back from JSON.

    Raises:
        TypeError: it is no dataclass, or a field's type is not known here; the message says which.
    """
    if not dataclasses.is_dataclass(model):
        raise TypeError(f"{model.__name__} is no dataclass")
    for name, hint in _hints(model).items():
        _check_hint(hint, f"{model.__name__}.{name}")


@cache
def _hints(model: type) -> Mapping[str, Any]:
    return typing.get_type_hints(model)


def _check_hint(hint: Any, where: str) -> None:  # noqa: ANN401 - a hint is anything
    hint = _resolved(hint)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or hint in _PLAIN or origin is Literal or hint is datetime:
        return
    if origin is tuple and inner[1:] != (Ellipsis,):
        raise TypeError(f"{where} is a {hint}; a payload carries tuples of one type, any long")
    if origin in _LISTS or origin in _MAPS or _is_union(origin):
        for one in inner:
            if one is not Ellipsis:
                _check_hint(one, where)
    elif dataclasses.is_dataclass(hint):
        check_type(typing.cast("type", hint))
    elif not (isinstance(hint, type) and issubclass(hint, Enum)):
        raise TypeError(f"{where} is a {hint}, which no payload can carry")


def _resolved(hint: Any) -> Any:  # noqa: ANN401 - a hint is anything
    """Return the type behind a `NewType`."""
    while isinstance(hint, typing.NewType):
        hint = hint.__supertype__
    return hint


def _is_union(origin: object) -> bool:
    return origin in {Union, types.UnionType}


def _read(hint: Any, data: Any, where: str) -> Any:  # noqa: ANN401, PLR0911 - one return a type
    hint = _resolved(hint)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return data
    if hint in _PLAIN:
        return _read_plain(hint, data, where)
    if _is_union(origin):
        return _read_union(inner, data, where)
    if origin is Literal:
        if data not in inner:
            raise TypeError(f"{where} is not one of {inner}")
        return data
    if origin in _LISTS:
        return origin(_read(inner[0], one, where) for one in _of_type(list, data, where))
    if origin in _MAPS:
        return {k: _read(inner[1], v, where) for k, v in _of_type(dict, data, where).items()}
    if dataclasses.is_dataclass(hint):
        return _read_fields(typing.cast("type", hint), _of_type(dict, data, where))
    if hint is datetime:
        return datetime.fromisoformat(_of_type(str, data, where))
    return hint(data)


def _read_plain(hint: type, data: object, where: str) -> object:
    wrong = isinstance(data, bool) and hint is not bool
    if wrong or not isinstance(data, _PLAIN[hint]):
        raise TypeError(f"{where} is a {type(data).__name__}, not a {hint.__name__}")
    return float(data) if hint is float else data  # type: ignore[arg-type]  # judged above


def _read_union(hints: Sequence[Any], data: object, where: str) -> object:
    """Return the data as the first of the types that it fits."""
    for hint in hints:
        try:
            return _read(hint, data, where)
        except (TypeError, ValueError):
            continue
    raise TypeError(f"{where} fits none of its types")


def _read_fields(model: type, data: Mapping[str, Any]) -> object:
    hints = _hints(model)
    if unknown := set(data) - set(hints):
        raise TypeError(f"{model.__name__} has no {', '.join(sorted(unknown))}")
    values = {k: _read(hints[k], v, f"{model.__name__}.{k}") for k, v in data.items()}
    return model(**values)


def _of_type(wanted: type[T], data: object, where: str) -> T:
    if not isinstance(data, wanted):
        raise TypeError(f"{where} is a {type(data).__name__}, not a {wanted.__name__}")
    return data
