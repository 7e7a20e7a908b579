"""How the password that is given is judged: whole, by a live session, and not without end."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.contract.door import PASSWORD
from tests.support.accounts import Scene, make_scene
from tests.support.faults import Fault, FaultHook, FaultMode

NEW = "another long phrase"


@pytest.fixture
def scene() -> Scene:
    return make_scene()


def test_a_session_that_ends_meanwhile_changes_nothing(scene: Scene) -> None:
    """Who ends a stolen session while it changes the password keeps the password."""
    ada = scene.register()

    def end() -> None:
        scene.door("POST", "/auth/logout", token=ada["access_token"])

    scene.world.dynamodb.faults = before_write_of("password_hash", end)
    assert 409 == scene.change(ada, PASSWORD, NEW).status
    scene.world.dynamodb.faults = None
    assert (200, 401) == (scene.login().status, scene.login(password=NEW).status)


def before_write_of(attribute: str, action: Callable[[], object]) -> FaultHook:
    """Return a hook that acts once, right before a transaction that writes this attribute."""
    left = [action]

    def hook(operation: str, request: Mapping[str, Any]) -> Fault | None:
        if operation != "TransactWriteItems" or attribute not in str(request) or not left:
            return None
        return Fault(mode=FaultMode.DELAY, action=left.pop())

    return hook


def test_guessing_the_current_password_counts_for_the_network() -> None:
    """Whoever has many sessions and no password meets the delay of all attempts from there."""
    scene = make_scene(NIGHTSHIFT_LOGIN_FREE_ATTEMPTS_ADDRESS="3")
    tokens = [scene.register(f"ada{number}@example.com") for number in range(4)]
    statuses = [scene.change(one, "wrong password", NEW).status for one in tokens]
    assert [401, 401, 401, 429] == statuses


@pytest.mark.parametrize(
    "almost", ["a" * 127, "a" * 128 + "a", "A" * 128, "a" * 127 + "b", " " + "a" * 127]
)
def test_a_password_counts_from_its_first_character_to_its_last(scene: Scene, almost: str) -> None:
    """Nothing is cut off, and case is not folded."""
    scene.register(password="a" * 128)
    assert scene.login(password="a" * 128).status == 200
    assert scene.login(password=almost).status in {401, 422}
