"""Headers, ETags, cursors and the rest of good answers."""

import pytest

from nightshift.core.access import Permission
from nightshift.core.ids import is_id, new_id
from nightshift.http.reply import Reply
from nightshift.http.request import Request
from nightshift.http.routing import PUBLIC, Mounted, Router, Section
from nightshift.http.wiring import build_app
from tests.contract.door import ENVIRON, START, Door, World
from tests.unit.http.toys import NamedCallers, Toys, build_toys

TOY_PATH = f"/toys/{new_id(START)}"


@pytest.mark.parametrize("path", ["/toys/best", "/nowhere", "/toys"])
def test_every_answer_is_closed_tight(door: Door, path: str) -> None:
    """No sniffing, no caching, no embedding, whatever the status."""
    headers = door("GET", path).headers
    assert {
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    }.items() <= headers.items()


def test_only_https_promises_https(door: Door) -> None:
    """HSTS is said where it is true."""
    over_https = door("GET", "/toys/best", headers={"x-forwarded-proto": "https"})
    over_http = door("GET", "/toys/best", headers={"x-forwarded-proto": "http"})
    assert "max-age=31536000; includeSubDomains" == over_https.headers["strict-transport-security"]
    assert "strict-transport-security" not in over_http.headers


def test_head_is_get_without_a_body(door: Door) -> None:
    """HEAD has the headers of GET."""
    answer = door("HEAD", "/toys/best")
    assert (200, "", "application/json") == (
        answer.status,
        answer.text,
        answer.headers["content-type"],
    )


def test_bytes_and_cookies_pass_unchanged(door: Door) -> None:
    """What is no text goes as base64, cookies in their own list."""
    event = {"rawPath": "/api/v1/picture", "requestContext": {"http": {"method": "GET"}}}
    raw = door.handler(event, None)
    assert (True, ["a=1; Secure"]) == (raw["isBase64Encoded"], raw["cookies"])
    assert door("GET", "/picture").text.encode("latin-1") == b"\x89PNG\xff"


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ('"3"', 304),
        ('W/"3"', 304),
        ('"1", "3"', 304),
        ("*", 304),
        ('"4"', 200),
        ("3", 200),
        ("", 200),
    ],
)
def test_what_did_not_change_is_304(door: Door, header: str, status: int) -> None:
    """GET answers 304 to the ETag that it gave."""
    answer = door("GET", TOY_PATH, token="member", headers={"if-none-match": header})
    assert (status, '"3"') == (answer.status, answer.headers["etag"])
    assert (status == 304) == (answer.text == "")


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ('"3"', 200),
        (' "3" ', 200),
        ("*", 200),
        ('"2"', 412),
        ('W/"3"', 412),
        ("3", 412),
        ('"', 412),
        ('""', 412),
        ('"three"', 412),
        ('"3", "4"', 412),
        ('"' + "9" * 5000 + '"', 412),
        ('"\u0663"', 412),
        ("", 412),
    ],
)
def test_only_the_current_version_is_changed(door: Door, header: str, status: int) -> None:
    """If-Match takes the ETag as it was given; anything else is 412."""
    answer = door(
        "PATCH", TOY_PATH, json_body={"name": "a"}, token="member", headers={"if-match": header}
    )
    assert status == answer.status
    assert status == 200 or answer.error == "precondition_failed"


def test_a_cursor_leads_through_the_whole_list(door: Door) -> None:
    """Following next_cursor shows every item once, then ends."""
    seen: list[str] = []
    query: dict[str, str] = {"limit": "20"}
    while True:
        page = door("GET", "/toys", query=query, token="member").json
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert [f"toy {n}" for n in range(50)] == seen


@pytest.mark.parametrize(
    ("token", "query", "status"),
    [
        ("member", {}, 200),
        ("member", {"limit": "7"}, 200),
        ("admin", {}, 400),
        ("member", {"colour": "red"}, 400),
    ],
)
def test_a_cursor_is_bound_to_its_list(
    door: Door, token: str, query: dict[str, str], status: int
) -> None:
    """Another caller or another filter is another list; another page size is not."""
    cursor = door("GET", "/toys", token="member").json["next_cursor"]
    answer = door("GET", "/toys", query={**query, "cursor": cursor}, token=token)
    assert status == answer.status


def test_a_new_resource_gets_an_id_of_its_own(door: Door, toys: Toys) -> None:
    """Without a key, ids are UUIDv7 and never the same."""
    for _ in range(3):
        door("POST", "/toys", json_body={"name": "a"}, token="member")
    assert (3, True) == (len(set(toys.made)), all(map(is_id, toys.made)))


def test_a_route_without_a_rule_does_not_start(world: World) -> None:
    """Deny by default: what declares no permission is no route."""
    router: Router[None] = Router(tag="Open")

    @router.route("GET", "/open", None)  # type: ignore[arg-type]  # what must not be
    def get_open(_: None, _request: Request) -> Reply:
        return Reply()

    with pytest.raises(TypeError, match="GET /api/v1/open declares no permission"):
        build_app(
            [router.bind(lambda: None)],
            environ=ENVIRON,
            authenticator=NamedCallers(),
            outside=world.outside,
        )


def test_a_route_stands_once(world: World) -> None:
    """Two handlers for one method and path are a mistake."""
    router: Router[None] = Router(tag="Twice")

    def get_it(_: None, _request: Request) -> Reply:
        return Reply()

    router.route("GET", "/twice", PUBLIC)(get_it)
    router.route("GET", "/twice", Permission.TASKS_READ)(get_it)
    with pytest.raises(ValueError, match="declared twice"):
        build_app(
            [router.bind(lambda: None)],
            environ=ENVIRON,
            authenticator=NamedCallers(),
            outside=world.outside,
        )


def test_an_unknown_limit_does_not_start(world: World) -> None:
    """A route names a rule that exists."""
    router: Router[None] = Router(tag="Limited")

    @router.route("GET", "/limited", PUBLIC, limit="nothing")
    def get_it(_: None, _request: Request) -> Reply:
        return Reply()

    with pytest.raises(ValueError, match="unknown limit nothing"):
        build_app(
            [router.bind(lambda: None)],
            environ=ENVIRON,
            authenticator=NamedCallers(),
            outside=world.outside,
        )


def test_a_section_is_opened_by_its_first_request(world: World) -> None:
    """It is loaded once, by a path of its own only, and is as good as any router then."""
    loaded: list[str] = []

    def load() -> list[Mounted]:
        loaded.append("shop")
        router: Router[None] = Router(tag="Shop")
        for path in ("/shop/{shop_id}", "/shelves"):
            router.route("GET", path, PUBLIC)(lambda _, __: Reply(body={}))
        return [router.bind(lambda: None)]

    door = Door(
        handler=build_app(
            [Section(segments=("shop", "shelves"), load=load)],
            environ=ENVIRON,
            authenticator=NamedCallers(),
            outside=world.outside,
        )
    )
    assert "route_not_found" == door("GET", "/shopping").error
    assert [] == loaded
    paths = ["/shelves", f"/shop/{new_id(START)}", "/shop/x", "/shop", "/shelves"]
    assert [200, 200, 404, 404, 200] == [door("GET", path).status for path in paths]
    assert ("method_not_allowed", ["shop"]) == (door("POST", "/shelves").error, loaded)


def test_a_request_is_one_line(world: World, toys: Toys) -> None:
    """The log tells what was asked, by whom, and how it ended, and nothing of what was sent."""
    door = Door(handler=build_toys(world, toys))
    door(
        "POST",
        "/toys",
        json_body={"name": "hidden"},
        token="member",
        headers={"idempotency-key": "hidden-key", "user-agent": "hidden-agent"},
    )
    (line,) = world.actions("http.request")
    assert {
        "method": "POST",
        "route": "/api/v1/toys",
        "status": 201,
        "request_id": "request-1",
    }.items() <= line.items()
    assert ("user_id" in line, "hidden" in world.logged.getvalue()) == (True, False)


def test_ids_of_one_request_do_not_reach_the_next(world: World, toys: Toys) -> None:
    """A public call after a signed-in one has no user in its log."""
    door = Door(handler=build_toys(world, toys))
    door("GET", "/toys", token="member")
    door("GET", "/toys/best")
    assert "user_id" not in world.actions("http.request")[1]
