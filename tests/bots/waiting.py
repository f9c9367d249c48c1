"""Waiting for what a message says: who waits in vain is told what there was instead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager

import pytest

PATIENCE = 45
"""Seconds: less than what a test has."""


@asynccontextmanager
async def shown(words: Iterable[str], seen: Callable[[], Iterable[str]]) -> AsyncGenerator[None]:
    """Wait inside until a message has these words, among the texts that are `seen`."""
    try:
        async with asyncio.timeout(PATIENCE):
            yield
    except TimeoutError:
        pytest.fail(f"nothing shows {list(words)}; what there is:\n" + "\n---\n".join(seen()))
