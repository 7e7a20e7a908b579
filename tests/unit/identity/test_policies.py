"""The pure rules: growing delay, rotation of refresh tokens, passwords."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightshift.core.access import SessionId, UserId
from nightshift.core.errors import InvalidInputError
from nightshift.core.ids import new_id
from nightshift.core.tokens import digest
from nightshift.identity.attempts import FORGET_AFTER, Attempts, Patience, after_failure, wait
from nightshift.identity.model import Session, email_key
from nightshift.identity.passwords import Passwords, check_acceptable
from nightshift.identity.refresh import (
    Repeat,
    Reused,
    Rotate,
    Unknown,
    decide,
    encode,
    parse,
)
from tests.contract.door import START

GRACE = timedelta(seconds=10)
LIFE = timedelta(days=30)
PATIENCE = Patience(free=5, max_delay=timedelta(seconds=900))


def a_session(secret: bytes) -> Session:
    """Return a fresh session whose current secret is `secret`."""
    return Session(
        session_id=SessionId(new_id(START)),
        user_id=UserId(new_id(START)),
        epoch=0,
        family_key=b"f" * 32,
        current_hash=digest(secret),
        recent=(),
        user_agent="",
        address="",
        created_at=START,
        last_used_at=START,
        ends_at=START + LIFE,
    )


@given(steps=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 15)), max_size=25))
def test_rotation_against_a_model(steps: list[tuple[int, int]]) -> None:
    """Each token ever given means what its age says: current, just used, or used long ago.

    Each step waits some seconds and presents one of the newest tokens.
    """
    secret, now = b"s" * 32, START
    session = a_session(secret)
    given_out = [encode(session, secret)]
    used_at: dict[int, datetime] = {}
    for pause, back in steps:
        now += timedelta(seconds=pause)
        index = max(0, len(given_out) - 1 - back)
        decision = decide(
            session,
            parse(given_out[index]),
            now=now,
            grace=GRACE,
            lifetime=LIFE,
            nonce=bytes([len(given_out) % 256]) * 32,
        )
        if index == len(given_out) - 1:
            assert isinstance(decision, Rotate)
            used_at[index] = now
            session = decision.session
            given_out.append(encode(session, decision.successor))
        elif now - used_at[index] <= GRACE:
            assert isinstance(decision, Repeat)
            assert given_out[-1] == encode(session, decision.successor)
        else:
            assert isinstance(decision, Reused)


def test_what_is_remembered_is_bounded() -> None:
    """However fast a client refreshes, the session's item does not grow."""
    secret = b"s" * 32
    session = a_session(secret)
    for number in range(60):
        decision = decide(
            session, parse(encode(session, secret)), now=START, grace=GRACE, lifetime=LIFE,
            nonce=bytes([number]) * 32,
        )  # fmt: skip
        assert isinstance(decision, Rotate)
        session, secret = decision.session, decision.successor
    assert len(session.recent) == 20
    late = decide(
        session, parse(encode(session, secret)), now=START + GRACE * 2, grace=GRACE,
        lifetime=LIFE, nonce=b"n" * 32,
    )  # fmt: skip
    assert isinstance(late, Rotate)
    assert len(late.session.recent) == 1


def test_the_table_alone_gives_no_token() -> None:
    """The successor needs the presented secret, which is nowhere stored."""
    secret = b"s" * 32
    session = a_session(secret)
    first = decide(
        session, parse(encode(session, secret)), now=START, grace=GRACE, lifetime=LIFE,
        nonce=b"n" * 32,
    )  # fmt: skip
    assert isinstance(first, Rotate)
    stored = repr(first.session)
    assert (False, False) == (repr(secret) in stored, repr(first.successor) in stored)
    other = a_session(b"t" * 32)
    second = decide(
        other, parse(encode(other, b"t" * 32)), now=START, grace=GRACE, lifetime=LIFE,
        nonce=b"n" * 32,
    )  # fmt: skip
    assert isinstance(second, Rotate)
    assert first.session.recent[0].nonce == second.session.recent[0].nonce
    assert first.successor != second.successor


def test_a_token_of_another_family_is_unknown() -> None:
    """A token is good for the session that it was given out for."""
    secret = b"s" * 32
    mine = a_session(secret)
    other = replace(mine, family_key=b"g" * 32)
    changed = decide(
        mine, parse(encode(other, secret)), now=START, grace=GRACE, lifetime=LIFE, nonce=b"n" * 32,
    )  # fmt: skip
    assert isinstance(changed, Unknown)


@given(st.integers(0, 60))
def test_the_delay_never_shrinks(failures: int) -> None:
    """Each further failure waits at least as long, up to the longest."""
    delays = []
    seen: Attempts | None = None
    for _ in range(failures):
        seen = after_failure(seen, START, PATIENCE)
        delays.append((seen.not_before - START).total_seconds())
    assert sorted(delays) == delays
    assert max(delays, default=0) <= 900
    assert delays[:4] == [0.0] * len(delays[:4])


def test_waiting_ends_when_the_delay_ends() -> None:
    """To the moment; and what was long ago counts for nothing."""
    seen = None
    for _ in range(7):
        seen = after_failure(seen, START, PATIENCE)
    assert timedelta(seconds=4) == wait(seen, START)
    assert wait(seen, START + timedelta(seconds=4)) is None
    later = START + FORGET_AFTER + timedelta(seconds=4)
    assert 1 == after_failure(seen, later, PATIENCE).failures


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Ada@Example.com", " ada@example.COM "),
        ("caf\u00e9@example.com", "cafe\u0301@example.com"),
    ],
)
def test_spellings_of_one_address_are_one(left: str, right: str) -> None:
    """Case, blanks around and Unicode form make no difference."""
    assert email_key(left) == email_key(right)


def test_a_hash_tells_its_parameters() -> None:
    """A hash made with other parameters is outdated and still verifies."""
    old = Passwords(memory_kib=64, time_cost=1, parallelism=1)
    new = Passwords(memory_kib=128, time_cost=1, parallelism=1)
    stored = old.hash("a long phrase")
    assert (True, True, False) == (
        new.verify(stored, "a long phrase"),
        new.is_outdated(stored),
        old.is_outdated(stored),
    )


@pytest.mark.parametrize("stored", ["", "x", "$argon2id$v=19$broken", "plain"])
def test_a_broken_hash_lets_nobody_in(stored: str) -> None:
    """What is no hash verifies nothing."""
    assert not Passwords(memory_kib=64, time_cost=1, parallelism=1).verify(stored, "x")


def test_nobody_is_never_right() -> None:
    """The stand-in for unknown addresses verifies no password."""
    passwords = Passwords(memory_kib=64, time_cost=1, parallelism=1)
    assert [False] * 3 == [passwords.verify(None, p) for p in ("", "x", "\x00" * 32)]


@pytest.mark.parametrize(
    "password",
    ["password", "PASSWORD1", "12345678", "qwertyuiop", "iloveyou1", "11111111", "letmein123"],
)
def test_what_everybody_tries_first_is_refused(password: str) -> None:
    """The best-known passwords are not accepted, in any case."""
    with pytest.raises(InvalidInputError) as refused:
        check_acceptable(password, email="ada@example.com")
    assert "most common" in refused.value.errors[0].message


@pytest.mark.parametrize("password", ["example-ada@example.com", "ada-the-first", "Tr0ub4dor&3"])
def test_what_nobody_tries_first_is_accepted(password: str) -> None:
    """The list is a list, not a taste."""
    check_acceptable(password, email="ada@example.com")
