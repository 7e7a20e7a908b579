"""Cells of CSV files that no spreadsheet runs."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightshift.core.csv_cells import harmless, line


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", " ="])
def test_a_formula_becomes_text(start: str) -> None:
    """An apostrophe stands before what a spreadsheet would run."""
    assert "'" + start + "1+1" == harmless(start + "1+1")


@pytest.mark.parametrize("text", ["", "a", "1", "a=1", "'=1", "2026-11-22T12:00:00Z", "{}"])
def test_other_text_stays(text: str) -> None:
    """What is no formula is not touched."""
    assert text == harmless(text)


@given(st.lists(st.none() | st.text(st.characters(exclude_characters="\x00")), min_size=2))
def test_a_line_is_read_as_it_was_written(cells: list[str | None]) -> None:
    """Whatever quotes, commas and line breaks are in it (RFC 4180)."""
    text = line(cells)
    (row,) = csv.reader(io.StringIO(text, newline=""))
    assert text.endswith("\r\n")
    assert ["" if c is None else harmless(c) for c in cells] == row
