"""The job that makes cards: its faults, its twins, and what happens to the memo meanwhile."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from nightshift.core.ids import new_id
from nightshift.jobs.errors import JobLostError
from nightshift.jobs.kinds import Completed, Failed
from nightshift.jobs.model import JobStatus
from nightshift.memos.errors import MemoNotFoundError
from nightshift.memos.model import Memo, MemoStatus
from nightshift.memos.service import Amendment
from nightshift.ports.cards import (
    Generation,
    GeneratorRejectedError,
    GeneratorThrottledError,
)
from tests.support.faults import Fault, FaultMode, FaultPlan
from tests.unit.memos.scene import (
    ANNA,
    START,
    Scene,
    StillPulse,
    attempt,
    check_order,
    sides,
)

pytestmark = pytest.mark.no_cover
"""What runs here runs elsewhere too, and counting lines takes twice the time."""

MODES = [
    FaultMode.CRASH_BEFORE,
    FaultMode.CRASH_AFTER,
    FaultMode.ERROR,
    FaultMode.ERROR_AFTER,
    FaultMode.ANSWER_LOST,
]
MEMO_ID = new_id(START)
RECOVERY_MINUTES = 20
"""Within this time a job that was lost in any way has come back and is done."""
LONG = "\n".join(f"front {n} = back {n}" for n in range(70))
"""More cards than two transactions hold."""


def _live(plan: FaultPlan | None) -> Scene:
    """Write a memo of seventy cards, again if the request dies, and let its job run."""
    scene = Scene()
    scene.dynamo.faults = plan

    def create() -> None:
        scene.context.memos.create(ANNA, title=None, text=LONG, memo_id=MEMO_ID)

    scene.world.invoke(create)
    scene.world.invoke(create)
    for _ in range(RECOVERY_MINUTES):
        scene.world.run_for(minutes=1)
        if scene.rows("M#")[0]["status"] == MemoStatus.COMPLETED:
            break
    return scene


def _count() -> int:
    plan = FaultPlan()
    scene = Scene()
    scene.dynamo.faults = plan
    scene.context.memos.create(ANNA, title=None, text=LONG, memo_id=MEMO_ID)
    scene.world.run_for(seconds=20)
    assert scene.memo(MEMO_ID).status is MemoStatus.COMPLETED
    return plan.calls


CALLS = _count()


@pytest.mark.parametrize("mode", MODES)
def test_a_fault_at_any_call_leaves_the_same_cards(mode: FaultMode) -> None:
    """From the request to the job's end, each call goes wrong once: none lost, none twice."""
    undisturbed = _live(None)
    wanted = [(c.id, c.front, c.position) for c in undisturbed.cards(undisturbed.memo(MEMO_ID))]
    assert 70 == len(wanted)
    for ordinal in range(1, CALLS + 1):
        scene = _live(FaultPlan({ordinal: Fault(mode=mode)}, stays_dead=True))
        scene.dynamo.faults = None
        told = f"{mode} at call {ordinal}"
        memo = scene.memo(MEMO_ID)
        assert (told, MemoStatus.COMPLETED) == (told, memo.status)
        found = [(c.id, c.front, c.position) for c in scene.cards(memo)]
        assert (told, wanted) == (told, found)
        check_order(scene)


def _during(scene: Scene, act: Callable[[], object]) -> None:
    """Let `act` happen once, while the generator works."""
    left = [act]
    scene.generator.before = lambda: left.pop()() and None if left else None


def test_of_two_attempts_at_once_the_later_one_saves() -> None:
    """A late twin with other cards saves nothing: the cards are those of one attempt."""
    scene = Scene()
    memo = scene.write("a = 1\nb = 2")
    given = [
        Generation(cards=scene.generator.generate("", "a = 1\nb = 2").cards),
        Generation(cards=scene.generator.generate("", "a = 1\nx = 9").cards),
    ]
    late: list[object] = []

    def generate(title: str, text: str, *, max_cards: int = 30) -> Generation:
        mine = given.pop()
        if given:
            late.append(attempt(scene, memo))
        return mine

    scene.generator.generate = generate  # type: ignore[method-assign]
    early = attempt(scene, memo)
    assert isinstance(late[0], Completed)
    assert isinstance(early, Completed | Failed)
    assert [("a", "1"), ("b", "2")] == sides(scene.cards(memo))
    assert MemoStatus.COMPLETED is scene.memo(memo.id).status
    check_order(scene)


def test_an_attempt_that_was_overtaken_is_tried_again() -> None:
    """While the other one still works, nobody knows which will end: the loser asks for a retry."""
    scene = Scene()
    memo = scene.write()
    depth: list[int] = []

    def before() -> None:
        depth.append(1)
        if len(depth) == 1:
            lost = StillPulse()
            lost.lost = True
            with pytest.raises(JobLostError):
                attempt(scene, memo, pulse=lost)

    scene.generator.before = before
    outcome = attempt(scene, memo)
    assert isinstance(outcome, Failed)
    assert ("overtaken", True) == (outcome.error, outcome.retryable)
    assert not scene.cards(memo)
    scene.settle()
    assert 3 == len(scene.cards(memo))
    check_order(scene)


def test_a_second_run_of_a_done_job_changes_nothing() -> None:
    """The cards are made; whoever comes late is told so and asks no generator."""
    scene = Scene()
    memo = scene.made()
    asked = len(scene.generator.asked)
    outcome = attempt(scene, memo)
    assert {"memo_id": memo.id, "status": "completed", "card_count": 3} == outcome.result
    assert (asked, memo) == (len(scene.generator.asked), scene.memo(memo.id))


def test_a_text_edited_during_the_job_gets_its_own_cards() -> None:
    """The job of the old text saves nothing; that of the new one follows by itself."""
    scene = Scene()
    memo = scene.write("a = 1\nb = 2")
    change = Amendment(text="b = 2\nc = 3")
    _during(scene, lambda: scene.context.memos.amend(ANNA, memo.id, change, expected=None))
    scene.world.run_for(minutes=5)
    after = scene.memo(memo.id)
    assert [("b", "2"), ("c", "3")] == sides(scene.cards(memo))
    assert (2, 2, 2, False) == (
        after.generation,
        after.text_version,
        after.made_of,
        after.is_outdated,
    )
    assert after.job_id != memo.job_id
    assert ["completed", "completed"] == [
        scene.world.machine.jobs.view(ANNA, job_id).status.value
        for job_id in (memo.job_id, after.job_id)
    ]
    check_order(scene)


def test_a_memo_deleted_during_the_job_leaves_nothing() -> None:
    """Neither memo nor text nor card remains, whatever the job still wanted to save."""
    scene = Scene()
    memo = scene.write()
    _during(scene, lambda: scene.context.memos.delete(ANNA, memo.id, expected=None))
    scene.world.run_for(minutes=5)
    assert [] == [row for row in scene.rows("") if row["sk"] != "TOTALS"]
    assert JobStatus.COMPLETED is scene.world.machine.jobs.view(ANNA, memo.job_id).status
    check_order(scene)


def test_a_cancelled_job_saves_nothing_more() -> None:
    """Cancelled while the generator works: the memo says so, and the late cards are refused."""
    scene = Scene()
    memo = scene.write()
    _during(scene, lambda: scene.world.machine.jobs.owned.cancel(ANNA, memo.job_id))
    scene.world.run_for(minutes=5)
    after = scene.memo(memo.id)
    assert (MemoStatus.FAILED, "cancelled", 0) == (after.status, after.error, after.card_count)
    assert not scene.cards(memo)


def test_a_generator_that_must_wait_is_asked_again() -> None:
    """Throttled once: a retry after the time that was asked for, then cards."""
    scene = Scene()

    def throttle() -> None:
        raise GeneratorThrottledError(retry_after_s=40)

    _during(scene, throttle)
    memo = scene.write()
    scene.world.run_for(seconds=30)
    between = scene.memo(memo.id).status
    scene.world.run_for(minutes=3)
    assert (MemoStatus.PROCESSING, MemoStatus.COMPLETED) == (between, scene.memo(memo.id).status)
    assert 2 == scene.world.machine.jobs.view(ANNA, memo.job_id).attempts


def test_a_refusal_fails_the_memo_and_a_regeneration_mends_it() -> None:
    """No retry of what cannot work; the memo tells the error until cards are asked for anew."""
    scene = Scene()

    def refuse() -> None:
        raise GeneratorRejectedError("The model takes no such text.")

    _during(scene, refuse)
    memo = scene.made()
    assert (MemoStatus.FAILED, "generator_rejected", "The model takes no such text.") == (
        memo.status,
        memo.error,
        memo.error_message,
    )
    again = scene.context.memos.regenerate(ANNA, memo.id)
    assert (MemoStatus.PENDING, None, 2) == (again.status, again.error, again.generation)
    scene.settle()
    after = scene.memo(memo.id)
    assert (MemoStatus.COMPLETED, 3, None) == (after.status, after.card_count, after.error)


def test_a_failed_job_tried_again_mends_the_memo() -> None:
    """The engine's own retry of a failed job counts as well."""
    scene = Scene()

    def refuse() -> None:
        raise GeneratorRejectedError

    _during(scene, refuse)
    memo = scene.made()
    scene.world.machine.jobs.owned.retry(ANNA, memo.job_id)
    scene.settle()
    assert MemoStatus.COMPLETED is scene.memo(memo.id).status
    assert 3 == len(scene.cards(memo))


def test_a_bug_in_the_generator_fails_the_memo_at_last() -> None:
    """Four attempts, then the memo says that it failed."""
    scene = Scene()
    scene.generator.before = lambda: 1 / 0 and None
    memo = scene.write()
    scene.world.run_for(minutes=20)
    after = scene.memo(memo.id)
    assert (MemoStatus.FAILED, "handler_raised") == (after.status, after.error)
    assert 4 == len(scene.generator.asked)


def test_problems_are_told_beside_the_cards() -> None:
    """Some of the text gave no cards: completed with errors, and which they were."""
    scene = Scene()
    scene.generator.problems = ("Part 2 was withheld.",)
    memo = scene.made()
    assert (MemoStatus.COMPLETED_WITH_ERRORS, ("Part 2 was withheld.",), 3) == (
        memo.status,
        memo.problems,
        memo.card_count,
    )


def test_the_end_is_told_on_the_bus_once() -> None:
    """`memo.completed` or `memo.failed`, with what came of it; a repeat has the same id."""
    scene = Scene()
    memo = scene.made()
    scene.generator.before = lambda: 1 / 0 and None
    failed = scene.write()
    scene.world.run_for(minutes=20)
    told = [e for e in scene.world.bus.events.values() if e.type.startswith("memo.")]
    assert [("memo.completed", memo.id), ("memo.failed", failed.id)] == [
        (event.type, event.subject) for event in told
    ]
    assert {
        "memo_id": memo.id,
        "status": "completed",
        "card_count": 3,
        "job_id": memo.job_id,
        "error": None,
    } == told[0].data
    assert "handler_raised" == told[1].data["error"]


def test_a_generation_that_nobody_wants_is_no_news() -> None:
    """The job of an old text ends in silence; the one of the new text tells."""
    scene = Scene()
    memo = scene.write("a = 1")
    change = Amendment(text="b = 2")
    _during(scene, lambda: scene.context.memos.amend(ANNA, memo.id, change, expected=None))
    scene.world.run_for(minutes=5)
    told = [e.data["job_id"] for e in scene.world.bus.events.values() if e.subject == memo.id]
    assert [scene.memo(memo.id).job_id] == told


def test_a_text_without_facts_completes_without_cards() -> None:
    """No cards is a result, too."""
    scene = Scene()
    memo = scene.made("nothing here")
    assert (MemoStatus.COMPLETED, 0) == (memo.status, memo.card_count)


def test_an_edit_of_a_card_while_the_job_saves_is_kept() -> None:
    """The owner's write between the job's look and its save is looked at again."""
    scene = Scene()
    memo = scene.made("a = 1\nb = 2")
    card = scene.cards(memo)[0]
    change = Amendment(text="b = 2\nc = 3", regenerate=True)
    scene.context.memos.amend(ANNA, memo.id, change, expected=None)
    edits = [lambda: scene.context.cards.amend(ANNA, card.id, front="A!", back=None, expected=None)]

    def hook(operation: str, request: object) -> Fault | None:
        if operation == "TransactWriteItems" and f"C#{card.id}" in str(request) and edits:
            return Fault(mode=FaultMode.DELAY, action=lambda: edits.pop()() and None)
        return None

    scene.dynamo.faults = hook
    scene.world.run_for(minutes=2)
    scene.dynamo.faults = None
    found = {c.id: (c.front.strip(), c.stale_source) for c in scene.cards(memo)}
    assert ("A!", True) == found[card.id]
    assert 3 == len(found)
    check_order(scene)


def test_a_deletion_that_was_cut_off_is_finished_by_its_job() -> None:
    """Killed at any call: the memo is gone at once or not at all, and then all of it goes."""
    for ordinal in range(1, 12):
        scene = Scene()
        memo = scene.made()
        scene.dynamo.faults = FaultPlan({ordinal: Fault(mode=FaultMode.CRASH_BEFORE)})
        scene.world.invoke(partial(scene.context.memos.delete, ANNA, memo.id, expected=None))
        scene.dynamo.faults = None
        try:
            scene.memo(memo.id)
        except MemoNotFoundError:
            scene.world.run_for(minutes=5)
            assert [] == [r for r in scene.rows("") if r["sk"] != "TOTALS"], ordinal
        else:
            assert 3 == len(scene.cards(memo)), ordinal
        check_order(scene)


def test_requests_at_once_for_new_cards_make_one_job() -> None:
    """Whoever asks while the cards are being made gets the job that makes them."""
    scene = Scene()
    memo = scene.made()
    first, second = (scene.context.memos.regenerate(ANNA, memo.id) for _ in range(2))
    assert (2, 2, first.job_id) == (first.generation, second.generation, second.job_id)


def test_a_text_goes_into_one_row_however_long() -> None:
    """A hundred thousand characters of four bytes each are stored and come back."""
    scene = Scene()
    text = "\n".join(f"{chr(0x1F300 + n % 700)}{n} = {n}" for n in range(9_000))[:100_000]
    memo: Memo = scene.made(text)
    assert text == scene.context.memos.text(memo).text
    assert 200 == memo.card_count
    assert timedelta(0) <= memo.updated_at - memo.created_at
