"""The function host with real processes, on functions written by each test."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from infra.local.functions.host import FunctionHost
from infra.local.functions.pool import FunctionSpec, LogLine, Outcome

HANDLER = """
import json, os, socket, sys, time
ONCE = os.getpid()

def handler(event, context):
    kind = event.get("kind")
    if kind == "raise":
        raise ValueError("no")
    if kind == "exit":
        os._exit(1)
    if kind == "odd":
        return {1, 2}
    if kind == "print":
        print("one line")
        print("another", file=sys.stderr)
    if kind == "resolve":
        return socket.getaddrinfo(event["name"], 443)[0][4][0]
    if kind == "large":
        return "x" * event["size"]
    time.sleep(event.get("sleep_s", 0))
    return {"pid": os.getpid(), "once": ONCE, "left": context.get_remaining_time_in_millis(),
            "request": context.aws_request_id, "name": context.function_name,
            "arn": context.invoked_function_arn, "path": sys.path[1:3], "event": event}
"""
Work = Callable[[FunctionHost], Awaitable[Any]]


class Bench:
    """A folder with a function, and a host for it in an event loop of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.lines: list[LogLine] = []
        self.max_workers = 4
        self.timeout_s = 5.0
        self.write(HANDLER)

    def write(self, code: str) -> None:
        """Replace the function's code."""
        (self.directory / "handler.py").write_text(code)

    def run(self, work: Work) -> Any:
        """Run `work` with a host, and end the host."""

        async def main() -> Any:
            host = FunctionHost(
                find_spec=self._spec, on_log=self.lines.append, max_workers=self.max_workers
            )
            try:
                return await work(host)
            finally:
                await host.close()

        return asyncio.run(main())

    def invoke(self, event: dict[str, Any]) -> Outcome:
        """Invoke the function once, in a host of its own."""
        outcome: Outcome = self.run(lambda host: invoke(host, event))
        return outcome

    async def _spec(self, name: str) -> FunctionSpec:
        if name != "f":
            raise LookupError(name)
        return FunctionSpec(
            name=name,
            arn="arn:f",
            handler="handler.handler",
            code=self.directory,
            python=Path(sys.executable),
            path=(self.directory / "layer",),
            env={
                "AWS_LAMBDA_FUNCTION_NAME": name,
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
                "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            },
            timeout_s=self.timeout_s,
        )


async def invoke(host: FunctionHost, event: dict[str, Any], request: str = "r1") -> Outcome:
    """Invoke the bench's function."""
    return await host.invoke("f", json.dumps(event).encode(), request_id=request)


def document(outcome: Outcome) -> dict[str, Any]:
    """Return what a function answered, or the error's document."""
    found: dict[str, Any] = json.loads(outcome.body)
    return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """The bench."""
    return Bench(tmp_path)


def test_a_function_gets_its_event_and_context(bench: Bench) -> None:
    """The answer is the handler's; the context says who, for which request and how long."""
    outcome = bench.invoke({"ä": [1, None]})

    answer = document(outcome)
    assert outcome.ok
    assert {"ä": [1, None]} == answer["event"]
    assert ("f", "arn:f", "r1") == (answer["name"], answer["arn"], answer["request"])
    assert 3000 < answer["left"] <= 5000
    assert [str(bench.directory), str(bench.directory / "layer")] == answer["path"]


def test_the_module_is_imported_once_and_workers_are_used_again(bench: Bench) -> None:
    """Two invocations in a row share a worker; workers share the import."""

    async def work(host: FunctionHost) -> list[Outcome]:
        first = [await invoke(host, {}), await invoke(host, {})]
        return [*first, *await asyncio.gather(invoke(host, {"sleep_s": 0.2}), invoke(host, {}))]

    answers = [document(outcome) for outcome in bench.run(work)]

    assert answers[0]["pid"] == answers[1]["pid"]
    assert answers[2]["pid"] != answers[3]["pid"]
    assert 1 == len({answer["once"] for answer in answers})
    assert answers[0]["once"] != answers[0]["pid"]


def test_at_most_so_many_run_at_once_and_the_others_wait(bench: Bench) -> None:
    """Eight invocations on two workers take four rounds, and all are served."""
    bench.max_workers = 2

    async def work(host: FunctionHost) -> list[Outcome]:
        return await asyncio.gather(*(invoke(host, {"sleep_s": 0.1}) for _ in range(8)))

    outcomes = bench.run(work)

    assert all(outcome.ok for outcome in outcomes)
    assert 2 == len({document(outcome)["pid"] for outcome in outcomes})


def test_a_function_over_its_time_is_killed_and_replaced(bench: Bench) -> None:
    """The outcome names the timeout; the next invocation has another process."""
    bench.timeout_s = 0.3

    async def work(host: FunctionHost) -> tuple[Outcome, Outcome, Outcome]:
        before = await invoke(host, {})
        return before, await invoke(host, {"sleep_s": 60}), await invoke(host, {})

    before, late, after = bench.run(work)

    assert not late.ok
    assert "Sandbox.Timedout" == document(late)["errorType"]
    assert 300 <= late.duration_ms < 3000
    assert document(before)["pid"] != document(after)["pid"]


def test_an_exception_is_an_error_with_type_and_message(bench: Bench) -> None:
    """The worker stays; its traceback is in the log."""

    async def work(host: FunctionHost) -> tuple[Outcome, Outcome]:
        return await invoke(host, {"kind": "raise"}), await invoke(host, {})

    failed, after = bench.run(work)

    assert not failed.ok
    assert "ValueError" == document(failed)["errorType"]
    assert "no" == document(failed)["errorMessage"]
    assert after.ok
    assert "ValueError: no" in [line.text for line in bench.lines]


def test_an_answer_that_is_no_json_is_an_error(bench: Bench) -> None:
    """A set cannot be sent to anybody."""
    assert "TypeError" == document(bench.invoke({"kind": "odd"}))["errorType"]


def test_a_process_that_ends_is_an_error(bench: Bench) -> None:
    """The caller hears at once."""
    assert "Runtime.ExitError" == document(bench.invoke({"kind": "exit"}))["errorType"]


def test_a_worker_that_was_killed_while_idle_is_not_used(bench: Bench) -> None:
    """Only the process is lost, no invocation."""

    async def work(host: FunctionHost) -> Outcome:
        os.kill(document(await invoke(host, {}))["pid"], signal.SIGKILL)
        await asyncio.sleep(0.1)
        return await invoke(host, {})

    assert bench.run(work).ok


def test_a_zygote_that_was_killed_is_started_again(bench: Bench) -> None:
    """The next invocation imports the handler anew."""

    async def work(host: FunctionHost) -> tuple[Outcome, Outcome]:
        first = await invoke(host, {})
        os.killpg(document(first)["once"], signal.SIGKILL)
        await asyncio.sleep(0.2)
        return first, await invoke(host, {})

    first, second = bench.run(work)

    assert second.ok
    assert document(first)["once"] != document(second)["once"]


def test_large_events_and_answers_go_through(bench: Bench) -> None:
    """Megabytes in both directions."""
    outcome = bench.invoke({"kind": "large", "size": 3_000_000, "pad": "y" * 2_000_000})

    assert 3_000_002 == len(outcome.body)


def test_printed_lines_carry_their_request(bench: Bench) -> None:
    """Both streams, in order, with function and request."""
    bench.invoke({"kind": "print"})

    assert [("f", "r1", "one line"), ("f", "r1", "another")] == [
        (line.function, line.request_id, line.text) for line in bench.lines
    ]


@pytest.mark.parametrize(
    "name", ["sqs.us-east-1.amazonaws.com", "S3.AMAZONAWS.COM.", "lambda.us-east-1.api.aws"]
)
def test_names_of_the_real_cloud_do_not_resolve(bench: Bench, name: str) -> None:
    """Whatever a function is configured with, it cannot find the cloud."""
    answer = document(bench.invoke({"kind": "resolve", "name": name}))

    assert "gaierror" == answer["errorType"]
    assert f"the local stack never reaches {name}" in answer["errorMessage"]


def test_other_names_resolve(bench: Bench) -> None:
    """The refusal is for the cloud's names only."""
    assert b'"127.0.0.1"' == bench.invoke({"kind": "resolve", "name": "127.0.0.1"}).body


def test_a_module_that_cannot_be_imported_is_an_error_each_time(bench: Bench) -> None:
    """The error is told, its traceback logged, and mended code works."""
    bench.write("raise RuntimeError('not today')")

    async def work(host: FunctionHost) -> tuple[Outcome, Outcome]:
        broken = await invoke(host, {})
        bench.write(HANDLER + "\n# mended")
        return broken, await invoke(host, {})

    broken, mended = bench.run(work)

    assert "Runtime.InitError" == document(broken)["errorType"]
    assert "RuntimeError: not today" == document(broken)["errorMessage"]
    assert any("not today" in line.text for line in bench.lines)
    assert mended.ok


def test_forgetting_brings_changed_code(bench: Bench) -> None:
    """After `forget` the module is imported again."""

    async def work(host: FunctionHost) -> tuple[Outcome, Outcome]:
        before = await invoke(host, {})
        bench.write("def handler(event, context): return 'changed'")
        await host.forget()
        return before, await invoke(host, {})

    before, after = bench.run(work)

    assert before.ok
    assert b'"changed"' == after.body


def test_an_unknown_function_is_refused(bench: Bench) -> None:
    """The name is not known to the emulator."""
    with pytest.raises(LookupError):
        bench.run(lambda host: host.invoke("g", b"{}", request_id="r"))


def test_idle_workers_are_ended_but_one(bench: Bench) -> None:
    """A burst leaves no crowd of processes behind."""

    async def work(host: FunctionHost) -> int:
        await asyncio.gather(*(invoke(host, {"sleep_s": 0.1}) for _ in range(4)))
        (await host.pool("f")).trim(idle_s=0)
        return len(host.workers()["f"])

    assert 1 == bench.run(work)


def test_closing_leaves_no_process(bench: Bench) -> None:
    """Zygote and workers are gone, the busy ones too."""

    async def work(host: FunctionHost) -> list[int]:
        first = document(await invoke(host, {}))
        busy = asyncio.create_task(invoke(host, {"sleep_s": 60}))
        await asyncio.sleep(0.1)
        pids = [first["once"], *(int(str(w["pid"])) for w in host.workers()["f"])]
        await host.close()
        assert not (await busy).ok
        return pids

    pids = bench.run(work)

    deadline = time.monotonic() + 5
    while any(_exists(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_start_that_is_broken_off_leaves_no_process(bench: Bench) -> None:
    """Cancelling while the handler is being imported ends the import."""
    marker = bench.directory / "pid"
    bench.write(
        f"import os, time; open({str(marker)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    )

    async def work(host: FunctionHost) -> None:
        starting = asyncio.create_task(host.pool("f"))
        while not (marker.exists() and marker.read_text()):  # noqa: ASYNC110 - a file, no event
            await asyncio.sleep(0.01)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)

    bench.run(work)

    assert not _exists(int(marker.read_text()))
