"""From Lambda events to the engine and back: ticks, sweeps and dead letters."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from nightshift.core.clock import Clock
from nightshift.jobs.errors import DeadLettersLeftError
from nightshift.observability import Log, count, measure_all
from nightshift.ports.queue import Received, Source

if TYPE_CHECKING:
    from nightshift.jobs.dead import DeadLetters
    from nightshift.jobs.sweeper import Sweeper
    from nightshift.jobs.tick import Ticker

PERIODIC_MARGIN_S = 8.0
DEAD_AT_ONCE = 10
EMPTY_POLLS = 2


class LambdaContext(Protocol):
    """What the handlers need of Lambda's context object."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends the invocation."""
        ...


def drain_dead(
    context: LambdaContext,
    *,
    queues: Mapping[str, Source],
    letters: "DeadLetters",
    clock: Clock,
    log: Log,
) -> None:
    """Keep what lies in the dead-letter queues; what cannot be kept comes back later.

    A short poll may miss messages, so a queue is taken for empty after a few empty answers.

    Raises:
        DeadLettersLeftError: some could not be kept; the others were. Whoever watches
            the errors of the function learns of it.
    """
    deadline = deadline_of(context, clock, PERIODIC_MARGIN_S)
    left = 0
    for name, queue in queues.items():
        empty = 0
        while empty < EMPTY_POLLS and clock.now() < deadline:
            taken = queue.receive(DEAD_AT_ONCE)
            empty = 0 if taken else empty + 1
            kept = [m for m in taken if _buried(m, name, letters, log)]
            queue.delete(kept)
            left += len(taken) - len(kept)
    if left:
        raise DeadLettersLeftError(f"{left} dead letters could not be kept.")


def _buried(message: Received, queue: str, letters: "DeadLetters", log: Log) -> bool:
    try:
        letter = letters.bury(message.body, queue=queue)
    except Exception:  # noqa: BLE001 - the batch loop: one letter never spoils the others
        log.failure("dead_letter.failed", message_id=message.message_id, queue=queue)
        return False
    if letter is not None:
        log.warning("dead_letter.buried", job_id=letter.id, reason=letter.reason, queue=queue)
        count("DeadLetters")
    return True


def run_tick(context: LambdaContext, *, ticker: "Ticker", clock: Clock, log: Log) -> None:
    """Run one tick and say what it did."""
    report = ticker.run(deadline=deadline_of(context, clock, PERIODIC_MARGIN_S))
    log.info(
        "tick.done",
        minutes=report.minutes,
        messages=report.messages,
        lag_ms=report.lag_ms,
        skipped=report.skipped,
    )
    for sentence in report.unread:
        log.warning("tick.unread", reason=sentence)
    if not report.skipped:
        measure_all({"TickLagSeconds": ("Seconds", [report.lag_ms / 1000])})


def run_sweep(context: LambdaContext, *, sweeper: "Sweeper", clock: Clock, log: Log) -> None:
    """Run one sweep and say what it did."""
    report = sweeper.run(deadline=deadline_of(context, clock, PERIODIC_MARGIN_S))
    log.info(
        "sweep.done",
        checked=report.checked,
        rescued=report.rescued,
        given_up=report.given_up,
        held=report.held,
        released=report.released,
        skipped=report.skipped,
    )
    for sentence in report.failed:
        log.warning("sweep.failed", reason=sentence)
    if report.rescued:
        count("RunsRescued", report.rescued)


def failures(message_ids: Iterable[str]) -> dict[str, Any]:
    """Return the partial batch answer that names exactly these messages."""
    return {"batchItemFailures": [{"itemIdentifier": mid} for mid in message_ids]}


def deadline_of(context: LambdaContext, clock: Clock, margin_s: float) -> datetime:
    """Return when to end: `margin_s` seconds before Lambda does."""
    left_s = context.get_remaining_time_in_millis() / 1000 - margin_s
    return clock.now() + timedelta(seconds=left_s)
