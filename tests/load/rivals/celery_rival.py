"""Celery on Redis doing nothing: `enqueue N` prints its CPU seconds, `work POOL` works it off.

Jobs are acknowledged when they are done, as the engine does, not before they begin. The worker and
the child of its pool each print their CPU seconds: a child that is killed at the end is in no
account of its parent's.
"""

import atexit
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
    worker = int(os.environ["BENCH_WORKER"])
    if os.getpid() != worker:
        tell()
    os.kill(worker, signal.SIGTERM)


def tell() -> None:
    """Print this process's CPU seconds, past whatever a worker puts in the place of its output."""
    assert sys.__stdout__ is not None
    os.write(sys.__stdout__.fileno(), f"cpu_s {time.process_time()}\n".encode())


def tell_if(process: int) -> None:
    """Do so in that process alone: those that it forks inherit what it does at its end."""
    if os.getpid() == process:
        tell()


def main() -> None:
    """Enqueue or work, as the command line says."""
    os.environ.setdefault("BENCH_WORKER", str(os.getpid()))
    app = Celery("bench", broker=os.environ["BENCH_URL"])
    app.conf.update(task_ignore_result=True, task_acks_late=True)
    job = app.task(name="noop")(noop)
    last = app.task(name="finish")(finish)
    if sys.argv[1] == "work":
        atexit.register(tell_if, os.getpid())
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
