"""A local Telegram without flood limits, a raw bot, and one that runs on python-telegram-bot."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from telegram.ext import ExtBot

from sayso.testing.telegram import LocalTelegram, TelegramLimits
from tests.testing.telegram.support import RawBot


@pytest.fixture
async def telegram() -> AsyncIterator[LocalTelegram]:
    async with LocalTelegram(limits=TelegramLimits.unlimited()) as server:
        yield server


@pytest.fixture
async def bot(telegram: LocalTelegram) -> AsyncIterator[RawBot]:
    async with httpx.AsyncClient(timeout=20) as client:
        yield RawBot(client, telegram)


@pytest.fixture
async def library_bot(telegram: LocalTelegram) -> AsyncIterator[ExtBot[None]]:
    bot: ExtBot[None] = ExtBot(
        telegram.token, base_url=telegram.base_url, base_file_url=telegram.base_file_url
    )
    async with bot:
        yield bot
