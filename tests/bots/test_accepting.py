"""Connections that come while the HTTP server goes: none is left open, and none lost without an end."""

from __future__ import annotations

import asyncio
import gc
import socket
from datetime import timedelta

import pytest
from starlette.applications import Starlette

from sayso.bots.http import ConnectionLimits, HttpServer, bound_to


@pytest.mark.parametrize("turns", range(6))
async def test_a_connection_that_comes_at_the_stop_ends(turns: int) -> None:
    """In whichever turn of the loop it is. One that nobody owned was left to the garbage collector, which says so."""
    limits = ConnectionLimits.of_control(timedelta(seconds=5))
    with bound_to("127.0.0.1", 0) as bound:
        server = await HttpServer(Starlette(), limits, bound).__aenter__()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        with socket.create_connection(
            bound.getsockname()
        ) as client:  # at once: the turns are counted from here
            client.setblocking(False)
            for _ in range(turns):
                await asyncio.sleep(0)
            await server.__aexit__(None, None, None)
            bound.close()
            try:
                said = await asyncio.get_running_loop().sock_recv(client, 1)
            except ConnectionResetError:
                said = b""
            assert said == b""
    gc.collect()  # what is found now fails this test, and no other
