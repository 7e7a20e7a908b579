"""The secrets that sign the calls of an owner's tasks.

A secret is derived from the stack's own key, the owner and a generation number; only the number is
stored. So no table holds a secret, and the functions that sign need no decryption.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from nightshift.aws.dynamo import Table
from nightshift.core.clock import Clock, from_ms, to_ms
from nightshift.outbound.signing import new_secret
from nightshift.tasks import keys

CACHE_S = 60.0
_LABEL = "nightshift task signing 1"


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningState:
    """Which generation signs, and since when; the one before signs along until `overlap_until`."""

    generation: int = 1
    rotated_at: datetime | None = None
    overlap_until: datetime | None = None


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
        item = self._table.get(keys.secret(owner_id), consistent=True)
        if item is None:
            return SigningState()
        return SigningState(
            generation=item["gen"],
            rotated_at=from_ms(item["at"]),
            overlap_until=from_ms(item["until"]),
        )

    def current(self, owner_id: str) -> str:
        """Return the secret that receivers should verify with, `whsec_...`."""
        return self._derive(owner_id, self.state(owner_id).generation)

    def signing(self, owner_id: str) -> list[str]:
        """Return the secrets to sign with, newest first; at most `CACHE_S` seconds old."""
        now = self._clock.now()
        cached = self._cache.get(owner_id)
        if cached is None or now - cached[0] > timedelta(seconds=CACHE_S):
            cached = (now, self.state(owner_id))
            self._cache[owner_id] = cached
        state = cached[1]
        secrets = [self._derive(owner_id, state.generation)]
        if state.overlap_until is not None and now < state.overlap_until:
            secrets.append(self._derive(owner_id, state.generation - 1))
        return secrets

    def rotate(self, owner_id: str) -> str:
        """Make a new secret and return it; the old one signs along for the overlap."""
        now = self._clock.now()
        state = self.state(owner_id)
        self._table.put(
            keys.secret(owner_id)
            | {
                "gen": state.generation + 1,
                "at": to_ms(now),
                "until": to_ms(now + timedelta(seconds=self._overlap_s)),
            }
        )
        return self._derive(owner_id, state.generation + 1)

    def _derive(self, owner_id: str, generation: int) -> str:
        text = f"{_LABEL}|{owner_id}|{generation}".encode()
        return new_secret(hmac.digest(self._master(), text, "sha256"))
