"""Request limits that cost almost nothing: counts are leased from the table in blocks.

A process lets the first requests of a key in a window pass on its own account; beyond them it
books a block of requests in the table by one atomic update and spends that. Who calls now and then
costs no write, a busy caller one write for a twentieth of the limit. One process is exact; several
can pass at most a twentieth of the limit each above it. An answer of the table that is lost
books its block twice, which errs on the side of the limit.
"""

from dataclasses import dataclass

from nightshift.aws.dynamo import Condition, ConditionFailedError, Table, Update
from nightshift.core.clock import Clock, to_epoch_s
from nightshift.core.tokens import digest
from nightshift.http.errors import RateLimitedError
from nightshift.http.routing import LimitRule

_BLOCKS = 20
_MAX_KEYS = 10_000


@dataclass(kw_only=True, slots=True)
class _Window:
    start: int
    passed: int = 0
    booked: int = 0
    full: bool = False


class Limiter:
    """Counts requests by rule and key. Holds a bounded number of keys in memory."""

    def __init__(self, *, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._windows: dict[tuple[str, str], _Window] = {}

    def check(self, rule: LimitRule, who: str) -> None:
        """Count one request of `who`.

        Raises:
            RateLimitedError: the window is full; says when it ends.
        """
        now = to_epoch_s(self._clock.now())
        start = now - now % rule.window_s
        window = self._window((rule.name, who), start)
        if window.passed >= max(self._free(rule), window.booked) and not window.full:
            self._book(rule, who, window)
        if window.passed >= max(self._free(rule), window.booked):
            raise RateLimitedError(retry_after_s=start + rule.window_s - now)
        window.passed += 1

    def _window(self, key: tuple[str, str], start: int) -> _Window:
        window = self._windows.get(key)
        if window is None or window.start != start:
            if len(self._windows) >= _MAX_KEYS:
                self._windows = {k: w for k, w in self._windows.items() if w.start >= start}
            if len(self._windows) >= _MAX_KEYS:
                self._windows.clear()
            window = self._windows[key] = _Window(start=start)
        return window

    @staticmethod
    def _free(rule: LimitRule) -> int:
        return max(1, rule.limit // _BLOCKS)

    def _book(self, rule: LimitRule, who: str, window: _Window) -> None:
        """Book the next block; the first also books what passed before without one."""
        block = self._free(rule)
        wanted = block if window.booked else min(rule.limit, window.passed + block)
        granted = self._grant(rule, who, window.start, wanted)
        window.full = granted < wanted
        window.booked += granted

    def _grant(self, rule: LimitRule, who: str, start: int, wanted: int) -> int:
        while wanted > 0:
            try:
                self._add(rule, who, start, wanted)
            except ConditionFailedError as refused:
                used = int((refused.item or {}).get("used", 0))
                wanted = min(wanted - 1, rule.limit - used)
            else:
                return wanted
        return 0

    def _add(self, rule: LimitRule, who: str, start: int, wanted: int) -> None:
        self._table.write(
            Update(
                table=self._table.name,
                key={"pk": f"RATE#{rule.name}#{digest(who.encode())[:32]}", "sk": str(start)},
                expression="SET #used = if_not_exists(#used, :zero) + :wanted, expires_at = :end",
                condition=Condition(expression="attribute_not_exists(#used) OR #used <= :room"),
                names={"#used": "used"},
                values={
                    ":zero": 0,
                    ":wanted": wanted,
                    ":room": rule.limit - wanted,
                    ":end": start + 2 * rule.window_s,
                },
            )
        )
