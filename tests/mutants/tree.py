"""A copy of the tree on which mutants are made and tests run."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Self

from tests.mutants.model import Mutant

ROOT = Path(__file__).resolve().parents[2]
LAYER = "layers/common/python/nightshift"
PARTS = ("layers", "tests", "functions", "infra", "events", "pyproject.toml", "template.yaml")
EVERYTHING = ("tests/unit/jobs", "tests/unit/tasks")
OF_ACCOUNTS = ("tests/unit/identity", "tests/unit/email")
ACCOUNTS = ("identity/", "email/", "adapters/mail")
SLOW = tuple(f"tests/unit/jobs/test_{name}.py" for name in ("crash_matrix", "crowds", "simulation"))
"""Tried last of everything."""
TIMEOUT_S = 240
"""For a mutant's own tests; what leaves one waiting for ever is noticed then."""
WHOLE_TIMEOUT_S = 1_800
ALL_PASSED = 0
NOBODY_KNOWS = "no test falls"
ENDLESS = "the tests do not end any more"
_FALLEN = re.compile(r"^(?:FAILED|ERROR) (?:tests/unit/)?(\S+)", re.MULTILINE)


class Verdict(StrEnum):
    """What came of a mutant."""

    FELL = "fell"
    SURVIVED = "SURVIVED"
    STALE = "STALE"


class Tree:
    """The copy; lasts as long as the `with` block."""

    def __enter__(self) -> Self:
        """Make the copy."""
        self._folder = tempfile.TemporaryDirectory(prefix="mutants-")
        self._root = Path(self._folder.name)
        for name in PARTS:
            if (ROOT / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, self._root / name, ignore=ignored)
            else:
                shutil.copy2(ROOT / name, self._root / name)
        return self

    def __exit__(self, *_: object) -> None:
        """Forget it."""
        self._folder.cleanup()

    def falling(self, mutants: Sequence[Mutant]) -> str | None:
        """Return what falls of the mutants' tests without any of them, None if nothing does."""
        files = sorted({file for mutant in mutants for file in _files(mutant)})
        return self._fallen(files, timeout_s=WHOLE_TIMEOUT_S, keeps_bytecode=True)

    def judge(self, mutant: Mutant) -> tuple[Verdict, str]:
        """Return what came of a mutant, and which test noticed; of a survivor, which other one."""
        path = self._root / LAYER / mutant.path
        text = path.read_text("utf-8")
        if text.count(mutant.old) != 1:
            return Verdict.STALE, f"what it removes is there {text.count(mutant.old)} times"
        with _written(path, text.replace(mutant.old, mutant.new)):
            if (noticed := self._fallen(_files(mutant))) is not None:
                return Verdict.FELL, noticed
            if mutant.path.startswith(ACCOUNTS):
                return Verdict.SURVIVED, self._fallen(OF_ACCOUNTS) or NOBODY_KNOWS
            quick = [*EVERYTHING, *(f"--ignore={file}" for file in SLOW)]
            noticed = self._fallen(quick, timeout_s=WHOLE_TIMEOUT_S)
            noticed = noticed or self._fallen(SLOW, timeout_s=WHOLE_TIMEOUT_S)
            return Verdict.SURVIVED, noticed or NOBODY_KNOWS

    def _fallen(
        self, files: Sequence[str], *, timeout_s: float = TIMEOUT_S, keeps_bytecode: bool = False
    ) -> str | None:
        """Run tests up to the first that falls and return it; what does not end falls, too."""
        command = [sys.executable, *(() if keeps_bytecode else ("-B",)), "-m", "pytest"]
        command += ["-x", "-q", "-p", "no:cacheprovider"]
        try:
            done = subprocess.run(  # noqa: S603 - our own tests
                [*command, *files],
                cwd=self._root,
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return ENDLESS
        if done.returncode == ALL_PASSED:
            return None
        found = _FALLEN.search(done.stdout)
        return found[1] if found else done.stdout[-200:]


def _files(mutant: Mutant) -> list[str]:
    return [_file(name) for name in mutant.tests]


def _file(name: str) -> str:
    name, _, test = name.partition("::")
    folder, _, stem = name.rpartition("/")
    inside = folder if folder.startswith("/") else f"/unit/{folder or 'jobs'}"
    path = f"tests{inside}/test_{stem}.py"
    return f"{path}::{test}" if test else path


@contextmanager
def _written(path: Path, text: str) -> Iterator[None]:
    """Let a file hold something else for a while; its byte code is good again afterwards."""
    before, stamp = path.read_text("utf-8"), path.stat()
    path.write_text(text, "utf-8")
    try:
        yield
    finally:
        path.write_text(before, "utf-8")
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
