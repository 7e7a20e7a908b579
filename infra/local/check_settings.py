"""Checks the functions' settings before anything starts.

Run with the handlers' interpreter, since only that one has what the settings' modules may import:
`python -m infra.local.check_settings` prints one line for each bad or unknown setting in the
environment and exits with 1 when one is bad.
"""

import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import nightshift
from nightshift.core.environment import PREFIX, SettingsError, describe, load

_OWN = frozenset({f"{PREFIX}DATA_DIR", f"{PREFIX}WORKERS", f"{PREFIX}EMULATOR_LOG"})


def main(environ: Mapping[str, str]) -> int:
    """Print what is wrong with the settings in `environ`; return the exit status."""
    bad, known = [], set(_OWN)
    for model in models():
        known |= {info.name for info in describe(model)}
        bad += problems(model, environ)
    unknown = sorted(name for name in environ if name.startswith(PREFIX) and name not in known)
    for name in unknown:
        sys.stdout.write(f"warning: {name} is no setting\n")
    for line in dict.fromkeys(bad):
        sys.stdout.write(f"{line}\n")
    return 1 if bad else 0


def models() -> Iterator[type]:
    """Yield every settings model: the dataclasses in modules called `settings`."""
    for root in nightshift.__path__:
        for path in sorted(Path(root).rglob("settings.py")):
            parts = path.relative_to(root).with_suffix("").parts
            yield from _models_of(importlib.import_module(".".join(("nightshift", *parts))))


def problems(model: type, environ: Mapping[str, str]) -> list[str]:
    """Return one sentence for each value in `environ` that `model` refuses."""
    wired = {
        info.name: info.choices[0] if info.choices else "1"
        for info in describe(model)
        if info.wiring or info.default is None
    }
    try:
        load(model, {**environ, **wired})
    except SettingsError as error:
        return error.message.split("; ")
    return []


def _models_of(module: ModuleType) -> Iterator[type]:
    for value in vars(module).values():
        if isinstance(value, type) and value.__module__ == module.__name__ and _is_model(value):
            yield value


def _is_model(kind: type) -> bool:
    fields = getattr(kind, "__dataclass_fields__", {}).values()
    return bool(fields) and all("doc" in field.metadata for field in fields)


if __name__ == "__main__":
    sys.exit(main(os.environ))
