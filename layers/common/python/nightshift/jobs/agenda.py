"""What is due later: hints by minute and shard, groups of recurring subjects, claims to look after.

This module alone knows how what is due is found (see docs/decisions.md). A hint says that something
may be due; it is not deleted when used but left to TTL, so a tick that is cut off reads it again.
"""

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nightshift.aws.dynamo import (
    Condition,
    ConditionFailedError,
    Delete,
    Item,
    Put,
    Table,
    Update,
)
from nightshift.core.clock import Clock, to_epoch_s, to_ms
from nightshift.jobs import keys
from nightshift.jobs.codec import decode, encode
from nightshift.jobs.errors import SupersededError
from nightshift.jobs.model import Message

SHARDS = 4
MINUTE_MS = 60_000
HINT_TTL_S = 30 * 86_400
MANIFEST_SIZE = 50
HORIZON_MS = 120_000
"""How far ahead a tick queues; at most one tick may fail before a run is late."""
DIRECT_MS = 240_000
"""What falls due within this is sent by whoever creates it: ticks may already have passed it.

A tick reaches to the end of the minute that holds its horizon, 180 s at most; the rest is for the
time that the creating transaction itself takes, and for clocks that differ.
"""
CHECK_AFTER_MS = 120_000
"""How long after its time a run is first looked at by the sweeper."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One subject of a group. `data` is its owner's, small; no slot before `from_ms` is its own."""

    subject: str
    from_ms: int
    data: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Hint:
    """That something may be due: a group by its `spec`, or a single message in `body`.

    `name` orders the hints of a bucket. A single that is later than by `late_ok_ms` is not sent;
    None: it always is.
    """

    name: str
    spec: str | None = None
    body: str = ""
    late_ok_ms: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a periodic walk has come: the last whole minute, and parts of the next by shard."""

    minute: int | None
    parts: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """Messages claimed together; `rescues` counts how often the sweeper had to send them again."""

    messages: list[Message]
    rescues: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Filed:
    """A claim and its place in its minute; None where it cannot be read."""

    place: str
    manifest: Manifest | None


def minute_of(ms: int) -> int:
    """Return the minute since the epoch that `ms` falls into."""
    return ms // MINUTE_MS


def shard_of(subject: str) -> int:
    """Return the shard of a subject, the same on every machine."""
    return zlib.crc32(subject.encode()) % SHARDS


class Agenda:
    """The due index and the claims, in the jobs table."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def single_part(self, message: Message, *, late_ok_ms: int | None = None) -> Put:
        """Return the write that makes `message` due at its time, for a transaction."""
        shard = shard_of(message.ref.subject)
        item = {
            "pk": keys.due(minute_of(message.not_before_ms), shard),
            "sk": keys.single_hint(message.ref.job_id, message.attempt),
            "body": encode(message),
            "late": late_ok_ms,
            "expires_at": message.not_before_ms // 1000 + HINT_TTL_S,
        }
        return Put(table=self._table.name, item=item)

    def put_single(self, message: Message) -> None:
        """Make `message` due at its time."""
        self._table.write(self.single_part(message))

    def join_parts(self, spec: str, member: Member, *, first_ms: int) -> list[Put]:
        """Return the writes that make a subject a member of the group, with its first hint."""
        shard = shard_of(member.subject)
        item = {
            "pk": keys.group(spec, shard),
            "sk": member.subject,
            "from": member.from_ms,
            **member.data,
        }
        hint = self._hint(spec, shard, first_ms)
        return [Put(table=self._table.name, item=item), hint]

    def leave_part(self, spec: str, subject: str) -> Delete:
        """Return the write that takes a subject out of its group."""
        key = {"pk": keys.group(spec, shard_of(subject)), "sk": subject}
        return Delete(table=self._table.name, key=key)

    def move_group(self, spec: str, shard: int, slot_ms: int) -> None:
        """Hint at the group's next slot."""
        self._table.write(self._hint(spec, shard, slot_ms))

    def _hint(self, spec: str, shard: int, slot_ms: int) -> Put:
        item = {
            "pk": keys.due(minute_of(slot_ms), shard),
            "sk": keys.group_hint(spec),
            "expires_at": slot_ms // 1000 + HINT_TTL_S,
        }
        return Put(table=self._table.name, item=item)

    def hints(self, minute: int, shard: int) -> list[Hint]:
        """Return a bucket's hints by name, read consistently: one may be as young as this tick."""
        return [
            Hint(
                name=item["sk"],
                spec=_spec_in(item["sk"]),
                body=item.get("body", ""),
                late_ok_ms=item.get("late"),
            )
            for item in self._table.query(keys.due(minute, shard), consistent=True)
        ]

    def members(self, spec: str, shard: int, *, start_after: str | None) -> Iterator[Member]:
        """Yield the group's members of a shard by subject, as they were a moment ago."""
        found = self._table.query(keys.group(spec, shard), start_after=start_after)
        for item in found:
            data = {k: v for k, v in item.items() if k not in {"pk", "sk", "from"}}
            yield Member(subject=item["sk"], from_ms=item["from"], data=data)

    def manifest_part(self, manifest: Manifest, *, name: str, check_ms: int) -> Put:
        """Return the claim of these messages, to be looked at from `check_ms` on.

        `name` makes the claim unique within its minute; the same name again replaces it.
        """
        body = json.dumps([encode(m) for m in manifest.messages]).encode()
        item: Item = {
            "pk": keys.claims(minute_of(check_ms)),
            "sk": name,
            "z": zlib.compress(body),
            "res": manifest.rescues,
            "expires_at": to_epoch_s(self._clock.now()) + HINT_TTL_S,
        }
        return Put(table=self._table.name, item=item)

    def claim(self, manifest: Manifest, *, name: str, check_ms: int) -> None:
        """Put the claim down, before anything of it is sent."""
        self._table.write(self.manifest_part(manifest, name=name, check_ms=check_ms))

    def manifests(self, minute: int, *, start_after: str | None = None) -> Iterator[Filed]:
        """Yield the claims to be looked at in `minute`, those after the place `start_after`."""
        for item in self._table.query(
            keys.claims(minute), start_after=start_after, consistent=True
        ):
            yield Filed(place=item["sk"], manifest=_manifest_of(item))

    def acquire(self, name: str, token: str, *, lease_ms: int) -> Progress:
        """Lease a cursor for `lease_ms`; return how far it has come.

        Raises:
            SupersededError: another holds it and its lease is not over.
        """
        now_ms = to_ms(self._clock.now())
        update = Update(
            table=self._table.name,
            key=keys.cursor(name),
            expression="SET tok = :tok, lease = :until",
            condition=Condition(
                expression="attribute_not_exists(pk) OR lease <= :now OR tok = :tok",
                values={":now": now_ms},
            ),
            values={":tok": token, ":until": now_ms + lease_ms},
        )
        item = self._cursor_write(update)
        return Progress(minute=item.get("pos"), parts=item.get("parts", {}))

    def advance(self, name: str, token: str, progress: Progress, *, release: bool) -> None:
        """Move a leased cursor; with `release` give the lease back in the same write.

        Raises:
            SupersededError: the lease was lost to another.
        """
        values: dict[str, object] = {":pos": progress.minute, ":parts": dict(progress.parts)}
        update = Update(
            table=self._table.name,
            key=keys.cursor(name),
            expression="SET pos = :pos, parts = :parts" + (", lease = :zero" if release else ""),
            condition=Condition(expression="tok = :tok", values={":tok": token}),
            values=values | ({":zero": 0} if release else {}),
        )
        self._cursor_write(update)

    def _cursor_write(self, update: Update) -> Item:
        try:
            return self._table.write(update) or {}
        except ConditionFailedError as error:
            raise SupersededError from error


def _manifest_of(item: Item) -> Manifest | None:
    try:
        bodies = json.loads(zlib.decompress(item["z"]))
        return Manifest(messages=[decode(body) for body in bodies], rescues=item["res"])
    except (ValueError, KeyError, TypeError, zlib.error):
        return None


def _spec_in(name: str) -> str | None:
    return name.removeprefix(keys.GROUP) if name.startswith(keys.GROUP) else None


def chunks(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """Yield the messages in the portions that one manifest holds."""
    for start in range(0, len(messages), MANIFEST_SIZE):
        yield messages[start : start + MANIFEST_SIZE]
