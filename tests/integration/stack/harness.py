"""A running local stack for tests: started as a user starts it, spoken to from outside."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[3]
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 20.0


class _AsTheyCome(urllib.request.HTTPRedirectHandler):
    """Hands redirects over like all other answers."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _AsTheyCome())


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What the stack answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as a document."""
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """A registered user with an access token that is valid for minutes."""

    id: str
    email: str
    password: str
    access_token: str
    refresh_token: str


class Stack:
    """One stack's process; `environ` comes on top of this process's own environment.

    `root` is the project that it runs; a test may give it a changed copy.
    """

    root = ROOT

    def __init__(self, data_dir: Path, environ: Mapping[str, str], *, port: int = 0) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        self.output = data_dir.parent / f"{data_dir.name}.out"
        self.environ = environ
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        """The front's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The runner's process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def launched(self) -> bool:
        """Whether the runner has ever been started."""
        return self._process is not None

    def launch(self, command: str = "bare") -> None:
        """Start the runner and return at once."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("NIGHTSHIFT_", "COV_"))}
        environ = {**kept, "PORT": str(self.port), "NIGHTSHIFT_DATA_DIR": str(self.data_dir)}
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own runner
                [
                    ROOT / ".venvs/stack/bin/python",
                    "-m",
                    "infra.local",
                    command,
                    "--root",
                    self.root,
                ],
                cwd=ROOT,
                env={**environ, **self.environ},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Return when the stack stands.

        Raises:
            AssertionError: it ended or does not stand in time; the message has its output.
        """
        assert self._process is not None
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self.printed()
            with contextlib.suppress(OSError):
                if self.get("/dev/stack.json").json()["ready"]:
                    return
            time.sleep(0.1)
        raise AssertionError(f"the stack does not stand:\n{self.printed()}")

    def start(self) -> "Stack":
        """Start the stack and return when it stands."""
        self.launch()
        self.wait_until_ready()
        return self

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send the signal, wait for the end, and return the exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(_STOP_TIMEOUT_S)

    def wait(self) -> int:
        """Wait until the runner has ended by itself and return its exit status."""
        assert self._process is not None
        return self._process.wait(_START_TIMEOUT_S)

    def printed(self) -> str:
        """Return what the terminal would have shown so far."""
        return self.output.read_text(errors="replace")

    def state(self) -> dict[str, Any]:
        """Return `/dev/stack.json`: the emulator's endpoint, workers, the report of the start."""
        document: dict[str, Any] = self.get("/dev/stack.json").json()
        return document

    def outputs(self) -> dict[str, str]:
        """Return the outputs of the deployed root template."""
        found = self.client("cloudformation").describe_stacks(StackName="nightshift-local")
        return {o["OutputKey"]: o["OutputValue"] for o in found["Stacks"][0]["Outputs"]}

    def workers(self, function: str) -> list[dict[str, Any]]:
        """Return the processes of a function such as `listener`: pid, busy, request_id."""
        workers: list[dict[str, Any]] = self.state()["workers"].get(
            f"nightshift-local-{function}", []
        )
        return workers

    def client(self, service: str) -> Any:
        """Return a boto3 client of the emulator."""
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=self.state()["endpoint"],
            region_name="us-east-1",
            aws_access_key_id="000000000000",
            aws_secret_access_key="local",
            config=Config(
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
                inject_host_prefix=False,
            ),
        )

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request to the front; `body` is sent as JSON unless it is bytes."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"content-type": "application/json", **(headers or {})}
        if token:
            sent["authorization"] = f"Bearer {token}"
        request = urllib.request.Request(  # noqa: S310 - the front's loopback address
            f"{self.base_url}{path}", data=data, headers=sent, method=method
        )
        try:
            with _OPENER.open(request, timeout=60) as answer:
                return _reply(answer)
        except urllib.error.HTTPError as error:
            return _reply(error)

    def get(self, path: str, *, token: str = "") -> Reply:
        """Send a GET request to the front."""
        return self.request("GET", path, token=token)

    def register(self, email: str = "") -> User:
        """Register a user (a random address by default) and return it, signed in."""
        email = email or f"user-{secrets.token_hex(6)}@example.com"
        password = secrets.token_urlsafe(18)
        body = {"email": email, "password": password, "name": "Test"}
        reply = self.request("POST", "/api/v1/auth/register", body)
        assert reply.status == 201, reply.body
        document = reply.json()
        return User(
            id=document["user"]["id"],
            email=email,
            password=password,
            access_token=document["access_token"],
            refresh_token=document["refresh_token"],
        )

    def logs(self, function: str) -> list[dict[str, Any]]:
        """Return the JSON lines that a function such as `listener` has logged."""
        path = self.data_dir / "logs" / f"nightshift-local-{function}.log"
        if not path.exists():
            return []
        lines = path.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


def free_port() -> int:
    """Return a TCP port that is free at 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def copy_project(target: Path) -> Path:
    """Copy the small test project to `target`, with this project's environments; return it."""
    shutil.copytree(Path(__file__).with_name("project"), target)
    for name in (".venvs", "layers"):
        (target / name).symlink_to(ROOT / name)
    return target


@contextlib.contextmanager
def running(data_dir: Path, environ: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """Start a stack of the test's own in `data_dir` and end it afterwards."""
    stack = Stack(data_dir, environ or {})
    try:
        yield stack.start()
    finally:
        stack.end()


def _reply(answer: Any) -> Reply:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Reply(status=answer.status, headers=headers, body=answer.read())
