"""From decision to queue: what is due within a queue's delay is sent, the rest waits in the table.

A message is delayed to the last whole second before its time and the worker waits the rest, so that
the work starts at the second and never early.
"""

from collections.abc import Sequence

from nightshift.core.clock import Clock, to_ms
from nightshift.jobs.agenda import Agenda
from nightshift.jobs.codec import encode
from nightshift.jobs.model import Message
from nightshift.ports.queue import MAX_DELAY_S, Outgoing, Queue


class Dispatcher:
    """Moves messages on; sending one twice is harmless, since the table decides who runs."""

    def __init__(self, queue: Queue, agenda: Agenda, clock: Clock) -> None:
        self._queue = queue
        self._agenda = agenda
        self._clock = clock

    def send(self, messages: Sequence[Message]) -> None:
        """Queue each message for its time, or put it into the agenda if that is far off.

        Raises:
            UnavailableError: the queue did not take them all; sending all again is safe.
        """
        now_ms = to_ms(self._clock.now())
        near: list[Outgoing] = []
        for message in messages:
            delay_s = max(0, message.not_before_ms - now_ms) // 1000
            if delay_s > MAX_DELAY_S:
                self._agenda.put_single(message)
            else:
                near.append(Outgoing(body=encode(message), delay_s=delay_s))
        self._queue.send(near)
