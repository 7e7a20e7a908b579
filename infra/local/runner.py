"""`make dev` and `make demo`: one terminal that starts the stack, shows it at work and ends it."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from infra.local.demo import (
    EMAIL,
    ApiClient,
    DemoError,
    ensure_task,
    ensure_user,
    make_next_call_fail,
    table,
    wait_for_retried_run,
)
from infra.local.deploy import DeployError
from infra.local.emulator_process import EmulatorError
from infra.local.pages import pages
from infra.local.settings import LocalSettings, SettingError, load_settings
from infra.local.stack import LocalStack, Report, StackError, Watchers
from infra.local.template import TemplateError
from infra.local.terminal import Terminal

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
_EXPECTED = (StackError, EmulatorError, TemplateError, DeployError, DemoError, SettingError)


def run(command: str, root: Path, environ: Mapping[str, str], terminal: Terminal) -> int:
    """Run `dev`, `demo` or `bare` for the project under `root`; return the exit status.

    `bare` is `dev` without the demo user and the demo task.
    """
    try:
        settings = load_settings(root, environ)
        python = root / ".venvs" / "handlers" / "bin" / "python"
        check_function_settings(root, python, settings, terminal)
        if command == "demo":
            settings = _fresh_demo(settings)
        return asyncio.run(Runner(root, settings, python, terminal).run(command))
    except _EXPECTED as error:
        terminal.say(f"\nThe stack does not run: {error}")
        return 1


def check_function_settings(
    root: Path, python: Path, settings: LocalSettings, terminal: Terminal
) -> None:
    """Check the settings that functions get.

    Raises:
        SettingError: one of them is wrong.
    """
    path = os.pathsep.join([str(root / "layers" / "common" / "python"), str(_PACKAGE_ROOT)])
    checked = subprocess.run(
        [str(python), "-m", "infra.local.check_settings"],
        env={**settings.functions, "PYTHONPATH": path},
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = checked.stdout.splitlines()
    for line in lines:
        if line.startswith("warning: "):
            terminal.say(line)
    bad = [line for line in lines if not line.startswith("warning: ")]
    if checked.returncode != 0:
        raise SettingError("\n  ".join(bad) or checked.stderr[-2000:])


class Runner:
    """One run of the stack in a terminal."""

    def __init__(
        self, root: Path, settings: LocalSettings, python: Path, terminal: Terminal
    ) -> None:
        self._settings = settings
        self._terminal = terminal
        watchers = Watchers(on_log=terminal.log, on_outcome=terminal.outcome)
        self._stack = LocalStack(root, settings, python=python, watchers=watchers)
        self._stop = asyncio.Event()

    async def run(self, command: str) -> int:
        """Start, stay until a signal (or until the demo has shown itself), and end everything."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        work = asyncio.create_task(self._work(command))
        stop = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            self._terminal.say("\nstopping ...")
            return 1 if command == "demo" else 0
        finally:
            work.cancel()
            stop.cancel()
            await self._stack.stop()

    async def _work(self, command: str) -> int:
        started = time.monotonic()
        self._stack.target.pages.update(pages(self._stack))
        self._terminal.say(f"starting the stack in {self._settings.data_dir} ...")
        report = await self._stack.start()
        self._tell(report, time.monotonic() - started)
        api = ApiClient(self._stack.base_url)
        if command == "demo":
            return await self._demo(api)
        if command == "dev":
            await self._set_up_demo_user(api)
        if self._stack.emulator is None:
            return 1
        code = await asyncio.shield(self._stack.emulator.ended)
        raise StackError(f"the emulator ended by itself ({code}); see {self._stack.logs}")

    def _tell(self, report: Report, seconds: float) -> None:
        say = self._terminal.say
        if self._stack.orphans:
            say(f"ended {self._stack.orphans} process groups that an earlier run had left behind")
        say(f"{report.resources} resources, {report.outcome}, in {seconds:.1f} s")
        if report.mended:
            say(f"mended what the emulator drops: {', '.join(report.mended)}")
        for kind in report.unsupported:
            say(f"NOT SUPPORTED by the emulator, left out: {kind}")
        for line in report.differences:
            say(f"DIFFERS from the template: {line}")
        if not report.differences:
            say("template and stack compared: equal")
        base = self._stack.base_url
        say()
        for name, path in (
            ("API", "/api/v1"),
            ("its pages", "/api/v1/docs"),
            ("console", "/"),
            ("webhook", "/dev/dummy-webhook"),
            ("mail", "/dev/inbox"),
            ("emulator", ""),
        ):
            address = f"{base}{path}" if path else getattr(self._stack.emulator, "endpoint", "")
            say(f"  {name:<10} {address}")
        say(f"  {'logs':<10} {self._stack.logs}")

    async def _set_up_demo_user(self, api: ApiClient) -> None:
        try:
            await asyncio.to_thread(self._set_up, api)
        except DemoError as error:
            self._terminal.say(f"\nno demo user or task: {error}")

    def _set_up(self, api: ApiClient) -> str:
        password = ensure_user(api, self._settings.data_dir / "demo-user.json")
        self._terminal.say(f"  {'sign in':<10} {EMAIL}  {password}\n")
        return ensure_task(api)

    async def _demo(self, api: ApiClient) -> int:
        task_id = await asyncio.to_thread(self._set_up, api)
        await asyncio.to_thread(make_next_call_fail, api)
        self._terminal.say("waiting for the schedule to call the demo task ...")
        entries = await asyncio.to_thread(wait_for_retried_run, api, task_id)
        self._terminal.say(f"\nThe run {entries[0]['run_id']} failed, was retried and succeeded:\n")
        self._terminal.say(table(list(entries)))
        self._terminal.say()
        return 0


def _fresh_demo(settings: LocalSettings) -> LocalSettings:
    """Return the settings with a data directory of the demo's own, emptied."""
    directory = settings.data_dir / "demo"
    if not (directory / "processes.json").exists():
        shutil.rmtree(directory, ignore_errors=True)
    return replace(settings, data_dir=directory)
