import os
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from nightshift.core.access import UserId
from nightshift.core.errors import UnavailableError
from nightshift.core.ids import new_id
from nightshift.jobs import keys
from nightshift.ports.queue import Depth, Outgoing
from nightshift.tasks.model import Definition
from tests.integration.stack.harness import Stack
from tests.integration.tasks.backstage import (
    Backstage,
    ClockBehind,
    DroppingQueue,
    minute,
    until_fraction,
)
from tests.integration.tasks.client import Client, Document, at, second, whole_second_in
from tests.integration.tasks.receiver import Receiver, Says, wait_until

pytestmark = pytest.mark.stack

BEHIND_S = 300
"""Long enough that the sweeper would have looked by now: two minutes and a whole one."""
LISTENER_TIMEOUT_S = 3
LEASE_S = LISTENER_TIMEOUT_S + 15
TICK_LEASE_S = 55
ONCE_MORE = {"backoff": "constant", "delay_s": 1, "max_delay_s": 1, "jitter": False}


@dataclass(kw_only=True, slots=True)
class Drill:
    """What is broken, and with what."""

    stack: Stack
    backstage: Backstage
    client: Client
    receiver: Receiver

    def create(self, path: str, **fields: object) -> str:
        """Create a task that calls `path`, on demand unless told otherwise; return its id."""
        task_id: str = self.client.create(
            task_name=path, webhook_url=self.receiver.url(path), **fields
        )["id"]
        return task_id

    def run_of_long_ago(self, task_id: str, **context: Any) -> str:
        """Start a run as it was some minutes ago and return its id."""
        nightshift = self.backstage.context(behind_s=BEHIND_S, **context)
        owner = UserId(self.client.user.id)
        return nightshift.tasks.run_now(owner, task_id).job_id

    def kill(self, function: str) -> int:
        """Kill what runs a function now and return how many processes that were."""
        pids = [w["pid"] for w in self.stack.workers(function) if w["busy"]]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return len(pids)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a fault came to: the task's runs and log, its calls, what publishers sent of it."""

    runs: list[Document]
    log: list[Document]
    calls: list[datetime]
    due: datetime | None = None
    sent: list[int] | None = None

    def attempts(self) -> list[tuple[str, str | None]]:
        """Return status and error of each log entry."""
        return [(entry["status"], entry["error"]) for entry in self.log]


@pytest.fixture(scope="module")
def drill(stack: Stack, client: Client, receiver: Receiver) -> Drill:
    """The stack, with its functions warm, so that a fault hits what it is meant for."""
    backstage = Backstage(stack)
    backstage.invoke("publisher")
    backstage.invoke("sweeper")
    return Drill(stack=stack, backstage=backstage, client=client, receiver=receiver)


@pytest.fixture(scope="module")
def outcomes(drill: Drill) -> dict[str, Outcome]:
    """Break everything, wait once for the leases to end, and see what came of it."""
    with drill.backstage.schedules_stopped():
        due = publisher_dies(drill)
        killed_at = time.monotonic()
        tasks = {
            "listener": listener_dies(drill),
            "twice": delivered_twice(drill),
            "unsent": never_sent(drill),
            "unheard": answer_lost(drill),
        }
        _sleep_until(killed_at + LEASE_S + 2)
        drill.backstage.sweep()
        found = {name: _outcome(drill, task_id, f"/{name}") for name, task_id in tasks.items()}
        _sleep_until(killed_at + TICK_LEASE_S + 1)
        sent = two_publishers(drill)
        found["publisher"] = _outcome(drill, "publisher", "/publisher", due=due, sent=sent)
        drill.backstage.sweep()
    time.sleep(1)
    return found


def publisher_dies(drill: Drill) -> datetime:
    """Kill the publisher after its claim of a run and before its send; return the run's time."""
    due = whole_second_in(TICK_LEASE_S + 15)
    nightshift = drill.backstage.context(behind_s=BEHIND_S)
    said = Definition(name="p", url=drill.receiver.url("/publisher"), schedule=at(due))
    view = nightshift.tasks.create(UserId(drill.client.user.id), said, key="publisher")
    drill.backstage.set_back(keys.TICK, minute(due) - 1)
    ticks = len(_ticks(drill))
    time.sleep(until_fraction(time.time, 0.3))
    with ThreadPoolExecutor(1) as pool:
        tick = pool.submit(drill.backstage.invoke, "publisher")
        wait_until(lambda: bool(drill.backstage.claimed(view.task.id, due)), "the claim", 10)
        killed = drill.kill("publisher")
        answered = tick.result()
    assert 1 == killed
    assert "errorType" in answered
    assert ticks == len(_ticks(drill))
    return due


def two_publishers(drill: Drill) -> list[int]:
    """Run two publishers at once, and return how many messages each has sent.

    They begin when there is most left of a second, for the end of which the first one waits.
    """
    before = len(_ticks(drill))
    time.sleep(until_fraction(time.time, 0.3))
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: drill.backstage.invoke("publisher"), range(2)))
    assert [{}, {}] == answers
    wait_until(lambda: len(_ticks(drill)) >= before + 2, "the ticks in the log")
    return [tick["messages"] for tick in _ticks(drill)[before:]]


def listener_dies(drill: Drill) -> str:
    """Kill the listener while the receiver holds its call."""
    drill.receiver.script("/listener", Says(after_s=LISTENER_TIMEOUT_S), Says())
    task_id = drill.create("/listener", timeout_s=LISTENER_TIMEOUT_S, max_retry=1, retry=ONCE_MORE)
    drill.run_of_long_ago(task_id)
    drill.receiver.wait_for("/listener")
    assert 1 == drill.kill("listener")
    return task_id


def delivered_twice(drill: Drill) -> str:
    """Deliver one run's message several times at once, by the queue and past it."""
    drill.receiver.script("/twice", Says(after_s=2.0))
    due = whole_second_in(3)
    task_id = drill.create("/twice", task_schedule=at(due), max_retry=3)
    message = drill.backstage.claimed(task_id, due)
    assert message is not None
    drill.backstage.context().machine.dispatcher.send([message] * 4)
    time.sleep(max(0.0, due.timestamp() - time.time() - 0.5))
    drill.backstage.deliver_at_once(message, 4)
    return task_id


def never_sent(drill: Drill) -> str:
    """Start a run and lose its message, as a function that dies after its transaction does."""
    task_id = drill.create("/unsent")
    drill.run_of_long_ago(task_id, queue=DroppingQueue())
    return task_id


def answer_lost(drill: Drill) -> str:
    """Start a run, lose the queue's answer, and start the same run again."""
    task_id = drill.create("/unheard")
    run_id = new_id(ClockBehind(0).now())
    owner = UserId(drill.client.user.id)
    unheard = drill.backstage.context(queue=UnheardQueue(drill.backstage.queue().send))
    with pytest.raises(UnavailableError):
        unheard.tasks.run_now(owner, task_id, run_id=run_id)
    drill.backstage.context().tasks.run_now(owner, task_id, run_id=run_id)
    return task_id


class UnheardQueue:
    """A queue that takes everything and whose answer never arrives."""

    def __init__(self, send: Callable[[Sequence[Outgoing]], None]) -> None:
        self._send = send

    def send(self, messages: Sequence[Outgoing]) -> None:
        """Send, and say that it is not known.

        Raises:
            UnavailableError: always.
        """
        self._send(messages)
        raise UnavailableError

    def depth(self) -> Depth:
        """Return that it is empty."""
        return Depth(visible=0)


def test_a_run_survives_its_listener(outcomes: dict[str, Outcome]) -> None:
    """The sweeper finds the run; its log has a lost attempt and a good one."""
    seen = outcomes["listener"]

    assert [("completed", 2)] == [(run["status"], run["attempts"]) for run in seen.runs]
    assert [("failed", "worker_lost"), ("finish", None)] == seen.attempts()
    assert 2 == len(seen.calls)


def test_a_message_delivered_many_times_at_once_is_one_call(outcomes: dict[str, Outcome]) -> None:
    """Eight further deliveries of one run, in several processes, start nothing."""
    seen = outcomes["twice"]

    assert [("completed", 1)] == [(run["status"], run["attempts"]) for run in seen.runs]
    assert [("finish", None)] == seen.attempts()
    assert 1 == len(seen.calls)


def test_what_was_claimed_and_never_sent_is_found(outcomes: dict[str, Outcome]) -> None:
    """The sweeper sends it, and it is called once."""
    seen = outcomes["unsent"]

    assert [("completed", 1)] == [(run["status"], run["attempts"]) for run in seen.runs]
    assert 1 == len(seen.calls)


def test_a_send_whose_answer_was_lost_is_one_call(outcomes: dict[str, Outcome]) -> None:
    """Whoever starts the run again, not knowing, does not make it run twice."""
    seen = outcomes["unheard"]

    assert [("completed", 1)] == [(run["status"], run["attempts"]) for run in seen.runs]
    assert 1 == len(seen.calls)


def test_the_next_tick_makes_up_for_a_killed_publisher(outcomes: dict[str, Outcome]) -> None:
    """Claimed by one that died, sent by the next, of which there were two: called once, in time."""
    seen = outcomes["publisher"]

    assert [("completed", 1)] == [(run["status"], run["attempts"]) for run in seen.runs]
    [call] = seen.calls
    assert seen.due is not None
    assert seen.due <= call < seen.due + timedelta(seconds=30)


def test_of_two_publishers_one_works(outcomes: dict[str, Outcome]) -> None:
    """The one that met the other at work did nothing."""
    assert [0, 1] == sorted(outcomes["publisher"].sent or [])


def _ticks(drill: Drill) -> list[dict[str, Any]]:
    lines = drill.stack.logs("publisher")
    return [line for line in lines if line.get("action") == "tick.done"]


def _outcome(drill: Drill, task_id: str, path: str, **more: Any) -> Outcome:
    """Return what came of a task; `more` are fields of the outcome."""
    runs = drill.client.wait_for_end(task_id, timeout_s=60)
    calls = [second(call.at) for call in drill.receiver.calls(path)]
    return Outcome(runs=runs, log=drill.client.log(task_id), calls=calls, **more)


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
