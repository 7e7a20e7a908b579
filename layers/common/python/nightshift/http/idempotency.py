"""Idempotency-Key: the same key and body get the first answer, and the work is done once.

One item a key in the HTTP table. It is taken by a conditional put before the handler runs, under a
lease and an owner token, and closed with the answer afterwards. What counts is `expires_at` and the
lease in the conditions, never that DynamoDB has deleted something. Nothing of the request is stored
but an HMAC: an unkeyed hash of a body with a password in it could be guessed at leisure.

Kept are final answers: 2xx and 4xx, save 408, 409, 425 and 429, which ask to be tried again. After
those, after 5xx and after a crash (when the lease ends) the next request with the key runs anew.
Answers that hold tokens are sealed with AES-GCM under a key made from the request itself, so that
only who repeats that request can have them again; they are kept for a shorter time.
"""

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from nightshift.aws.dynamo import (
    Condition,
    ConditionFailedError,
    Delete,
    Item,
    Put,
    Table,
    Update,
)
from nightshift.core.clock import Clock, from_ms, to_epoch_s, to_ms
from nightshift.core.tokens import RandomBytes, keyed, same
from nightshift.http.errors import (
    IdempotencyInProgressError,
    IdempotencyKeyInvalidError,
    IdempotencyKeyReusedError,
    IdempotentAnswerGoneError,
)
from nightshift.http.reply import RawReply

MAX_KEY_CHARS = 255
MAX_KEPT_BYTES = 350_000
_SK = "-"
_TRY_AGAIN = frozenset({408, 409, 425, 429})
_KEPT_HEADERS = frozenset({"content-type", "etag", "location"})
_NONCE_BYTES = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """What is being tried: `scope` says who and where, `content` is the canonical request."""

    scope: str
    key: str
    content: bytes
    sealed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """The key is ours: run the handler, then call `finish`."""

    attempt: Attempt
    name: str
    owner: str
    first_at: datetime


class IdempotencyKeys:
    """Keeps keys and first answers. `key` gives the secret that fingerprints and seals."""

    def __init__(
        self,
        *,
        table: Table,
        clock: Clock,
        key: Callable[[], bytes],
        random: RandomBytes,
        ttl_s: int,
        sealed_ttl_s: int,
        lease_s: int,
    ) -> None:
        self._table = table
        self._clock = clock
        self._key = key
        self._random = random
        self._ttl_s = ttl_s
        self._sealed_ttl_s = sealed_ttl_s
        self._lease_s = lease_s

    def begin(self, attempt: Attempt) -> Begun | RawReply:
        """Take the key, or return the first answer.

        Raises:
            IdempotencyKeyInvalidError: the key is empty, too long or not visible ASCII.
            IdempotencyKeyReusedError: the key came with other content before.
            IdempotencyInProgressError: the first request still runs.
            IdempotentAnswerGoneError: the first request was done, its answer could not be kept.
        """
        if not 1 <= len(attempt.key) <= MAX_KEY_CHARS or not _is_visible(attempt.key):
            raise IdempotencyKeyInvalidError
        begun = Begun(
            attempt=attempt,
            name=keyed(self._key(), b"name", attempt.scope.encode(), attempt.key.encode()).hex(),
            owner=self._random(16).hex(),
            first_at=from_ms(to_ms(self._clock.now())),
        )
        try:
            self._put_open(begun)
        except ConditionFailedError as refused:
            return self._meet(begun, refused.item or {})
        return begun

    def finish(self, begun: Begun, reply: RawReply) -> None:
        """Keep `reply` as the first answer, or free the key when the answer is not final.

        Does nothing when somebody else took the key over meanwhile.
        """
        owned = Condition(
            expression="#owner = :owner", names={"#owner": "owner"}, values={":owner": begun.owner}
        )
        try:
            if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR or reply.status in _TRY_AGAIN:
                self._table.write(
                    Delete(table=self._table.name, key=_key(begun.name), condition=owned)
                )
            else:
                self._table.put(self._done_item(begun, reply), owned)
        except ConditionFailedError:
            return

    def _put_open(self, begun: Begun) -> None:
        now = self._clock.now()
        fresh = Condition(
            expression="attribute_not_exists(pk) OR expires_at <= :now",
            values={":now": to_epoch_s(now)},
        )
        self._table.write(
            Put(
                table=self._table.name,
                item=self._base(begun) | {"open": True, "lease_ms": self._lease_end(now)},
                condition=fresh,
            )
        )

    def _meet(self, begun: Begun, item: Item) -> Begun | RawReply:
        """Decide what the item that stands there means for this request."""
        if item.get("owner") == begun.owner:
            return begun
        if not same(bytes(item["fingerprint"]), self._fingerprint(begun)):
            raise IdempotencyKeyReusedError
        if not item.get("open"):
            return self._replay(begun, item)
        left_ms = int(item["lease_ms"]) - to_ms(self._clock.now())
        if left_ms > 0:
            raise IdempotencyInProgressError(retry_after_s=min(5, -(-left_ms // 1000)))
        return self._take_over(begun, item)

    def _take_over(self, begun: Begun, item: Item) -> Begun:
        """Take the key of a request that crashed; what it may have made is found by `first_at`."""
        update = Update(
            table=self._table.name,
            key=_key(begun.name),
            expression="SET #owner = :owner, lease_ms = :lease",
            condition=Condition(expression="#owner = :gone"),
            names={"#owner": "owner"},
            values={
                ":owner": begun.owner,
                ":gone": item["owner"],
                ":lease": self._lease_end(self._clock.now()),
            },
        )
        first_at = from_ms(int(item["first_ms"]))
        try:
            self._table.write(update)
        except ConditionFailedError as refused:
            if (refused.item or {}).get("owner") != begun.owner:
                raise IdempotencyInProgressError(retry_after_s=1) from refused
        return Begun(attempt=begun.attempt, name=begun.name, owner=begun.owner, first_at=first_at)

    def _base(self, begun: Begun) -> Item:
        ttl = self._sealed_ttl_s if begun.attempt.sealed else self._ttl_s
        return _key(begun.name) | {
            "owner": begun.owner,
            "fingerprint": self._fingerprint(begun),
            "first_ms": to_ms(begun.first_at),
            "expires_at": to_epoch_s(begun.first_at + timedelta(seconds=ttl)),
        }

    def _done_item(self, begun: Begun, reply: RawReply) -> Item:
        headers = {k: v for k, v in reply.headers.items() if k in _KEPT_HEADERS}
        kept = zlib.compress(reply.body)
        if begun.attempt.sealed:
            kept = self._seal(begun, kept)
        item = self._base(begun) | {"status": reply.status, "headers": json.dumps(headers)}
        return item if len(kept) > MAX_KEPT_BYTES else item | {"kept": kept}

    def _replay(self, begun: Begun, item: Item) -> RawReply:
        if "kept" not in item:
            raise IdempotentAnswerGoneError
        kept = bytes(item["kept"])
        if begun.attempt.sealed:
            kept = self._unseal(begun, kept)
        return RawReply(
            status=int(item["status"]),
            headers=json.loads(item["headers"]) | {"idempotency-replayed": "true"},
            body=zlib.decompress(kept),
        )

    def _fingerprint(self, begun: Begun) -> bytes:
        return keyed(self._key(), b"fingerprint", begun.attempt.content)

    def _lease_end(self, now: datetime) -> int:
        return to_ms(now) + self._lease_s * 1000

    def _sealing_key(self, begun: Begun) -> bytes:
        return keyed(self._key(), b"seal", begun.name.encode(), begun.attempt.content)

    def _seal(self, begun: Begun, data: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - cold start

        nonce = self._random(_NONCE_BYTES)
        return nonce + AESGCM(self._sealing_key(begun)).encrypt(nonce, data, begun.name.encode())

    def _unseal(self, begun: Begun, data: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - cold start

        cipher = AESGCM(self._sealing_key(begun))
        return cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], begun.name.encode())


def _key(name: str) -> Item:
    return {"pk": f"IDEM#{name}", "sk": _SK}


def _is_visible(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text
