"""Connections to one address: the only module that opens a socket to the outside."""

import asyncio
import ssl
from contextlib import suppress
from functools import cache
from typing import Final, Protocol

from nightshift.outbound.addresses import IPAddress

_BUFFER: Final = 16 * 1024
"""Bytes that may wait unread before the receiver is held back (twice this, says asyncio)."""


class Connection(Protocol):
    """An open byte stream."""

    def write(self, data: bytes) -> None:
        """Send `data` in the background; failures show at the next `read`."""
        ...

    async def read(self, limit: int) -> bytes:
        """Return 1 to `limit` bytes as soon as there are any, or none at the stream's end.

        Raises:
            OSError: the connection failed (`ssl.SSLError` where TLS did).
        """
        ...

    async def close(self) -> None:
        """Drop the connection at once, without a TLS farewell; never raises."""
        ...


class Connector(Protocol):
    """Opens connections."""

    async def connect(self, address: IPAddress, port: int, *, tls_name: str | None) -> Connection:
        """Return a connection to exactly this address.

        With `tls_name` the connection is TLS, and the certificate holds for that name or address.

        Raises:
            OSError: no connection (`ssl.SSLError` where TLS failed).
        """
        ...


class TcpConnector:
    """Real connections; knows no deadline, the caller's cancels."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls

    async def connect(self, address: IPAddress, port: int, *, tls_name: str | None) -> Connection:
        """Return a TCP or TLS connection to `address`; see `Connector`."""
        tls = None if tls_name is None else self._tls or default_tls()
        reader, writer = await asyncio.open_connection(
            str(address), port, ssl=tls, server_hostname=tls_name, limit=_BUFFER
        )
        return _Stream(reader, writer)


class _Stream:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    async def read(self, limit: int) -> bytes:
        return await self._reader.read(limit)

    async def close(self) -> None:
        self._writer.transport.abort()
        with suppress(OSError):
            await self._writer.wait_closed()


@cache
def default_tls() -> ssl.SSLContext:
    """Return the one client context of the process: TLS 1.2 or newer, public roots of `certifi`.

    Built at the first call, because it costs some 25 ms. Neither SSL_CERT_FILE nor SSLKEYLOGFILE
    changes it.
    """
    import certifi  # noqa: PLC0415 - needed once, and only where https is called

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_verify_locations(certifi.where())
    return context
