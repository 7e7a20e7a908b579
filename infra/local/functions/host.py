"""The function host: finds a function's pool by name and hands the invocation to it."""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from infra.local.functions.pool import FunctionSpec, InitError, LogLine, Outcome, Pool, failure

_TRIM_EVERY_S = 20.0
_IDLE_S = 60.0


class FunctionHost:
    """Runs functions by name; one instance in the runner's event loop.

    `find_spec` is asked at a function's first invocation and again after `forget`; it raises
    LookupError for a name that it does not know. `on_log` is called with every printed line. At
    most `max_workers` invocations of one function run at once, the others wait.
    """

    def __init__(
        self,
        *,
        find_spec: Callable[[str], Awaitable[FunctionSpec]],
        on_log: Callable[[LogLine], None],
        max_workers: int,
    ) -> None:
        self._find_spec = find_spec
        self._on_log = on_log
        self._max_workers = max_workers
        self._pools: dict[str, Pool] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        # Socket paths are short (104 bytes on some systems), the data directory's need not be.
        self._trimmer: asyncio.Task[None] | None = None
        self._directory = Path(tempfile.mkdtemp(prefix="nightshift-"))

    async def close(self) -> None:
        """Kill every process of every function and wait until they are gone."""
        if self._trimmer is not None:
            self._trimmer.cancel()
        await self.forget()
        shutil.rmtree(self._directory, ignore_errors=True)

    async def forget(self) -> None:
        """End all pools, so that the next invocation sees new code and configuration."""
        pools = list(self._pools.values())
        self._pools.clear()
        await asyncio.gather(*(pool.close() for pool in pools))

    def workers(self) -> dict[str, list[dict[str, object]]]:
        """Return each function's workers: process id, whether busy, and with which request."""
        return {
            name: [
                {"pid": worker.pid, "busy": busy, "request_id": worker.request_id}
                for worker, busy in pool.workers()
            ]
            for name, pool in self._pools.items()
        }

    def process_groups(self) -> list[int]:
        """Return the process groups that the functions run in."""
        return [pool.pid for pool in self._pools.values() if pool.alive]

    async def invoke(self, name: str, event: bytes, *, request_id: str) -> Outcome:
        """Run the function once; what it does wrong becomes an outcome.

        Raises:
            LookupError: there is no such function.
        """
        try:
            pool = await self.pool(name)
        except InitError as error:
            return failure("Runtime.InitError", str(error))
        return await pool.invoke(event, request_id=request_id)

    async def pool(self, name: str) -> Pool:
        """Return the function's pool, started.

        Raises:
            LookupError: there is no such function.
            InitError: its module cannot be imported.
        """
        if self._trimmer is None:
            self._trimmer = asyncio.create_task(self._trim())
        async with self._locks.setdefault(name, asyncio.Lock()):
            pool = self._pools.get(name)
            if pool is not None and not pool.alive:
                await pool.close()
                pool = None
            if pool is None:
                pool = Pool(
                    await self._find_spec(name),
                    directory=self._directory,
                    max_workers=self._max_workers,
                    on_log=self._on_log,
                )
                try:
                    await pool.start()
                except (InitError, asyncio.CancelledError):
                    await pool.close()
                    raise
                self._pools[name] = pool
            return pool

    async def _trim(self) -> None:
        while True:
            await asyncio.sleep(_TRIM_EVERY_S)
            for pool in self._pools.values():
                pool.trim(idle_s=_IDLE_S)
