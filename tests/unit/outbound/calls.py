"""Calls of the real sender over a stubbed network."""

import asyncio
from datetime import UTC, datetime

from nightshift.core.clock import ManualClock
from nightshift.outbound.fakes import RecordingConnector, StubResolver
from nightshift.outbound.sender import HttpSender
from nightshift.ports.sender import OutboundAnswer, OutboundRequest

NOW = datetime(2026, 12, 1, 9, 0, 0, tzinfo=UTC)
PUBLIC = "93.184.215.14"
PUBLIC_V6 = "2606:4700::1111"


def send(
    url: str = "http://hook.example/in?x=1",
    *,
    resolver: StubResolver | None = None,
    connector: RecordingConnector | None = None,
    method: str = "POST",
    headers: dict[str, str] | None = None,
    body: bytes = b"{}",
    timeout_s: float = 5.0,
    allow_loopback: bool = False,
    times: int = 1,
) -> list[OutboundAnswer]:
    """Make the same call `times` over, without a network, and return what came of each."""
    sender = HttpSender(
        resolver=resolver or StubResolver({"hook.example": [[PUBLIC]]}),
        connector=connector or RecordingConnector(),
        clock=ManualClock(NOW),
        allow_loopback=allow_loopback,
    )
    request = OutboundRequest(
        method=method, url=url, headers=headers or {}, body=body, timeout_s=timeout_s
    )

    async def calls() -> list[OutboundAnswer]:
        answers = [await sender.send(request) for _ in range(times)]
        await sender.aclose()
        return answers

    return asyncio.run(calls())


def answered(incoming: bytes, **given: str) -> OutboundAnswer:
    """Return what comes of a call that is answered with these bytes."""
    (answer,) = send(connector=RecordingConnector(incoming), **given)  # type: ignore[arg-type]
    return answer
