"""Users' pictures, through the HTTP door."""

import contextlib
from typing import Any

import pytest

from nightshift.ports.uploads import UploadForm
from tests.contract.door import Answer
from tests.support.accounts import Scene, make_scene
from tests.support.faults import CrashError, Fault, FaultMode, FaultPlan
from tests.support.pictures import exif, jpeg, png, webp


@pytest.fixture
def scene() -> Scene:
    return make_scene()


def begin(scene: Scene, ada: dict[str, Any], content_type: str = "image/png") -> Answer:
    """Ask for a form."""
    return scene.door(
        "POST",
        "/users/me/avatar",
        json_body={"content_type": content_type},
        token=ada["access_token"],
    )


def upload(scene: Scene, ada: dict[str, Any], data: bytes, content_type: str = "image/png") -> str:
    """Put a file where a fresh form says; return the upload's id."""
    said = begin(scene, ada, content_type).json
    assert scene.uploads.put(UploadForm(url=said["url"], fields=said["fields"]), data)
    return str(said["upload_id"])


def complete(scene: Scene, ada: dict[str, Any], upload_id: str) -> Answer:
    """Say that the file is there."""
    return scene.door(
        "POST",
        "/users/me/avatar/complete",
        json_body={"upload_id": upload_id},
        token=ada["access_token"],
    )


def show(scene: Scene, ada: dict[str, Any]) -> Answer:
    """Ask where the picture is."""
    return scene.door("GET", "/users/me/avatar", token=ada["access_token"])


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (png(20, 10), "image/png"),
        (jpeg(20, 10), "image/jpeg"),
        (webp(20, 10), "image/webp"),
    ],
)
def test_a_picture_is_uploaded_checked_and_shown(
    scene: Scene, data: bytes, content_type: str
) -> None:
    """The user then has it, and it is all that lies in the bucket."""
    ada = scene.register()
    assert not ada["user"]["has_avatar"]
    done = complete(scene, ada, upload(scene, ada, data, content_type))
    assert (200, True, 2) == (done.status, done.json["has_avatar"], done.json["version"])
    shown = show(scene, ada).json
    assert (content_type, 20, 10, "2026-11-22T13:00:00Z") == (
        shown["content_type"],
        shown["width"],
        shown["height"],
        shown["expires_at"],
    )
    ((key, (kept, kind)),) = scene.uploads.files.items()
    assert (data, content_type, True) == (kept, kind, key in shown["url"])


def test_the_form_is_for_one_key_one_type_and_so_many_bytes(scene: Scene) -> None:
    """The bucket itself refuses what is larger or of another type."""
    ada = scene.register()
    said = begin(scene, ada).json
    form = UploadForm(url=said["url"], fields=said["fields"])
    assert (2_097_152, "2026-11-22T12:10:00Z") == (said["max_bytes"], said["expires_at"])
    assert f"uploads/avatars/{ada['user']['id']}/" in said["fields"]["key"]
    assert not scene.uploads.put(form, bytes(2_097_153))
    other = UploadForm(url=form.url, fields={**form.fields, "Content-Type": "text/html"})
    assert not scene.uploads.put(other, b"<html>")


@pytest.mark.parametrize("content_type", ["image/svg+xml", "text/html", "image/gif", "image/*", ""])
def test_other_types_get_no_form(scene: Scene, content_type: str) -> None:
    """What a browser would run, or could not show, is refused beforehand."""
    assert 422 == begin(scene, scene.register(), content_type).status


@pytest.mark.parametrize(
    "data",
    [b"<html><script>alert(1)</script>", b"x", png(5000, 1), png(1, 5000), png(0, 1), png()[:-1]],
)
def test_what_is_no_good_picture_is_refused(scene: Scene, data: bytes) -> None:
    """A page that calls itself PNG, a broken one, and one that would fill the memory."""
    ada = scene.register()
    answer = complete(scene, ada, upload(scene, ada, data))
    assert (422, "picture_invalid") == (answer.status, answer.error)
    assert (404, "avatar_not_found") == (show(scene, ada).status, show(scene, ada).error)
    assert not any(key.startswith("avatars/") for key in scene.uploads.files)


def test_the_type_is_what_the_bytes_say(scene: Scene) -> None:
    """A JPEG under a PNG's form is shown as the JPEG that it is."""
    ada = scene.register()
    complete(scene, ada, upload(scene, ada, jpeg()))
    assert "image/jpeg" == show(scene, ada).json["content_type"]


def test_nobody_learns_where_a_photograph_was_taken(scene: Scene) -> None:
    """What the camera wrote beside the picture is gone from the bucket."""
    ada = scene.register()
    complete(scene, ada, upload(scene, ada, jpeg(more=exif(6)), "image/jpeg"))
    assert b"secret place" not in repr(scene.uploads.files).encode()


def test_a_form_used_again_changes_nothing_that_is_shown(scene: Scene) -> None:
    """What was looked at is what is shown, however long the form is good."""
    ada = scene.register()
    said = begin(scene, ada).json
    form = UploadForm(url=said["url"], fields=said["fields"])
    scene.uploads.put(form, png(20, 10))
    complete(scene, ada, said["upload_id"])
    scene.uploads.put(form, b"<html>")
    (shown,) = [v for k, v in scene.uploads.files.items() if k.startswith("avatars/")]
    assert (png(20, 10), "image/png") == shown


def test_the_old_picture_goes(scene: Scene) -> None:
    """There is one picture a user, and none after it was removed."""
    ada = scene.register()
    for size in (10, 11, 12):
        complete(scene, ada, upload(scene, ada, png(size, size)))
    assert [(png(12, 12), "image/png")] == list(scene.uploads.files.values())
    for _ in range(2):
        removed = scene.door("DELETE", "/users/me/avatar", token=ada["access_token"])
        assert 204 == removed.status
    assert ({}, 404) == (scene.uploads.files, show(scene, ada).status)


def test_what_was_not_uploaded_cannot_be_completed(scene: Scene) -> None:
    """Neither a made-up upload nor one that was completed before, nor somebody else's."""
    ada, bob = scene.register(), scene.register("bob@example.com")
    made_up = complete(scene, ada, "0193a5c0-7e1a-7b3c-8d2e-4f5a6b7c8d9e")
    his = complete(scene, ada, upload(scene, bob, png()))
    mine = upload(scene, ada, png())
    assert 200 == complete(scene, ada, mine).status
    again = complete(scene, ada, mine)
    assert [(404, "upload_not_found")] * 3 == [(a.status, a.error) for a in (made_up, his, again)]


@pytest.mark.parametrize("upload_id", ["../../avatars/x", "a/b", "", "x" * 400])
def test_an_upload_is_named_by_an_id(scene: Scene, upload_id: str) -> None:
    """No path leads out of the user's own folder."""
    assert 422 == complete(scene, scene.register(), upload_id).status


def test_wherever_it_dies_the_next_picture_puts_it_right(scene: Scene) -> None:
    """A crash leaves the old picture or the new one, and what is left over goes with the next."""
    for ordinal in range(1, 6):
        for mode in (FaultMode.CRASH_BEFORE, FaultMode.CRASH_AFTER):
            scene = make_scene()
            ada = scene.register()
            complete(scene, ada, upload(scene, ada, png(10, 10)))
            fresh = upload(scene, ada, png(11, 11))
            scene.world.dynamodb.faults = FaultPlan({ordinal: Fault(mode=mode)})
            with contextlib.suppress(CrashError):
                complete(scene, ada, fresh)
            scene.world.dynamodb.faults = None
            key = show(scene, ada).json["url"].removeprefix("memory://").partition("?")[0]
            assert key in scene.uploads.files
            complete(scene, ada, upload(scene, ada, png(12, 12)))
            shown = [k for k in scene.uploads.files if k.startswith("avatars/")]
            assert 1 == len(shown)


def test_pictures_go_with_the_account(scene: Scene) -> None:
    """Nothing of a deleted user lies in the bucket."""
    ada = scene.register()
    complete(scene, ada, upload(scene, ada, png()))
    upload(scene, ada, png())
    scene.door("DELETE", "/users/me", token=ada["access_token"])
    assert {} == scene.uploads.files
