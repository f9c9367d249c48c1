"""Slack does what every platform must, by sockets and by signed requests."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from sayso.testing.conformance import Conformance, Driver, Reasons
from sayso.testing.slack import LocalSlack, SlackLimits
from tests.testing.conformance.slack import SlackDriver


@pytest.mark.slow
class TestSockets(Reasons, Conformance):
    @classmethod
    @asynccontextmanager
    async def driver(cls) -> AsyncGenerator[Driver]:
        async with LocalSlack(limits=SlackLimits.unlimited()) as slack:
            yield SlackDriver(slack, signs_requests=False)


@pytest.mark.slow
class TestSignedRequests(Reasons, Conformance):
    @classmethod
    @asynccontextmanager
    async def driver(cls) -> AsyncGenerator[Driver]:
        async with LocalSlack(limits=SlackLimits.unlimited()) as slack:
            yield SlackDriver(slack, signs_requests=True)
