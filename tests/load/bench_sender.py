"""CPU of one outgoing call: the product's sender against httpx, and what TLS adds.

`python -m tests.load.bench_sender` prints CPU milliseconds a call of this process alone; the
receiver is a process of its own. Rounds are interleaved and the median of them is shown.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import httpx
import trustme

from nightshift.outbound.connector import TcpConnector, default_tls
from nightshift.outbound.fakes import StubResolver
from nightshift.outbound.sender import HttpSender
from nightshift.ports.sender import OutboundRequest

ROUNDS: Final = 7
CALLS: Final = 300
TOGETHER: Final = 10
NAME: Final = "hook.example"
BODY: Final = b'{"a": 1}'

_RECEIVER = """
import asyncio, ssl, sys
ANSWER = b"HTTP/1.1 200 OK\\r\\nContent-Length: 12\\r\\n\\r\\nhello, world"
async def serve(reader, writer):
    try:
        while True:
            await reader.readuntil(b"\\r\\n\\r\\n")
            await reader.readexactly(8)
            writer.write(ANSWER)
    except (OSError, asyncio.IncompleteReadError):
        writer.transport.abort()
async def main():
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(sys.argv[1])
    plain = await asyncio.start_server(serve, "127.0.0.1", 0)
    secure = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    print(plain.sockets[0].getsockname()[1], secure.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""

Call = Callable[[], Awaitable[object]]


async def _cpu_ms(call: Call) -> float:
    """Return the CPU milliseconds of one call, of CALLS of them, TOGETHER at a time."""
    started = time.process_time()
    for _ in range(CALLS // TOGETHER):
        await asyncio.gather(*(call() for _ in range(TOGETHER)))
    return (time.process_time() - started) * 1000 / CALLS


def _ours(sender: HttpSender, url: str) -> Call:
    request = OutboundRequest(
        method="POST",
        url=url,
        headers={"content-type": "application/json", "webhook-id": "x"},
        body=BODY,
        timeout_s=10,
    )

    async def call() -> None:
        answer = await sender.send(request)
        if not answer.ok:
            raise RuntimeError(answer.detail)

    return call


def _httpx(client: httpx.AsyncClient, url: str, *, keep: bool) -> Call:
    headers = {"webhook-id": "x"} if keep else {"webhook-id": "x", "connection": "close"}

    async def call() -> None:
        (await client.post(url, content=BODY, headers=headers)).raise_for_status()

    return call


async def _measure(plain: int, secure: int, authority: trustme.CA) -> dict[str, list[float]]:
    tls = default_tls()
    authority.configure_trust(tls)
    stub = StubResolver({NAME: [["127.0.0.1"]]})
    stubbed = HttpSender(resolver=stub, connector=TcpConnector(tls), allow_loopback=True)
    real = HttpSender(connector=TcpConnector(tls), allow_loopback=True)
    http, https = f"http://127.0.0.1:{plain}/", f"https://localhost:{secure}/"
    async with httpx.AsyncClient(verify=tls, trust_env=False) as client:
        calls = {
            "sender, http, address": _ours(stubbed, http),
            "sender, http, localhost looked up": _ours(real, f"http://localhost:{plain}/"),
            "sender, https": _ours(stubbed, f"https://{NAME}:{secure}/"),
            "httpx, http, new connections": _httpx(client, http, keep=False),
            "httpx, http, kept connections": _httpx(client, http, keep=True),
            "httpx, https, new connections": _httpx(client, https, keep=False),
            "httpx, https, kept connections": _httpx(client, https, keep=True),
        }
        found: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(ROUNDS):
            for name, call in calls.items():
                found[name].append(await _cpu_ms(call))
    await real.aclose()
    return found


def measure() -> dict[str, float]:
    """Run the receiver and return the median CPU milliseconds of each kind of call."""
    authority = trustme.CA()
    with tempfile.TemporaryDirectory() as folder:
        chain = Path(folder) / "receiver.pem"
        authority.issue_cert(NAME, "localhost").private_key_and_cert_chain_pem.write_to_path(
            str(chain)
        )
        with subprocess.Popen(  # noqa: S603 - our own receiver
            [sys.executable, "-c", _RECEIVER, str(chain)], stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                ports = process.stdout.readline().split() if process.stdout else []
                plain, secure = map(int, ports)
                found = asyncio.run(_measure(plain, secure, authority))
            finally:
                process.terminate()
    return {name: statistics.median(times) for name, times in found.items()}


def shown(found: dict[str, float]) -> str:
    """Return the measurements as a table."""
    head = f"CPU ms a call, median of {ROUNDS} rounds of {CALLS} calls, {TOGETHER} at a time"
    return "\n".join([head, *(f"  {name:36} {ms:6.3f}" for name, ms in found.items())])


def missed(found: dict[str, float]) -> list[str]:
    """Return what costs more than by httpx, connecting anew for each call as the sender does."""
    pairs = {
        "sender, http, address": "httpx, http, new connections",
        "sender, https": "httpx, https, new connections",
    }
    return [
        f"{ours} costs more than {theirs}"
        for ours, theirs in pairs.items()
        if found[ours] > found[theirs]
    ]


def main() -> int:
    """Measure and print the table; return 1 when the usual client is cheaper."""
    found = measure()
    print("\n".join([shown(found), *missed(found)]))
    return int(bool(missed(found)))


if __name__ == "__main__":
    raise SystemExit(main())
