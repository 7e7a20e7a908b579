"""Redis and PostgreSQL for one measurement: on loopback, with their data in a directory of its own.

What is found on the path, or where Debian keeps PostgreSQL, is used; nothing is installed. Both
write to disk as their packages have it, so that a rival's jobs are as durable as they usually are.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final

HOST: Final = "127.0.0.1"
PATIENCE_S: Final = 30.0
_DEBIAN_POSTGRES: Final = Path("/usr/lib/postgresql")
_UNPRIVILEGED: Final = ("postgres", "nobody")


class MissingServerError(Exception):
    """A server's program is not on this machine; the text says what to install."""


@contextmanager
def redis() -> Iterator[str]:
    """Run a Redis server and yield its URL.

    Raises:
        MissingServerError: there is no redis-server.
    """
    program = shutil.which("redis-server")
    if program is None:
        raise MissingServerError("redis-server is missing: install Debian's redis-server")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-redis-") as directory:
        command = [program, "--bind", HOST, "--port", str(port), "--dir", directory]
        command += ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
        with _running(command, lambda: _listens(port)):
            yield f"redis://{HOST}:{port}/0"


@contextmanager
def postgres() -> Iterator[str]:
    """Run a PostgreSQL server and yield its URL.

    Raises:
        MissingServerError: there is no PostgreSQL, or nobody who may run it.
    """
    programs = {name: _postgres_program(name) for name in ("initdb", "postgres", "pg_isready")}
    port, user = free_port(), _unprivileged()
    with tempfile.TemporaryDirectory(prefix="bench-postgres-") as directory:
        if user is not None:
            shutil.chown(directory, user)
        data = f"{directory}/data"
        subprocess.run(  # noqa: S603 - a program that was found by its name
            [programs["initdb"], "-D", data, "-U", "bench", "--auth=trust", "-E", "UTF8"],
            check=True,
            stdout=subprocess.DEVNULL,
            user=user,
            cwd=directory,
        )
        command = [programs["postgres"], "-D", data, "-p", str(port)]
        command += ["-c", f"listen_addresses={HOST}", "-c", "unix_socket_directories="]
        asked = [programs["pg_isready"], "-q", "-h", HOST, "-p", str(port)]
        with _running(command, lambda: _succeeds(asked), user=user, cwd=directory):
            yield f"postgresql://bench@{HOST}:{port}/postgres"


SERVERS: Final[Mapping[str, Callable[[], AbstractContextManager[str]]]] = {
    "redis": redis,
    "postgres": postgres,
}


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        port: int = found.getsockname()[1]
        return port


def _postgres_program(name: str) -> str:
    found = shutil.which(name)
    if found is not None:
        return found
    for program in sorted(_DEBIAN_POSTGRES.glob(f"*/bin/{name}"), reverse=True):
        return str(program)
    raise MissingServerError(f"{name} is missing: install Debian's postgresql")


def _unprivileged() -> str | None:
    """Return whom to run PostgreSQL as: it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in _UNPRIVILEGED:
        if name in known:
            return name
    raise MissingServerError("PostgreSQL does not run as root: run the bench as somebody else")


@contextmanager
def _running(
    command: list[str], is_ready: Callable[[], bool], **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server as long as the block lasts; begin when it is ready."""
    with subprocess.Popen(  # noqa: S603 - a program that was found by its name
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options
    ) as server:
        try:
            _wait(server, is_ready)
            yield server
        finally:
            server.terminate()


def _wait(server: subprocess.Popen[bytes], is_ready: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not is_ready():
        if server.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{server.args!r} does not start")
        time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, check=False).returncode == 0  # noqa: S603 - as above
