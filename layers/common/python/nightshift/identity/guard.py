"""Guessing is slowed down, without telling who exists and without locking anybody out for good.

Attempts are counted in three lanes, each with a delay that grows:

- at an account from one network. Counted before the password is looked at, so that many at once are
  no way around the delay; a right password forgets what was counted.
- from one network, at whatever accounts: failures alone.
- at an account from all networks that it was not signed in to lately: failures alone. Many machines
  guessing together meet this one. Where the user is at home, it does not count: strangers
  can keep each other out, and not the user. Who is away from home while that goes on asks for a new
  password by mail; the network from which it is set is then one of the user's.

Whether there is such an account makes no difference to any of them, nor to the calls that it takes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from nightshift.core.clock import Clock
from nightshift.core.networks import network_of
from nightshift.identity.attempt_store import AttemptStore, Home, Lane, Seen
from nightshift.identity.attempts import Attempts, Patience, after_failure, wait
from nightshift.identity.errors import TooManyAttemptsError

HOME_FOR = timedelta(days=90)
_ROUNDS = 8


class Guard:
    """Counts attempts; `account` is an address in its normal form, known or not."""

    def __init__(
        self,
        *,
        store: AttemptStore,
        clock: Clock,
        at_account: Patience,
        from_network: Patience,
        from_strangers: Patience,
        mails: Patience,
    ) -> None:
        self._store = store
        self._clock = clock
        self._at_account = at_account
        self._from_network = from_network
        self._from_strangers = from_strangers
        self._mails = mails

    def admit(self, account: str, address: str) -> None:
        """Count an attempt, or refuse it while a delay runs.

        Raises:
            TooManyAttemptsError: saying when the next attempt is heard.
        """
        lanes = _Lanes.of(account, address)
        for _ in range(_ROUNDS):
            now = self._clock.now()
            seen = self._store.look(lanes.all, home=lanes.home)
            for lane in (lanes.network, lanes.others(seen, now), lanes.pair):
                _check(seen.attempts.get(lane), now)
            if self._count(lanes.pair, seen, self._at_account):
                return
        raise TooManyAttemptsError(retry_after_s=1)

    def failed(self, account: str, address: str) -> None:
        """Note that an attempt that was admitted failed."""
        lanes = _Lanes.of(account, address)
        seen = self._store.look(lanes.all, home=lanes.home)
        self._note(lanes.network, seen, self._from_network)
        self._note(lanes.others(seen, self._clock.now()), seen, self._from_strangers)

    def succeeded(self, account: str, address: str) -> None:
        """Note that whoever has the account was there, on this network."""
        lanes = _Lanes.of(account, address)
        self._store.forget(lanes.pair)
        self._store.settle(lanes.home, self._clock.now() + HOME_FOR)

    def admit_mail(self, account: str) -> None:
        """Count a mail that somebody asks for, or refuse it while the delay runs.

        Raises:
            TooManyAttemptsError: saying when the next one is sent.
        """
        lane = Lane(kind="MAIL", who=account)
        for _ in range(_ROUNDS):
            seen = self._store.look([lane])
            _check(seen.attempts.get(lane), self._clock.now())
            if self._count(lane, seen, self._mails):
                return
        raise TooManyAttemptsError(retry_after_s=1)

    def _count(self, lane: Lane, seen: Seen, patience: Patience) -> bool:
        before = seen.attempts.get(lane)
        after = after_failure(before, self._clock.now(), patience)
        return self._store.change(lane, before, after)

    def _note(self, lane: Lane, seen: Seen, patience: Patience) -> None:
        """Count a failure; gives up when many others write at the same moment."""
        for _ in range(_ROUNDS):
            if self._count(lane, seen, patience):
                return
            seen = self._store.look([lane])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Lanes:
    """Where an attempt is counted."""

    pair: Lane
    network: Lane
    strangers: Lane
    at_home: Lane
    home: Home

    @classmethod
    def of(cls, account: str, address: str) -> "_Lanes":
        network = network_of(address)
        both = f"{account}\n{network}"
        return cls(
            pair=Lane(kind="PAIR", who=both),
            network=Lane(kind="NETWORK", who=network),
            strangers=Lane(kind="ACCOUNT", who=account),
            at_home=Lane(kind="HOME", who=both),
            home=Home(account=account, network=network),
        )

    @property
    def all(self) -> tuple[Lane, ...]:
        return (self.pair, self.network, self.strangers, self.at_home)

    def others(self, seen: Seen, now: datetime) -> Lane:
        """Return the lane that strangers share.

        Who is at home has one alone: counting there takes the same calls, and changes nothing.
        """
        is_home = seen.home_until is not None and seen.home_until > now
        return self.at_home if is_home else self.strangers


def _check(seen: Attempts | None, now: datetime) -> None:
    left = wait(seen, now)
    if left is not None:
        seconds = int(-(-left.total_seconds() // 1))
        raise TooManyAttemptsError(retry_after_s=max(1, seconds))
