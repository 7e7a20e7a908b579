"""Attribute values: DynamoDB's typed form to plain Python and back, and the bytes they bill.

Plain means: S str, N int or Decimal, B bytes, BOOL bool, NULL None, L list, M dict, and `ValueSet`
for the sets.
Stored plain values are never changed in place, so they may be shared.

Sizes follow "DynamoDB item sizes and formats" in the developer guide: names and strings count their
UTF-8 bytes, numbers one byte per two significant digits and one more (one more again for a minus
sign, which the guide leaves out and the maximum of 21 implies), binary its bytes, null and
booleans one, lists and maps three and one for each element. Sets count the sum of their elements.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from tests.support.dynamo.errors import RejectedError, invalid, invalid_parameter

Plain = object
PlainItem = dict[str, Plain]
Wire = Mapping[str, Any]

MAX_DIGITS = 38
MAX_EXPONENT = 125
MIN_EXPONENT = -130
MAX_DEPTH = 32
ARITHMETIC = Context(prec=MAX_DIGITS, rounding=ROUND_HALF_UP, Emax=999, Emin=-999)
_EXACT = Context(prec=200, Emax=9999, Emin=-9999)
_CONTAINER_BYTES = 3
_TRUSTED_DIGITS = 18


@dataclass(frozen=True, slots=True)
class ValueSet:
    """A set of one type: SS, NS or BS."""

    kind: str
    members: frozenset[Any]


def utf8_len(text: str) -> int:
    """Return the bytes of `text` in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def read_item(wire: Wire) -> tuple[PlainItem, int]:
    """Return the plain form of an item and its size in bytes.

    Raises:
        RejectedError: a value is no attribute value.
    """
    item: PlainItem = {}
    size = 0
    for name, value in wire.items():
        item[name], value_size = read_value(value)
        size += utf8_len(name) + value_size
    return item, size


def read_value(wire: Wire, depth: int = 0) -> tuple[Plain, int]:
    """Return the plain form of one typed value and its size in bytes."""
    if len(wire) != 1:
        raise invalid(
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes"
            if wire
            else "Supplied AttributeValue is empty, must contain exactly one of the supported "
            "datatypes"
        )
    if depth > MAX_DEPTH:
        raise invalid("Nesting Levels have exceeded supported limits")
    ((kind, raw),) = wire.items()
    if kind == "S" and type(raw) is str:
        return raw, utf8_len(raw)
    if kind == "N" and type(raw) is str:
        return _read_sized_number(raw)
    if kind == "M":
        return _read_map(raw, depth)
    if kind == "L":
        return _read_list(raw, depth)
    return _read_scalar(kind, raw)


def _read_scalar(kind: str, raw: Any) -> tuple[Plain, int]:
    if kind == "S" and isinstance(raw, str):
        return raw, utf8_len(raw)
    if kind == "N" and isinstance(raw, str):
        number = read_number(raw)
        return number, number_size(number)
    if kind == "BOOL" and isinstance(raw, bool):
        return raw, 1
    if kind == "NULL":
        if raw is not True:
            raise invalid_parameter("Null attribute value types must have the value of true")
        return None, 1
    if kind == "B" and isinstance(raw, bytes | bytearray):
        return bytes(raw), len(raw)
    if kind in {"SS", "NS", "BS"}:
        return _read_set(kind, raw)
    raise RejectedError(
        "SerializationException", f"{type(raw).__name__} is no value of type {kind}"
    )


def _read_list(raw: list[Wire], depth: int) -> tuple[list[Plain], int]:
    values, size = [], _CONTAINER_BYTES
    for wire in raw:
        plain, value_size = read_value(wire, depth + 1)
        values.append(plain)
        size += value_size + 1
    return values, size


def _read_map(raw: Wire, depth: int) -> tuple[PlainItem, int]:
    values: PlainItem = {}
    size = _CONTAINER_BYTES
    for name, wire in raw.items():
        plain, value_size = read_value(wire, depth + 1)
        values[name] = plain
        size += utf8_len(name) + value_size + 1
    return values, size


def _read_set(kind: str, raw: list[Any]) -> tuple[ValueSet, int]:
    members = [read_value({kind[0]: member}) for member in raw]
    if not members:
        noun = {"SS": "string", "NS": "number", "BS": "binary"}[kind]
        raise invalid_parameter(f"An {noun} set  may not be empty")
    distinct = frozenset(plain for plain, _ in members)
    if len(distinct) != len(members):
        raise invalid_parameter("Input collection contains duplicates.")
    return ValueSet(kind, distinct), sum(size for _, size in members)


@lru_cache(maxsize=1 << 16)
def _read_sized_number(raw: str) -> tuple[int | Decimal, int]:
    number = read_number(raw)
    return number, number_size(number)


def read_number(raw: str) -> int | Decimal:
    """Return the number that the text stands for, an int where it is whole.

    Raises:
        RejectedError: no number, more than 38 significant digits, or out of range.
    """
    if len(raw) <= _TRUSTED_DIGITS and raw.isascii() and raw.removeprefix("-").isdigit():
        return int(raw)
    try:
        number = _EXACT.create_decimal(raw)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or raw != raw.strip():
        raise invalid("The parameter cannot be converted to a numeric value: " + raw)
    return checked_number(number)


def checked_number(number: int | Decimal) -> int | Decimal:
    """Return the number in normal form.

    Raises:
        RejectedError: more than 38 significant digits, or out of range.
    """
    normal = _EXACT.normalize(Decimal(number))
    if len(normal.as_tuple().digits) > MAX_DIGITS:
        raise invalid("Attempting to store more than 38 significant digits in a Number")
    if normal and normal.adjusted() > MAX_EXPONENT:
        raise invalid(
            "Number overflow. Attempting to store a number with magnitude larger than supported "
            "range"
        )
    if normal and normal.adjusted() < MIN_EXPONENT:
        raise invalid(
            "Number underflow. Attempting to store a number with magnitude smaller than supported "
            "range"
        )
    return int(normal) if normal == normal.to_integral_value() else normal


@lru_cache(maxsize=1 << 16)
def number_size(number: int | Decimal) -> int:
    """Return the bytes that a number bills."""
    if isinstance(number, int):
        digits = str(abs(number)).rstrip("0")
    else:
        digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    return (len(digits) + 1) // 2 + 1 + (number < 0)


def value_size(value: Plain) -> int:  # noqa: PLR0911 - one return for each type
    """Return the bytes of a plain value, without its attribute's name."""
    if isinstance(value, str):
        return utf8_len(value)
    if value is None or isinstance(value, bool):
        return 1
    if isinstance(value, dict):
        return _CONTAINER_BYTES + len(value) + item_size(value)
    if isinstance(value, int | Decimal):
        return number_size(value)
    if isinstance(value, list):
        return _CONTAINER_BYTES + len(value) + sum(map(value_size, value))
    if isinstance(value, ValueSet):
        return sum(map(value_size, value.members))
    if isinstance(value, bytes):
        return len(value)
    raise TypeError(f"{type(value).__name__} is no plain value")


def item_size(item: PlainItem) -> int:
    """Return the bytes of a plain item."""
    return sum(utf8_len(name) + value_size(value) for name, value in item.items())


def kind_of(value: Plain) -> str:  # noqa: PLR0911 - one return for each type
    """Return the type's letter in DynamoDB's typed form."""
    if isinstance(value, str):
        return "S"
    if isinstance(value, bool):
        return "BOOL"
    if isinstance(value, int | Decimal):
        return "N"
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return "B"
    if isinstance(value, list):
        return "L"
    if isinstance(value, dict):
        return "M"
    if isinstance(value, ValueSet):
        return value.kind
    raise TypeError(f"{type(value).__name__} is no plain value")


def write_item(item: PlainItem) -> dict[str, Any]:
    """Return the typed form of a plain item, a new object throughout."""
    return {name: write_value(value) for name, value in item.items()}


def write_value(value: Plain) -> dict[str, Any]:  # noqa: PLR0911 - one return for each type
    """Return the typed form of a plain value."""
    kind = type(value)
    if kind is str:
        return {"S": value}
    if kind is int:
        return {"N": str(value)}
    if isinstance(value, dict):
        return {"M": {name: write_value(part) for name, part in value.items()}}
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int | Decimal):
        return {"N": _number_text(value)}
    if isinstance(value, list):
        return {"L": [write_value(part) for part in value]}
    if isinstance(value, ValueSet):
        members = sorted(value.members)
        return {value.kind: [_number_text(m) if value.kind == "NS" else m for m in members]}
    return {"S": str(value)} if isinstance(value, str) else {"B": value}


def _number_text(number: int | Decimal) -> str:
    return str(number) if isinstance(number, int) else format(number, "f")
