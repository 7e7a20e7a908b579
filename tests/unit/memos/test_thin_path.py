"""From a text to its reviewed cards, through the front doors."""

from nightshift.memos.model import MemoStatus
from tests.unit.memos.scene import Scene


def test_a_memo_becomes_cards_and_the_cards_are_reviewed() -> None:
    """Written, made by the job, shown in turn, reviewed, due later."""
    scene = Scene()
    answer = scene.send("POST", "/memos", json_body={"text": "a = 1\nb = 2"})
    assert (202, "pending") == (answer.status, answer.json["memo"]["status"])
    assert answer.json["job_id"] == answer.json["memo"]["job_id"]
    scene.settle()
    memo = scene.memo(answer.json["memo"]["id"])
    assert (MemoStatus.COMPLETED, 2, "lines") == (memo.status, memo.card_count, memo.generator)
    cards = scene.send("GET", f"/memos/{memo.id}/cards").json["items"]
    assert ["a ", "b "] == [card["front"] for card in cards]
    first = scene.send("GET", "/cards/next").json
    assert cards[0]["id"] == first["card"]["id"]
    reviewed = scene.send("POST", f"/cards/{cards[0]['id']}/review", json_body={"outcome": "good"})
    assert (200, "learning", 1) == (
        reviewed.status,
        reviewed.json["stats"]["state"],
        reviewed.json["stats"]["reps"],
    )
    assert reviewed.json["due_at"] == first["outcomes"]["good"]
    second = scene.send("GET", "/cards/next").json
    assert cards[1]["id"] == second["card"]["id"]


def test_the_answer_is_the_memo_as_written_however_fast_its_job_is() -> None:
    """The job is done before the answer is: it still says pending, with the job to look at."""
    scene = Scene()
    queue = scene.world.queue

    def at_once() -> None:
        queue.after_send = lambda: None
        scene.settle()

    queue.after_send = at_once
    answer = scene.send("POST", "/memos", json_body={"text": "a = 1"})
    memo = scene.memo(answer.json["memo"]["id"])
    assert MemoStatus.COMPLETED is memo.status
    assert "pending" == answer.json["memo"]["status"]
