"""Cards and reviews through their HTTP door (PRODUCT: "Memos and flashcards")."""

from typing import Any

import pytest

from tests.contract.apps import Product, make_product
from tests.contract.memos import cards_of, later, made, memo_of, send

CARD_FIELDS = {"id", "memo_id", "front", "back", "kind", "due_at", "stats"}


@pytest.fixture
def product() -> Product:
    """The whole API with one user."""
    return make_product()


def test_cards_carry_what_a_learner_needs(product: Product) -> None:
    """The fields of the contract; before the first review nothing is known of them."""
    memo = made(product, title="Letters")
    cards = cards_of(product, memo)
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
    one = send(product, "GET", f"/cards/{cards[0]['id']}")
    assert (cards[0], '"1"') == (one.json, one.headers["etag"])


def test_a_session_of_reviews(product: Product) -> None:
    """Next, its four due times, a review, the card's and the owner's numbers, the next card."""
    send(product, "DELETE", f"/memos/{product.ids['memo_id']}")
    memo = made(product, text="a = 1\nb = 2")
    first = send(product, "GET", "/cards/next").json
    card = first["card"]
    assert ("a ", {"again", "hard", "good", "easy"}) == (card["front"], set(first["outcomes"]))
    path = f"/cards/{card['id']}/review"
    reviewed = send(product, "POST", path, json_body={"outcome": "easy"})
    assert (200, "review", 1, first["outcomes"]["easy"]) == (
        reviewed.status,
        reviewed.json["stats"]["state"],
        reviewed.json["stats"]["reps"],
        reviewed.json["due_at"],
    )
    second = send(product, "GET", "/cards/next").json["card"]
    assert memo["id"] == second["memo_id"]
    send(product, "POST", f"/cards/{second['id']}/review", json_body={"outcome": "again"})
    stats = send(product, "GET", "/cards/stats", query={"timezone": "Asia/Tokyo"}).json
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
    due = send(product, "GET", "/cards", query={"due": "true"}).json["items"]
    assert [second["id"]] == [item["id"] for item in due]


@pytest.mark.parametrize("outcome", ["", "GOOD", "fine", 3, None])
def test_another_outcome_is_refused(product: Product, outcome: object) -> None:
    """422 with the field's name, and nothing is counted."""
    path = f"/cards/{product.ids['card_id']}/review"
    answered = send(product, "POST", path, json_body={"outcome": outcome})
    assert (422, "validation_failed") == (answered.status, answered.error)
    assert "outcome" == answered.json["errors"][0]["field"]
    assert 0 == send(product, "GET", "/cards/stats").json["reviews_total"]


def test_a_review_sent_twice_counts_once(product: Product) -> None:
    """With a key the second is the answer of the first; without one they are two reviews."""
    path = f"/cards/{product.ids['card_id']}/review"
    headers = {"idempotency-key": "r1", "if-match": '"1"'}
    answers = [
        send(product, "POST", path, json_body={"outcome": "good"}, headers=headers)
        for _ in range(2)
    ]
    assert answers[0].json == answers[1].json
    assert 1 == send(product, "GET", "/cards/stats").json["reviews_total"]
    send(product, "POST", path, json_body={"outcome": "good"})
    assert 2 == send(product, "GET", "/cards/stats").json["reviews_total"]


def test_cards_can_be_written_edited_and_deleted_by_hand(product: Product) -> None:
    """An edit outlives regenerations; the memo counts; the list is as it was left."""
    memo = made(product)
    path = f"/memos/{memo['id']}"
    said = {"front": "Who?", "back": "Ada", "kind": "question"}
    headers = {"idempotency-key": "c1"}
    written = [
        send(product, "POST", f"{path}/cards", json_body=said, headers=headers) for _ in range(2)
    ]
    assert (201, written[0].json) == (written[1].status, written[1].json)
    first, second, *_ = cards_of(product, memo)
    edited = send(product, "PATCH", f"/cards/{first['id']}", json_body={"front": "Alpha?"})
    assert ("Alpha?", first["back"], True, '"2"') == (
        edited.json["front"],
        edited.json["back"],
        edited.json["is_edited"],
        edited.headers["etag"],
    )
    assert 204 == send(product, "DELETE", f"/cards/{second['id']}").status
    assert 404 == send(product, "GET", f"/cards/{second['id']}").status
    assert 3 == memo_of(product, memo["id"])["card_count"]
    send(product, "POST", f"{path}/regenerate")
    product.engine.run_for(minutes=1)
    fronts = [card["front"].strip() for card in cards_of(product, memo)]
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
    answered = send(product, "POST", f"{path}/postpone", json_body=body)
    assert status == answered.status, answered.text
    if error:
        assert error == answered.error
        return
    wanted = body.get("until", "2026-11-25T12:00:00Z")
    assert wanted == answered.json["due_at"]
    waiting = send(product, "GET", "/cards/next").json["card"]
    assert waiting is None or waiting["id"] != product.ids["card_id"]
    later(product, days=33)
    assert product.ids["card_id"] == send(product, "GET", "/cards/next").json["card"]["id"]


@pytest.mark.parametrize("path", ["/cards/next", "/cards/stats"])
def test_an_unknown_time_zone_is_told(product: Product, path: str) -> None:
    """422 with the field; a known one is taken."""
    answered = send(product, "GET", path, query={"timezone": "Mars/Olympus"})
    assert (422, "invalid_timezone") == (answered.status, answered.error)
    assert 200 == send(product, "GET", path, query={"timezone": "America/Chicago"}).status


def test_a_streak_is_counted_in_the_learners_days(product: Product) -> None:
    """Three evenings in New York are three nights in UTC: three days for both.

    Soon after the third it is midnight there: a new day without a review, and the streak stands.
    """
    path = f"/cards/{product.ids['card_id']}/review"
    later(product, hours=15, minutes=30)
    for evening in range(3):
        later(product, days=evening > 0)
        assert 200 == send(product, "POST", path, json_body={"outcome": "good"}).status
    later(product, hours=2)
    stats = {
        zone: send(product, "GET", "/cards/stats", query={"timezone": zone}).json
        for zone in ("America/New_York", "UTC")
    }
    assert [(3, 0), (3, 1)] == [(s["streak_days"], s["reviews_today"]) for s in stats.values()]
