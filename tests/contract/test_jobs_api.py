"""Jobs through the HTTP door: list, look, poll, fetch, cancel, try again, singly and in bulk."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from nightshift.core.access import UserId
from nightshift.core.ids import new_id
from nightshift.jobs.kinds import Completed, Failed, Snooze, Unique
from nightshift.jobs.model import OutputRef, QueueName
from tests.contract.apps import Product, make_product
from tests.contract.door import START, Answer
from tests.support.work import Chore, Hand, kind_of

FAILS = Failed(error="no_such_user", message="There is no such user.", retryable=False)
FILE = OutputRef(key="exports/1.csv", content_type="text/csv", filename="a.csv", size=3)
FIELDS = {
    *("id", "kind", "queue", "owner_id", "subject", "unique_key", "status", "attempt"),
    *("max_retries", "run_at", "progress", "result", "output", "error", "message"),
    *("created_at", "started_at", "completed_at"),
}


@dataclass
class Scene:
    """A product with chores of two kinds, and Bob, who owns nothing but what a test gives him."""

    product: Product
    hand: Hand
    bob: dict[str, Any]

    @property
    def owner_id(self) -> UserId:
        """Return Bob's id."""
        return UserId(self.bob["user"]["id"])

    def send(self, method: str, path: str, **more: Any) -> Answer:
        """Send a request of Bob's."""
        return self.product.door(method, path, token=self.bob["access_token"], **more)

    def enqueue(self, *, kind: int = 0, chore: Chore | None = None, **more: Any) -> str:
        """Enqueue a chore of Bob's."""
        said = self.product.engine.kinds[kind]
        jobs = self.product.engine.machine.jobs
        return jobs.enqueue(said, chore or Chore(), owner_id=self.owner_id, **more).job_id

    def ended(self, act: Callable[[Any], Any] = lambda _: None, **more: Any) -> str:
        """Return a chore of Bob's that has ended so."""
        self.hand.act = act
        job_id = self.enqueue(**more)
        self.product.engine.run_for(minutes=3)
        return job_id

    def ids(self, query: str = "") -> list[str]:
        """Return the ids that the list shows, all pages."""
        found, cursor = [], ""
        while True:
            page = self.send("GET", "/jobs", query=query + (f"&cursor={cursor}" if cursor else ""))
            assert 200 == page.status, page.text
            found += [item["id"] for item in page.json["items"]]
            cursor = page.json["next_cursor"]
            if cursor is None:
                return found


@pytest.fixture
def scene() -> Scene:
    """A fresh scene."""
    hand = Hand()
    open_kind = kind_of(
        hand, unique=Unique(key=lambda chore: chore.name), shows_payload=True, max_retries=2
    )
    closed_kind = kind_of(hand, name="test.secret", queue=QueueName.LOW)
    product = make_product(open_kind, closed_kind)
    return Scene(product=product, hand=hand, bob=product.newcomer("bob@example.com"))


def test_a_job_shows_all_that_is_known_of_it(scene: Scene) -> None:
    """Before it runs and after, with what it was asked to do."""
    job_id = scene.enqueue(chore=Chore(name="n", subject="s"), delay_s=90)
    waiting = scene.send("GET", f"/jobs/{job_id}").json
    assert FIELDS | {"payload"} == set(waiting)
    assert {
        "id": job_id,
        "kind": "test.chore",
        "queue": "default",
        "owner_id": scene.owner_id,
        "subject": job_id,
        "unique_key": "n",
        "payload": {"name": "n", "subject": "s", "ballast": ""},
        "status": "pending",
        "attempt": 0,
        "max_retries": 2,
        "run_at": "2026-11-22T12:01:30Z",
        "created_at": "2026-11-22T12:00:00Z",
        "started_at": None,
        "completed_at": None,
        "error": None,
    }.items() <= waiting.items()

    def act(job: Any) -> Completed:
        job.progress(3, 4, "cards")
        return Completed(result={"cards": 4})

    scene.hand.act = act
    scene.product.engine.run_for(minutes=3)
    done = scene.send("GET", f"/jobs/{job_id}").json
    assert ("completed", 1, {"cards": 4}) == (done["status"], done["attempt"], done["result"])
    assert {"done": 3, "total": 4, "note": "cards"} == done["progress"]
    assert done["completed_at"] >= done["started_at"] >= "2026-11-22T12:01:30Z"


def test_a_failed_job_says_why(scene: Scene) -> None:
    """A stable word and a sentence."""
    job_id = scene.ended(lambda _: FAILS)
    job = scene.send("GET", f"/jobs/{job_id}").json
    assert ("failed", "no_such_user", FAILS.message) == (
        job["status"],
        job["error"],
        job["message"],
    )


def test_what_a_kind_keeps_to_itself_is_not_shown(scene: Scene) -> None:
    """Nor is what is too large for an answer."""
    secret = scene.enqueue(kind=1, chore=Chore(name="very-secret"))
    large = scene.enqueue(chore=Chore(ballast="x" * 5_000))
    for job_id in (secret, large):
        answer = scene.send("GET", f"/jobs/{job_id}")
        assert (200, None) == (answer.status, answer.json["payload"])
        assert "very-secret" not in answer.text


def test_the_list_shows_the_newest_first_and_filters(scene: Scene) -> None:
    """By status, several at once, by kind, by queue and by time; all of it page by page."""
    failed = scene.ended(lambda _: FAILS, chore=Chore(name="a"))
    done = scene.ended(chore=Chore(name="b"))
    scene.product.engine.run_for(seconds=1)
    low = scene.enqueue(kind=1, delay_s=600)
    scene.product.engine.run_for(seconds=1)
    waits = scene.enqueue(chore=Chore(name="c"), delay_s=600)
    assert [waits, low, done, failed] == scene.ids() == scene.ids("limit=1") == scene.ids("limit=3")
    for query, expected in {
        "status=failed": [failed],
        "status=failed&status=completed": [done, failed],
        "status=failed&status=completed&limit=1": [done, failed],
        "kind=test.secret": [low],
        "kind=nothing": [],
        "queue=default&status=pending": [waits],
        "created_after=2026-11-22T12:06:00Z": [waits, low],
        "created_before=2026-11-22T12:00:00Z": [failed],
        "created_before=9999-12-31T23:59:59Z&limit=1": [waits, low, done, failed],
        "created_after=0001-01-01T00:00:00Z": [waits, low, done, failed],
    }.items():
        assert (query, expected) == (query, scene.ids(query))


def test_a_filter_that_finds_little_looks_at_so_much_and_no_more(scene: Scene) -> None:
    """A page may be short, or empty, and still lead on; reading is bounded."""
    kind = scene.product.engine.kinds[1]
    jobs = scene.product.engine.machine.jobs
    first = scene.enqueue(delay_s=86_400)
    scene.product.engine.run_for(seconds=1)
    jobs.enqueue_many(
        kind, [Chore(name=str(n)) for n in range(620)], owner_id=scene.owner_id, delay_s=86_400
    )
    page = scene.send("GET", "/jobs", query="kind=test.chore").json
    assert ([], True) == (page["items"], page["next_cursor"] is not None)
    assert [first] == scene.ids("kind=test.chore")


def test_how_a_job_stands_is_cheap_to_ask_again(scene: Scene) -> None:
    """304 until anything changes."""
    job_id = scene.enqueue()
    first = scene.send("GET", f"/jobs/{job_id}/status")
    assert ("pending", 0, False) == tuple(
        first.json[name] for name in ("status", "attempt", "has_output")
    )
    tag = {"if-none-match": first.headers["etag"]}
    assert 304 == scene.send("GET", f"/jobs/{job_id}/status", headers=tag).status
    scene.product.engine.run_for(minutes=1)
    after = scene.send("GET", f"/jobs/{job_id}/status", headers=tag)
    assert (200, "completed") == (after.status, after.json["status"])


def test_the_attempts_are_listed_newest_first(scene: Scene) -> None:
    """Each with what came of it, page by page."""
    answers = [None, Snooze(delay_s=1), Failed(error="busy", message="Too busy.")]
    job_id = scene.ended(lambda _: answers.pop())
    path = f"/jobs/{job_id}/attempts"
    items = scene.send("GET", path).json["items"]
    assert [(3, "finish", None), (2, "snoozed", None), (1, "failed", "busy")] == [
        (a["number"], a["status"], a["error"]) for a in items
    ]
    assert "Too busy." == items[2]["message"]
    paged: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = scene.send(
            "GET", path, query={"limit": "1"} | ({"cursor": cursor} if cursor else {})
        )
        paged += page.json["items"]
        cursor = page.json["next_cursor"]
    assert items == paged


def test_a_file_is_fetched_by_a_redirect(scene: Scene) -> None:
    """302 to an address that works for a while; what has none says whether it may yet come."""
    with_file = scene.ended(lambda _: Completed(output=FILE), chore=Chore(name="f"))
    answer = scene.send("GET", f"/jobs/{with_file}/download")
    assert (302, "") == (answer.status, answer.text)
    assert "memory://exports/1.csv?name=a.csv&type=text/csv&for=300" == answer.headers["location"]
    assert "no-store" == answer.headers["cache-control"]
    shown = scene.send("GET", f"/jobs/{with_file}").json["output"]
    assert {"filename": "a.csv", "content_type": "text/csv", "size": 3} == shown
    without = scene.ended(chore=Chore(name="w"))
    refused = scene.send("GET", f"/jobs/{without}/download")
    assert (404, "no_output") == (refused.status, refused.error)
    still_open = scene.enqueue(chore=Chore(name="o"), delay_s=600)
    refused = scene.send("GET", f"/jobs/{still_open}/download")
    assert (409, "job_not_ended") == (refused.status, refused.error)


def test_an_open_job_is_cancelled_and_then_it_is_over(scene: Scene) -> None:
    """Twice is once; what ended otherwise cannot be cancelled."""
    job_id = scene.enqueue(delay_s=60)
    for _ in range(2):
        answer = scene.send("POST", f"/jobs/{job_id}/cancel")
        assert (200, "cancelled", "cancelled") == (
            answer.status,
            answer.json["status"],
            answer.json["error"],
        )
    scene.product.engine.run_for(minutes=5)
    assert not scene.hand.jobs
    done = scene.ended(chore=Chore(name="d"))
    refused = scene.send("POST", f"/jobs/{done}/cancel")
    assert (409, "job_already_ended") == (refused.status, refused.error)


def test_an_ended_job_is_tried_again(scene: Scene) -> None:
    """Once for one Idempotency-Key, and not while it is open."""
    job_id = scene.ended(lambda _: FAILS)
    scene.hand.act = lambda _: None
    key = {"idempotency-key": "k1"}
    first = scene.send("POST", f"/jobs/{job_id}/retry", headers=key)
    assert (202, "pending", None) == (first.status, first.json["status"], first.json["error"])
    refused = scene.send("POST", f"/jobs/{job_id}/retry")
    assert (409, "job_not_ended") == (refused.status, refused.error)
    scene.product.engine.run_for(minutes=1)
    assert first.json == scene.send("POST", f"/jobs/{job_id}/retry", headers=key).json
    assert ("completed", 2) == tuple(
        scene.send("GET", f"/jobs/{job_id}").json[name] for name in ("status", "attempt")
    )


def test_no_job_is_tried_again_beside_another_of_its_key(scene: Scene) -> None:
    """409 until the other has ended."""
    failed = scene.ended(lambda _: FAILS)
    other = scene.enqueue(delay_s=60)
    refused = scene.send("POST", f"/jobs/{failed}/retry")
    assert (409, "unique_key_taken") == (refused.status, refused.error)
    scene.send("POST", f"/jobs/{other}/cancel")
    assert 202 == scene.send("POST", f"/jobs/{failed}/retry").status


@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("GET", ""),
        ("GET", "/status"),
        ("GET", "/attempts"),
        ("GET", "/download"),
        ("POST", "/cancel"),
        ("POST", "/retry"),
    ],
)
def test_what_is_no_job_of_ones_own_is_not_found(scene: Scene, method: str, rest: str) -> None:
    """Another's job, and one that never was, are the same."""
    for job_id in (scene.product.ids["job_id"], new_id(START)):
        answer = scene.send(method, f"/jobs/{job_id}{rest}")
        assert (404, "job_not_found") == (answer.status, answer.error)


def test_many_jobs_are_cancelled_by_one_request(scene: Scene) -> None:
    """202 with the job that does it, the same for the same key; its result counts."""
    waiting = [scene.enqueue(chore=Chore(name=str(n)), delay_s=3_600) for n in range(3)]
    spared = scene.enqueue(kind=1, delay_s=3_600)
    scene.product.engine.run_for(seconds=1)
    body = {"kind": "test.chore", "status": ["pending"]}
    key = {"idempotency-key": "k"}
    first = scene.send("POST", "/jobs/bulk-cancel", json_body=body, headers=key)
    again = scene.send("POST", "/jobs/bulk-cancel", json_body=body, headers=key)
    assert (202, 202, first.json) == (first.status, again.status, again.json)
    bulk = first.json["job_id"]
    assert f"/api/v1/jobs/{bulk}" == first.headers["location"]
    scene.product.engine.run_for(minutes=2)
    job = scene.send("GET", f"/jobs/{bulk}").json
    assert {"action": "cancel", "matched": 3, "changed": 3, "unchanged": {}} == job["result"]
    assert ("jobs.bulk", "low", 3) == (job["kind"], job["queue"], job["progress"]["done"])
    assert {"cancelled"} == {scene.send("GET", f"/jobs/{j}").json["status"] for j in waiting}
    assert "pending" == scene.send("GET", f"/jobs/{spared}").json["status"]
    assert [bulk] == scene.ids("kind=jobs.bulk")
    reused = scene.send("POST", "/jobs/bulk-cancel", json_body={}, headers=key)
    assert (422, "idempotency_key_reused") == (reused.status, reused.error)


def test_many_jobs_are_tried_again_by_one_request(scene: Scene) -> None:
    """Those that have failed, unless other statuses are named; never another owner's."""
    failed = [scene.ended(lambda _: FAILS, chore=Chore(name=str(n))) for n in range(2)]
    scene.ended(chore=Chore(name="done"))
    bulk = scene.send("POST", "/jobs/bulk-retry", json_body={}).json["job_id"]
    scene.product.engine.run_for(minutes=2)
    assert 2 == scene.send("GET", f"/jobs/{bulk}").json["result"]["changed"]
    attempts = {scene.send("GET", f"/jobs/{j}").json["attempt"] for j in failed}
    assert {2} == attempts
    everybody = scene.send(
        "POST", "/jobs/bulk-retry", json_body={"status": ["completed"], "queue": "default"}
    )
    scene.product.engine.run_for(minutes=2)
    job = scene.send("GET", f"/jobs/{everybody.json['job_id']}").json
    assert (3, 3) == (job["result"]["matched"], job["result"]["changed"])


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("bulk-cancel", {"status": ["failed"]}, "status.0"),
        ("bulk-retry", {"status": ["pending"]}, "status.0"),
        ("bulk-retry", {"subject": "x"}, "subject"),
        ("bulk-cancel", {"created_after": "yesterday"}, "created_after"),
        ("bulk-cancel", {"queue": "fast"}, "queue"),
    ],
)
def test_a_bulk_request_that_makes_no_sense_is_refused(
    scene: Scene, path: str, body: dict[str, Any], field: str
) -> None:
    """422 that names the field; no job is made."""
    answer = scene.send("POST", f"/jobs/{path}", json_body=body)
    assert (422, "validation_failed") == (answer.status, answer.error)
    assert field in [e["field"] for e in answer.json["errors"]]
    assert [] == scene.ids()


def test_a_full_queue_is_said_so(scene: Scene) -> None:
    """429 with Retry-After, and nothing was started."""
    scene.product.engine.machine.queues._max_depth = 0
    answer = scene.send("POST", "/jobs/bulk-cancel", json_body={})
    assert (429, "queue_full", "30") == (
        answer.status,
        answer.error,
        answer.headers["retry-after"],
    )
    assert [] == scene.ids()


def test_the_making_of_cards_is_a_job_as_any_other(scene: Scene) -> None:
    """Its owner sees what it was asked to do."""
    product = scene.product
    answer = product.door("GET", f"/jobs/{product.ids['job_id']}", token=product.token)
    assert ("memo.cards", product.ids["memo_id"]) == (
        answer.json["kind"],
        answer.json["payload"]["memo_id"],
    )
