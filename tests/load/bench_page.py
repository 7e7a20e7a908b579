"""What a cached page costs: time, and calls of AWS.

`python -m tests.load.bench_page [requests]` asks the console function for one report again and
again, in this process, over the fake table: from the process's own copy (L1) and from the table
(L2), as nobody and as somebody who has signed in. Calls are counted, and held against what is
promised: none and one for who has not signed in, and for who has one more, which looks whether the
session still stands. Times are of the function's own work on this machine; the table answers at
once. Limits of requests are set aside: they write once in thirty requests of one stranger.
"""

import contextlib
import io
import statistics
import sys
import time
from dataclasses import dataclass
from typing import Final

from tests.contract.site import ANNA, PAGE, Site
from tests.support.browser import Browser

REQUESTS: Final = 300
L1_TTL_S: Final = 5.0
CALLS: Final = {"L1, nobody": 0, "L1, signed in": 1, "L2, nobody": 1, "L2, signed in": 2}
BUDGET_P50_MS: Final = 25.0
"""Far above what it takes, so that only a page that has got out of hand is found."""
_UNLIMITED: Final = {
    "NIGHTSHIFT_RATE_LIMIT_ADDRESS": "10000000",
    "NIGHTSHIFT_RATE_LIMIT_CALLER": "10000000",
    "NIGHTSHIFT_ACCESS_TOKEN_TTL_S": "86400",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What one page came to: milliseconds at two percentiles, calls at most, bytes."""

    p50_ms: float
    p99_ms: float
    calls: int
    size: int


def measure(requests: int) -> dict[str, Cost]:
    """Return the cost of each case."""
    with contextlib.redirect_stdout(io.StringIO()):
        site = Site(environ=_UNLIMITED)
        site.prepare("fresh")
        visitors = {"nobody": site.browser(), "signed in": site.browser(ANNA)}
        return {
            f"{level}, {who}": _case(site, browser, requests, ages=level == "L2")
            for level in ("L1", "L2")
            for who, browser in visitors.items()
        }


def _case(site: Site, browser: Browser, requests: int, *, ages: bool) -> Cost:
    """Ask for the page; with `ages` the process's copy has grown too old each time."""
    browser.get(PAGE)
    times, calls, size = [], 0, 0
    for number in range(requests):
        if ages:
            site.clock.advance(seconds=L1_TTL_S + 1 if number % 2 else L1_TTL_S)
        before, started = len(site.dynamo.meter.calls), time.perf_counter()
        page = browser.get(PAGE)
        times.append((time.perf_counter() - started) * 1000)
        assert page.status == 200, page.text
        calls = max(calls, len(site.dynamo.meter.calls) - before)
        size = len(page.text.encode())
    cuts = statistics.quantiles(times, n=100)
    return Cost(p50_ms=cuts[49], p99_ms=cuts[98], calls=calls, size=size)


def shown(found: dict[str, Cost]) -> str:
    """Return the measurement as a table."""
    lines = ["a cached page", f"{'':16}{'p50 ms':>8}{'p99 ms':>8}{'AWS calls':>11}{'bytes':>8}"]
    lines += [
        f"{name:16}{c.p50_ms:8.2f}{c.p99_ms:8.2f}{c.calls:11}{c.size:8}"
        for name, c in found.items()
    ]
    return "\n".join(lines)


def missed(found: dict[str, Cost]) -> list[str]:
    """Return the cases that make more calls than promised, or take far too long."""
    return [
        name
        for name, cost in found.items()
        if cost.calls > CALLS[name] or cost.p50_ms > BUDGET_P50_MS
    ]


def main() -> int:
    """Measure and print; return 1 when a budget is missed."""
    found = measure(int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS)
    print(shown(found))
    wrong = missed(found)
    print("\n".join(wrong))
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
