"""Tokens, document paths and the scope of `#names` and `:values` of DynamoDB's expressions.

Grammar: developer guide, "Condition and filter expressions, operators, and functions" and "Update
expressions"; the wording of errors follows the service.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Final, NamedTuple

from tests.support.dynamo.errors import RejectedError, invalid
from tests.support.dynamo.values import Plain, PlainItem, Wire, read_value

RESERVED: Final = frozenset(
    FilePath(__file__).with_name("reserved_words.txt").read_text(encoding="ascii").split()
)
MAX_EXPRESSION_BYTES = 4096
_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z][A-Za-z0-9_]*)|(?P<name>\#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)"
    r"|(?P<index>\d+)|(?P<sign><>|<=|>=|[=<>(),.\[\]+-]))"
)


class Missing:
    """The type of `MISSING`."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


@dataclass(frozen=True, slots=True)
class Token:
    """One token; `kind` is word, name, value, index, sign or end."""

    kind: str
    text: str


class Scope(NamedTuple):
    """What `#names` and `:values` stand for in one request."""

    names: Mapping[str, str]
    values: Mapping[str, Plain]


NO_SCOPE: Final = Scope({}, {})


Step = str | int


@dataclass(frozen=True, slots=True)
class Path:
    """A document path: attribute names, `#names` still to be replaced, and list indexes."""

    steps: tuple[Step, ...]

    def resolve(self, scope: Scope) -> tuple[Step, ...]:
        """Return the steps with `#names` replaced."""
        if not scope.names:
            return self.steps
        return tuple(
            scope.names[s] if isinstance(s, str) and s.startswith("#") else s for s in self.steps
        )

    def find(self, item: PlainItem, scope: Scope) -> Plain | Missing:
        """Return the value at the path, or MISSING."""
        if len(self.steps) == 1 and not scope.names:
            return item.get(self.steps[0], MISSING)  # type: ignore[arg-type]  # a name comes first
        return find_at(item, self.resolve(scope))


def find_at(root: Plain, steps: tuple[Step, ...]) -> Plain | Missing:
    """Return the value at resolved steps below `root`, or MISSING."""
    value: Plain | Missing = root
    for step in steps:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step, MISSING)
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step] if step < len(value) else MISSING
        else:
            return MISSING
    return value


def path_text(steps: tuple[Step, ...]) -> str:
    """Return steps as the service prints them in its errors."""
    return "[" + ", ".join(f"[{s}]" if isinstance(s, int) else s for s in steps) + "]"


class Cursor:
    """A reader of one expression; remembers which `#names` and `:values` it met."""

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self.names: set[str] = set()
        self.values: set[str] = set()
        self.last_group: object = None
        self._tokens = self._split(text)
        self._at = 0

    def _split(self, text: str) -> list[Token]:
        if not text.strip():
            raise self.error("The expression can not be empty;")
        if len(text.encode()) > MAX_EXPRESSION_BYTES:
            raise self.error("Expression size has exceeded the maximum allowed size;")
        tokens, at, end = [], 0, len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None:
                near = text[at:].strip()
                raise self.error(f'Syntax error; token: "{near[0]}", near: "{near[:10]}"')
            tokens.append(Token(match.lastgroup or "", match[match.lastgroup or 0]))
            at = match.end()
        return [*tokens, Token("end", "<EOF>")]

    def error(self, message: str) -> RejectedError:
        """Return the refusal of this expression."""
        return invalid(f"Invalid {self.kind}: {message}")

    def unexpected(self) -> RejectedError:
        """Return the refusal of the token at hand."""
        near = " ".join(t.text for t in self._tokens[max(0, self._at - 1) : self._at + 2])
        return self.error(f'Syntax error; token: "{self.peek().text}", near: "{near}"')

    def peek(self, ahead: int = 0) -> Token:
        """Return a token without taking it."""
        return self._tokens[min(self._at + ahead, len(self._tokens) - 1)]

    def take(self) -> Token:
        """Take the next token."""
        token = self.peek()
        self._at += 1
        return token

    def at_word(self, *words: str) -> bool:
        """Tell whether the next token is one of these keywords, in any case."""
        token = self.peek()
        return token.kind == "word" and token.text.upper() in words

    def at_sign(self, *signs: str) -> bool:
        """Tell whether the next token is one of these signs."""
        token = self.peek()
        return token.kind == "sign" and token.text in signs

    def skip_sign(self, sign: str) -> bool:
        """Take the sign if it is next; tell whether it was."""
        if not self.at_sign(sign):
            return False
        self._at += 1
        return True

    def expect_sign(self, sign: str) -> None:
        """Take the sign or refuse."""
        if not self.skip_sign(sign):
            raise self.unexpected()

    def expect_word(self, word: str) -> None:
        """Take the keyword or refuse."""
        if not self.at_word(word):
            raise self.unexpected()
        self._at += 1

    def expect_end(self) -> None:
        """Refuse anything that is left."""
        if self.peek().kind != "end":
            raise self.unexpected()

    def take_value(self) -> str:
        """Take a `:value` and return its name."""
        if self.peek().kind != "value":
            raise self.unexpected()
        text = self.take().text
        self.values.add(text)
        return text

    def take_path(self) -> Path:
        """Take a document path.

        Raises:
            RejectedError: no path here, or a reserved word used bare.
        """
        steps: list[Step] = [self._take_name()]
        while True:
            if self.skip_sign("."):
                steps.append(self._take_name())
            elif self.skip_sign("["):
                if self.peek().kind != "index":
                    raise self.unexpected()
                steps.append(int(self.take().text))
                self.expect_sign("]")
            else:
                return Path(tuple(steps))

    def _take_name(self) -> str:
        token = self.peek()
        if token.kind == "name":
            self.names.add(token.text)
        elif token.kind != "word":
            raise self.unexpected()
        elif token.text.upper() in RESERVED:
            raise self.error(
                f"Attribute name is a reserved keyword; reserved keyword: {token.text}"
            )
        return self.take().text


def read_scope(request: Wire) -> Scope:
    """Return the names and values of a request.

    Raises:
        RejectedError: a malformed name, or a value that is no attribute value.
    """
    names = request.get("ExpressionAttributeNames")
    values = request.get("ExpressionAttributeValues")
    if names is not None:
        _check_prefix("ExpressionAttributeNames", names, "#")
    if values is None:
        return Scope(names or {}, {})
    _check_prefix("ExpressionAttributeValues", values, ":")
    return Scope(names or {}, {k: read_value(v)[0] for k, v in values.items()})


def _check_prefix(parameter: str, entries: Mapping[str, object], prefix: str) -> None:
    if not entries:
        raise invalid(f"{parameter} must not be empty")
    malformed = _first_malformed(tuple(entries), prefix)
    if malformed is not None:
        raise invalid(f'{parameter} contains invalid key: Syntax error; key: "{malformed}"')


@lru_cache(maxsize=4096)
def _first_malformed(keys: tuple[str, ...], prefix: str) -> str | None:
    for key in keys:
        if not key.startswith(prefix) or not key[1:].replace("_", "a").isalnum():
            return key
    return None


def check_scope(request: Wire, scope: Scope, uses: list[tuple[str, Cursor]]) -> None:
    """Refuse names and values that are used and not given, or given and not used.

    `uses` are the parsed expressions of the request by parameter name.

    Raises:
        RejectedError: with the first that is missing or superfluous.
    """
    if len(uses) == 1:
        only = uses[0][1]
        if only.names == scope.names.keys() and only.values == scope.values.keys():
            return
    _check_uses(request, scope, uses)


def _check_uses(request: Wire, scope: Scope, uses: list[tuple[str, Cursor]]) -> None:
    used_names: set[str] = set()
    used_values: set[str] = set()
    for kind, cursor in uses:
        used_names |= cursor.names
        used_values |= cursor.values
        for name in sorted(cursor.names - scope.names.keys()):
            raise invalid(
                f"Invalid {kind}: An expression attribute name used in the document path is not "
                f"defined; attribute name: {name}"
            )
        for value in sorted(cursor.values - scope.values.keys()):
            raise invalid(
                f"Invalid {kind}: An expression attribute value used in expression is not "
                f"defined; attribute value: {value}"
            )
    _check_unused(request, "Names", scope.names.keys() - used_names, has_uses=bool(uses))
    _check_unused(request, "Values", scope.values.keys() - used_values, has_uses=bool(uses))


def _check_unused(request: Wire, what: str, unused: set[str], *, has_uses: bool) -> None:
    parameter = f"ExpressionAttribute{what}"
    if parameter in request and not has_uses:
        raise invalid(f"{parameter} can only be specified when using expressions")
    if unused:
        listed = ", ".join(sorted(unused))
        raise invalid(f"Value provided in {parameter} unused in expressions: keys: {{{listed}}}")
