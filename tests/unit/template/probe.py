"""Prints what a function knows: its kinds with their queues, and what it asked its settings for.

Run with the function's folder and its environment: `python -m tests.unit.template.probe FOLDER`.
"""

import importlib
import json
import os
import sys
from typing import Any


class Asked(dict[str, str]):
    """An environment that remembers what it was asked for and had not."""

    def __init__(self, environ: dict[str, str]) -> None:
        super().__init__(environ)
        self.missing: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value, and remember the name where there is none."""
        if key not in self:
            self.missing.add(key)
        return super().get(key, default)


def main(folder: str) -> None:
    """Print it as JSON."""
    environ = Asked(dict(os.environ))
    os.environ = environ  # type: ignore[assignment]  # noqa: B003 - it is only read from here on
    sys.path.insert(0, folder)
    handler: Any = importlib.import_module("handler")
    bare = not hasattr(handler, "get_machine")
    machine = handler.get_context().machine if bare else handler.get_machine()
    kinds = {name: _queue_of(machine.kinds[name]) for name in machine.kinds}
    if hasattr(handler, "get_dead_queues"):
        handler.get_dead_queues()
    json.dump({"kinds": kinds, "missing": sorted(environ.missing)}, sys.stdout)


def _queue_of(kind: Any) -> str:
    """Return the queue of a declared kind; runs and notices of tasks have the engine's first."""
    return str(kind.said.queue) if hasattr(kind, "said") else "critical"


if __name__ == "__main__":
    main(sys.argv[1])
