"""Both platforms behind a forward proxy that the environment names, and one that takes for ever."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest
from telegram import InputFile
from telegram.error import TimedOut
from telegram.request import RequestData
from telegram.request._requestparameter import RequestParameter

from sayso.bots.chats import proxy_for
from sayso.bots.telegram._request import Request
from sayso.testing.slack import LocalSlack, SlackLimits
from sayso.testing.telegram import FaultKind, LocalTelegram, TelegramLimits
from tests.bots.proxy import Proxy
from tests.bots.slack import stage as slack_stage
from tests.bots.telegram import stage as telegram_stage


@pytest.fixture
async def proxy(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Proxy]:
    """A proxy that the environment names for everything."""
    proxy = Proxy()
    async with proxy.listening():
        for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("https_proxy", proxy.url)
        yield proxy


async def answered_in_slack(folder: Path) -> None:
    async with LocalSlack(limits=SlackLimits.unlimited()) as slack:
        stage = slack_stage.Stage.build(slack, folder / "sayso.db")
        async with stage.running():
            run_id, card = await stage.ask()
            await stage.press(stage.ana, card, "✅ approve")
            assert await stage.service.answer(run_id) == "approve"
        assert slack.problems == []


async def test_slack_is_reached_through_the_proxy(proxy: Proxy, tmp_path: Path) -> None:
    """Calls, sockets, and private words at the address that a press brings."""
    await answered_in_slack(tmp_path)
    assert b"/api/chat.postMessage " in proxy.passed
    assert b"\r\nUpgrade: websocket\r\n" in proxy.passed
    assert b"/response/" in proxy.passed


async def test_telegram_is_reached_through_the_proxy(proxy: Proxy, tmp_path: Path) -> None:
    async with LocalTelegram(limits=TelegramLimits.unlimited()) as telegram:
        stage = await telegram_stage.Stage.build(telegram, tmp_path / "sayso.db")
        async with stage.running():
            run_id, card = await stage.ask()
            await stage.ana.press(card, "✅ approve")
            assert await stage.service.answer(run_id) == "approve"
        assert b"/sendMessage " in proxy.passed
        assert b"/getUpdates " in proxy.passed


async def test_what_no_proxy_names_is_reached_straight(
    proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    await answered_in_slack(tmp_path)
    assert proxy.passed == b""


def test_sockets_go_the_way_of_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy.example.org:3128")
    monkeypatch.setenv("no_proxy", "bots.example.org")
    monkeypatch.delenv("http_proxy", raising=False)
    assert proxy_for("wss://wss-primary.slack.com/link/?ticket=1") == "http://proxy.example.org:3128"
    assert proxy_for("https://api.telegram.org/bot1:x/getMe") == "http://proxy.example.org:3128"
    assert proxy_for("https://bots.example.org/") is None
    assert proxy_for("http://127.0.0.1:8081/bot") is None


@pytest.mark.parametrize(("fault", "files"), [(FaultKind.SLOW, 0), (FaultKind.HANG, 20)])
async def test_a_call_ends_in_time_whatever_the_server_does(fault: FaultKind, files: int) -> None:
    """One gives its answer a few bytes at a time, one takes nothing of what is more than the buffers hold."""
    contents = (InputFile(bytes(900_000), attach=True) for _ in range(files))
    data = RequestData(
        [RequestParameter.from_input(f"file{place}", one) for place, one in enumerate(contents)]
    )
    async with LocalTelegram() as telegram:
        request = Request(0.5)
        await request.initialize()
        telegram.fail(fault, "getMe", delay=timedelta(seconds=4))
        with pytest.raises(TimedOut):
            await request.do_request(f"{telegram.base_url}{telegram.token}/getMe", "POST", data)
        await request.shutdown()
