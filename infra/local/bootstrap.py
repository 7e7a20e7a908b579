"""Virtual environments from the locked requirements, made with nothing but Python itself.

Run as a script with any Python 3.11 or newer: `python3 infra/local/bootstrap.py stack handlers`.
An environment is made when it is missing and brought up to date when its lock or the interpreter
changed; a stamp in it says what it was made from. Importing this module needs no other package.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = {
    "stack": "stack.txt",
    "handlers": "runtime.txt",
    "dev": "dev.txt",
    "sam": "sam.txt",
    "bench": "bench.txt",
}
OLDEST = (3, 11)
_CANDIDATES = ("python3.13", "python3.12", "python3.11", "python3.14", "python3", "python")
_PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q", "-q")


def main() -> int:
    """Make the environments named on the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", choices=sorted(ENVIRONMENTS))
    names = parser.parse_args().names
    if sys.version_info < OLDEST:
        return run_with_newer(sys.argv[1:])
    for name in names:
        ensure(name)
    return 0


def run_with_newer(arguments: list[str]) -> int:
    """Run this script again with a Python that is new enough; say so when there is none."""
    wanted = f"sys.exit(sys.version_info < {OLDEST})"
    for candidate in _CANDIDATES:
        found = shutil.which(candidate)
        if found and subprocess.call([found, "-c", f"import sys; {wanted}"]) == 0:
            return subprocess.call([found, __file__, *arguments])
    version = ".".join(map(str, OLDEST))
    sys.stderr.write(f"Python {version} or newer is needed; this is {sys.version.split()[0]}\n")
    return 1


def ensure(name: str, root: Path = ROOT) -> bool:
    """Make or update the environment; return whether anything had to be done.

    Raises:
        subprocess.CalledProcessError: pip failed; its output is on the terminal.
    """
    directory = root / ".venvs" / name
    lock = root / "requirements" / ENVIRONMENTS[name]
    stamp, wanted = directory / "stamp", fingerprint(lock)
    if stamp.exists() and stamp.read_text() == wanted:
        return False
    sys.stdout.write(f"making .venvs/{name} from requirements/{lock.name} ...\n")
    sys.stdout.flush()
    python = directory / "bin" / "python"
    if not python.exists():
        subprocess.check_call([sys.executable, "-m", "venv", "--clear", str(directory)])
    if _has_no_pip(python):
        subprocess.check_call([str(python), "-m", "ensurepip"], stdout=subprocess.DEVNULL)
    # The lock names everything, so there is nothing to resolve.
    subprocess.check_call([str(python), *_PIP, "--require-hashes", "--no-deps", "-r", str(lock)])
    subprocess.check_call(
        [str(python), "-m", "compileall", "-q", "-j", "0", str(directory / "lib")],
        stdout=subprocess.DEVNULL,
    )
    stamp.write_text(wanted)
    return True


def fingerprint(lock: Path) -> str:
    """Return what an environment made now from `lock` is recognised by."""
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    return f"{sys.implementation.cache_tag} {os.uname().machine} {digest}\n"


def _has_no_pip(python: Path) -> bool:
    return subprocess.call([str(python), "-c", "import pip"], stderr=subprocess.DEVNULL) != 0


if __name__ == "__main__":
    sys.exit(main())
