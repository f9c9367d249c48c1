"""A service with tools for agents, and who answers there."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from mcp import Client

from tests.bots.api.one_service import one_service
from tests.bots.api.served import ServiceProcess, token
from tests.bots.mcp.agents import SETTINGS, People, over_http

folder, service = one_service(SETTINGS)


@pytest.fixture(scope="module")
def agents_token(service: ServiceProcess, folder: Path) -> str:
    """The token of a program that may ask, and nothing else."""
    return token(folder, "agent", "ask")


@pytest.fixture(scope="module")
def operators_token(service: ServiceProcess, folder: Path) -> str:
    """The token of one who sees and answers everything."""
    return token(folder, "operator", "operate", "read", "answer")


@pytest.fixture
async def people(service: ServiceProcess, operators_token: str) -> AsyncGenerator[People]:
    """Whoever answers."""
    async with People(service.url, operators_token) as found:
        yield found


@pytest.fixture(params=["auto", "legacy"])
def connect(
    service: ServiceProcess, agents_token: str, request: pytest.FixtureRequest
) -> Callable[[], AbstractAsyncContextManager[Client]]:
    """Connects agents over HTTP, by both ways of the protocol."""
    return lambda: over_http(service.url, agents_token, request.param)
