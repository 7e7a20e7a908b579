"""Devices: plain names for them, and mails about those that are new."""

import pytest

from nightshift.identity.devices import describe
from tests.support.accounts import ADA, Scene, make_scene
from tests.support.faults import Fault, FaultMode, FaultPlan

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36"
)
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Safari/605.1.15"
)
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) CriOS/131.0 Mobile/15E148 Safari/604.1"
)
SAMSUNG = (
    "Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) "
    "SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36"
)


@pytest.fixture
def scene() -> Scene:
    return make_scene()


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (FIREFOX, "Firefox on Linux"),
        (CHROME, "Chrome on Windows"),
        (CHROME + " Edg/142.0.0.0", "Edge on Windows"),
        (CHROME + " OPR/120.0", "Opera on Windows"),
        (
            SAFARI,
            "Safari on macOS",
        ),
        (
            PHONE,
            "Chrome on iPhone",
        ),
        (
            SAMSUNG,
            "Samsung Internet on Android",
        ),
        ("curl/8.11.0", "curl"),
        ("python-requests/2.32.3", "python-requests"),
        ("Mozilla/5.0", "Unknown device"),
        ("", "Unknown device"),
        ("<script>alert(1)</script>", "Unknown device"),
        ("x" * 300, "x" * 40),
    ],
)
def test_devices_have_plain_names(user_agent: str, device: str) -> None:
    """People recognise their own sign-ins by them."""
    assert device == describe(user_agent)


def arrive(scene: Scene, user_agent: str = FIREFOX, address: str = "203.0.113.7") -> int:
    """Sign in with a device; return how many mails about new ones there are."""
    scene.door.address = address
    body = {"email": ADA, "password": "correct horse battery"}
    headers = {"user-agent": user_agent}
    assert 200 == scene.door("POST", "/auth/login", json_body=body, headers=headers).status
    return len(scene.postbox.of("new_sign_in"))


def test_a_new_device_is_told_of_once(scene: Scene) -> None:
    """The mail says when, where and with what; the second time it is known."""
    scene.verified()
    assert [1, 1] == [arrive(scene), arrive(scene)]
    mail = scene.postbox.latest("new_sign_in")
    assert (ADA, "2026-11-22T12:00:00Z", "203.0.113.7", FIREFOX) == (
        mail.to,
        mail.data["signed_in_at"],
        mail.data["address"],
        mail.data["user_agent"],
    )


def test_the_device_of_the_registration_is_known(scene: Scene) -> None:
    """Who has just made the account is not told of it."""
    scene.verified()
    assert 200 == scene.login().status
    assert [] == scene.postbox.of("new_sign_in")


def test_another_program_or_another_network_is_new(scene: Scene) -> None:
    """The same make of browser from far away is not the user's; a neighbour's address is."""
    scene.verified()
    assert [1, 2, 3, 3, 4, 4] == [
        arrive(scene),
        arrive(scene, CHROME),
        arrive(scene, address="198.51.100.1"),
        arrive(scene, address="198.51.7.7"),
        arrive(scene, address="2001:db8:1::1"),
        arrive(scene, address="2001:db8:2::1"),
    ]


def test_a_newer_version_is_the_same_device(scene: Scene) -> None:
    """Browsers update themselves all the time."""
    scene.verified()
    assert [1, 1] == [arrive(scene), arrive(scene, FIREFOX.replace("145", "146"))]


def test_a_device_is_forgotten_after_ninety_days(scene: Scene) -> None:
    """Each use begins them anew, whether the table has deleted the old ones or not."""
    scene.verified()
    arrive(scene)
    scene.world.clock.advance(seconds=89 * 86_400)
    assert 1 == arrive(scene)
    scene.world.clock.advance(seconds=89 * 86_400)
    assert 1 == arrive(scene)
    scene.world.clock.advance(seconds=90 * 86_400)
    assert 2 == arrive(scene)


def test_an_unverified_address_gets_no_notices(scene: Scene) -> None:
    """It may be a stranger's."""
    scene.register()
    assert 0 == arrive(scene)


def test_a_mail_that_is_not_taken_keeps_nobody_out(scene: Scene) -> None:
    """The user signs in, and is told at the next time."""
    scene.verified()
    scene.postbox.is_full = True
    assert 0 == arrive(scene)
    scene.postbox.is_full = False
    assert 1 == arrive(scene)


def test_a_known_device_costs_no_write_of_its_own(scene: Scene) -> None:
    """It is touched once a day at most."""
    scene.verified()
    arrive(scene)
    plan = scene.world.dynamodb.faults = FaultPlan()
    arrive(scene)
    written = [s for s in plan.seen if "DEVICE#" in repr(s.request) and s.operation != "GetItem"]
    assert [] == written


def test_a_lost_answer_tells_once(scene: Scene) -> None:
    """A repeated transaction is one sign-in and one mail."""
    scene.verified()
    plan = scene.world.dynamodb.faults = FaultPlan()
    arrive(scene, CHROME)
    at = next(s.ordinal for s in plan.seen if s.operation == "TransactWriteItems")
    scene.world.dynamodb.faults = FaultPlan({at: Fault(mode=FaultMode.ANSWER_LOST)})
    assert 2 == arrive(scene, FIREFOX)


def test_sessions_name_their_devices(scene: Scene) -> None:
    """GET /sessions shows what the user can recognise."""
    ada = scene.register()
    scene.world.clock.advance(seconds=1)
    arrive(scene)
    items = scene.door("GET", "/sessions", token=ada["access_token"]).json["items"]
    assert ["Firefox on Linux", "Unknown device"] == [s["device"] for s in items]
