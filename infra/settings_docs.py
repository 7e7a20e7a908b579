"""Writes `docs/settings.md` and `.env.example` from the settings' declarations.

With `--check` it only compares, and answers 1 when what stands differs.
"""

import sys
from pathlib import Path

from infra.local import settings as local
from infra.local.check_settings import models
from nightshift.core.environment import SettingInfo, describe

ROOT = Path(__file__).resolve().parent.parent
MARKDOWN = ROOT / "docs" / "settings.md"
EXAMPLE = ROOT / ".env.example"

LOCAL = (
    SettingInfo(
        name="PORT",
        doc="Where the local stack answers, on 127.0.0.1.",
        kind="int",
        default=local.DEFAULT_PORT,
        unit="TCP port",
        ge=1,
        le=65535,
        choices=(),
        wiring=False,
    ),
    SettingInfo(
        name="NIGHTSHIFT_DATA_DIR",
        doc="Where the local stack keeps all state.",
        kind="str",
        default=local.DEFAULT_DATA_DIR,
        unit="folder",
        ge=None,
        le=None,
        choices=(),
        wiring=False,
    ),
    SettingInfo(
        name="NIGHTSHIFT_WORKERS",
        doc="The most processes of one function that the local stack runs at a time.",
        kind="int",
        default=local.DEFAULT_WORKERS,
        unit="processes",
        ge=1,
        le=local.MAX_WORKERS,
        choices=(),
        wiring=False,
    ),
)

HEAD = """# Settings

Written from the code by `make settings`; do not edit. Settings come from the environment, in the
local stack then from `.env`. A value out of its bounds stops the start with a message that says
what would be right.
"""
COLUMNS = "| setting | what it does | unit | default | bounds |\n|---|---|---|---|---|\n"
WIRED_HEAD = """
## Filled in by the template

These tell a function where things are; nobody sets them by hand.

| variable | what it is |
|---|---|
"""


def functions_settings() -> list[SettingInfo]:
    """Return every setting of the functions once, by name."""
    found = {info.name: info for model in models() for info in describe(model)}
    return [found[name] for name in sorted(found)]


def markdown() -> str:
    """Return the text of `docs/settings.md`."""
    settings = functions_settings()
    text = HEAD + "\n## The local stack\n\n" + COLUMNS + "".join(map(_row, LOCAL))
    text += "\n## The functions\n\n" + COLUMNS
    text += "".join(_row(info) for info in settings if not info.wiring)
    wired = [info for info in settings if info.wiring]
    return text + WIRED_HEAD + "".join(f"| `{i.name}` | {i.doc} |\n" for i in wired)


def example() -> str:
    """Return the text of `.env.example`: every setting with its default, commented out."""
    text = "# Copy to .env and uncomment what you change. Described in docs/settings.md.\n"
    for info in [*LOCAL, *(i for i in functions_settings() if not i.wiring)]:
        text += f"\n# {info.doc}{_comment_bounds(info)}\n# {info.name}={_text(info.default)}\n"
    return text


def _row(info: SettingInfo) -> str:
    unit, bounds = info.unit or "-", _bounds(info) or "-"
    return f"| `{info.name}` | {info.doc} | {unit} | `{_text(info.default)}` | {bounds} |\n"


def _comment_bounds(info: SettingInfo) -> str:
    said = ", ".join(part for part in (info.unit, _bounds(info)) if part)
    return f" ({said})" if said else ""


def _bounds(info: SettingInfo) -> str:
    if info.choices:
        return ", ".join(info.choices)
    if info.kind == "bool":
        return "0 or 1"
    if info.ge is None and info.le is None:
        return ""
    return f"{_number(info.ge)} to {_number(info.le)}"


def _number(value: float | None) -> str:
    return "any" if value is None else f"{value:.12g}"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return "" if value is None else str(value)


def main(arguments: list[str]) -> int:
    """Write both files, or with `--check` answer 1 when one differs."""
    wanted = {MARKDOWN: markdown(), EXAMPLE: example()}
    if "--check" not in arguments:
        for path, text in wanted.items():
            path.write_text(text, "utf-8")
        return 0
    stale = [p for p, t in wanted.items() if not p.is_file() or p.read_text("utf-8") != t]
    for path in stale:
        sys.stderr.write(f"{path.relative_to(ROOT)} is not what the code says: make settings\n")
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
