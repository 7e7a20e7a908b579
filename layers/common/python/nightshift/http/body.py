"""Reading JSON strictly: what two parsers could read differently is refused (RFC 8259, RFC 7493).

Duplicate names, NaN and Infinity, numbers that no double or 38-digit decimal can hold, lone
surrogates and deep nesting never reach a model.
"""

import json
import math

from nightshift.http.errors import MalformedJsonError

MAX_DEPTH = 32
MAX_INT_DIGITS = 38


def read_json(data: bytes) -> object:
    """Return the value that `data` holds.

    Raises:
        MalformedJsonError: saying what is wrong and, where it is known, at which byte.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedJsonError(f"The body is not UTF-8 (byte {error.start}).") from error
    try:
        value = json.loads(
            text,
            object_pairs_hook=_no_duplicates,
            parse_constant=_no_constant,
            parse_int=_bounded_int,
            parse_float=_finite_float,
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise MalformedJsonError(f"The body is not valid JSON: {error.msg} at {where}.") from error
    except RecursionError as error:
        raise MalformedJsonError(_TOO_DEEP) from error
    _check_tree(value)
    return value


_TOO_DEEP = f"The body is nested deeper than {MAX_DEPTH} levels."


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]  # add answers None
        raise MalformedJsonError(f"The name {_shown(twice)} stands twice in one object.")
    return found


def _no_constant(name: str) -> object:
    raise MalformedJsonError(f"{name} is not JSON; use null or a number.")


def _bounded_int(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_INT_DIGITS:
        raise MalformedJsonError(f"A number has more than {MAX_INT_DIGITS} digits.")
    return int(digits)


def _finite_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise MalformedJsonError("A number is too large for a 64-bit float.")
    return number


def _check_tree(root: object) -> None:
    stack: list[tuple[object, int]] = [(root, 1)]
    while stack:
        value, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise MalformedJsonError(_TOO_DEEP)
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, dict):
            for name, inner in value.items():
                _check_text(name)
                stack.append((inner, depth + 1))
        elif isinstance(value, list):
            stack.extend((inner, depth + 1) for inner in value)


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        message = f"A text holds half a surrogate pair (\\u{ord(text[error.start]):04x})."
        raise MalformedJsonError(message) from error


def _shown(name: str) -> str:
    return json.dumps(name[:60])
