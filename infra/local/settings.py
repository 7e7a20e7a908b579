"""The local stack's own settings, and those of the functions that it passes on.

They come from the environment, then from `.env` in the project's root. What the template wires
(table names, queue addresses, ...) cannot be set from outside.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT = 8787
DEFAULT_DATA_DIR = ".nightshift"
DEFAULT_WORKERS = 32
_MAX_PORT = 65535
MAX_WORKERS = 256
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_WIRED = re.compile(
    r"NIGHTSHIFT_(STAGE|PUBLIC_URL|DATA_DIR|WORKERS|.*_(TABLE|PARAM|BUCKET|QUEUE_URL|NAME))"
)
_QUOTES = "'\""


class SettingError(Exception):
    """A setting has a bad value; the message names it and says what would be right."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalSettings:
    """How to run the local stack.

    `port` is the front's TCP port, `data_dir` where all state lives, `workers` the most processes
    of one function at a time, `functions` the settings that every function gets.
    """

    port: int
    data_dir: Path
    workers: int
    functions: Mapping[str, str]


def load_settings(root: Path, environ: Mapping[str, str]) -> LocalSettings:
    """Read the settings for the project under `root`.

    Raises:
        SettingError: a value is wrong, or a line of `.env` is no assignment.
    """
    merged = {**read_dotenv(root / ".env"), **environ}
    data_dir = Path(merged.get("NIGHTSHIFT_DATA_DIR") or DEFAULT_DATA_DIR).expanduser()
    functions = {
        name: value
        for name, value in merged.items()
        if name.startswith("NIGHTSHIFT_") and not _WIRED.fullmatch(name)
    }
    return LocalSettings(
        port=_whole(merged, "PORT", DEFAULT_PORT, 1, _MAX_PORT, "a TCP port"),
        data_dir=data_dir if data_dir.is_absolute() else root / data_dir,
        workers=_whole(
            merged, "NIGHTSHIFT_WORKERS", DEFAULT_WORKERS, 1, MAX_WORKERS, "a number of processes"
        ),
        functions=functions,
    )


def read_dotenv(path: Path) -> dict[str, str]:
    """Return the assignments in the file; nothing when there is no such file.

    Values may be quoted; `#` begins a comment at the start of a line or after a space.

    Raises:
        SettingError: a line is neither empty, nor a comment, nor an assignment.
    """
    if not path.exists():
        return {}
    found = {}
    for number, raw in enumerate(path.read_text().splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise SettingError(f"{path.name} line {number} is not NAME=value: {line!r}")
        found[match[1]] = _unquoted(match[2])
    return found


def _unquoted(text: str) -> str:
    if text[:1] and text[0] in _QUOTES and (end := text.find(text[0], 1)) > 0:
        return text[1:end]
    return text.partition(" #")[0].strip()


def _whole(  # noqa: PLR0917 - a bound's six parts, used twice below one another
    values: Mapping[str, str], name: str, default: int, low: int, high: int, what: str
) -> int:
    text = values.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise SettingError(f"{name}={text!r} must be {what} between {low} and {high}")
    return int(text)
