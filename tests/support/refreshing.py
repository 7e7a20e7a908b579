"""Many clients refresh one token at the same moment, round after round, and things go wrong.

Every round signs in anew: one family. All who refresh have read the session before the first of
them writes, so that each finds its token unused; then one write wins. What goes wrong with that
write differs from round to round: see `MISHAPS`.
"""

import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from nightshift.identity.accounts_parts import Neighbours
from nightshift.identity.accounts_wiring import build_accounts_app
from tests.contract.door import ENVIRON, PASSWORD, Answer, Door, World, make_world, register
from tests.support.faults import CrashError, Fault, FaultMode

SWITCH_S: Final = 1e-5
PATIENCE_S: Final = 60.0
GRACE_S: Final = 10
TRIES: Final = 3
"""How often a client asks whose connection broke, or who was answered with a server error."""
ADA: Final = "ada@example.com"
GENEROUS: Final = {
    "NIGHTSHIFT_RATE_LIMIT_ADDRESS": "10000000",
    "NIGHTSHIFT_RATE_LIMIT_CALLER": "10000000",
    "NIGHTSHIFT_REFRESH_GRACE_S": str(GRACE_S),
}
MISHAPS: Final = (
    None,
    FaultMode.ANSWER_LOST,
    FaultMode.ALL_LOST,
    FaultMode.CRASH_AFTER,
    FaultMode.CRASH_BEFORE,
)
"""Nothing; the table's answer is lost once, or for good; the process dies after or before."""


@dataclass(kw_only=True, slots=True)
class Found:
    """What came of all rounds; `problems` has a sentence for each thing that must not be."""

    together: int
    rounds: int = 0
    refreshed: int = 0
    families: int = 0
    reuses: int = 0
    mishaps: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


class _Meeting:
    """A hook: who reads a session for the first time waits until all `size` have read.

    The first write to a session meets `mishap`.
    """

    def __init__(self, size: int, mishap: FaultMode | None) -> None:
        self._barrier = threading.Barrier(size)
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._mishap = mishap
        self.met = 0

    def __call__(self, operation: str, request: Mapping[str, Any]) -> Fault | None:
        """Return what happens to this call."""
        if operation == "BatchGetItem" and not getattr(self._mine, "has_read", False):
            self._mine.has_read = True
            return Fault(mode=FaultMode.DELAY_AFTER, action=self._wait)
        if operation == "PutItem" and "family_key" in request["Item"]:
            return self._first_write()
        return None

    def _first_write(self) -> Fault | None:
        with self._lock:
            mode, self._mishap = self._mishap, None
            self.met += mode is not None
        return Fault(mode=mode) if mode else None

    def _wait(self) -> None:
        self._barrier.wait(PATIENCE_S)


class Family:
    """A user whose clients refresh together; `found` is what came of it."""

    def __init__(self, together: int) -> None:
        self.world: World = make_world(("http", "identity"))
        self.world.dynamodb.strict = False
        environ = {**ENVIRON, **GENEROUS}
        self._doors = [
            Door(handler=build_accounts_app(environ, self.world.outside, Neighbours()))
            for _ in range(together)
        ]
        self.found = Found(together=together)
        register(self._doors[0], ADA)

    def run(self, rounds: int) -> Found:
        """Go through so many rounds."""
        interval = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)
        started = time.monotonic()
        try:
            with ThreadPoolExecutor(len(self._doors)) as pool:
                for _ in range(rounds):
                    self._round(pool)
        finally:
            sys.setswitchinterval(interval)
        self.found.seconds = time.monotonic() - started
        return self.found

    def _round(self, pool: ThreadPoolExecutor) -> None:
        mishap = MISHAPS[self.found.rounds % len(MISHAPS)]
        self.found.rounds += 1
        self.found.mishaps[mishap or "none"] += 1
        used = self._login()["refresh_token"]
        before = self._families()
        meeting = self.world.dynamodb.faults = _Meeting(len(self._doors), mishap)
        answers = list(pool.map(lambda door: _insist(door, used), self._doors))
        self.world.dynamodb.faults = None
        if meeting.met != (mishap is not None):
            self._complain(f"{mishap} was not met")
        successor = self._judge(answers)
        if self._families() != before:
            self._complain(f"{self._families() - before} more families")
        if successor:
            self._go_on(used, successor)
        self.found.families = self._families()

    def _judge(self, answers: Sequence[Answer]) -> str:
        """Return the one refresh token that all were given."""
        refused = Counter(answer.error for answer in answers if answer.status != 200)
        for slug, count in refused.items():
            self._complain(f"{count} of {len(answers)} got {slug}")
        done = [answer.json for answer in answers if answer.status == 200]
        self.found.refreshed += len(done)
        successors = {body["refresh_token"] for body in done}
        if len(successors) != 1:
            self._complain(f"{len(successors)} successors")
        if not all(self._works(body["access_token"]) for body in done):
            self._complain("an access token was no good")
        return successors.pop() if len(successors) == 1 else ""

    def _go_on(self, used: str, successor: str) -> None:
        """Repeat at the grace's end, go on, and use the old token once more after it."""
        self.world.clock.advance(seconds=GRACE_S)
        late = self._refresh(used)
        if late.status != 200 or late.json["refresh_token"] != successor:
            self._complain(f"at the grace's end the answer was {late.status}")
        current = self._refresh(successor)
        self._expect("the successor", current, "")
        self.world.clock.advance(seconds=1)
        self._expect("the reused token", self._refresh(used), "refresh_reused")
        for name, token in (("the current token", current.json["refresh_token"]), ("it", used)):
            self._expect(f"{name} after that", self._refresh(token), "token_revoked")
        if self._works(current.json["access_token"]):
            self._complain("an access token outlived its session")
        self.found.reuses += 1

    def _expect(self, what: str, answer: Answer, slug: str) -> None:
        got = "" if answer.status == 200 else answer.error
        if got != slug:
            self._complain(f"{what} got {got or 'a pair'} instead of {slug or 'a pair'}")

    def _login(self) -> dict[str, Any]:
        body = {"email": ADA, "password": PASSWORD}
        answer = self._doors[0]("POST", "/auth/login", json_body=body)
        found: dict[str, Any] = answer.json
        return found

    def _refresh(self, token: str) -> Answer:
        return _insist(self._doors[0], token)

    def _works(self, token: str) -> bool:
        return self._doors[0]("GET", "/users/me", token=token).status == 200

    def _families(self) -> int:
        rows = self.world.rows("identity")
        return len([row for row in rows if str(row["sk"]).startswith("SESSION#")])

    def _complain(self, what: str) -> None:
        self.found.problems.append(f"round {self.found.rounds}: {what}")


def _insist(door: Door, token: str) -> Answer:
    """Refresh as a client does that was not answered: again, a few times."""
    for attempt in range(1, TRIES + 1):
        try:
            answer = door("POST", "/auth/refresh", json_body={"refresh_token": token})
        except CrashError:
            continue
        if answer.status < 500 or attempt == TRIES:
            return answer
    raise CrashError("no answer came")
