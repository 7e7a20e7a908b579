"""From decision to queue: what is due within a queue's delay is sent, the rest waits in the table.

A queue delays by whole seconds, so a message becomes visible a fraction of a second off its time:
late by little if the delay is rounded up just after a full second, early otherwise, and then the
worker waits the rest, under a second, before it starts. Waiting is paid for in the worker, so
whoever sends much at once sends it just after full seconds (`Pace`).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from nightshift.core.clock import Clock, to_ms
from nightshift.jobs.agenda import Agenda
from nightshift.jobs.codec import encode
from nightshift.jobs.model import Message, QueueName
from nightshift.ports.queue import MAX_DELAY_S, Outgoing, Queue

LATE_OK_MS = 250
PACED_FOR_S = 20.0


def delay_for(wait_ms: int) -> int:
    """Return the whole seconds to delay a message that is to start in `wait_ms`.

    Rounded up where that makes it late by at most `LATE_OK_MS`, else down.
    """
    up = -(-wait_ms // 1000)
    return max(0, up if up * 1000 - wait_ms <= LATE_OK_MS else up - 1)


class Pace:
    """Holds a sender back until just after a full second, for `PACED_FOR_S` in all at most."""

    def __init__(self, clock: Clock, sleep: Callable[[float], None]) -> None:
        self._clock = clock
        self._sleep = sleep
        self._until = clock.now() + timedelta(seconds=PACED_FOR_S)

    def wait(self) -> None:
        """Return at once within the first moments of a second, else when the next one begins."""
        now = self._clock.now()
        if now.microsecond > LATE_OK_MS * 1000 and now < self._until:
            self._sleep(1 - now.microsecond / 1_000_000)


class Dispatcher:
    """Moves messages on; sending one twice is harmless, since the table decides who runs."""

    def __init__(self, queues: Mapping[QueueName, Queue], agenda: Agenda, clock: Clock) -> None:
        self._queues = queues
        self._agenda = agenda
        self._clock = clock

    def send(self, messages: Sequence[Message]) -> None:
        """Queue each message for its time, or put it into the agenda if that is far off.

        Raises:
            UnavailableError: a queue did not take them all; sending all again is safe.
        """
        now_ms = to_ms(self._clock.now())
        near: dict[QueueName, list[Outgoing]] = {}
        for message in messages:
            delay_s = delay_for(message.not_before_ms - now_ms)
            if delay_s > MAX_DELAY_S:
                self._agenda.put_single(message)
            else:
                outgoing = Outgoing(body=encode(message), delay_s=delay_s)
                near.setdefault(message.ref.queue, []).append(outgoing)
        for name, portion in near.items():
            self._queues[name].send(portion)
