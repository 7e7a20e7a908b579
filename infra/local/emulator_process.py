"""Starting and ending the emulator's process, and asking it things over HTTP."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import urllib.request
from pathlib import Path
from typing import Any

from infra.local.clients import ACCOUNT, REGION, SECRET

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 8.0
_POLL_S = 0.05


class EmulatorError(Exception):
    """The emulator did not start or did not answer."""


class Emulator:
    """The emulator's process; its state is in `data_dir`, its output in `log`."""

    def __init__(self, *, data_dir: Path, log: Path, function_host: str) -> None:
        self._data_dir = data_dir
        self._log = log
        self._function_host = function_host
        self._process: asyncio.subprocess.Process | None = None
        self._ended: asyncio.Task[int] | None = None
        self.port = 0

    @property
    def endpoint(self) -> str:
        """The address of its API."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process id, which is its process group too."""
        return self._process.pid if self._process else 0

    @property
    def ended(self) -> "asyncio.Task[int]":
        """The task that is done when the process has ended; its result is the exit code."""
        if self._ended is None:
            raise EmulatorError("the emulator has not been started")
        return self._ended

    async def start(self) -> None:
        """Start it on the port it had last time when that is free, so that addresses stay."""
        self.port = choose_port(self._data_dir / "emulator.port")
        with self._log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "infra.local.emulator",
                stdin=asyncio.subprocess.PIPE, stdout=output, stderr=output,
                env=self._environment(), start_new_session=True,
            )  # fmt: skip
        self._ended = asyncio.create_task(self._process.wait())

    async def wait_until_ready(self) -> None:
        """Return when it answers.

        Raises:
            EmulatorError: it ended, or does not answer in time.
        """
        deadline = asyncio.get_running_loop().time() + _START_TIMEOUT_S
        while asyncio.get_running_loop().time() < deadline:
            if self.ended.done():
                raise EmulatorError(f"the emulator ended at its start; see {self._log}")
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return
            await asyncio.sleep(_POLL_S)
        raise EmulatorError(f"the emulator does not answer; see {self._log}")

    async def stop(self) -> None:
        """End it; it saves its state first."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(asyncio.shield(self.ended), _STOP_TIMEOUT_S)
            except TimeoutError:
                os.killpg(self._process.pid, signal.SIGKILL)
        await self.ended

    async def get(self, path: str) -> Any:  # noqa: ANN401 - whatever JSON it answers
        """Return the JSON document that the emulator answers at `path`."""
        return await asyncio.to_thread(_get_json, f"{self.endpoint}{path}")

    def _environment(self) -> dict[str, str]:
        kept = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")
        state, blobs = self._data_dir / "state", self._data_dir / "objects"
        return {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "PYTHONPATH": str(_PACKAGE_ROOT),
            "NIGHTSHIFT_FUNCTION_HOST": self._function_host,
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION,
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(state),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(blobs),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "CLOUDTRAIL_RECORDING": "0",
            "LAMBDA_ACCOUNT_CONCURRENCY": "1000",
            "MINISTACK_WORKER_THREADS": "64",
            "LOG_LEVEL": os.environ.get("NIGHTSHIFT_EMULATOR_LOG", "WARNING"),
            "NO_PROXY": "*",
            "no_proxy": "*",
        }


def choose_port(memory: Path) -> int:
    """Return the remembered port when it is free, else any free one, which is remembered."""
    with contextlib.suppress(OSError, ValueError):
        port = int(memory.read_text())
        if is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    memory.write_text(str(port))
    return port


def is_free(port: int) -> bool:
    """Tell whether `port` can be listened on at 127.0.0.1 right now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _get_json(url: str) -> Any:  # noqa: ANN401 - whatever JSON it answers
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=30) as answer:
        return json.load(answer)
