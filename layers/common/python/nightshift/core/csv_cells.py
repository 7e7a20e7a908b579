"""Cells of CSV files (RFC 4180) that no spreadsheet runs.

A cell that begins with one of a few characters is read as a formula when the file is opened; an
apostrophe before it makes it text again (OWASP, "CSV Injection").
"""

import csv
import io
from collections.abc import Sequence

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")  # noqa: RUF001 - spreadsheets read the wide forms as well


def harmless(text: str) -> str:
    """Return `text` as a cell that is shown and not run."""
    return "'" + text if text.lstrip(" ").startswith(_DANGEROUS) else text


def line(cells: Sequence[object]) -> str:
    """Return one line with its line end; None is an empty cell."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow("" if cell is None else harmless(str(cell)) for cell in cells)
    return buffer.getvalue()
