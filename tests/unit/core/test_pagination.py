"""Signed cursors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightshift.core.pagination import CursorSigner, InvalidCursorError
from nightshift.core.tokens import b64url, from_b64url

SIGNER = CursorSigner(bytes(range(32)))
POSITIONS = st.dictionaries(
    st.text(min_size=1, max_size=8), st.text(max_size=40) | st.integers(), max_size=3
)


@given(position=POSITIONS, scope=st.text(max_size=40))
def test_gives_back_the_position(position: dict[str, str | int], scope: str) -> None:
    """A cursor taken back to its own list says where that list goes on."""
    assert position == SIGNER.decode(SIGNER.encode(position, scope=scope), scope=scope)


@given(position=POSITIONS, data=st.data())
def test_refuses_any_changed_byte(position: dict[str, str | int], data: st.DataObject) -> None:
    """No byte of a cursor can be changed."""
    raw = bytearray(from_b64url(SIGNER.encode(position, scope="tasks")))
    index = data.draw(st.integers(0, len(raw) - 1))
    raw[index] ^= data.draw(st.integers(1, 255))
    with pytest.raises(InvalidCursorError):
        SIGNER.decode(b64url(bytes(raw)), scope="tasks")


@pytest.mark.parametrize("scope", ["", "tasks of ada ", "tasks of bob"])
def test_refuses_another_list(scope: str) -> None:
    """A cursor of one list is worth nothing for another."""
    cursor = SIGNER.encode({"pk": "a"}, scope="tasks of ada")
    with pytest.raises(InvalidCursorError):
        SIGNER.decode(cursor, scope=scope)


def test_refuses_another_key() -> None:
    """Nobody without the key makes a cursor."""
    cursor = CursorSigner(bytes(32)).encode({"pk": "a"}, scope="tasks")
    with pytest.raises(InvalidCursorError):
        SIGNER.decode(cursor, scope="tasks")


@pytest.mark.parametrize("text", ["", "x", "not base64!", "ä", "A" * 5000, "=" * 8, "e30"])
def test_refuses_what_is_no_cursor(text: str) -> None:
    """Garbage is refused as a bad cursor and nothing else."""
    with pytest.raises(InvalidCursorError) as refused:
        SIGNER.decode(text, scope="tasks")
    assert (refused.value.slug, refused.value.status) == ("invalid_cursor", 400)
