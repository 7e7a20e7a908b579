"""`python -m tests.mutants [part of a name ...]`: removes safety conditions; tests must fall.

Works on a copy of the tree in a temporary folder, and runs for each mutant the few test files that
are to notice, until the first of their tests falls. Before that all of those files must pass as the
code stands, so that nothing falls for another reason. A survivor is tried on all tests of jobs and
tasks, or of accounts and mail, to tell a wrong choice of files from a condition that nobody
watches; both end with 1.

Not part of `make test`: it takes about a quarter of an hour.
"""

import sys
import time

from tests.mutants.catalogue import MUTANTS
from tests.mutants.model import Mutant
from tests.mutants.tree import Tree, Verdict

WIDTH = 9


def main(arguments: list[str]) -> int:
    """Run the mutants whose names contain one of the arguments, or all."""
    wanted = [m for m in MUTANTS if not arguments or any(part in m.name for part in arguments)]
    with Tree() as tree:
        if (falling := tree.falling(wanted)) is not None:
            sys.stdout.write(f"falls as the code stands: {falling}\n")
            return 1
        fell = sum(_try(tree, mutant) for mutant in wanted)
    sys.stdout.write(f"{fell} of {len(wanted)} mutants fell\n")
    return 0 if fell == len(wanted) else 1


def _try(tree: Tree, mutant: Mutant) -> bool:
    started = time.monotonic()
    verdict, noticed = tree.judge(mutant)
    took = time.monotonic() - started
    sys.stdout.write(f"{verdict:{WIDTH}}{took:5.0f} s  {mutant.name}: {noticed}\n")
    sys.stdout.flush()
    return verdict is Verdict.FELL


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
