"""`python -m infra.local dev|demo|bare`, with the stack's interpreter."""

import argparse
import os
import sys
from pathlib import Path

from infra.local.runner import run
from infra.local.terminal import Terminal


def main() -> int:
    """Read the command line and run; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=__doc__)
    parser.add_argument("command", choices=["dev", "demo", "bare"])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    arguments = parser.parse_args()
    return run(arguments.command, arguments.root, os.environ, Terminal())


if __name__ == "__main__":
    sys.exit(main())
