"""Signed opaque cursors: where a list goes on, bound to who asked for which list.

A cursor is base64url of a MAC and the position. The scope (caller, route, filters) goes into the
MAC and not into the cursor: one taken to another list, another user or other filters is refused.
The position is not encrypted; put no secret into it.
"""

import json
from collections.abc import Mapping

from nightshift.core.errors import BadRequestError
from nightshift.core.tokens import b64url, from_b64url, keyed, same

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
MAX_CURSOR_CHARS = 2048
_MAC_BYTES = 16
_LABEL = b"nightshift cursor 1"

Position = dict[str, str | int]


class InvalidCursorError(BadRequestError):
    """The cursor is not one that this list gave out; begin again without `cursor`."""

    slug = "invalid_cursor"


class CursorSigner:
    """Makes and checks cursors with one key of at least 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def encode(self, position: Mapping[str, str | int], *, scope: str) -> str:
        """Return the cursor for `position` in the list that `scope` names."""
        payload = json.dumps(dict(position), separators=(",", ":"), sort_keys=True).encode()
        return b64url(self._mac(payload, scope) + payload)

    def decode(self, cursor: str, *, scope: str) -> Position:
        """Return the position that `encode` was given.

        Raises:
            InvalidCursorError: it was changed, made up, or belongs to another scope.
        """
        if len(cursor) > MAX_CURSOR_CHARS:
            raise InvalidCursorError
        try:
            raw = from_b64url(cursor)
        except ValueError as error:
            raise InvalidCursorError from error
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not same(mac, self._mac(payload, scope)):
            raise InvalidCursorError
        position: Position = json.loads(payload)
        return position

    def _mac(self, payload: bytes, scope: str) -> bytes:
        return keyed(self._key, _LABEL, scope.encode(), payload)[:_MAC_BYTES]
