"""A connection between `sayso mcp` and the service on which replies get lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


class Relay:
    """Passes everything on, but no reply to a request that holds `lost` while there is one; `heard` is set when such a
    request has come, and `times` counts them.
    """

    def __init__(self, url: str, lost: bytes) -> None:
        self._to = urlsplit(url)
        self.lost: bytes | None = lost
        self.heard = asyncio.Event()
        self.times = 0
        self.url = ""

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[None]:
        """Listen on this machine while inside."""
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, to_them = await asyncio.open_connection(self._to.hostname, self._to.port)
        loses = asyncio.Event()

        async def ask() -> None:
            while data := await reader.read(65536):
                if self.lost is not None and self.lost in data:
                    loses.set()
                    self.times += 1
                    self.heard.set()
                to_them.write(data)
            to_them.close()

        async def reply() -> None:
            while data := await theirs.read(65536):
                if not loses.is_set():
                    writer.write(data)
            writer.close()

        with suppress(ConnectionError):
            await asyncio.gather(ask(), reply())
