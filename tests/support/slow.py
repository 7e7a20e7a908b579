"""Calls that take long in virtual time, while everything else goes on."""

import threading
from datetime import timedelta

from nightshift.outbound.fakes import answer
from nightshift.ports.sender import OutboundAnswer, OutboundRequest
from tests.support.world import World


def slow_calls(world: World, seconds: float, *, times: int = 1, status: int = 200) -> None:
    """Make the next `times` calls last `seconds`; meanwhile another listener delivers the rest."""
    left = [seconds] * times

    def receiver(_: OutboundRequest) -> OutboundAnswer:
        if left:
            end = world.clock.now() + timedelta(seconds=left.pop())
            while (visible := world.queue.next_visible()) is not None and visible <= end:
                world.pass_time(visible)
                elsewhere(world)
            world.pass_time(end)
        return answer(status)

    world.receiver = receiver


def elsewhere(world: World) -> None:
    """Let another listener deliver one batch."""
    thread = threading.Thread(target=world.listen)
    thread.start()
    thread.join()
