"""Gates: limits that jobs share by a key, as parallelism, as starts in a period, or both.

A gate is a partition of the jobs table. Its *places* say who is in, each with a time up to which it
holds at most; jobs for which there is no room are *parked* beside them, oldest first and those of
backfills last; one item says when the next may start. Whoever leaves wakes as many as there is room
for. Nothing waits in a worker, no retry is spent, and each gate has its own line, so that a full
one is in nobody's way.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from nightshift.aws.dynamo import EXISTS, Condition, ConditionFailedError, Item, Table, Update
from nightshift.core.clock import Clock, to_epoch_s, to_ms
from nightshift.jobs import keys
from nightshift.jobs.codec import decode, encode
from nightshift.jobs.model import Gate, JobRef, Message, Trigger
from nightshift.jobs.starts import AHEAD_MS, Begin, ComeBack, Full, Reserve, Starts, step_of

__all__ = ["Gate", "GateState", "Gates", "In", "Later", "Waits"]

MAX_PARALLELISM = 100
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
class GateState:
    """Who is held up by a gate. `inside` is subject and job id of those that hold a place.

    `waiting` counts those in line and those with a reserved start; `next_ms` is the next start that
    nobody has reserved, None where one may start at once.
    """

    inside: list[tuple[str, str]]
    waiting: int
    next_ms: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Hall:
    """What a gate looks like at one moment.

    `places` are the living ones by number, `parked` the first of those that wait.
    """

    now_ms: int
    starts: Starts
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
            ahead_ms = self.now_ms + AHEAD_MS - max(self.now_ms, self.starts.next_ms)
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
        if message.pass_ms:
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
        came = In()
        if not hall.admits(message, gate):
            return None
        if gate.rate is not None and not hall.has(message.ref):
            answer = self._start(message, gate, hall.starts)
            if isinstance(answer, Later):
                self._note_start(message.ref, gate, answer.at_ms)
            elif answer is not None and message.pass_ms:
                self._table.delete(_start_key(message.ref, gate))
            if not isinstance(answer, In):
                return answer
            came = answer
        if gate.parallelism is None or self._take(message, gate, until_ms, hall):
            return came
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
            "s": message.ref.subject,
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

    def _start(self, message: Message, gate: Gate, starts: Starts) -> In | Later | None:
        """Begin now, or reserve a start; None: none is left now."""
        for _ in range(TRIES):
            match step_of(starts, message, gate, self._now_ms()):
                case Full():
                    return None
                case ComeBack(at_ms=at_ms):
                    return Later(at_ms=at_ms)
                case Begin() | Reserve() as step:
                    try:
                        at_ms = self._move(gate, step)
                    except ConditionFailedError as error:
                        starts = Starts.of(error.item)
                        continue
                    is_in = isinstance(step, Begin)
                    return In(start_ms=at_ms) if is_in else Later(at_ms=at_ms)
        return None

    def _move(self, gate: Gate, step: Begin | Reserve) -> int:
        """Make the write of a step; return the start that it gives."""
        expires_at = to_epoch_s(self._clock.now()) + RATE_TTL_S
        item = self._table.write(
            Update(
                table=self._table.name,
                key={"pk": keys.gate(gate.key), "sk": keys.RATE},
                expression=f"{step.expression}, expires_at = :ttl",
                condition=step.condition,
                values=step.values | {":ttl": expires_at},
            )
        )
        if step.at_ms is not None:
            return step.at_ms
        moved = Starts.of(item)
        reached_ms = moved.open_ms if isinstance(step, Begin) else moved.next_ms
        return reached_ms - gate.spacing_ms

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

    def state(self, key: str, *, limit: int) -> GateState:
        """Return who is in and who waits, counted up to `limit`, as of a moment ago."""
        now_ms = self._now_ms()
        hall = list(self._table.query(keys.gate(key), between=(keys.RATE, keys.PLACE + "~")))
        after = (keys.PARKED, keys.RESERVED + "~")
        line = self._table.query(keys.gate(key), between=after, limit=limit)
        starts = [i["tat"] for i in hall if i["sk"] == keys.RATE and i["tat"] > now_ms]
        places = [i for i in hall if i["sk"] != keys.RATE and i["til"] > now_ms]
        return GateState(
            inside=[(i.get("s", ""), i["j"]) for i in places],
            waiting=sum(i.get("til", now_ms) >= now_ms for i in line),
            next_ms=starts[0] if starts else None,
        )

    def unpark(self, ref: JobRef, gate: Gate) -> None:
        """Forget that a job waits here."""
        self._table.delete(_parked_key(ref, gate))

    def forget(self, ref: JobRef, key: str) -> list[Message]:
        """Take a job out of a gate's line that it has no business in; return who is first now.

        Its subject was deleted, say, or has another gate by now.
        """
        try:
            self._table.delete(_parked_key(ref, Gate(key=key)), EXISTS)
        except ConditionFailedError:
            return []
        return self.wake(Gate(key=key))[:1]

    def _note_start(self, ref: JobRef, gate: Gate, at_ms: int) -> None:
        """Keep that a start is reserved, so that nobody takes the job for lost until then."""
        til = at_ms + START_LATE_OK_MS
        self._table.put(
            _start_key(ref, gate) | {"til": til, "expires_at": til // 1000 + self._retention_s}
        )

    def _park(self, message: Message, gate: Gate) -> None:
        expires_at = max(self._now_ms(), message.not_before_ms) // 1000 + self._retention_s
        body = encode(replace(message, gate=gate.key))
        item = {"body": body, "expires_at": expires_at}
        self._table.put(_parked_key(message.ref, gate) | item)

    def _look(self, gate: Gate) -> _Hall:
        """Read the places, and as many of those who wait as there may be room for."""
        now_ms = self._now_ms()
        found = self._read(gate)
        rates = [i for i in found if i["sk"] == keys.RATE]
        places = [i for i in found if i["sk"].startswith(keys.PLACE) and i["til"] > now_ms]
        return _Hall(
            now_ms=now_ms,
            starts=Starts.of(rates[0] if rates else None),
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


def _parked_key(ref: JobRef, gate: Gate) -> Item:
    """Return where a job waits: by the time in its id, and what makes up for the past last."""
    yields = ref.trigger is Trigger.BACKFILL
    return {"pk": keys.gate(gate.key), "sk": keys.in_line(ref.job_id, yields=yields)}


def _start_key(ref: JobRef, gate: Gate) -> Item:
    return {"pk": keys.gate(gate.key), "sk": keys.reserved(ref.job_id)}
