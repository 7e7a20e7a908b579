"""One's own preferences, through the HTTP door."""

from typing import Any

import pytest

from tests.contract.door import Answer
from tests.support.accounts import Scene, make_scene

DEFAULTS = {
    "time_zone": "UTC",
    "locale": "en",
    "email": {"weekly_summary": True, "monthly_report": True, "task_alerts": True},
    "updated_at": None,
    "version": 0,
}


@pytest.fixture
def scene() -> Scene:
    return make_scene()


def put(scene: Scene, ada: dict[str, Any], body: object, **headers: str) -> Answer:
    """Set preferences."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return scene.door(
        "PUT", "/users/me/preferences", json_body=body, token=ada["access_token"], headers=sent
    )


def get(scene: Scene, ada: dict[str, Any]) -> Any:
    """Read preferences."""
    return scene.door("GET", "/users/me/preferences", token=ada["access_token"]).json


def test_who_said_nothing_has_the_defaults(scene: Scene) -> None:
    """There is no preference that is not there."""
    assert DEFAULTS == get(scene, scene.register())


def test_preferences_are_set_whole(scene: Scene) -> None:
    """What is left out is its default; a mail that is not named stays as it was chosen."""
    ada = scene.register()
    body = {"time_zone": "Europe/Berlin", "locale": "de-DE", "email": {"weekly_summary": False}}
    answer = put(scene, ada, body)
    assert (200, "Europe/Berlin", "de-DE", 1, '"1"') == (
        answer.status,
        answer.json["time_zone"],
        answer.json["locale"],
        answer.json["version"],
        answer.headers["etag"],
    )
    again = put(scene, ada, {"email": {"task_alerts": False}}).json
    assert ("UTC", "en", 2) == (again["time_zone"], again["locale"], again["version"])
    chosen = {"weekly_summary": False, "monthly_report": True, "task_alerts": False}
    assert chosen == get(scene, ada)["email"]


@pytest.mark.parametrize(
    "body",
    [
        {"time_zone": "Berlin"},
        {"time_zone": "europe/berlin"},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": "localtime"},
        {"time_zone": "UTC+1"},
        {"time_zone": ""},
        {"locale": "english"},
        {"locale": "de_DE"},
        {"locale": "DE"},
        {"locale": "en-GB\r\nX: y"},
        {"email": {"password_changed": False}},
        {"email": {"weekly_summary": "no"}},
        {"theme": "dark"},
    ],
)
def test_what_makes_no_sense_changes_nothing(scene: Scene, body: dict[str, object]) -> None:
    """Zones and languages are those that exist; mails about security cannot be refused."""
    ada = scene.register()
    assert (422, DEFAULTS) == (put(scene, ada, body).status, get(scene, ada))


def test_a_stale_version_changes_nothing(scene: Scene) -> None:
    """PUT honours If-Match, for who never said anything as well."""
    ada = scene.register()
    assert 200 == put(scene, ada, {"locale": "de"}, if_match='"0"').status
    assert 412 == put(scene, ada, {"locale": "fr"}, if_match='"0"').status
    assert "de" == get(scene, ada)["locale"]


def test_preferences_are_ones_own(scene: Scene) -> None:
    """What one user prefers does not touch another."""
    ada, bob = scene.register(), scene.register("bob@example.com")
    put(scene, ada, {"locale": "de", "email": {"weekly_summary": False}})
    assert DEFAULTS == get(scene, bob)
