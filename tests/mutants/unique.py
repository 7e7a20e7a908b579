"""Unique keys: what must not be there twice."""

from tests.mutants.model import Mutant

UNIQUE = (
    Mutant(
        name="a unique key is not released by the end of its job",
        path="jobs/unique.py",
        old="    if has_ended:\n        return Verdict.FREE\n",
        new="",
        tests=("unique",),
    ),
    Mutant(
        name="a unique key is free while its job is open",
        path="jobs/unique.py",
        old="    if has_ended:\n        return Verdict.FREE\n",
        new="    return Verdict.FREE\n",
        tests=("unique",),
    ),
    Mutant(
        name="a unique key whose job is gone is held for ever",
        path="jobs/unique.py",
        old="if lock.expires_at * 1000 <= now_ms:",
        new="if False:",
        tests=("unique",),
    ),
    Mutant(
        name="a throttled key is free at the end of its job",
        path="jobs/unique.py",
        old="if mode is UniqueMode.THROTTLE and asked_ms < lock.since_ms + period_s * 1000:",
        new="if False:",
        tests=("unique",),
    ),
    Mutant(
        name="a throttled key is never free",
        path="jobs/unique.py",
        old="if mode is UniqueMode.THROTTLE and asked_ms < lock.since_ms + period_s * 1000:",
        new="if mode is UniqueMode.THROTTLE:",
        tests=("unique",),
    ),
    Mutant(
        name="a period is counted to whenever the lock is looked at",
        path="jobs/unique.py",
        old="if mode is UniqueMode.THROTTLE and asked_ms < lock.since_ms + period_s * 1000:",
        new="if mode is UniqueMode.THROTTLE and now_ms < lock.since_ms + period_s * 1000:",
        tests=("unique",),
    ),
    Mutant(
        name="a retry shortens the period of a newer job",
        path="jobs/unique.py",
        old='"at": max(order.created_ms, seen.since_ms if seen else 0),',
        new='"at": order.created_ms,',
        tests=("unique",),
    ),
    Mutant(
        name="the oldest of two wins",
        path="jobs/unique.py",
        old="    if mode is UniqueMode.REPLACE:\n",
        new="    if False:\n",
        tests=("unique",),
    ),
    Mutant(
        name="what runs is replaced",
        path="jobs/unique.py",
        old="return Verdict.FREE if has_begun else Verdict.REPLACE",
        new="return Verdict.REPLACE",
        tests=("unique", "adversity_in"),
    ),
    Mutant(
        name="what has just begun is replaced",
        path="jobs/enqueue.py",
        old="if unique.mode is UniqueMode.REPLACE and not begun:",
        new="if False:",
        tests=("unique", "adversity_in"),
    ),
    Mutant(
        name="a lock is taken whoever has it",
        path="jobs/unique.py",
        old='condition = Condition(expression="tok = :seen", values={":seen": seen.token})',
        new="condition = None",
        tests=("unique", "owned"),
    ),
    Mutant(
        name="a first lock is taken whoever has it",
        path="jobs/unique.py",
        old="        condition = NOT_EXISTS\n",
        new="        condition = None\n",
        tests=("unique", "crowds"),
    ),
    Mutant(
        name="locks may be stale",
        path="jobs/unique.py",
        old="item = self._table.get(_key(order), consistent=True)",
        new="item = self._table.get(_key(order))",
        tests=("consistency",),
    ),
    Mutant(
        name="a lock is not written with its order",
        path="jobs/enqueue.py",
        old="self._table.transact([order, lock, *wish.writes])",
        new="self._table.transact([order, *wish.writes])",
        tests=("unique", "crowds"),
    ),
)
