"""Sign-in and forgotten password for known and unknown addresses: the same answer, the same time.

`python -m tests.load.bench_who_exists [pairs]` sends pairs of requests, one for an address that has
an account and one for an address that has none, in an order that is drawn anew for each pair, and
compares the medians of both. Passwords are hashed with the parameters of a deployed stack. The
tables are in memory, so that the work of the function is all that is measured; that both take the
same calls of the tables, which is the other part of the time, is held by a test.
"""

import gc
import os
import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from time import process_time_ns
from typing import Any, Final

from nightshift.core.environment import load
from nightshift.identity.settings import AccountSettings
from tests.contract.apps import GENEROUS, make_product
from tests.contract.door import ENVIRON, Answer, Door, register

PAIRS: Final = 500
BUDGET: Final = 0.05
"""How far the two medians may be apart."""
SEED: Final = 7
NICE: Final = 10
WARM_UP: Final = 20
_DEFAULTS: Final = load(
    AccountSettings, {k: v for k, v in ENVIRON.items() if not k.startswith("NIGHTSHIFT_ARGON2_")}
)
DEPLOYED: Final = {
    "NIGHTSHIFT_ARGON2_MEMORY_KIB": str(_DEFAULTS.argon2_memory_kib),
    "NIGHTSHIFT_ARGON2_TIME": str(_DEFAULTS.argon2_time),
    "NIGHTSHIFT_LOGIN_FREE_ATTEMPTS": "100",
    "NIGHTSHIFT_LOGIN_FREE_ATTEMPTS_STRANGERS": "100000",
}


@dataclass(kw_only=True, slots=True)
class Found:
    """Medians in nanoseconds of processor time; `problems` tells of answers that differed."""

    what: str
    known: float = 0.0
    unknown: float = 0.0
    pairs: int = 0
    status: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def apart(self) -> float:
        """How far the medians are apart, as a share of the known one's."""
        return abs(self.unknown / self.known - 1)


Ask = Callable[[Door, str], Answer]


def login(door: Door, email: str) -> Answer:
    """Sign in with a wrong password."""
    return door("POST", "/auth/login", json_body={"email": email, "password": "not that one"})


def forgot(door: Door, email: str) -> Answer:
    """Ask for a new password."""
    return door("POST", "/auth/password/forgot", json_body={"email": email})


ASKED: Final[Mapping[str, Ask]] = {"login": login, "forgot": forgot}


def measure(what: str, pairs: int = PAIRS) -> Found:
    """Return what so many pairs of requests took."""
    product = make_product()
    product.world.dynamodb.strict = False
    door = product.another_process({**GENEROUS, **DEPLOYED})
    product.email.is_silent = True
    rounds = pairs + WARM_UP
    for number in range(rounds):
        register(door, address("known", number))
    product.email.is_silent = False
    found = Found(what=what, pairs=pairs)
    took: dict[str, list[int]] = {"known": [], "unknown": []}
    order = random.Random(SEED)  # noqa: S311 - a bench repeats what it draws
    for number in range(rounds):
        answers = {}
        for kind in order.sample(sorted(took), k=2):
            spent, answers[kind] = _timed(ASKED[what], door, address(kind, number))
            took[kind].append(spent)
        _compare(found, answers)
        product.engine.queue.messages.clear()
    found.known, found.unknown = (median(took[kind][WARM_UP:]) for kind in ("known", "unknown"))
    return found


def address(kind: str, number: int) -> str:
    """Return an address of a kind: each is asked for once, and all are of one length."""
    return f"{kind:_>7}-{number:05}@example.com"


def _timed(ask: Ask, door: Door, email: str) -> tuple[int, Answer]:
    gc.collect(0)
    started = process_time_ns()
    answer = ask(door, email)
    return process_time_ns() - started, answer


def _compare(found: Found, answers: Mapping[str, Answer]) -> None:
    shown: list[Any] = []
    for answer in answers.values():
        body = {k: v for k, v in answer.json.items() if k != "request_id"}
        headers = {k: v for k, v in answer.headers.items() if k != "x-request-id"}
        shown.append((answer.status, body, headers))
        found.status = answer.status
    if shown[0] != shown[1]:
        found.problems.append(f"the answers differ: {shown}")


def shown(found: Found) -> str:
    """Return the measurement in words."""
    known, unknown = found.known / 1e6, found.unknown / 1e6
    return (
        f"{found.what}: {found.pairs} pairs, status {found.status}, medians {known:.3f} ms for "
        f"known and {unknown:.3f} ms for unknown addresses, {found.apart:.1%} apart"
    )


def missed(found: Found) -> list[str]:
    """Return what is not as it must be."""
    far = found.apart > BUDGET
    return [*found.problems, *([f"{found.apart:.1%} apart, {BUDGET:.0%} allowed"] if far else [])]


def main() -> int:
    """Measure and print; return 1 when the answer or its time tells who has an account."""
    os.nice(NICE)
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    problems = []
    for what in ASKED:
        found = measure(what, pairs)
        print(shown(found), flush=True)
        problems += missed(found)
    print("\n".join(problems))
    return int(bool(problems))


if __name__ == "__main__":
    raise SystemExit(main())
