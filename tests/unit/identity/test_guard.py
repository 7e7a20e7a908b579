"""Guessing passwords is slowed down, and nobody is locked out by it, through the HTTP door."""

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.contract.door import PASSWORD
from tests.support.accounts import ADA, Scene, make_scene
from tests.support.faults import Fault, FaultMode

HOME, AWAY = "203.0.113.7", "192.0.2.77"


@pytest.fixture
def scene() -> Scene:
    return make_scene(NIGHTSHIFT_RATE_LIMIT_ADDRESS="10000000")


def strangers(count: int) -> Iterator[str]:
    """Yield addresses of as many networks."""
    return (f"198.18.{number // 250}.{number % 250}" for number in range(count))


def guess(scene: Scene, address: str, email: str = ADA) -> int:
    """Try a wrong password from an address."""
    scene.door.address = address
    return scene.login(email, "wrong password").status


def test_one_stranger_delays_nobody_else(scene: Scene) -> None:
    """Who guesses from one network waits alone; the user signs in, at home and away."""
    scene.register()
    assert [401] * 5 + [429] * 3 == [guess(scene, "198.51.100.1") for _ in range(8)]
    for address in (HOME, AWAY):
        scene.door.address = address
        assert 200 == scene.login().status


def test_many_strangers_together_wait(scene: Scene) -> None:
    """Guessing from many networks meets a delay of its own, known account or not."""
    scene.register()
    for email in (ADA, "eve@example.com"):
        statuses = [guess(scene, address, email) for address in strangers(60)]
        assert [401] * 50 + [429] * 10 == statuses


def test_the_user_is_never_kept_out_at_home(scene: Scene) -> None:
    """However long strangers go on, they cannot lock the user out."""
    scene.register()
    for _ in range(4):
        for address in strangers(60):
            guess(scene, address)
        scene.door.address = HOME
        assert 200 == scene.login().status
        scene.world.clock.advance(seconds=900)


def test_away_from_home_a_new_password_lets_the_user_in(scene: Scene) -> None:
    """While strangers guess, who asks for a new password by mail gets in from anywhere."""
    scene.register()
    for address in strangers(60):
        guess(scene, address)
    scene.door.address = AWAY
    assert 429 == scene.login().status
    assert 204 == scene.reset(scene.reset_token(), "another long phrase").status
    assert 200 == scene.login(password="another long phrase").status
    for address in strangers(60):
        guess(scene, address)
    scene.door.address = AWAY
    assert 200 == scene.login(password="another long phrase").status


def test_a_home_is_forgotten_in_time(scene: Scene) -> None:
    """A network that was not used for ninety days is a stranger's again."""
    scene.register()
    scene.world.clock.advance(seconds=90 * 86_400)
    for address in strangers(60):
        guess(scene, address)
    scene.door.address = HOME
    assert 429 == scene.login().status


def test_a_guess_that_fails_makes_no_home(scene: Scene) -> None:
    """Only who has the account is at home."""
    scene.register()
    guess(scene, AWAY)
    for address in strangers(60):
        guess(scene, address)
    scene.door.address = AWAY
    assert 429 == scene.login().status


def test_addresses_of_one_network_are_one_client(scene: Scene) -> None:
    """Whoever has a /64 cannot come from another address each time."""
    scene.register()
    addresses = [f"2001:db8:1:2::{number:x}" for number in range(1, 8)]
    assert [401] * 5 + [429] * 2 == [guess(scene, address) for address in addresses]
    assert 401 == guess(scene, "2001:db8:1:3::1")


def test_a_forwarded_address_is_not_believed(scene: Scene) -> None:
    """What a client says of where it comes from moves no count."""
    scene.register()
    statuses = []
    for number in range(7):
        headers = {"x-forwarded-for": f"198.51.100.{number}", "forwarded": f"for=192.0.2.{number}"}
        body = {"email": ADA, "password": "wrong password"}
        statuses.append(scene.door("POST", "/auth/login", json_body=body, headers=headers).status)
    assert [401] * 5 + [429] * 2 == statuses


def test_guesses_that_come_at_once_are_counted_one_by_one(scene: Scene) -> None:
    """All have seen that they are free before the first is counted; five are heard."""
    scene.register()
    together = threading.Barrier(12)
    mine = threading.local()

    def meeting(operation: str, request: Mapping[str, Any]) -> Fault | None:
        if operation != "BatchGetItem" or getattr(mine, "has_looked", False):
            return None
        mine.has_looked = True
        return Fault(mode=FaultMode.DELAY_AFTER, action=lambda: together.wait(30))

    scene.world.dynamodb.faults = meeting
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda n: scene.login(password=f"guess {n} guess"), range(12)))
    assert [401] * 5 + [429] * 7 == sorted(answer.status for answer in answers)


def test_parallel_guesses_from_one_network_are_counted(scene: Scene) -> None:
    """Of forty at once no more than the free ones are looked at."""
    scene.register()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: scene.login(password=f"guess {n} guess"), range(40)))
    assert sum(a.status == 401 for a in answers) <= 5
    assert {401, 429} == {a.status for a in answers}


def test_a_refused_attempt_tells_nothing(scene: Scene) -> None:
    """While the delay runs, the right password is answered as a wrong one."""
    scene.register()
    for _ in range(5):
        scene.login(password="wrong password")
    right, wrong = scene.login(), scene.login(password="wrong password")
    assert (429, right.headers["retry-after"], right.error) == (
        wrong.status,
        wrong.headers["retry-after"],
        wrong.error,
    )


def test_refusals_are_noted(scene: Scene) -> None:
    """The trail tells a wrong password from an attempt that came too early."""
    scene.register()
    for _ in range(6):
        scene.login(password="wrong password")
    acts = scene.trail.of("auth.login")
    assert ["failure"] * 5 + ["denied"] == [a.outcome for a in acts]
    assert PASSWORD not in repr(scene.trail.acts)
    assert "example.com" not in repr(acts)
