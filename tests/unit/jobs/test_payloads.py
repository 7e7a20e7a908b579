"""Payloads come back from JSON as they went in, or are refused when their kind is declared."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, make_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal, NewType

import pytest

from nightshift.jobs import payloads
from nightshift.jobs.kinds import JobKind

UserId = NewType("UserId", str)


class Format(StrEnum):
    """A format."""

    CSV = "csv"
    PDF = "pdf"


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A nested part."""

    since: datetime
    days: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """One field of each type."""

    owner: UserId
    format: Format
    span: Span
    spans: tuple[Span, ...] = ()
    names: list[str] = field(default_factory=list)
    parts: frozenset[Format] = frozenset()
    counts: Mapping[str, int] = field(default_factory=dict)
    mode: Literal["a", "b"] = "a"
    flag: bool = False
    anything: Any = None


WHEN = datetime(2026, 3, 2, 12, 0, 0, 1, tzinfo=UTC)
FULL = Export(
    owner=UserId("u"),
    format=Format.PDF,
    span=Span(since=WHEN, days=1.5),
    spans=(Span(since=WHEN), Span(since=WHEN, days=2)),
    names=["ü", ""],
    parts=frozenset({Format.CSV}),
    counts={"a": 1},
    mode="b",
    flag=True,
    anything={"x": [1, None]},
)


@pytest.mark.parametrize(
    "payload", [FULL, Export(owner=UserId(""), format=Format.CSV, span=Span(since=WHEN))]
)
def test_a_payload_comes_back_as_it_went_in(payload: Export) -> None:
    """Equal, and of the same types within."""
    back = payloads.decode(Export, json.loads(payloads.encode(payload)))
    assert payload == back
    assert (Format, datetime) == (type(back.format), type(back.span.since))


@pytest.mark.parametrize(
    "change",
    [
        {"owner": 1},
        {"format": "doc"},
        {"span": []},
        {"span": {"since": "yesterday"}},
        {"span": {"since": WHEN.isoformat(), "days": "1"}},
        {"spans": {"a": 1}},
        {"names": [1]},
        {"counts": {"a": True}},
        {"mode": "c"},
        {"flag": 1},
        {"unknown": 1},
    ],
    ids=str,
)
def test_what_is_none_of_the_payload_is_refused(change: dict[str, Any]) -> None:
    """By its type, its value or its name; nothing is guessed."""
    data = json.loads(payloads.encode(FULL)) | change
    with pytest.raises((TypeError, ValueError)):
        payloads.decode(Export, data)


@pytest.mark.parametrize("data", [None, [], "x", {}, {"owner": "u"}])
def test_a_payload_needs_its_fields(data: object) -> None:
    """What has no default must be there."""
    with pytest.raises(TypeError):
        payloads.decode(Export, data)


@pytest.mark.parametrize(
    "hint", [set[str], tuple[int, str], object, bytes, complex, list[bytes], datetime | bytes]
)
def test_a_kind_whose_payload_would_not_come_back_is_not_declared(hint: Any) -> None:
    """The message names the field."""
    model = make_dataclass("Bad", [("it", hint)])
    with pytest.raises(TypeError, match=r"Bad\.it"):
        JobKind(name="test.bad", payload=model, handler=lambda _: None)


def test_a_kind_needs_a_dataclass() -> None:
    """A dictionary has no fields that could be checked."""
    with pytest.raises(TypeError, match="no dataclass"):
        JobKind(name="test.bad", payload=dict, handler=lambda _: None)


def test_not_a_number_is_no_payload() -> None:
    """JSON has none."""
    with pytest.raises(ValueError, match="JSON"):
        payloads.encode(Span(since=WHEN, days=float("nan")))
