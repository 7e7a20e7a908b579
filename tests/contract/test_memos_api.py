"""Memos, cards and reviews through their HTTP door (PRODUCT: "Memos and flashcards")."""

from datetime import timedelta
from typing import Any

import pytest

from nightshift.memos.settings import MAX_TEXT_CHARS
from tests.contract.apps import Product, make_product
from tests.contract.door import PASSWORD, Answer, register

TEXT = "a = 1\nb = 2\nc = 3"
CARD_FIELDS = {"id", "memo_id", "front", "back", "kind", "due_at", "stats"}


@pytest.fixture
def product() -> Product:
    """The whole API with one user."""
    return make_product()


def _send(product: Product, method: str, path: str, **more: Any) -> Answer:
    return product.door(method, path, token=product.token, **more)


def _write(product: Product, **changes: Any) -> dict[str, Any]:
    """Write a memo and return the answer's body."""
    answered = _send(product, "POST", "/memos", json_body={"text": TEXT} | changes)
    assert answered.status == 202, answered.text
    document: dict[str, Any] = answered.json
    return document


def _made(product: Product, **changes: Any) -> dict[str, Any]:
    """Write a memo, let its cards be made, and return it."""
    memo_id = _write(product, **changes)["memo"]["id"]
    product.engine.run_for(minutes=1)
    return _memo(product, memo_id)


def _memo(product: Product, memo_id: str) -> dict[str, Any]:
    document: dict[str, Any] = _send(product, "GET", f"/memos/{memo_id}").json
    return document


def _cards(product: Product, memo: dict[str, Any], **query: str) -> list[dict[str, Any]]:
    answered = _send(product, "GET", f"/memos/{memo['id']}/cards", query=query)
    items: list[dict[str, Any]] = answered.json["items"]
    return items


def _later(product: Product, **span: float) -> None:
    """Let time go by, and sign in again: access tokens are short-lived."""
    product.engine.clock.advance(seconds=timedelta(**span).total_seconds())
    login = {"email": "fuzz@example.com", "password": PASSWORD}
    product.user = product.door("POST", "/auth/login", json_body=login).json


def _pages(product: Product, path: str, **query: str) -> list[str]:
    """Return the ids of a whole list, read two at a time."""
    seen: list[str] = []
    query = query | {"limit": "2"}
    while True:
        page = _send(product, "GET", path, query=query).json
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            return seen
        query["cursor"] = page["next_cursor"]


def test_a_written_memo_is_accepted_with_its_job(product: Product) -> None:
    """202, pending, and the job that can be looked at; later the memo is completed."""
    answered = _send(product, "POST", "/memos", json_body={"title": "Letters", "text": TEXT})
    body = answered.json
    assert {"memo", "job_id"} == set(body)
    assert (202, "pending", "Letters", 0) == (
        answered.status,
        body["memo"]["status"],
        body["memo"]["title"],
        body["memo"]["card_count"],
    )
    path = f"/memos/{body['memo']['id']}"
    assert f"/api/v1{path}" == answered.headers["location"]
    product.engine.run_for(minutes=1)
    memo = _send(product, "GET", path)
    assert ("completed", 3, TEXT) == (
        memo.json["status"],
        memo.json["card_count"],
        memo.json["text"],
    )
    assert f'"{memo.json["version"]}"' == memo.headers["etag"]
    assert body["job_id"] == memo.json["job_id"]


def test_cards_carry_what_a_learner_needs(product: Product) -> None:
    """The fields of the contract; before the first review nothing is known of them."""
    memo = _made(product, title="Letters")
    cards = _cards(product, memo)
    assert all(CARD_FIELDS <= set(card) for card in cards)
    assert [("Letters\na ", " 1"), ("Letters\nb ", " 2"), ("Letters\nc ", " 3")] == [
        (card["front"], card["back"]) for card in cards
    ]
    assert {
        "state": "new",
        "reps": 0,
        "lapses": 0,
        "stability_days": None,
        "difficulty": None,
        "last_reviewed_at": None,
    } == cards[0]["stats"]
    one = _send(product, "GET", f"/cards/{cards[0]['id']}")
    assert (cards[0], '"1"') == (one.json, one.headers["etag"])


def test_a_session_of_reviews(product: Product) -> None:
    """Next, its four due times, a review, the card's and the owner's numbers, the next card."""
    product.memos.memos.delete(product.user["user"]["id"], product.ids["memo_id"], expected=None)
    memo = _made(product, text="a = 1\nb = 2")
    first = _send(product, "GET", "/cards/next").json
    card = first["card"]
    assert ("a ", {"again", "hard", "good", "easy"}) == (card["front"], set(first["outcomes"]))
    path = f"/cards/{card['id']}/review"
    reviewed = _send(product, "POST", path, json_body={"outcome": "easy"})
    assert (200, "review", 1, first["outcomes"]["easy"]) == (
        reviewed.status,
        reviewed.json["stats"]["state"],
        reviewed.json["stats"]["reps"],
        reviewed.json["due_at"],
    )
    second = _send(product, "GET", "/cards/next").json["card"]
    assert memo["id"] == second["memo_id"]
    _send(product, "POST", f"/cards/{second['id']}/review", json_body={"outcome": "again"})
    stats = _send(product, "GET", "/cards/stats", query={"timezone": "Asia/Tokyo"}).json
    assert (2, 0, 1, 1, 2, 1, 0, None) == tuple(
        stats[name]
        for name in (
            "total",
            "due",
            "learning",
            "review",
            "reviews_today",
            "streak_days",
            "lapses",
            "retention",
        )
    )
    product.engine.clock.advance(seconds=61)
    due = _send(product, "GET", "/cards", query={"due": "true"}).json["items"]
    assert [second["id"]] == [item["id"] for item in due]


@pytest.mark.parametrize("outcome", ["", "GOOD", "fine", 3, None])
def test_another_outcome_is_refused(product: Product, outcome: object) -> None:
    """422 with the field's name, and nothing is counted."""
    path = f"/cards/{product.ids['card_id']}/review"
    answered = _send(product, "POST", path, json_body={"outcome": outcome})
    assert (422, "validation_failed") == (answered.status, answered.error)
    assert "outcome" == answered.json["errors"][0]["field"]
    assert 0 == _send(product, "GET", "/cards/stats").json["reviews_total"]


def test_lists_page_in_a_stable_order(product: Product) -> None:
    """Memos newest first, a memo's cards as in the text, all cards by memo: each once."""
    ids = [product.ids["memo_id"]]
    for number in range(4):
        product.engine.clock.advance(seconds=1)
        ids.append(
            _write(product, text=f"m{number} = x\nn{number} = y\no{number} = z")["memo"]["id"]
        )
    product.engine.run_for(minutes=1)
    assert list(reversed(ids)) == _pages(product, "/memos")
    cards = _cards(product, {"id": ids[-1]})
    assert ["m3 ", "n3 ", "o3 "] == [card["front"] for card in cards]
    assert [card["id"] for card in cards] == _pages(product, f"/memos/{ids[-1]}/cards")
    everything = _pages(product, "/cards")
    assert len(set(everything)) == len(everything) == 4 * 3 + 2
    assert {card["id"] for card in cards} == set(everything[:3])


def test_a_page_goes_on_although_what_it_ended_with_is_gone(product: Product) -> None:
    """A deletion between two pages loses nothing else."""
    memo = _made(product, text="\n".join(f"f{n} = b" for n in range(5)))
    path = f"/memos/{memo['id']}/cards"
    first = _send(product, "GET", path, query={"limit": "2"}).json
    _send(product, "DELETE", f"/cards/{first['items'][1]['id']}")
    cursor = first["next_cursor"]
    rest = _send(product, "GET", path, query={"limit": "5", "cursor": cursor}).json
    assert ["f2 ", "f3 ", "f4 "] == [card["front"] for card in rest["items"]]


def test_an_idempotency_key_makes_one_memo(product: Product) -> None:
    """The same key and body: the first answer again; another body: 422."""
    headers = {"idempotency-key": "m1"}
    body = {"text": TEXT}
    first = _send(product, "POST", "/memos", json_body=body, headers=headers)
    product.engine.run_for(minutes=1)
    again = _send(product, "POST", "/memos", json_body=body, headers=headers)
    other = _send(product, "POST", "/memos", json_body={"text": "z = 0"}, headers=headers)
    assert (202, 202, first.json) == (first.status, again.status, again.json)
    assert (422, "idempotency_key_reused") == (other.status, other.error)
    assert 2 == len(_send(product, "GET", "/memos").json["items"])


def test_a_review_sent_twice_counts_once(product: Product) -> None:
    """With a key the second is the answer of the first; without one they are two reviews."""
    path = f"/cards/{product.ids['card_id']}/review"
    headers = {"idempotency-key": "r1", "if-match": '"1"'}
    answers = [
        _send(product, "POST", path, json_body={"outcome": "good"}, headers=headers)
        for _ in range(2)
    ]
    assert answers[0].json == answers[1].json
    assert 1 == _send(product, "GET", "/cards/stats").json["reviews_total"]
    _send(product, "POST", path, json_body={"outcome": "good"})
    assert 2 == _send(product, "GET", "/cards/stats").json["reviews_total"]


def test_if_match_guards_every_change(product: Product) -> None:
    """A stale version is 412 and nothing changes; the current one goes through."""
    memo = _made(product)
    card = _cards(product, memo)[0]
    paths = f"/memos/{memo['id']}", f"/cards/{card['id']}"
    changes: list[tuple[str, str, object]] = [
        ("POST", f"{paths[1]}/postpone", {"days": 1}),
        ("POST", f"{paths[1]}/review", {"outcome": "good"}),
        ("PATCH", paths[1], {"front": "x"}),
        ("DELETE", paths[1], None),
        ("PATCH", paths[0], {"title": "x"}),
        ("DELETE", paths[0], None),
    ]
    before = product.stored()
    for method, path, body in changes:
        answered = _send(product, method, path, json_body=body, headers={"if-match": '"99"'})
        assert (412, "precondition_failed") == (answered.status, answered.error), path
    assert before == product.stored()
    for method, path, body in changes:
        tag = _send(product, "GET", paths[path.startswith("/cards")]).headers["etag"]
        answered = _send(product, method, path, json_body=body, headers={"if-match": tag})
        assert answered.status in {200, 204}, (method, path, answered.text)


def test_anothers_memos_and_cards_are_not_found(product: Product) -> None:
    """404 on every route, never 403, and lists are empty."""
    memo = _made(product)
    card = _cards(product, memo)[0]
    other = register(product.door, "other@example.com")["access_token"]
    before = [row for row in product.stored() if memo["id"] in row or card["id"] in row]
    memo_path, card_path = f"/memos/{memo['id']}", f"/cards/{card['id']}"
    for method, path, body, error in (
        ("GET", memo_path, None, "memo_not_found"),
        ("PATCH", memo_path, {"title": "x"}, "memo_not_found"),
        ("DELETE", memo_path, None, "memo_not_found"),
        ("POST", f"{memo_path}/regenerate", None, "memo_not_found"),
        ("GET", f"{memo_path}/cards", None, "memo_not_found"),
        ("POST", f"{memo_path}/cards", {"front": "f", "back": "b"}, "memo_not_found"),
        ("GET", card_path, None, "card_not_found"),
        ("PATCH", card_path, {"front": "x"}, "card_not_found"),
        ("DELETE", card_path, None, "card_not_found"),
        ("POST", f"{card_path}/review", {"outcome": "good"}, "card_not_found"),
        ("POST", f"{card_path}/postpone", {"days": 2}, "card_not_found"),
    ):
        answered = product.door(method, path, token=other, json_body=body)
        assert (404, error) == (answered.status, answered.error), (method, path)
    assert before == [row for row in product.stored() if memo["id"] in row or card["id"] in row]
    for path in ("/memos", "/cards"):
        assert [] == product.door("GET", path, token=other).json["items"]
    assert product.door("GET", "/cards/next", token=other).json["card"] is None


def test_a_text_that_is_too_long_is_told_so(product: Product) -> None:
    """413 with the numbers, on POST and PATCH; one at the bound is taken, in any script."""
    long = "x" * (MAX_TEXT_CHARS + 1)
    before = product.stored()
    written = _send(product, "POST", "/memos", json_body={"text": long})
    path = f"/memos/{product.ids['memo_id']}"
    changed = _send(product, "PATCH", path, json_body={"text": long})
    for answered in (written, changed):
        assert (413, "text_too_long") == (answered.status, answered.error)
        assert "text" == answered.json["errors"][0]["field"]
        assert f"{MAX_TEXT_CHARS}" in answered.json["detail"]
    assert before == product.stored()
    assert 202 == _send(product, "POST", "/memos", json_body={"text": "界" * MAX_TEXT_CHARS}).status


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": " \n\t"}, "text"),
        ({"text": 7}, "text"),
        ({"text": "a", "title": " x"}, "title"),
        ({"text": "a", "title": "x" * 201}, "title"),
        ({"text": "a", "title": "a\nb"}, "title"),
        ({"text": "a", "cards": []}, "cards"),
    ],
)
def test_bad_memos_are_refused_by_field(
    product: Product, body: dict[str, Any], field: str
) -> None:  # fmt: skip
    """422 with the field, and nothing is stored."""
    before = product.stored()
    answered = _send(product, "POST", "/memos", json_body=body)
    assert (422, "validation_failed") == (answered.status, answered.error)
    assert field == answered.json["errors"][0]["field"]
    assert before == product.stored()


def test_an_edited_text_regenerates_without_losing_reviews(product: Product) -> None:
    """What is still stated keeps its card; what is new gets one; what was reviewed stays marked."""
    memo = _made(product)
    cards = {card["front"].strip(): card for card in _cards(product, memo)}
    for front in ("a", "b"):
        path = f"/cards/{cards[front]['id']}/review"
        assert 200 == _send(product, "POST", path, json_body={"outcome": "good"}).status
    body = {"text": "z = 26\nb = 2", "regenerate": True}
    changed = _send(product, "PATCH", f"/memos/{memo['id']}", json_body=body)
    assert (200, "pending", 2) == (
        changed.status,
        changed.json["status"],
        changed.json["generation"],
    )
    product.engine.run_for(minutes=1)
    after = {card["front"].strip(): card for card in _cards(product, memo)}
    assert {"z", "a", "b"} == set(after)
    assert [(cards["b"]["id"], 1, False), (cards["a"]["id"], 1, True)] == [
        (after[f]["id"], after[f]["stats"]["reps"], after[f]["stale_source"]) for f in "ba"
    ]
    assert ("completed", False) == (
        _memo(product, memo["id"])["status"],
        _memo(product, memo["id"])["is_outdated"],
    )


def test_an_edited_text_waits_until_somebody_asks(product: Product) -> None:
    """Without `regenerate` the cards stay, and the memo says that they are of an older text."""
    memo = _made(product)
    path = f"/memos/{memo['id']}"
    changed = _send(product, "PATCH", path, json_body={"text": "q = 9"}).json
    assert ("completed", True, 1) == (
        changed["status"],
        changed["is_outdated"],
        changed["generation"],
    )
    asked = [_send(product, "POST", f"{path}/regenerate") for _ in range(2)]
    assert [202, 202] == [answered.status for answered in asked]
    assert asked[0].json["job_id"] == asked[1].json["job_id"] != memo["job_id"]
    product.engine.run_for(minutes=1)
    assert ["q "] == [card["front"] for card in _cards(product, memo)]


def test_a_memo_deleted_while_its_job_runs_is_gone_with_everything(product: Product) -> None:
    """404 at once; the job ends well and leaves neither memo, text nor card."""
    memo = _write(product)["memo"]
    assert 204 == _send(product, "DELETE", f"/memos/{memo['id']}").status
    assert 404 == _send(product, "GET", f"/memos/{memo['id']}").status
    assert 404 == _send(product, "GET", f"/memos/{memo['id']}/cards").status
    assert 404 == _send(product, "DELETE", f"/memos/{memo['id']}").status
    product.engine.run_for(minutes=5)
    assert [] == [row for row in product.world.rows("memos") if memo["id"] in repr(row)]


def test_cards_can_be_written_edited_and_deleted_by_hand(product: Product) -> None:
    """An edit outlives regenerations; the memo counts; the list is as it was left."""
    memo = _made(product)
    path = f"/memos/{memo['id']}"
    said = {"front": "Who?", "back": "Ada", "kind": "question"}
    headers = {"idempotency-key": "c1"}
    written = [
        _send(product, "POST", f"{path}/cards", json_body=said, headers=headers) for _ in range(2)
    ]
    assert (201, written[0].json) == (written[1].status, written[1].json)
    first, second, *_ = _cards(product, memo)
    edited = _send(product, "PATCH", f"/cards/{first['id']}", json_body={"front": "Alpha?"})
    assert ("Alpha?", first["back"], True, '"2"') == (
        edited.json["front"],
        edited.json["back"],
        edited.json["is_edited"],
        edited.headers["etag"],
    )
    assert 204 == _send(product, "DELETE", f"/cards/{second['id']}").status
    assert 404 == _send(product, "GET", f"/cards/{second['id']}").status
    assert 3 == _memo(product, memo["id"])["card_count"]
    _send(product, "POST", f"{path}/regenerate")
    product.engine.run_for(minutes=1)
    fronts = [card["front"].strip() for card in _cards(product, memo)]
    assert ["Alpha?", "b", "c", "Who?"] == sorted(fronts, key="Alpha? b c Who?".find)


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"days": 3}, 200, None),
        ({"until": "2026-12-24T18:00:00Z"}, 200, None),
        ({"until": "2020-01-01T00:00:00Z"}, 422, "invalid_postponement"),
        ({"until": "2099-01-01T00:00:00Z"}, 422, "invalid_postponement"),
        ({"days": 0}, 422, "validation_failed"),
        ({"days": 1, "until": "2026-12-24T18:00:00Z"}, 422, "validation_failed"),
        ({}, 422, "validation_failed"),
    ],
)
def test_a_card_is_put_off_by_days_or_to_a_time(
    product: Product, body: dict[str, Any], status: int, error: str | None
) -> None:
    """It leaves the line until then; a time that cannot be meant is refused."""
    path = f"/cards/{product.ids['card_id']}"
    answered = _send(product, "POST", f"{path}/postpone", json_body=body)
    assert status == answered.status, answered.text
    if error:
        assert error == answered.error
        return
    wanted = body.get("until", "2026-11-25T12:00:00Z")
    assert wanted == answered.json["due_at"]
    waiting = _send(product, "GET", "/cards/next").json["card"]
    assert waiting is None or waiting["id"] != product.ids["card_id"]
    _later(product, days=33)
    assert product.ids["card_id"] == _send(product, "GET", "/cards/next").json["card"]["id"]


@pytest.mark.parametrize("path", ["/cards/next", "/cards/stats"])
def test_an_unknown_time_zone_is_told(product: Product, path: str) -> None:
    """422 with the field; a known one is taken."""
    answered = _send(product, "GET", path, query={"timezone": "Mars/Olympus"})
    assert (422, "invalid_timezone") == (answered.status, answered.error)
    assert 200 == _send(product, "GET", path, query={"timezone": "America/Chicago"}).status


def test_a_streak_is_counted_in_the_learners_days(product: Product) -> None:
    """Three evenings in New York are three nights in UTC: three days for both.

    Soon after the third it is midnight there: a new day without a review, and the streak stands.
    """
    path = f"/cards/{product.ids['card_id']}/review"
    _later(product, hours=15, minutes=30)
    for evening in range(3):
        _later(product, days=evening > 0)
        assert 200 == _send(product, "POST", path, json_body={"outcome": "good"}).status
    _later(product, hours=2)
    stats = {
        zone: _send(product, "GET", "/cards/stats", query={"timezone": zone}).json
        for zone in ("America/New_York", "UTC")
    }
    assert [(3, 0), (3, 1)] == [(s["streak_days"], s["reviews_today"]) for s in stats.values()]
