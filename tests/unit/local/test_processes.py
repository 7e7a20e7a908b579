import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.local.processes import ProcessRecord, end_group, started_at

Start = Callable[[list[str]], subprocess.Popen[bytes]]
SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, 1); print(1, flush=True); time.sleep(60)",
]


@pytest.fixture
def record(tmp_path: Path) -> ProcessRecord:
    """An empty record."""
    return ProcessRecord(tmp_path / "processes.json")


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts processes, which are gone after the test."""
    started = []

    def begin(command: list[str]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(  # noqa: S603 - this interpreter
            command, start_new_session=True, stdout=subprocess.PIPE
        )
        # A child of this test stays a zombie, and its group alive, until it is waited for.
        reaper = threading.Thread(target=process.wait)
        reaper.start()
        started.append((process, reaper))
        return process

    yield begin
    for process, reaper in started:
        process.kill()
        reaper.join()
        if process.stdout is not None:
            process.stdout.close()


def test_a_record_knows_its_living_runner(record: ProcessRecord) -> None:
    """This process wrote it, and runs."""
    record.write([])

    assert os.getpid() == record.running_runner()


def test_without_a_record_there_is_nothing(record: ProcessRecord) -> None:
    """A fresh data directory has no runner and no orphans."""
    assert record.running_runner() is None
    assert 0 == record.end_orphans(grace_s=1)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"pid": "x", "started": 1}]'])
def test_a_damaged_record_is_as_none(tmp_path: Path, text: str) -> None:
    """A half-written file never stops a start."""
    path = tmp_path / "processes.json"
    path.write_text(text)

    assert ProcessRecord(path).running_runner() is None


def test_orphans_are_ended_and_forgotten(record: ProcessRecord, start: Start) -> None:
    """What was recorded and still runs is ended, once."""
    orphan = start(SLEEPER)
    record.write([orphan.pid])

    assert 1 == record.end_orphans(grace_s=5)
    assert -signal.SIGTERM == orphan.wait(5)
    assert 0 == record.end_orphans(grace_s=5)


def test_a_process_that_got_a_recorded_id_later_is_spared(tmp_path: Path, start: Start) -> None:
    """The start time tells it from the one that was recorded."""
    stranger = start(SLEEPER)
    path = tmp_path / "processes.json"
    old = {"pid": stranger.pid, "started": "Thu Jan  1 00:00:00 1970"}
    path.write_text(json.dumps([old, old]))

    assert 0 == ProcessRecord(path).end_orphans(grace_s=1)
    assert stranger.poll() is None


def test_a_process_that_ignores_the_request_is_killed(start: Start) -> None:
    """After the grace, SIGKILL."""
    stubborn = start(STUBBORN)
    assert stubborn.stdout is not None
    stubborn.stdout.readline()

    end_group(stubborn.pid, grace_s=0.2)

    assert -signal.SIGKILL == stubborn.wait(5)


def test_a_process_that_is_gone_has_nostart() -> None:
    """An id that nobody has."""
    assert "" == started_at(2**22 + 1)
