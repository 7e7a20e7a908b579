"""The second level: entries and tags in the cache table, large bodies in the bucket.

An entry carries the marks of its tags as they were when its body began to be made. It counts only
while they are still the same, so invalidating a tag is one write, however many entries have it, and
no order of writes lets an outdated body live on. Times are judged here; TTL is garbage collection.
"""

import contextlib
import zlib
from collections.abc import Callable

from nightshift.aws.dynamo import (
    Condition,
    ConditionCheck,
    ConditionFailedError,
    Item,
    Table,
    Update,
)
from nightshift.cache import keys
from nightshift.cache.model import CacheKey, Entry, Failure, Marks, Work
from nightshift.core.clock import Clock, to_epoch_s, to_ms
from nightshift.ports.blobs import BlobNotFoundError, Blobs

SCHEMA_VERSION = 1
INLINE_BYTES = 64 * 1024
"""The largest compressed body kept in the table; a read there costs by four kilobytes."""
MAX_KEEP_S = 90 * 86_400
TAG_TTL_S = MAX_KEEP_S + 10 * 86_400
"""Longer than any entry that was made before the tag was invalidated."""
FAILURE_TTL_S = 7 * 86_400
"""For how long it is known how the last work on an entry ended."""
BLOB_TYPE = "application/zlib"


class CacheStore:
    """Entries, tags and claims."""

    def __init__(
        self, table: Table, blobs: Blobs, clock: Clock, new_token: Callable[[], str]
    ) -> None:
        self._table = table
        self._blobs = blobs
        self._clock = clock
        self._new_token = new_token

    def look(self, key: CacheKey) -> tuple[Entry | None, Marks, Work | None]:
        """Return the entry, where one counts, the marks as they are, and the work on it.

        One call, consistent.
        """
        entry, claim = keys.entry(key.name), keys.claim(key.name)
        wanted = [entry, claim, *(keys.tag(tag) for tag in key.tags)]
        found = {i["pk"]: i for i in self._table.get_many(wanted, consistent=True)}
        item = found.get(entry["pk"])
        tags = {tag: _mark(found.get(keys.tag(tag)["pk"])) for tag in key.tags}
        marks = Marks(key=_mark(item), tags=tags)
        work = _work(found.get(claim["pk"]))
        if item is None or "at" not in item or item.get("tags", {}) != tags:
            return None, marks, work
        return self._entry(item), marks, work

    def _entry(self, item: Item) -> Entry | None:
        """Return the entry in an item; None if its time is over or its body is gone."""
        if item["gone"] <= to_ms(self._clock.now()):
            return None
        try:
            packed = self._blobs.get(item["s3"]) if "s3" in item else item["z"]
        except BlobNotFoundError:
            return None
        return Entry(
            body=zlib.decompress(packed),
            made_ms=item["at"],
            fresh_until_ms=item["fresh"],
            gone_ms=item["gone"],
        )

    def put(self, key: CacheKey, entry: Entry, marks: Marks) -> bool:
        """Keep an entry; tell whether it now stands.

        It does not where the key was deleted since `marks`, or a younger entry is there.
        """
        packed = zlib.compress(entry.body, 6)
        values: dict[str, object] = {
            ":v": SCHEMA_VERSION,
            ":name": key.name,
            ":at": entry.made_ms,
            ":fresh": entry.fresh_until_ms,
            ":gone": entry.gone_ms,
            ":tags": dict(marks.tags),
            ":ttl": entry.gone_ms // 1000 + 3600,
            ":body": packed,
        }
        place, other = "z", "s3"
        if len(packed) > INLINE_BYTES:
            place, other = other, place
            values[":body"] = keys.blob(key.name, self._new_token())
            self._blobs.put(str(values[":body"]), packed, content_type=BLOB_TYPE)
        update = Update(
            table=self._table.name,
            key=keys.entry(key.name),
            expression=f"SET v = :v, #name = :name, #at = :at, fresh = :fresh, gone = :gone, "
            f"tags = :tags, expires_at = :ttl, {place} = :body REMOVE {other}",
            condition=_untouched(marks, entry),
            names={"#name": "name", "#at": "at"},
            values=values,
        )
        try:
            self._table.write(update)
        except ConditionFailedError:
            return False
        return True

    def delete(self, name: str) -> None:
        """Forget an entry; what is being made for it now will not stand either."""
        now_s = to_epoch_s(self._clock.now())
        self._table.put(
            keys.entry(name) | {"gen": self._new_token(), "expires_at": now_s + TAG_TTL_S}
        )

    def delete_tag(self, tag: str) -> None:
        """Forget all entries that have the tag, those that are being made now included."""
        now_s = to_epoch_s(self._clock.now())
        self._table.put(keys.tag(tag) | {"gen": self._new_token(), "expires_at": now_s + TAG_TTL_S})

    def claim(self, name: str, token: str, *, for_s: float) -> bool:
        """Say that `token` makes the entry anew for `for_s` seconds; False if another does."""
        now_ms = to_ms(self._clock.now())
        until_ms = now_ms + round(for_s * 1000)
        free_or_mine = Condition(
            expression="attribute_not_exists(pk) OR til <= :now OR tok = :tok",
            values={":now": now_ms, ":tok": token},
        )
        item = {"tok": token, "til": until_ms, "expires_at": until_ms // 1000 + 3600}
        try:
            self._table.put(keys.claim(name) | item, free_or_mine)
        except ConditionFailedError:
            return False
        return True

    def release(self, name: str, token: str) -> None:
        """Give a claim back, if it is still this one's."""
        mine = Condition(expression="tok = :tok", values={":tok": token})
        try:
            self._table.delete(keys.claim(name), mine)
        except ConditionFailedError:
            return

    def begin(self, name: str, token: str, *, for_s: float, note: str) -> bool:
        """Say that the work `token` is under way for `for_s` seconds; see `Cache.begin`."""
        now_ms = to_ms(self._clock.now())
        until_ms = now_ms + round(for_s * 1000)
        update = Update(
            table=self._table.name,
            key=keys.claim(name),
            expression="SET tok = :tok, til = :til, #note = :note, expires_at = :ttl, "
            "since = if_not_exists(since, :now) REMOVE #end",
            condition=Condition(
                expression="attribute_not_exists(pk) OR (tok = :tok AND attribute_not_exists(#end))"
                " OR (tok <> :tok AND (til <= :now OR attribute_exists(#end)))",
            ),
            names={"#note": "note", "#end": "end"},
            values={
                ":tok": token,
                ":til": until_ms,
                ":note": note,
                ":now": now_ms,
                ":ttl": until_ms // 1000 + FAILURE_TTL_S,
            },
        )
        try:
            self._table.write(update)
        except ConditionFailedError:
            return False
        return True

    def end(self, name: str, token: str, failure: Failure | None) -> None:
        """Say that the work `token` has ended; see `Cache.end`."""
        until_s = to_epoch_s(self._clock.now()) + FAILURE_TTL_S
        told = {"e": failure.error, "m": failure.message, "at": failure.at_ms} if failure else None
        values: dict[str, object] = {":tok": token, ":yes": True, ":ttl": until_s}
        update = Update(
            table=self._table.name,
            key=keys.claim(name),
            expression="SET #end = :yes, expires_at = :ttl"
            + (", #fail = :fail REMOVE since" if told else " REMOVE #fail, since"),
            condition=Condition(expression="tok = :tok"),
            names={"#end": "end", "#fail": "fail"},
            values=values | ({":fail": told} if told else {}),
        )
        with contextlib.suppress(ConditionFailedError):
            self._table.write(update)

    def unchanged(self, name: str, seen: Work | None) -> ConditionCheck:
        """Return the part of a transaction by which the work on an entry is still as seen."""
        if seen is None:
            condition = Condition(expression="attribute_not_exists(#note)", names={"#note": "note"})
        else:
            ended = "attribute_exists" if seen.ended else "attribute_not_exists"
            condition = Condition(
                expression=f"tok = :tok AND {ended}(#end)",
                names={"#end": "end"},
                values={":tok": seen.token},
            )
        return ConditionCheck(table=self._table.name, key=keys.claim(name), condition=condition)


def _untouched(marks: Marks, entry: Entry) -> Condition:
    """Return the condition that nobody deleted the key, nor put a younger entry."""
    deleted = "gen = :gen" if marks.key else "attribute_not_exists(gen)"
    values: dict[str, object] = {":gen": marks.key} if marks.key else {}
    return Condition(
        expression=f"{deleted} AND (attribute_not_exists(#at) OR #at <= :at)",
        names={"#at": "at"},
        values=values | {":at": entry.made_ms},
    )


def _work(item: Item | None) -> Work | None:
    """Return the work in a claim; a claim that the cache's own maker holds is none."""
    if item is None or "note" not in item:
        return None
    fail = item.get("fail")
    return Work(
        token=item["tok"],
        since_ms=item.get("since", 0),
        until_ms=item["til"],
        ended=item.get("end", False),
        note=item["note"],
        failure=Failure(error=fail["e"], message=fail["m"], at_ms=fail["at"]) if fail else None,
    )


def _mark(item: Item | None) -> str:
    return str(item.get("gen", "")) if item else ""
