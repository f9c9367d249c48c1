"""Both clients behind one form, so that each test holds for both."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from sayso.client import AsyncClient, Client

T = TypeVar("T")

KINDS = (Client, AsyncClient)


def do(kind: type[Client | AsyncClient], url: str, act: Callable[[Client], T], **settings: Any) -> T:
    """What a call comes to, by a client of its own. The types are those of `Client`; the calls are the same."""
    if issubclass(kind, Client):
        with kind(url, **settings) as client:
            return act(client)

    async def run() -> T:
        async with kind(url, **settings) as client:
            return await cast("Awaitable[T]", act(cast("Client", client)))

    return asyncio.run(run())
