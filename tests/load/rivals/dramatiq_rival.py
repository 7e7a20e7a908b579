"""Dramatiq on Redis doing nothing: `enqueue N` prints its CPU seconds, `work` works it off."""

import os
import sys
import threading
import time

import dramatiq  # type: ignore[import-not-found,unused-ignore]  # in the bench's own venv
from dramatiq.brokers.redis import (  # type: ignore[import-not-found,unused-ignore]
    RedisBroker,
)

WARM = 20
THREADS = 8
"""The threads of a worker process, as dramatiq's own command has them."""


def noop(number: int) -> None:
    """Do nothing."""


def main() -> None:
    """Enqueue or work, as the command line says."""
    over = threading.Event()
    broker = RedisBroker(url=os.environ["BENCH_URL"])
    dramatiq.set_broker(broker)
    job = dramatiq.actor(noop, broker=broker)
    last = dramatiq.actor(over.set, actor_name="finish", broker=broker)
    if sys.argv[1] == "work":
        worker = dramatiq.Worker(broker, worker_threads=THREADS)
        worker.start()
        over.wait()
        worker.stop()
        return
    for number in range(WARM):
        job.send(number)
    started = time.process_time()
    for number in range(int(sys.argv[2])):
        job.send(number)
    print(time.process_time() - started)
    last.send()


if __name__ == "__main__":
    main()
