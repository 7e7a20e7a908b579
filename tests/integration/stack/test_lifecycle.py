import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.stack.harness import Stack, User

pytestmark = pytest.mark.stack


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Stack]:
    """A stack of the test's own, not started yet, ended afterwards whatever happens."""
    stack = Stack(tmp_path / "data", {})
    yield stack
    if stack.launched:
        stack.end(signal.SIGKILL)
        _wait_for_end_of(_processes_of(stack))


def test_the_stack_starts_shows_its_addresses_and_survives_a_restart(own: Stack) -> None:
    """It answers within 30 s; a user registered before a restart can sign in after it."""
    started = time.monotonic()
    own.start()
    seconds = time.monotonic() - started
    user = own.register()
    first = _processes_of(own)
    status = own.end(signal.SIGINT)

    assert seconds < 30
    assert own.base_url in own.printed()
    assert 0 == status
    assert [] == [pid for pid in first if _is_running(pid)]
    assert "Traceback" not in own.printed()

    own.start()

    assert 200 == _sign_in(own, user)
    assert "unchanged" == own.state()["report"]["outcome"]
    assert [] == own.state()["report"]["mended"]


def test_sigterm_during_the_start_leaves_no_process(own: Stack) -> None:
    """A start that is broken off is cleaned up like a running stack."""
    own.launch()
    record = own.data_dir / "processes.json"
    _wait_until(record.exists)
    recorded = [entry["pid"] for entry in json.loads(record.read_text())]

    own.end(signal.SIGTERM)

    assert [] == [pid for pid in recorded if _is_running(pid)]


def test_after_kill_nine_nothing_stays_and_the_next_start_works(own: Stack) -> None:
    """A killed runner's children end by themselves, and what was saved is there afterwards."""
    own.start()
    user = own.register()
    before = _processes_of(own)

    own.end(signal.SIGKILL)
    _wait_for_end_of(before)
    own.start()

    assert 200 == _sign_in(own, user)


def test_when_the_emulator_dies_the_runner_says_so_and_what_was_saved_stays(own: Stack) -> None:
    """The stack ends with an error; the next start goes on from the last saved state."""
    own.start()
    user = own.register()
    state = own.state()
    with urllib.request.urlopen(f"{state['endpoint']}/_nightshift/save", timeout=10):  # noqa: S310
        pass

    os.kill(state["emulator_pid"], signal.SIGKILL)

    assert 1 == own.wait()
    assert "the emulator ended by itself" in own.printed()
    own.start()
    assert 200 == _sign_in(own, user)


def test_what_a_killed_runner_left_behind_is_ended(own: Stack) -> None:
    """The next start ends recorded process groups that are still running, and says so."""
    orphan = subprocess.Popen(["/bin/sleep", "300"], start_new_session=True)
    reaper = threading.Thread(target=orphan.wait)
    reaper.start()
    own.data_dir.mkdir()
    started = subprocess.check_output(  # noqa: S603 - a fixed command
        ["/bin/ps", "-o", "lstart=", "-p", str(orphan.pid)],
        text=True,
        env={**os.environ, "LC_ALL": "C"},
    ).strip()
    entries = [{"pid": 1, "started": "never"}, {"pid": orphan.pid, "started": started}]
    (own.data_dir / "processes.json").write_text(json.dumps(entries))

    own.start()

    reaper.join(5)
    assert -signal.SIGTERM == orphan.returncode
    assert "ended 1 process groups" in own.printed()


def test_another_process_with_a_recorded_id_is_left_alone(own: Stack) -> None:
    """An id that meanwhile belongs to a process started at another time is not touched."""
    stranger = subprocess.Popen(["/bin/sleep", "300"], start_new_session=True)
    own.data_dir.mkdir()
    entries = [
        {"pid": 1, "started": "never"},
        {"pid": stranger.pid, "started": "Thu Jan  1 00:00:00 1970"},
    ]
    (own.data_dir / "processes.json").write_text(json.dumps(entries))

    own.start()

    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_taken_port_is_named(own: Stack) -> None:
    """The start ends at once and says which port, and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", own.port))
        taken.listen()

        own.launch()

        assert 1 == own.wait()
    assert f"port {own.port} is taken; set PORT" in own.printed()
    assert "Traceback" not in own.printed()


def test_a_second_stack_on_the_same_data_is_refused(own: Stack, stack: Stack) -> None:
    """Two runners never share a data directory."""
    second = Stack(stack.data_dir, {})
    second.output = own.output

    second.launch()

    assert 1 == second.wait()
    assert f"in use by the stack of process {stack.pid}" in second.printed()


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("PORT", "abc", "PORT='abc' must be a TCP port between 1 and 65535"),
        ("NIGHTSHIFT_WORKERS", "0", "NIGHTSHIFT_WORKERS='0' must be a number of processes"),
        ("NIGHTSHIFT_BODY_LIMIT_BYTES", "x", "NIGHTSHIFT_BODY_LIMIT_BYTES='x' must be"),
    ],
)
def test_a_bad_setting_stops_the_start(own: Stack, name: str, value: str, wanted: str) -> None:
    """The message names the setting, its value and what would be right."""
    own.environ = {name: value}

    own.launch()

    assert 1 == own.wait()
    assert wanted in own.printed()
    assert "Traceback" not in own.printed()


def _sign_in(stack: Stack, user: User) -> int:
    body = {"email": user.email, "password": user.password}
    return stack.request("POST", "/api/v1/auth/login", body).status


def _processes_of(stack: Stack) -> list[int]:
    """Return the ids of all processes whose command or parent belongs to the stack."""
    listing = subprocess.check_output(["/bin/ps", "-eo", "pid=,ppid=,pgid="], text=True)
    rows = [tuple(map(int, line.split())) for line in listing.splitlines()]
    found = {stack.pid}
    while more := {p for p, parent, group in rows if parent in found or group in found} - found:
        found |= more
    return sorted(found - {stack.pid})


def _is_running(pid: int) -> bool:
    listing = subprocess.run(  # noqa: S603 - a fixed command
        ["/bin/ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listing.stdout.strip()[:1] not in {"", "Z"}


def _wait_for_end_of(pids: list[int]) -> None:
    _wait_until(lambda: not any(map(_is_running, pids)))


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
