"""A small forward proxy: tunnels for `CONNECT`, and what is asked by a whole address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


class Proxy:
    """Passes everything on; `passed` is all that callers have sent."""

    def __init__(self) -> None:
        self.passed = bytearray()
        self.url = ""

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.passed += head
        method, address, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        parts = urlsplit(f"//{address}" if method == "CONNECT" else address)
        theirs, to_them = await asyncio.open_connection(parts.hostname, parts.port)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            to_them.write(head)
        async with asyncio.TaskGroup() as group:
            group.create_task(_pass_on(reader, to_them, self.passed))
            group.create_task(_pass_on(theirs, writer, bytearray()))

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[None]:
        """Listen on this machine while inside."""
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passed: bytearray) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            passed += data
            writer.write(data)
            await writer.drain()
    writer.close()
