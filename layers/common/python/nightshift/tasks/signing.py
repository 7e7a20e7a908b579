"""The secrets that sign the calls of an owner's tasks.

A secret is derived from the stack's own key, the owner and a generation number; only the number is
stored. So no table holds a secret, and the functions that sign need no decryption.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from nightshift.aws.dynamo import Condition, ConditionFailedError, Table, Update
from nightshift.core.clock import Clock, from_ms, to_ms
from nightshift.core.errors import ConflictError
from nightshift.outbound.signing import new_secret
from nightshift.tasks import keys

CACHE_S = 60.0
CACHED_OWNERS = 10_000
KEPT_EARLIER = 3
_LABEL = "nightshift task signing 1"


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningState:
    """Which generation signs, and which earlier ones sign along until when, newest first.

    `owner_gone` says that the account was deleted: its tasks are called no more.
    """

    generation: int = 1
    rotated_at: datetime | None = None
    earlier: tuple[tuple[int, datetime], ...] = ()
    owner_gone: bool = False


class TaskSecrets:
    """Derives, rotates and caches the signing secrets of owners."""

    def __init__(
        self, table: Table, master: Callable[[], bytes], clock: Clock, *, overlap_s: int
    ) -> None:
        self._table = table
        self._master = master
        self._clock = clock
        self._overlap_s = overlap_s
        self._cache: dict[str, tuple[datetime, SigningState]] = {}

    def state(self, owner_id: str) -> SigningState:
        """Return the owner's state, read consistently."""
        item = self._table.get(keys.secret(owner_id), consistent=True) or {}
        return SigningState(
            generation=item.get("gen", 1),
            rotated_at=from_ms(item["at"]) if "at" in item else None,
            earlier=tuple((gen, from_ms(until)) for gen, until in item.get("earlier", [])),
            owner_gone=bool(item.get("gone")),
        )

    def current(self, owner_id: str) -> str:
        """Return the secret that receivers should verify with, `whsec_...`."""
        return self._derive(owner_id, self.state(owner_id).generation)

    def is_gone(self, owner_id: str) -> bool:
        """Tell whether the owner's account was deleted; at most `CACHE_S` seconds old."""
        return self._recent(owner_id).owner_gone

    def signing(self, owner_id: str) -> list[str]:
        """Return the secrets to sign with, newest first.

        They may be `CACHE_S` seconds old, so a new one signs after that at the latest. Reads a
        table and the stack's key; not for an event loop.
        """
        state, now = self._recent(owner_id), self._clock.now()
        living = [gen for gen, until in state.earlier if now < until]
        return [self._derive(owner_id, gen) for gen in (state.generation, *living)]

    def _recent(self, owner_id: str) -> SigningState:
        now = self._clock.now()
        cached = self._cache.get(owner_id)
        if cached is None or now - cached[0] > timedelta(seconds=CACHE_S):
            if len(self._cache) >= CACHED_OWNERS:
                self._cache.clear()
            cached = (now, self.state(owner_id))
            self._cache[owner_id] = cached
        return cached[1]

    def rotate(self, owner_id: str) -> str:
        """Make a new secret and return it; those before sign along, each for its overlap.

        Raises:
            ConflictError: somebody else rotated at the same moment.
        """
        now, before = self._clock.now(), self.state(owner_id)
        until = now + timedelta(seconds=self._overlap_s)
        earlier = [(before.generation, until), *before.earlier]
        update = Update(
            table=self._table.name,
            key=keys.secret(owner_id),
            expression="SET gen = :gen, #at = :at, earlier = :earlier",
            condition=Condition(expression="attribute_not_exists(gen) OR gen = :seen"),
            names={"#at": "at"},
            values={
                ":gen": before.generation + 1,
                ":seen": before.generation,
                ":at": to_ms(now),
                ":earlier": [[gen, to_ms(end)] for gen, end in earlier[:KEPT_EARLIER] if now < end],
            },
        )
        try:
            self._table.write(update)
        except ConditionFailedError as error:
            if error.item is None or error.item.get("at") != to_ms(now):
                raise ConflictError from error
        return self._derive(owner_id, before.generation + 1)

    def _derive(self, owner_id: str, generation: int) -> str:
        text = f"{_LABEL}|{owner_id}|{generation}".encode()
        return new_secret(hmac.digest(self._master(), text, "sha256"))
