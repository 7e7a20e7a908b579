"""What the engine costs: units of each job that does nothing, and its CPU beside other systems.

`python -m tests.load.bench_engine [rounds]` counts write and read units, SQS requests and events
with the size-accurate fakes, then measures CPU: client and worker processes doing the same no-op
job, one worker process each, the servers' CPU left out for all. Ours talks through botocore to a
stand-in of the AWS services, which counts as a server; "engine alone" leaves botocore out, too. The
rivals use Redis and PostgreSQL of this machine, started for the bench, and are skipped without.
"""

import os
import sys
from collections.abc import Mapping
from typing import Final

from tests.load import engine_units
from tests.load.engine_units import Units
from tests.load.rivals import contest
from tests.load.rivals.contest import OURS, SYSTEMS, Spent
from tests.support.prices import US_EAST_1

JOBS: Final = 1_000
ROUNDS: Final = 3
WAYS: Final = {
    "plain": "one by one",
    "quiet": "one by one, no event",
    "many": "in bulk",
    "unique": "unique by key",
    "subject": "one at a time",
}
MOST_WRITES: Final = {"plain": 4.1, "quiet": 4.1, "many": 3.1, "unique": 7.1, "subject": 4.1}
"""Write units per job in all: what it takes today, with the sweeper's own added."""
ALONE: Final = "  engine alone"


def units() -> dict[str, dict[str, Units]]:
    """Return the units of a job by the way it is enqueued, and by phase."""
    return {how: engine_units.measure(how, JOBS) for how in WAYS}


def cpu(rounds: int) -> dict[str, Spent | str]:
    """Return CPU microseconds per job by system, or why there are none."""
    found: dict[str, Spent | str] = {}
    for system in SYSTEMS:
        found[system.name] = contest.measure(system, rounds)
        if system is OURS:
            found[ALONE] = contest.alone("plain")
    return found


def units_shown(found: Mapping[str, Mapping[str, Units]]) -> str:
    """Return the units as a table."""
    lines = [
        f"units per no-op job, {JOBS} jobs",
        f"{'':24}{'phase':9}{'writes':>8}{'reads':>8}{'SQS':>8}{'events':>8}{'$/10^6':>8}",
    ]
    for how, phases in found.items():
        for phase, used in phases.items():
            name = WAYS[how] if phase == "enqueue" else ""
            figures = f"{used.writes:8.3f}{used.reads:8.3f}{used.sqs:8.3f}{used.events:8.3f}"
            lines.append(f"{name:24}{phase:9}{figures}{dollars(used):8.2f}")
    return "\n".join(lines)


def dollars(used: Units) -> float:
    """Return the price of 10^6 such jobs, without Lambda and logs."""
    prices = US_EAST_1
    table = used.writes * prices.dynamo_write + used.reads * prices.dynamo_read
    return table + used.sqs * prices.sqs_request + used.events * prices.custom_event


def cpu_shown(found: Mapping[str, Spent | str]) -> str:
    """Return the contest as a table."""
    ours = found[OURS.name]
    promises = {s.name: f"{s.unique:10}{s.twice:24}{s.kept}" for s in SYSTEMS}
    lines = [
        "CPU us per no-op job, client and one worker process, servers left out",
        (
            f"{'':22}{'enqueue':>8}{'work':>8}{'total':>8}{'ratio':>8}  "
            f"{'unique':10}{'done twice':24}kept by"
        ),
    ]
    for name, spent in found.items():
        if isinstance(spent, str):
            lines.append(f"{name:22}{spent}")
            continue
        ratio = f"{spent.total / ours.total:7.2f}x" if isinstance(ours, Spent) else ""
        figures = f"{spent.enqueue:8.0f}{spent.work:8.0f}{spent.total:8.0f}{ratio}"
        lines.append(f"{name:22}{figures}  {promises.get(name, '')}".rstrip())
    return "\n".join(lines)


def missed(found: Mapping[str, Mapping[str, Units]]) -> list[str]:
    """Return which ways cost more write units than they need."""
    return [
        f"{WAYS[how]}: {phases['all'].writes:.3f} write units are over {MOST_WRITES[how]}"
        for how, phases in found.items()
        if phases["all"].writes > MOST_WRITES[how]
    ]


def main() -> int:
    """Measure and print; return 1 when a job costs more write units than it needs."""
    counted = units()
    print(units_shown(counted), flush=True)
    print(cpu_shown(cpu(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)))
    print(f"  (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)")
    problems = missed(counted)
    print("\n".join(problems))
    return int(bool(problems))


if __name__ == "__main__":
    raise SystemExit(main())
