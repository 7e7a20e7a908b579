"""What is remembered of attempts, and of the networks that a user signs in from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from nightshift.aws.dynamo import NOT_EXISTS, Condition, ConditionFailedError, Table
from nightshift.core.clock import from_ms, to_epoch_s, to_ms
from nightshift.identity import keys
from nightshift.identity.attempts import Attempts
from nightshift.identity.items import from_attempts, to_attempts


@dataclass(frozen=True, kw_only=True, slots=True)
class Lane:
    """Attempts that are counted together: of what kind, and by whom or at what."""

    kind: str
    who: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Home:
    """A network, and an account that may be at home there."""

    account: str
    network: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What is known; a home that ended is not told from none."""

    attempts: Mapping[Lane, Attempts]
    home_until: datetime | None


class AttemptStore:
    """Counts in the identity table; every read is consistent."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def look(self, lanes: Iterable[Lane], *, home: Home | None = None) -> Seen:
        """Return what is known of these lanes, and of that home, in one read."""
        wanted = {keys.attempts(lane.kind, lane.who)["pk"]: lane for lane in lanes}
        asked = [{"pk": pk, "sk": "-"} for pk in wanted]
        at_home = None if home is None else keys.home(home.account, home.network)
        if at_home is not None:
            asked.append(at_home)
        found = self._table.get_many(asked, consistent=True)
        ends_ms = [item["ends_ms"] for item in found if at_home and item["pk"] == at_home["pk"]]
        return Seen(
            attempts={wanted[i["pk"]]: to_attempts(i) for i in found if i["pk"] in wanted},
            home_until=from_ms(ends_ms[0]) if ends_ms else None,
        )

    def change(self, lane: Lane, before: Attempts | None, after: Attempts) -> bool:
        """Write `after` if nothing changed since `before`; tell whether it was so."""
        unchanged = NOT_EXISTS
        if before is not None:
            unchanged = Condition(
                expression="failures = :failures AND forgotten_ms = :forgotten",
                values={
                    ":failures": before.failures,
                    ":forgotten": to_ms(before.forgotten_at),
                },
            )
        try:
            self._table.put(from_attempts(lane.kind, lane.who, after), unchanged)
        except ConditionFailedError:
            return False
        return True

    def forget(self, lane: Lane) -> None:
        """Begin anew."""
        self._table.delete(keys.attempts(lane.kind, lane.who))

    def settle(self, home: Home, until: datetime) -> None:
        """Remember until when the account is at home in this network."""
        self._table.put(
            keys.home(home.account, home.network)
            | {"ends_ms": to_ms(until), "expires_at": to_epoch_s(until) + 1}
        )
