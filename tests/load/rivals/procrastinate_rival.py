"""Procrastinate on PostgreSQL doing nothing: `enqueue N` prints CPU seconds, `work` works it off.

`prepare` makes its tables. Jobs are deferred by the synchronous connector, as an API would, and
worked on by the asynchronous one, with the options that its command line has.
"""

import asyncio
import os
import sys
import time
from typing import Any

from procrastinate import (  # type: ignore[import-not-found,unused-ignore]  # the bench's own venv
    App,
    PsycopgConnector,
    SyncPsycopgConnector,
)

WARM = 20


async def noop(number: int) -> None:
    """Do nothing."""


def enqueue(app: Any, count: int) -> None:
    """Defer the jobs one by one; print the CPU seconds."""
    job = app.task(name="noop")(noop)
    with app.open():
        for number in range(WARM):
            job.defer(number=number)
        started = time.process_time()
        for number in range(count):
            job.defer(number=number)
        print(time.process_time() - started)


async def work(app: Any) -> None:
    """Work on what there is, and end."""
    app.task(name="noop")(noop)
    async with app.open_async():
        await app.run_worker_async(wait=False)


def main() -> None:
    """Prepare, enqueue or work, as the command line says."""
    url = os.environ["BENCH_URL"]
    if sys.argv[1] == "work":
        asyncio.run(work(App(connector=PsycopgConnector(conninfo=url))))
        return
    app = App(connector=SyncPsycopgConnector(conninfo=url))
    if sys.argv[1] == "prepare":
        with app.open():
            app.schema_manager.apply_schema()
        return
    enqueue(app, int(sys.argv[2]))


if __name__ == "__main__":
    main()
