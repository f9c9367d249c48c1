"""Somebody with an account follows the pages about Slack and Telegram, from an empty folder to a card they pressed."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from tests.bots.command import SAYSO, TerminalSession, sayso
from tests.bots.service_process import ServiceProcess
from tests.bots.test_extras import EXTRAS
from tests.bots.waiting import PATIENCE
from tests.docs.newcomers import Newcomer, new_to_slack, new_to_telegram
from tests.docs.pages import ROOT, Block, blocks, code_spans, tokens
from tests.docs.stories import FOLLOWED, SERVED, Command, commands

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

Arrival = Callable[[], AbstractAsyncContextManager[Newcomer]]
GUIDES = ROOT / "docs" / "how-to"
BY_HAND = "Check, and start"
MAKE_APP = "sayso manifest slack"
_PRESS = "Press *Approve*"


def told(page: Path) -> Iterator[tuple[str, Command | None]]:
    """What a page tells its reader to do, by the heading: a command, or None where it is to press the card's button."""
    heading = ""
    found = tokens(page)
    for token, following in pairwise((*found, found[-1])):
        if token.type == "heading_open":
            heading = following.content
        elif token.type == "fence" and token.info == "console":
            for command in commands(Block(page, 0, "console", "", token.content)):
                yield heading, command
        elif token.type == "inline" and _PRESS in token.content:
            yield heading, None


class Walk:
    """Somebody new in a folder, doing what a page says."""

    def __init__(self, newcomer: Newcomer, folder: Path, running: AsyncExitStack) -> None:
        self._newcomer = newcomer
        self._folder = folder
        self._running = running
        self.environment = {**newcomer.environment, "SAYSO_HTTP__PORT": "0"}

    async def follow(self, page: Path, wanted: str) -> list[str]:
        """Do all that stands under one heading; what it was."""
        done: list[str] = []
        for heading, command in told(page):
            if command is None and heading == wanted:
                await self._press()
                done.append("press")
            elif command is not None and heading == wanted:
                await self._run(command)
                done.append(command.line.split()[1])
        return done

    async def _press(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._newcomer.press()

    async def _run(self, command: Command) -> None:
        line = command.line
        if line.startswith("pip install"):
            assert re.findall(r"\[(\w+)\]", line)[0] in EXTRAS
        elif line == SERVED:
            service = ServiceProcess(self._folder, **self.environment)
            await asyncio.to_thread(service.__enter__)
            self._running.callback(service.kill)
        elif line.startswith("sayso init"):
            await self._converse(command)
        else:
            ran = await asyncio.to_thread(sayso, self._folder, *line.split()[1:], **self.environment)
            assert ran.code == 0, f"{line}\n{ran.out}{ran.err}"
            for shown in command.shown:
                pattern = re.sub(r"[0-9a-f]{32}", "[0-9a-f]{32}", re.escape(shown))
                assert shown == "..." or re.search(pattern, ran.out), ran.out

    async def _converse(self, command: Command) -> None:
        """See each line that the page shows, in its order; type what it shows as typed, and do what it asks for."""
        words = (SAYSO, *command.line.split()[1:])
        with TerminalSession(self._folder, *words, width=200, **self.environment) as terminal:
            for line in (self._newcomer.here(one).strip() for one in command.shown):
                question, is_answered, answer = line.partition(": ")
                if line in ("", "..."):
                    continue
                if (secret := self._newcomer.secrets.get(line.removesuffix(":"))) is not None:
                    await asyncio.to_thread(terminal.wait_for, line)
                    terminal.type(secret)
                elif is_answered:
                    await asyncio.to_thread(terminal.wait_for, f"{question}:")
                    terminal.type(answer)
                else:
                    # The last word of what is to be written in Telegram is new each time.
                    sure = line.rpartition(" ")[0] if line.startswith("/start@") else line
                    await asyncio.to_thread(terminal.wait_for, sure)
                    async with asyncio.timeout(PATIENCE):
                        await self._newcomer.heed(line, terminal.text)
            assert await asyncio.to_thread(terminal.end) == 0, terminal.text


@pytest.mark.parametrize("arrival", [new_to_slack, new_to_telegram])
async def test_the_page_leads_from_an_empty_folder_to_a_workflow_that_was_approved(
    arrival: Arrival, tmp_path: Path
) -> None:
    async with arrival() as newcomer, AsyncExitStack() as running:
        walk = Walk(newcomer, tmp_path, running)
        page = GUIDES / newcomer.page
        assert await walk.follow(page, f"Set up {page.stem.rpartition('-')[2].title()}") == [
            "install", "init", "serve", "start", "press",
        ]  # fmt: skip
        assert newcomer.problems == []


@pytest.mark.parametrize("arrival", [new_to_slack, new_to_telegram])
async def test_the_steps_without_init_lead_there_as_well(arrival: Arrival, tmp_path: Path) -> None:
    """With the page's settings, its variables for the tokens, and the workflow that it links to."""
    async with arrival() as newcomer, AsyncExitStack() as running:
        page = GUIDES / newcomer.page
        text = page.read_text(encoding="utf-8")
        if MAKE_APP in code_spans(text):
            newcomer.make_app(
                json.loads((await asyncio.to_thread(sayso, tmp_path, *MAKE_APP.split()[1:])).out)
            )
        await newcomer.invite()
        assert "`release.py` is the workflow of the [quickstart](../quickstart.md)" in " ".join(text.split())
        (workflow,) = [one for one in blocks(ROOT / "docs" / "quickstart.md") if one.title == "release.py"]
        (tmp_path / workflow.title).write_text(workflow.text)
        (tmp_path / "sayso.toml").write_text(newcomer.here(blocks(page, "toml")[0].text))
        assert set(newcomer.tokens) <= set(re.findall(r"`(SAYSO_\w+)`", text))
        walk = Walk(newcomer, tmp_path, running)
        walk.environment |= newcomer.tokens
        assert await walk.follow(page, BY_HAND) == ["doctor", "serve", "start", "press"]
        assert newcomer.problems == []


def test_every_command_of_these_pages_is_followed() -> None:
    for name in FOLLOWED:
        title = f"Set up {Path(name).stem.rpartition('-')[2].title()}"
        assert {heading for heading, _ in told(GUIDES / name)} == {title, BY_HAND}
