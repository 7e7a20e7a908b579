"""Gates: limits that jobs share by a key, as parallelism, as starts in a period, or both.

A gate is a partition of the jobs table. Its *places* say who is in, each with a time up to which it
holds at most; jobs for which there is no room are *parked* beside them, oldest first; one item says
when the next may start. Whoever leaves wakes as many as there is room for. Nothing waits in a
worker, no retry is spent, and each gate has its own line, so that a full one is in nobody's way.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from nightshift.aws.dynamo import Condition, ConditionFailedError, Item, Table, Update
from nightshift.core.clock import Clock, to_epoch_s, to_ms
from nightshift.jobs import keys
from nightshift.jobs.codec import decode, encode
from nightshift.jobs.model import Gate, JobRef, Message

__all__ = ["Gate", "Gates", "In", "Later", "Waits"]

MAX_PARALLELISM = 100
START_TOLERANCE_MS = 1_500
"""How long before a reserved start its message is let in: the worker waits the rest."""
PASS_OK_MS = 2_000
"""How long after its reserved start a job may still use it; later, it reserves anew."""
AHEAD_MS = 900_000
"""How far ahead starts are reserved; who comes after them is parked, so that a rate can change."""
START_LATE_OK_MS = 60_000
"""How long after its reserved start a job is not yet taken for lost."""
WOKEN_AT_ONCE = 10
RATE_TTL_S = 30 * 86_400
TRIES = 3
_ENDS = (0, -1)


@dataclass(frozen=True, kw_only=True, slots=True)
class In:
    """The job is in. It must not start before `start_ms`, a moment away at most."""

    start_ms: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Waits:
    """There is no room: the job is parked and will be woken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Later:
    """The job's start is reserved for `at_ms`."""

    at_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Hall:
    """What a gate looks like at one moment.

    `next_ms` is the next start that nobody has reserved, `places` the living ones by number,
    `parked` the first of those that wait.
    """

    now_ms: int
    next_ms: int
    places: dict[int, Item]
    parked: list[Message]

    def free(self, gate: Gate) -> list[int]:
        """Return the numbers of the places that are free under the gate's limit."""
        limit = gate.parallelism or 0
        room = max(0, limit - len(self.places))
        return [n for n in range(limit) if n not in self.places][:room]

    def room(self, gate: Gate) -> int:
        """Return how many jobs may come in now, counted up to `WOKEN_AT_ONCE` at least."""
        room = WOKEN_AT_ONCE if gate.parallelism is None else len(self.free(gate))
        if gate.rate is not None:
            ahead_ms = self.now_ms + AHEAD_MS - max(self.now_ms, self.next_ms)
            room = min(room, max(0, ahead_ms // max(1, gate.spacing_ms) + 1))
        return room

    def has(self, ref: JobRef) -> bool:
        """Tell whether the job is in."""
        return any(place["j"] == ref.job_id for place in self.places.values())

    def waits(self, ref: JobRef) -> bool:
        """Tell whether the job is among the first that wait."""
        return any(m.ref.job_id == ref.job_id for m in self.parked)

    def admits(self, message: Message, gate: Gate) -> bool:
        """Tell whether there is room for this job and for all who were here before it."""
        if self.has(message.ref):
            return True
        if _has_pass(message, self.now_ms):
            return gate.parallelism is None or bool(self.free(gate))
        ids = [m.ref.job_id for m in self.parked]
        job_id = message.ref.job_id
        before = ids.index(job_id) if job_id in ids else len(ids)
        return before < self.room(gate)


class Gates:
    """The gates, in the jobs table."""

    def __init__(self, table: Table, clock: Clock, *, retention_s: int) -> None:
        self._table = table
        self._clock = clock
        self._retention_s = retention_s

    def enter(self, message: Message, gate: Gate, *, until_ms: int) -> In | Later | Waits:
        """Let the message's job in until `until_ms` at most, or park it.

        Entering again is entering once. Whoever leaves after the parking sees it; so it looks once
        more, for those who left before.
        """
        hall = self._look(gate)
        parks = hall.waits(message.ref)
        for last in (False, True):
            answer = self._come_in(message, gate, hall, until_ms)
            if answer is not None:
                if parks:
                    self.unpark(message.ref, gate)
                return answer
            if last:
                break
            self._park(message, gate)
            hall, parks = self._look(gate), True
        return Waits()

    def _come_in(
        self, message: Message, gate: Gate, hall: _Hall, until_ms: int
    ) -> In | Later | None:
        """Let the job in if there is room, None if there is not."""
        start_ms = 0
        if not hall.admits(message, gate):
            return None
        if gate.rate is not None and not hall.has(message.ref):
            reserved = self._start(message, gate)
            if reserved is None:
                return None
            start_ms = reserved
            if start_ms > self._now_ms() + START_TOLERANCE_MS:
                self._note_start(message.ref, gate, start_ms)
                return Later(at_ms=start_ms)
            if message.pass_ms:
                self._table.delete(_start_key(message.ref, gate))
        if gate.parallelism is None or self._take(message, gate, until_ms, hall):
            return In(start_ms=start_ms)
        return None

    def _take(self, message: Message, gate: Gate, until_ms: int, hall: _Hall) -> bool:
        """Take a place; tell whether there was one.

        Who comes at the same time begins elsewhere, so that a crowd is not refused one by one.
        """
        for _ in range(TRIES):
            mine = [n for n, place in hall.places.items() if place["j"] == message.ref.job_id]
            free = hall.free(gate)
            first = zlib.crc32(message.ref.job_id.encode()) % max(1, len(free))
            for number in (*mine, *free[first:], *free[:first])[:TRIES]:
                if self._put_place(message, gate, number, until_ms):
                    return True
            hall = self._look(gate)
            if not hall.admits(message, gate):
                return False
        return False

    def _put_place(self, message: Message, gate: Gate, number: int, until_ms: int) -> bool:
        item = {
            "pk": keys.gate(gate.key),
            "sk": keys.gate_place(number),
            "j": message.ref.job_id,
            "a": message.attempt,
            "til": until_ms,
            "expires_at": until_ms // 1000 + self._retention_s,
        }
        mine_or_free = Condition(
            expression="attribute_not_exists(pk) OR til <= :now OR j = :me",
            values={":now": self._now_ms(), ":me": message.ref.job_id},
        )
        try:
            self._table.put(item, mine_or_free)
        except ConditionFailedError:
            return False
        return True

    def _start(self, message: Message, gate: Gate) -> int | None:
        """Return the start that the message has, or else reserve one; None: none is left now."""
        now_ms = self._now_ms()
        if _has_pass(message, now_ms):
            return message.pass_ms
        from_ms = max(now_ms, message.not_before_ms)
        values: dict[str, object] = {":from": from_ms, ":end": from_ms + AHEAD_MS}
        busy = Condition(expression="tat > :from AND tat <= :end", values=values)
        idle = Condition(
            expression="attribute_not_exists(tat) OR tat <= :from", values={":from": from_ms}
        )
        for _ in range(TRIES):
            try:
                step: dict[str, object] = {":step": gate.spacing_ms}
                item = self._move(gate, "tat + :step", step, busy)
                return int(item["tat"]) - gate.spacing_ms
            except ConditionFailedError as error:
                if error.item is not None and error.item.get("tat", 0) > from_ms + AHEAD_MS:
                    return None
            try:
                self._move(gate, ":next", {":next": from_ms + gate.spacing_ms}, idle)
            except ConditionFailedError:
                continue
            return from_ms
        return None

    def _move(self, gate: Gate, to: str, values: dict[str, object], condition: Condition) -> Item:
        expires_at = to_epoch_s(self._clock.now()) + RATE_TTL_S
        item = self._table.write(
            Update(
                table=self._table.name,
                key={"pk": keys.gate(gate.key), "sk": keys.RATE},
                expression=f"SET tat = {to}, expires_at = :ttl",
                condition=condition,
                values=values | {":ttl": expires_at},
            )
        )
        return item or {}

    def leave(self, ref: JobRef, attempt: int, gate: Gate) -> list[Message]:
        """Give the attempt's place back; return the messages of those who may come in now.

        Leaving twice, or without having been in, is harmless.
        """
        left = False
        if gate.parallelism is not None:
            places = self._table.query(keys.gate(gate.key), prefix=keys.PLACE, consistent=True)
            for item in places:
                if item["j"] == ref.job_id and item["a"] <= attempt:
                    self._drop_place(item)
                    left = True
        may_come = self.wake(gate)
        # Those between the first and the last were woken by whoever left before; if that was lost,
        # they will be the first. Who had no place to leave may only have to repeat a lost wake.
        ends = _ENDS if left or gate.parallelism is None else _ENDS[:1]
        return may_come if len(may_come) <= len(ends) else [may_come[n] for n in ends]

    def _drop_place(self, item: Item) -> None:
        mine = Condition(
            expression="j = :me AND a = :attempt", values={":me": item["j"], ":attempt": item["a"]}
        )
        try:
            self._table.delete({"pk": item["pk"], "sk": item["sk"]}, mine)
        except ConditionFailedError:
            return

    def wake(self, gate: Gate) -> list[Message]:
        """Return the messages of the parked jobs that there is room for."""
        hall = self._look(gate)
        return hall.parked[: hall.room(gate)]

    def holding(self, pairs: Sequence[tuple[JobRef, Gate]]) -> dict[str, list[Gate]]:
        """Return by job id at which gates the jobs wait: for room, or for a reserved start."""
        now_ms = self._now_ms()
        rows = {pair: [_parked_key(*pair), _start_key(*pair)] for pair in dict.fromkeys(pairs)}
        wanted = {tuple(key.items()): key for keys_ in rows.values() for key in keys_}
        found = [
            {"pk": item["pk"], "sk": item["sk"]}
            for item in self._table.get_many(list(wanted.values()), consistent=True)
            if item.get("til", now_ms) >= now_ms
        ]
        at: dict[str, list[Gate]] = {}
        for (ref, gate), keys_here in rows.items():
            if any(key in found for key in keys_here):
                at.setdefault(ref.job_id, []).append(gate)
        return at

    def unpark(self, ref: JobRef, gate: Gate) -> None:
        """Forget that a job waits here."""
        self._table.delete(_parked_key(ref, gate))

    def _note_start(self, ref: JobRef, gate: Gate, at_ms: int) -> None:
        """Keep that a start is reserved, so that nobody takes the job for lost until then."""
        til = at_ms + START_LATE_OK_MS
        self._table.put(
            _start_key(ref, gate) | {"til": til, "expires_at": til // 1000 + self._retention_s}
        )

    def _park(self, message: Message, gate: Gate) -> None:
        expires_at = max(self._now_ms(), message.not_before_ms) // 1000 + self._retention_s
        item = {"body": encode(message), "expires_at": expires_at}
        self._table.put(_parked_key(message.ref, gate) | item)

    def _look(self, gate: Gate) -> _Hall:
        """Read the places, and as many of those who wait as there may be room for."""
        now_ms = self._now_ms()
        found = self._read(gate)
        starts = [i["tat"] for i in found if i["sk"] == keys.RATE]
        places = [i for i in found if i["sk"].startswith(keys.PLACE) and i["til"] > now_ms]
        return _Hall(
            now_ms=now_ms,
            next_ms=starts[0] if starts else 0,
            places={int(i["sk"].removeprefix(keys.PLACE)): i for i in places},
            parked=[decode(i["body"]) for i in found if i["sk"].startswith(keys.PARKED)],
        )

    def _read(self, gate: Gate) -> list[Item]:
        """Return the gate's first rows: all its places, and after them the first who wait.

        One query is enough, unless places lie there that a higher limit once allowed.
        """
        limit = WOKEN_AT_ONCE if gate.parallelism is None else gate.parallelism
        pk, portion = keys.gate(gate.key), min(limit, MAX_PARALLELISM) + 2
        first, last = keys.RATE, keys.PARKED + "~"
        found: list[Item] = []
        while True:
            rows = list(
                self._table.query(pk, between=(first, last), limit=portion, consistent=True)
            )
            found += rows
            if len(rows) < portion or rows[-1]["sk"].startswith(keys.PARKED):
                return found
            first = rows[-1]["sk"] + "\0"

    def _now_ms(self) -> int:
        return to_ms(self._clock.now())


def _has_pass(message: Message, now_ms: int) -> bool:
    return bool(message.pass_ms) and message.pass_ms + PASS_OK_MS >= now_ms


def _parked_key(ref: JobRef, gate: Gate) -> Item:
    return {"pk": keys.gate(gate.key), "sk": keys.parked(ref.job_id)}


def _start_key(ref: JobRef, gate: Gate) -> Item:
    return {"pk": keys.gate(gate.key), "sk": keys.reserved(ref.job_id)}
