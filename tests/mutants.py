"""`python -m tests.mutants [name]`: removes each safety condition in turn; a test must fall.

Works on a copy of the tree in a temporary folder. Prints one line a mutant and ends with 1 if one
survives. Not part of `make test`: it runs the suites of the engine once for each mutant.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutants_of_access import ACCESS
from tests.support.mutant import Mutant

ROOT = Path(__file__).resolve().parent.parent
LAYER = "layers/common/python/nightshift"
ENGINE_TESTS = (
    "tests/unit/jobs/test_races.py",
    "tests/unit/tasks/test_runs_of_tasks.py",
    "tests/unit/tasks/test_tasks_service.py",
    "tests/unit/jobs/test_tick.py",
    "tests/unit/jobs/test_reviewed.py",
    "tests/unit/jobs/test_batches.py",
    "tests/unit/jobs/test_sweeps.py",
    "tests/unit/jobs/test_fault_matrix.py",
    "tests/unit/jobs/test_owned.py",
    "tests/unit/jobs/test_checkpoints.py",
    "tests/unit/jobs/test_bulk.py",
    "tests/unit/jobs/test_pauses.py",
)
TIMEOUT_S = 240
TESTS_FAILED, INTERRUPTED = 1, 2
"""pytest's exit codes; a suite that cannot even be collected has noticed, too."""


MUTANTS = (
    Mutant(
        name="claim without the owner token",
        path="jobs/store.py",
        old='condition = Condition(expression="tok = :seen", values={":seen": seen.token})\n'
        "        self._put_mine(item, condition, token=seat.token)",
        new="condition = None\n        self._put_mine(item, condition, token=seat.token)",
    ),
    Mutant(
        name="lost answer taken for a rival",
        path="jobs/store.py",
        old='if error.item is None or error.item.get("tok") != token:',
        new="if True:",
    ),
    Mutant(
        name="record written over whatever stands",
        path="jobs/store.py",
        old='condition = Condition(expression="tok = :seen", values={":seen": seen.token})\n'
        "        self._put_mine(item, condition, token=record.token)",
        new="condition = None\n        self._put_mine(item, condition, token=record.token)",
    ),
    Mutant(
        name="first record written over one that came before",
        path="jobs/store.py",
        old="item = record_item(record, expires_at=self.expiry(record.next_ms or 0))\n"
        "        condition = NOT_EXISTS",
        new="item = record_item(record, expires_at=self.expiry(record.next_ms or 0))\n"
        "        condition = None",
    ),
    Mutant(
        name="lease never over",
        path="jobs/decision.py",
        old="if seat.lease_ms > now_ms:\n        return Hold",
        new="if True:\n        return Hold",
    ),
    Mutant(
        name="lease always over",
        path="jobs/decision.py",
        old="if seat.lease_ms > now_ms:\n        return Hold",
        new="if False:\n        return Hold",
    ),
    Mutant(
        name="ended jobs run again",
        path="jobs/decision.py",
        old="if record is not None and record.is_terminal:",
        new="if False:",
    ),
    Mutant(
        name="old attempts are not told from new ones",
        path="jobs/decision.py",
        old="if message.attempt <= closed:",
        new="if False:",
    ),
    Mutant(
        name="early messages start early",
        path="jobs/decision.py",
        old="if start_ms > now_ms + EARLY_TOLERANCE_MS:",
        new="if False:",
    ),
    Mutant(
        name="the worker does not wait for the second",
        path="jobs/worker.py",
        old="        await self._wait_for(claimed.seat.started_ms)\n",
        new="",
    ),
    Mutant(
        name="overlap is not looked at",
        path="jobs/decision.py",
        old="if look.seat is not None and _is_held(look.seat, look.holder, message):",
        new="if False:",
    ),
    Mutant(
        name="a refusal is not looked at",
        path="jobs/decision.py",
        old="if refusal is not None:",
        new="if False:",
    ),
    Mutant(
        name="acknowledged although it failed",
        path="jobs/worker.py",
        old='done = Done(what="crashed", acknowledge=False)',
        new='done = Done(what="crashed", acknowledge=True)',
    ),
    Mutant(
        name="the retry is not queued",
        path="jobs/engine.py",
        old="            self._resend(record.ref, record.closed + 1, "
        "record.next_ms or self._now_ms())\n            return",
        new="            return",
    ),
    Mutant(
        name="an interrupted settlement is not finished",
        path="jobs/engine.py",
        old="                if record is not None:\n"
        "                    self._follow(record)\n"
        "                return Done(what=reason, ref=ref)",
        new="                return Done(what=reason, ref=ref)",
    ),
    Mutant(
        name="ticks do not lease the cursor",
        path="jobs/agenda.py",
        old="attribute_not_exists(pk) OR lease <= :now OR tok = :tok",
        new="attribute_not_exists(pk) OR lease <= :now OR tok <> :tok OR tok = :tok",
    ),
    Mutant(
        name="a lost lease still moves the cursor",
        path="jobs/agenda.py",
        old='condition=Condition(expression="tok = :tok", values={":tok": token}),\n'
        "            values=values | ",
        new="condition=None,\n            values=values | ",
    ),
    Mutant(
        name="nothing is claimed before it is sent",
        path="jobs/tick.py",
        old="        self._agenda.claim("
        "manifest, name=name, check_ms=latest_ms + CHECK_AFTER_MS)\n",
        new="",
    ),
    Mutant(
        name="a direct send is not claimed",
        path="jobs/service.py",
        old="        if not messages:\n            return []\n        latest",
        new="        if messages:\n            return []\n        latest",
    ),
    Mutant(
        name="the cursor moves before the minute is done",
        path="jobs/tick.py",
        old="            parts = self._minute(before + 1, parts, deadline)\n",
        new="            early = Progress(minute=before + 1, parts={})\n"
        "            self._agenda.advance(keys.TICK, token, early, release=False)\n"
        "            parts = self._minute(before + 1, parts, deadline)\n",
    ),
    Mutant(
        name="the task's epoch is not looked at",
        path="tasks/jobs.py",
        old="if ref.epoch != task.epoch:",
        new="if False:",
    ),
    Mutant(
        name="the version before is not looked at",
        path="tasks/store.py",
        old='expression="#ver = :before"',
        new='expression="#ver = :before OR #ver <> :before"',
    ),
    Mutant(
        name="the place within a minute is lost",
        path="jobs/tick.py",
        old="_END if p.place is None else p.place",
        new="p.place or _END",
    ),
    Mutant(
        name="one bad group stops all",
        path="jobs/bucket.py",
        old="except (NightshiftError, UnreadableMessageError) as error:",
        new="except ZeroDivisionError as error:",
    ),
    Mutant(
        name="a delete does not ask for the version",
        path="tasks/store.py",
        old='expression="#ver = :seen"',
        new='expression="#ver = :seen OR #ver <> :seen"',
    ),
    Mutant(
        name="poison is never given up",
        path="jobs/retry.py",
        old="if not retryable or retry_number > max_retries:",
        new="if not retryable:",
    ),
    Mutant(
        name="a retry reopens whatever stands",
        path="jobs/owned.py",
        old='condition=Condition(expression="tok = :seen", values={":seen": seen.token}),',
        new="condition=None,",
    ),
    Mutant(
        name="a retry does not take its unique key",
        path="jobs/owned.py",
        old="        if order.unique_key is None:\n            return []",
        new="        if True:\n            return []",
    ),
    Mutant(
        name="a late attempt saves its checkpoint",
        path="jobs/checkpoints.py",
        old="attribute_not_exists(pk) OR a <= :mine",
        new="attribute_not_exists(pk) OR a <= :mine OR a > :mine",
    ),
    Mutant(
        name="a bulk retry retries whatever stands",
        path="jobs/bulk.py",
        old='seen=Token(token or "")',
        new="seen=None",
    ),
    Mutant(
        name="a bulk job acts before it saves",
        path="jobs/bulk.py",
        old="        if state.targets:\n",
        new="        if False:\n",
    ),
    Mutant(
        name="a worker drops what comes to a paused queue",
        path="jobs/worker.py",
        old="            await self._call(lambda: self._hold([message]))\n",
        new="",
    ),
    Mutant(
        name="what was held is forgotten before it is sent",
        path="jobs/sweeper.py",
        old="self._dispatcher.send(messages)\n            self._queues.forget(messages)\n",
        new="self._queues.forget(messages)\n            self._dispatcher.send(messages)\n",
    ),
    Mutant(
        name="what was held is not claimed again",
        path="jobs/sweeper.py",
        old='            self._keep(messages, 0, f"H#{self._new_token()}", 0)\n',
        new="",
    ),
    Mutant(
        name="a pause that has just ended is forgotten at once",
        path="jobs/queues.py",
        old='if item["end"] + LATE_HELD_MS < to_ms(self._clock.now()):',
        new="if True:",
    ),
    *ACCESS,
)


def main(arguments: list[str]) -> int:
    """Run the mutants whose names contain the argument, or all."""
    wanted = [m for m in MUTANTS if not arguments or arguments[0] in m.name]
    survivors = [m.name for m in wanted if not _is_killed(m)]
    sys.stdout.write(f"{len(wanted) - len(survivors)} of {len(wanted)} mutants fell\n")
    return 1 if survivors else 0


def _is_killed(mutant: Mutant) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for name in ("layers", "tests", "functions", "infra"):
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", tree)
        path = tree / LAYER / mutant.path
        text = path.read_text("utf-8")
        if text.count(mutant.old) != 1:
            sys.stdout.write(f"STALE     {mutant.name}: the text is not there once\n")
            return False
        path.write_text(text.replace(mutant.old, mutant.new), "utf-8")
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        killed = _falls([*command, *(mutant.tests or ENGINE_TESTS)], tree)
    sys.stdout.write(f"{'fell    ' if killed else 'SURVIVED'}  {mutant.name}\n")
    sys.stdout.flush()
    return killed


def _falls(command: list[str], tree: Path) -> bool:
    """Run the tests; a suite that does not end any more has noticed, too."""
    try:
        done = subprocess.run(  # noqa: S603 - our own tests
            command, cwd=tree, capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    return done.returncode in {TESTS_FAILED, INTERRUPTED}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
