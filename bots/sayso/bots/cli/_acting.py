"""What a command reads of the database, and does there: by the service that runs on it, or on the file itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sayso.bots.client import Service, ServiceClient
from sayso.engine import Reader, Store

T = TypeVar("T")


def read(service: Service, reading: Callable[[Reader], Awaitable[T]]) -> T:
    """What is read from the file, also while another process writes it. Raises `NoDatabase`, `StoreError`."""

    async def run() -> T:
        async with service.reader() as reader:
            return await reading(reader)

    return asyncio.run(run())


def write(service: Service, writing: Callable[[Store], Awaitable[T]]) -> T:
    """What came of writing to the file, which no other process writes. Raises `NoDatabase`, `StoreError`."""

    async def run() -> T:
        async with service.existing_store() as store:
            return await writing(store)

    return asyncio.run(run())


def carry_out(
    service: Service, ask: Callable[[ServiceClient], T], act: Callable[[Store], Awaitable[T]]
) -> tuple[T, bool]:
    """What came of it, and whether a service did it, so that runs go on by themselves. Raises what both raise."""
    client = service.client()
    if client is None:
        return write(service, act), False
    with client:
        return ask(client), True
