"""Crowds that ask for reports at once, on the local stack: what they get, and how many jobs.

`python -m tests.load.bench_crowd [sizes]` starts a stack of its own. For each size so many threads
ask for one report that is not there, half by the API and half by its page; then for two users at
once, and for one user with two periods. Each answer must be valid, there must be one job for each
report, and never two at a time of one user.
"""

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from tests.integration.stack.harness import Stack, User, running
from tests.integration.tasks.receiver import wait_until

SIZES: Final = (50, 500)
PATIENCE_S: Final = 120.0
ENVIRON: Final = {
    "NIGHTSHIFT_RATE_LIMIT_ADDRESS": "1000000",
    "NIGHTSHIFT_RATE_LIMIT_CALLER": "1000000",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Crowd:
    """What came of one crowd: seconds at the median and until the last answer; what is wrong."""

    name: str
    size: int
    jobs: int
    p50_s: float
    last_s: float
    problems: Sequence[str]


def measure(sizes: Sequence[int], folder: Path) -> list[Crowd]:
    """Return what came of each crowd."""
    with running(folder / "data", ENVIRON) as stack:
        user = stack.register()
        found = [
            _crowd(stack, user, f"one report, {size} ask", size, [f"slow-a{size}"])
            for size in sizes
        ]
        found.append(_crowd(stack, user, "two users", 20, ["slow-b", "slow-c"]))
        found.append(
            _crowd(stack, user, "one user, two periods", 20, ["slow-d", "slow-d?period=7d"])
        )
    return found


def _crowd(stack: Stack, user: User, name: str, size: int, wishes: Sequence[str]) -> Crowd:
    """Let all ask at once, wait until all reports are there, and judge."""
    everybody = threading.Barrier(size)
    cookie = {"cookie": f"nightshift_session={user.access_token}"}

    def ask(number: int) -> tuple[float, str]:
        wish = f"/reports/{wishes[number % len(wishes)]}"
        everybody.wait(PATIENCE_S)
        started = time.monotonic()
        if number % 2:
            page = stack.request("GET", wish, headers=cookie)
            is_good = page.status == 200 and (
                b"Regenerating" in page.body or b"Up to d" in page.body
            )
        else:
            page = stack.get(f"/api/v1{wish}", token=user.access_token)
            is_good = page.status == 200 and page.json()["state"] in {"regenerating", "fresh"}
        return time.monotonic() - started, "" if is_good else f"{page.status}: {page.body[:200]!r}"

    with ThreadPoolExecutor(size) as pool:
        answers = list(pool.map(ask, range(size)))
    for wish in wishes:
        wait_until(partial(_is_fresh, stack, wish), f"the report {wish}", PATIENCE_S)
    jobs = _jobs(stack, wishes)
    problems = [problem for _, problem in answers if problem][:3]
    problems += [f"{len(jobs)} jobs"] if len(jobs) != len(wishes) else []
    problems += _never_two(stack, jobs)
    took = [seconds for seconds, _ in answers]
    return Crowd(
        name=name,
        size=size,
        jobs=len(jobs),
        p50_s=statistics.median(took),
        last_s=max(took),
        problems=problems,
    )


def _is_fresh(stack: Stack, wish: str) -> bool:
    return bool(stack.get(f"/api/v1/reports/{wish}").json()["state"] == "fresh")


def _jobs(stack: Stack, wishes: Sequence[str]) -> set[str]:
    """Return the jobs that were put in for these users, by whichever function."""
    users = {wish.partition("?")[0] for wish in wishes}
    lines = [*stack.logs("api"), *stack.logs("console")]
    return {
        line["job_id"]
        for line in lines
        if line.get("action") == "report.scheduled" and line["username"] in users
    }


def _never_two(stack: Stack, jobs: set[str]) -> list[str]:
    """Return whose jobs were at work at the same time."""
    at_work: dict[str, str] = {}
    lines = [line for line in stack.logs("worker-low") if line.get("job_id") in jobs]
    problems = []
    for line in sorted(lines, key=_moment):
        if line.get("action") == "job.started":
            problems += (
                [f"two of {line['subject']} at a time"] if line["subject"] in at_work else []
            )
            at_work[line["subject"]] = line["job_id"]
        elif line.get("action") == "job.completed":
            at_work.pop(line["subject"], None)
    return problems


def _moment(line: Mapping[str, Any]) -> str:
    return str(line["timestamp"])


def shown(found: Sequence[Crowd]) -> str:
    """Return the crowds as a table."""
    lines = [f"{'crowds on the local stack':28}{'size':>6}{'jobs':>6}{'p50 s':>8}{'last s':>8}"]
    lines += [
        f"{one.name:28}{one.size:6}{one.jobs:6}{one.p50_s:8.1f}{one.last_s:8.1f}" for one in found
    ]
    return "\n".join(lines)


def missed(found: Sequence[Crowd]) -> list[str]:
    """Return what is not as it must be."""
    return [f"{one.name}: {problem}" for one in found for problem in one.problems]


def main() -> int:
    """Measure and print; return 1 when something is not as it must be."""
    sizes = [int(text) for text in sys.argv[1:]] or SIZES
    with tempfile.TemporaryDirectory() as folder:
        found = measure(sizes, Path(folder))
    print(shown(found))
    wrong = missed(found)
    print("\n".join(wrong))
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
