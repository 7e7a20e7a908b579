"""Base models and field types of the API's inputs and answers.

Models are built when they are first used, not when they are imported: a cold start pays for the
one route that it serves.
"""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from nightshift.core.clock import parse_rfc3339, rfc3339
from nightshift.core.pagination import DEFAULT_LIMIT, MAX_CURSOR_CHARS, MAX_LIMIT


class ApiModel(BaseModel):
    """A JSON body: unknown fields are refused and nothing is guessed ("1" is no number)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class QueryModel(BaseModel):
    """A query string: unknown parameters are refused; texts become the field's type."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class NoBody(ApiModel):
    """No body, or an empty object."""


class NoQuery(QueryModel):
    """No query parameters."""


class PageQuery(QueryModel):
    """What every list takes; add filters by inheriting."""

    limit: int = Field(
        default=DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="How many items to return at most."
    )
    cursor: str | None = Field(
        default=None,
        max_length=MAX_CURSOR_CHARS,
        description="The `next_cursor` of the page before; leave it out to begin.",
    )


def _read_time(value: object) -> object:
    return parse_rfc3339(value) if isinstance(value, str) else value


UtcTime = Annotated[
    datetime,
    BeforeValidator(_read_time),
    PlainSerializer(rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A time as RFC 3339; read with any offset, written in UTC with `Z`."""


def printable(text: str) -> str:
    """Return the text if it is one line that can be shown."""
    if not text.isprintable():
        raise ValueError("This text has no line breaks or control characters")
    return text


def distinct(items: list[str]) -> list[str]:
    """Return the list if nothing stands in it twice."""
    if len(set(items)) < len(items):
        raise ValueError("Each may stand only once")
    return items
