"""Memos through their HTTP door (PRODUCT: "Memos and flashcards")."""

from typing import Any

import pytest

from nightshift.memos.settings import MAX_TEXT_CHARS
from tests.contract.apps import Product, make_product
from tests.contract.door import register
from tests.contract.memos import TEXT, cards_of, made, memo_of, pages, send, write


@pytest.fixture
def product() -> Product:
    """The whole API with one user."""
    return make_product()


def test_a_written_memo_is_accepted_with_its_job(product: Product) -> None:
    """202, pending, and the job that can be looked at; later the memo is completed."""
    answered = send(product, "POST", "/memos", json_body={"title": "Letters", "text": TEXT})
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
    memo = send(product, "GET", path)
    assert ("completed", 3, TEXT) == (
        memo.json["status"],
        memo.json["card_count"],
        memo.json["text"],
    )
    assert f'"{memo.json["version"]}"' == memo.headers["etag"]
    assert body["job_id"] == memo.json["job_id"]


def test_lists_page_in_a_stable_order(product: Product) -> None:
    """Memos newest first, a memo's cards as in the text, all cards by memo: each once."""
    product.engine.run_for(minutes=1)
    ids = list(reversed(pages(product, "/memos")))
    known = len(pages(product, "/cards"))
    for number in range(4):
        product.engine.clock.advance(seconds=1)
        ids.append(
            write(product, text=f"m{number} = x\nn{number} = y\no{number} = z")["memo"]["id"]
        )
    product.engine.run_for(minutes=1)
    assert list(reversed(ids)) == pages(product, "/memos")
    cards = cards_of(product, {"id": ids[-1]})
    assert ["m3 ", "n3 ", "o3 "] == [card["front"] for card in cards]
    assert [card["id"] for card in cards] == pages(product, f"/memos/{ids[-1]}/cards")
    everything = pages(product, "/cards")
    assert len(set(everything)) == len(everything) == 4 * 3 + known
    assert {card["id"] for card in cards} == set(everything[:3])


def test_a_page_goes_on_although_what_it_ended_with_is_gone(product: Product) -> None:
    """A deletion between two pages loses nothing else."""
    memo = made(product, text="\n".join(f"f{n} = b" for n in range(5)))
    path = f"/memos/{memo['id']}/cards"
    first = send(product, "GET", path, query={"limit": "2"}).json
    send(product, "DELETE", f"/cards/{first['items'][1]['id']}")
    cursor = first["next_cursor"]
    rest = send(product, "GET", path, query={"limit": "5", "cursor": cursor}).json
    assert ["f2 ", "f3 ", "f4 "] == [card["front"] for card in rest["items"]]


def test_an_idempotency_key_makes_one_memo(product: Product) -> None:
    """The same key and body: the first answer again; another body: 422."""
    headers = {"idempotency-key": "m1"}
    body = {"text": TEXT}
    before = len(pages(product, "/memos"))
    first = send(product, "POST", "/memos", json_body=body, headers=headers)
    product.engine.run_for(minutes=1)
    again = send(product, "POST", "/memos", json_body=body, headers=headers)
    other = send(product, "POST", "/memos", json_body={"text": "z = 0"}, headers=headers)
    assert (202, 202, first.json) == (first.status, again.status, again.json)
    assert (422, "idempotency_key_reused") == (other.status, other.error)
    assert before + 1 == len(pages(product, "/memos"))


def test_if_match_guards_every_change(product: Product) -> None:
    """A stale version is 412 and nothing changes; the current one goes through."""
    memo = made(product)
    card = cards_of(product, memo)[0]
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
        answered = send(product, method, path, json_body=body, headers={"if-match": '"99"'})
        assert (412, "precondition_failed") == (answered.status, answered.error), path
    assert before == product.stored()
    for method, path, body in changes:
        tag = send(product, "GET", paths[path.startswith("/cards")]).headers["etag"]
        answered = send(product, method, path, json_body=body, headers={"if-match": tag})
        assert answered.status in {200, 204}, (method, path, answered.text)


def test_anothers_memos_and_cards_are_not_found(product: Product) -> None:
    """404 on every route, never 403, and lists are empty."""
    memo = made(product)
    card = cards_of(product, memo)[0]
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
    written = send(product, "POST", "/memos", json_body={"text": long})
    path = f"/memos/{product.ids['memo_id']}"
    changed = send(product, "PATCH", path, json_body={"text": long})
    for answered in (written, changed):
        assert (413, "text_too_long") == (answered.status, answered.error)
        assert "text" == answered.json["errors"][0]["field"]
        assert f"{MAX_TEXT_CHARS}" in answered.json["detail"]
    assert before == product.stored()
    assert 202 == send(product, "POST", "/memos", json_body={"text": "界" * MAX_TEXT_CHARS}).status


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
    answered = send(product, "POST", "/memos", json_body=body)
    assert (422, "validation_failed") == (answered.status, answered.error)
    assert field == answered.json["errors"][0]["field"]
    assert before == product.stored()


def test_an_edited_text_regenerates_without_losing_reviews(product: Product) -> None:
    """What is still stated keeps its card; what is new gets one; what was reviewed stays marked."""
    memo = made(product)
    cards = {card["front"].strip(): card for card in cards_of(product, memo)}
    for front in ("a", "b"):
        path = f"/cards/{cards[front]['id']}/review"
        assert 200 == send(product, "POST", path, json_body={"outcome": "good"}).status
    body = {"text": "z = 26\nb = 2", "regenerate": True}
    changed = send(product, "PATCH", f"/memos/{memo['id']}", json_body=body)
    assert (200, "pending", 2) == (
        changed.status,
        changed.json["status"],
        changed.json["generation"],
    )
    product.engine.run_for(minutes=1)
    after = {card["front"].strip(): card for card in cards_of(product, memo)}
    assert {"z", "a", "b"} == set(after)
    assert [(cards["b"]["id"], 1, False), (cards["a"]["id"], 1, True)] == [
        (after[f]["id"], after[f]["stats"]["reps"], after[f]["stale_source"]) for f in "ba"
    ]
    assert ("completed", False) == (
        memo_of(product, memo["id"])["status"],
        memo_of(product, memo["id"])["is_outdated"],
    )


def test_an_edited_text_waits_until_somebody_asks(product: Product) -> None:
    """Without `regenerate` the cards stay, and the memo says that they are of an older text."""
    memo = made(product)
    path = f"/memos/{memo['id']}"
    changed = send(product, "PATCH", path, json_body={"text": "q = 9"}).json
    assert ("completed", True, 1) == (
        changed["status"],
        changed["is_outdated"],
        changed["generation"],
    )
    asked = [send(product, "POST", f"{path}/regenerate") for _ in range(2)]
    assert [202, 202] == [answered.status for answered in asked]
    assert asked[0].json["job_id"] == asked[1].json["job_id"] != memo["job_id"]
    product.engine.run_for(minutes=1)
    assert ["q "] == [card["front"] for card in cards_of(product, memo)]


def test_a_memo_deleted_while_its_job_runs_is_gone_with_everything(product: Product) -> None:
    """404 at once; the job ends well and leaves neither memo, text nor card."""
    memo = write(product)["memo"]
    assert 204 == send(product, "DELETE", f"/memos/{memo['id']}").status
    assert 404 == send(product, "GET", f"/memos/{memo['id']}").status
    assert 404 == send(product, "GET", f"/memos/{memo['id']}/cards").status
    assert 404 == send(product, "DELETE", f"/memos/{memo['id']}").status
    product.engine.run_for(minutes=5)
    assert [] == [row for row in product.world.rows("memos") if memo["id"] in repr(row)]
