"""`sayso doctor --press`: one card on the real platform, pressed by a person, and one answer typed there.

Whether a press counts rests on a platform saying the same of a message in its answer to us and with a press. That is
tried here, by the very code of the service, on a database of its own that is thrown away.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from sayso.bots.chats import Finding
from sayso.bots.service._operators import mismatched_parts
from sayso.bots.service._sayso import Sayso
from sayso.config import HttpSettings, Settings
from sayso.engine import Policy, SaysoError, SQLiteStore, Stage, Workflow, node, request_input

logger = logging.getLogger("sayso.doctor")

ODD = "R&D &amp; <b>&copy;</b> e\u0301 ﬁ 🚀 1\ufe0f\u20e3 :smile: https://example.org/?a=1&b=2"
"""What platforms give back in a form of their own: entities, decomposed letters, emoji, codes, addresses."""

_PRESS = "Press reject first. When this card shows your vote, press approve."
_TYPE = "Now answer with any text, by the button of this card."


async def check_presses(
    settings: Settings, place: str, wait: timedelta, say: Callable[[str], None]
) -> list[Finding]:
    """Post test cards at a destination, and report what came of the presses. Only the cards remain.

    Raises `InvalidSettings`, `OSError`.
    """
    with tempfile.TemporaryDirectory() as folder:
        trial = _Trial(place, say)
        alone = settings.model_copy(update={"operator": None, "http": HttpSettings(port=0)})
        async with trial.served(alone, Path(folder)):
            pressed = await trial.step(f"Do what the card at {place} says", "presses", wait)
            if not pressed.is_good:
                return [pressed]
            return [pressed, await trial.step("Now do what the next card says", "typed answers", wait)]


class _News(StrEnum):
    """What a step waits for."""

    ANSWERED = "answered"
    RECORDED = "recorded"


class _Trial:
    """One run with two questions, and who waits for their answers."""

    def __init__(self, place: str, say: Callable[[str], None]) -> None:
        self._place = place
        self._say = say
        self._loop = asyncio.get_running_loop()
        self._news: asyncio.Queue[_News] = asyncio.Queue()
        self._service: Sayso | None = None
        self._run_id = ""

    @asynccontextmanager
    async def served(self, settings: Settings, folder: Path) -> AsyncGenerator[None]:
        """The service with this one workflow, which has begun."""
        async with Sayso(
            settings, workflows=[self._workflow()], new_store=lambda: SQLiteStore(folder / "press.db")
        ) as service:
            self._service = service
            hub = service.store.hub
            listener = hub.listen_audit(self._loop, lambda: self._news.put_nowait(_News.RECORDED))
            self._run_id = await service.runtime.start("sayso doctor")
            try:
                yield
            finally:
                hub.ignore_audit(listener)

    def _workflow(self) -> Workflow:
        policy = Policy(stages=[Stage([self._place], reject_at=2)])

        @node
        async def ask(_: dict[str, Any]) -> None:
            asked = f"{_PRESS} {ODD}"
            await request_input(
                asked, ["approve", "reject"], "select", "pressed", policy=policy, details={"Odd": ODD}
            )
            self._answered()
            await request_input(_TYPE, None, "text", "typed", to=[self._place])
            self._answered()

        return Workflow("sayso doctor", start=ask)

    def _answered(self) -> None:
        """The workflow has an answer; it runs on a loop of its own."""
        self._loop.call_soon_threadsafe(self._news.put_nowait, _News.ANSWERED)

    async def step(self, wanted: str, subject: str, wait: timedelta) -> Finding:
        """Wait for one answer; what was found."""
        self._say(f"{wanted}. Waiting {wait.total_seconds():g} s.")
        try:
            async with asyncio.timeout(wait.total_seconds()):
                while await self._news.get() is not _News.ANSWERED:
                    if (trouble := await self._trouble(subject)) is not None:
                        return trouble
        except TimeoutError:
            return Finding.bad(subject, await self._why_nothing_came(), "Try again with a longer --wait.")
        return Finding.good(subject, "what a press brings is what the platform said that it keeps")

    async def _trouble(self, subject: str) -> Finding | None:
        """What the trail tells of presses that do not match, and of cards that cannot be shown."""
        assert self._service is not None
        rows = [row async for row in self._service.store.reader.audit()]
        if differing := [mismatched_parts(row) for row in rows if row.kind == "card_forged"]:
            return Finding.bad(
                subject,
                f"a press brings something else than the platform said that it keeps: {', '.join(differing)}",
                "Presses here are refused. Please report it, with the name of the part.",
            )
        if any(row.kind in ("destination_dead", "card_refused") for row in rows):
            return Finding.bad(subject, await self._why_nothing_came(), "Run `sayso doctor`, and try again.")
        return None

    async def _why_nothing_came(self) -> str:
        """What keeps the card from people, where that is known."""
        assert self._service is not None
        try:
            pending = await self._service.runtime.pending(self._run_id)
            shown = [
                one for found in pending for one in await self._service.store.reader.deliveries(found.id)
            ]
        except SaysoError as error:
            return str(error)
        errors = [one.last_error for one in shown if one.last_error is not None]
        if errors:
            return f"the card could not be shown: {errors[0]}"
        return "nobody answered in time"
