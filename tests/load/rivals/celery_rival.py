"""Celery on Redis doing nothing: `enqueue N` prints its CPU seconds, `work POOL` works it off.

Jobs are acknowledged when they are done, as the engine does, not before they begin.
"""

import os
import signal
import sys
import time

from celery import Celery  # type: ignore[import-not-found,unused-ignore]  # in the bench's own venv

WARM = 20


def noop(number: int) -> None:
    """Do nothing."""


def finish() -> None:
    """End the worker: everything before this job is done."""
    os.kill(int(os.environ["BENCH_WORKER"]), signal.SIGTERM)


def main() -> None:
    """Enqueue or work, as the command line says."""
    os.environ.setdefault("BENCH_WORKER", str(os.getpid()))
    app = Celery("bench", broker=os.environ["BENCH_URL"])
    app.conf.update(task_ignore_result=True, task_acks_late=True)
    job = app.task(name="noop")(noop)
    last = app.task(name="finish")(finish)
    if sys.argv[1] == "work":
        quiet = ["--without-gossip", "--without-mingle", "--loglevel=ERROR"]
        app.worker_main(["worker", f"--pool={sys.argv[2]}", "--concurrency=1", *quiet])
        return
    for number in range(WARM):
        job.delay(number)
    started = time.process_time()
    for number in range(int(sys.argv[2])):
        job.delay(number)
    print(time.process_time() - started)
    last.delay()


if __name__ == "__main__":
    main()
