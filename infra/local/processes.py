"""Child processes: started in groups of their own, recorded, ended with their groups.

A record of what was started lies in the data directory, so that the next start can end what a
killed runner left behind. A process is recognised by its id and its start time together, so that
another process that has been given the same id meanwhile is never touched.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_POLL_S = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """A process by its id and what `ps` says of its start."""

    pid: int
    started: str

    def is_running(self) -> bool:
        """Tell whether this very process still runs."""
        return bool(self.started) and started_at(self.pid) == self.started


class ProcessRecord:
    """The runner and the process groups that it started, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, groups: Sequence[int]) -> None:
        """Record that this process runs, and these process groups for it."""
        entries = [{"pid": pid, "started": started_at(pid)} for pid in (os.getpid(), *groups)]
        temporary = self._path.with_suffix(".tmp")
        temporary.write_text(json.dumps(entries))
        temporary.replace(self._path)

    def clear(self) -> None:
        """Forget everything: it has ended."""
        self._path.unlink(missing_ok=True)

    def running_runner(self) -> int | None:
        """Return the id of the runner that holds this data directory, if it is still alive."""
        recorded = self._read()
        return recorded[0].pid if recorded and recorded[0].is_running() else None

    def end_orphans(self, *, grace_s: float) -> int:
        """End what a dead runner left running; return how many groups that were.

        Each gets `grace_s` seconds to end on SIGTERM, since the emulator saves its state then.
        """
        orphans = [process.pid for process in self._read()[1:] if process.is_running()]
        for pid in orphans:
            end_group(pid, grace_s=grace_s)
        self.clear()
        return len(orphans)

    def _read(self) -> list[Process]:
        try:
            entries = json.loads(self._path.read_text())
            return [Process(pid=int(e["pid"]), started=str(e["started"])) for e in entries]
        except (OSError, ValueError, TypeError, KeyError):
            return []


def started_at(pid: int) -> str:
    """Return when the process started, as `ps` says it; empty when there is none."""
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
        ).stdout.strip()
    except OSError:
        return _started_in_proc(pid)


def _started_in_proc(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def end_group(pid: int, *, grace_s: float) -> None:
    """End the process group that `pid` leads: SIGTERM, then SIGKILL after `grace_s` seconds."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        while time.monotonic() < deadline:
            os.killpg(pid, 0)
            time.sleep(_POLL_S)
        os.killpg(pid, signal.SIGKILL)
