"""Telegram does what every platform must, by polling and by a webhook."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from sayso.testing.conformance import Conformance, Driver, Reasons
from sayso.testing.telegram import LocalTelegram, TelegramLimits
from tests.testing.conformance.telegram import TelegramDriver


@pytest.mark.slow
class TestPolling(Reasons, Conformance):
    @classmethod
    @asynccontextmanager
    async def driver(cls) -> AsyncGenerator[Driver]:
        async with LocalTelegram(limits=TelegramLimits.unlimited()) as telegram:
            yield TelegramDriver(telegram, has_webhook=False)


@pytest.mark.slow
class TestWebhook(Reasons, Conformance):
    @classmethod
    @asynccontextmanager
    async def driver(cls) -> AsyncGenerator[Driver]:
        async with LocalTelegram(limits=TelegramLimits.unlimited()) as telegram:
            yield TelegramDriver(telegram, has_webhook=True)
