"""From a host name to addresses."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Final, Protocol

from nightshift.outbound.addresses import IPAddress

_MAX_LOOKUPS: Final = 32
"""Threads: a lookup that hangs cannot be interrupted, and must not keep the others waiting."""


class LookupFailedError(Exception):
    """The name has no address, or nobody could say."""


class Resolver(Protocol):
    """Looks names up."""

    async def resolve(self, host: str) -> list[IPAddress]:
        """Return every address of `host`, best first, at least one.

        Raises:
            LookupFailedError: there is none, or the lookup failed.
        """
        ...

    def close(self) -> None:
        """Release what the resolver holds; safe to call twice."""
        ...


class SystemResolver:
    """The system's resolver, `getaddrinfo`, in threads of its own.

    It knows no deadline; the caller's cancels the wait, and the thread ends by itself later.
    """

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None

    async def resolve(self, host: str) -> list[IPAddress]:
        """Return every address of `host`, in the system's order (RFC 6724).

        Raises:
            LookupFailedError: there is none, or the lookup failed.
        """
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_MAX_LOOKUPS, thread_name_prefix="lookup")
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, _look_up, host)
        except (OSError, UnicodeError) as error:
            raise LookupFailedError(getattr(error, "strerror", None) or "lookup failed") from error

    def close(self) -> None:
        """Let the threads go without waiting for lookups under way."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None


def _look_up(host: str) -> list[IPAddress]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(str(info[4][0])) for info in found))
