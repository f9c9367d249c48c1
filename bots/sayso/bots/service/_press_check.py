"""Test cards on the real platform, pressed by a person: one for `sayso init`, and two for `sayso doctor --press`.

Whether a press counts rests on a platform saying the same of a message in its answer to us and with a press. That is
tried here, by the very code of the service, on a database of its own that is thrown away.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from sayso.bots.chats import Finding
from sayso.bots.service._operators import mismatched_parts
from sayso.bots.service._sayso import Sayso
from sayso.config import HttpSettings, Settings
from sayso.engine import (
    Policy,
    SaysoError,
    Stage,
    Workflow,
    node,
    open_store,
    request_approval,
    request_input,
)

logger = logging.getLogger("sayso.doctor")

ODD = "R&D &amp; <b>&copy;</b> e\u0301 ﬁ 🚀 1\ufe0f\u20e3 :smile: https://example.org/?a=1&b=2"
"""What platforms give back in a form of their own: entities, decomposed letters, emoji, codes, addresses."""

_FIRST = {
    "What this is": "The first card from sayso. Your workflows will ask for approval with cards like this one.",
    "What to do": "Press Approve. Nothing depends on your answer.",
    "What happens then": "This card shows who answered, and your terminal says how to continue.",
}
_CONNECTED = "All connected. Next: run sayso serve in your terminal, then start a workflow. This test"
"""The name of the node at which the run of the first card ends: the card then says that it has finished, and when."""

_THOROUGH = {
    "What this is": "A test of the buttons, and of the characters that chats change.",
    "What to do": "Press No. When this card shows your vote, press Yes.",
    "What happens then": "A second card asks for an answer that you type.",
    "Characters": ODD,
}
_TYPED = {
    "What to do": "Answer with any text, with the button of this card.",
    "What happens then": "The test ends, and your terminal shows the result.",
}

_LAST_EDIT, _GLANCE = 15.0, 0.1
"""Seconds that the last edit of a card may take, and between two looks whether it was made."""

Build = Callable[[str, str, Callable[[], None]], Workflow]
"""Makes the workflow that asks at a place, by its name and its title; it calls the function at each answer."""


async def try_first_card(
    settings: Settings, place: str, wait: timedelta, say: Callable[[str], None]
) -> Finding:
    """Post a card for somebody who sees sayso for the first time, and report whether a press of it arrived. Afterwards
    the card says what to do next. Raises as `check_presses` does.
    """
    async with _tried(settings, place, say, _first_card) as trial:
        pressed = await trial.step("Press Approve on the card", "test card", wait)
        if pressed.is_good:
            await trial.ended()
        return pressed


async def check_presses(
    settings: Settings, place: str, wait: timedelta, say: Callable[[str], None]
) -> list[Finding]:
    """Post test cards at a destination, and report the results of the presses. Only the cards remain.

    Raises `InvalidSettings`, `OSError`.
    """
    async with _tried(settings, place, say, _thorough_cards) as trial:
        pressed = await trial.step("Do what the card says", "presses", wait)
        if not pressed.is_good:
            return [pressed]
        typed = await trial.step("Do what the next card says", "typed answers", wait)
        if typed.is_good:
            await trial.ended()
        return [pressed, typed]


def _first_card(place: str, title: str, answered: Callable[[], None]) -> Workflow:
    @node
    async def ask(_: dict[str, Any]) -> None:
        await request_approval(f"Is sayso connected to {title}?", _FIRST, request_id="test card", to=[place])

    @node(id=_CONNECTED)
    async def connected(_: dict[str, Any]) -> None:
        answered()

    _ = ask > connected
    return Workflow("sayso init", start=ask)


def _thorough_cards(place: str, title: str, answered: Callable[[], None]) -> Workflow:
    policy = Policy(stages=[Stage([place], reject_at=2)])

    @node
    async def ask(_: dict[str, Any]) -> None:
        await request_input(
            f"Do presses in {title} count?\n{ODD}",
            None,
            "confirm",
            "pressed",
            policy=policy,
            details=_THOROUGH,
        )
        answered()
        await request_input(
            f"Do typed answers in {title} count?", None, "text", "typed", to=[place], details=_TYPED
        )
        answered()

    return Workflow("sayso doctor", start=ask)


@asynccontextmanager
async def _tried(
    settings: Settings, place: str, say: Callable[[str], None], build: Build
) -> AsyncGenerator[_Trial]:
    """The service with this one workflow, which has begun, on a database of its own."""
    alone = settings.model_copy(update={"operator": None, "http": HttpSettings(port=0)})
    title = settings.destination(place).title or place
    with tempfile.TemporaryDirectory() as folder:
        trial = _Trial(title, say)
        async with trial.served(alone, build(place, title, trial.answered), Path(folder)):
            yield trial


class _News(StrEnum):
    """What a step waits for."""

    ANSWERED = "answered"
    RECORDED = "recorded"


class _Trial:
    """One run that asks at a chat called `title`, and who waits for the answers."""

    def __init__(self, title: str, say: Callable[[str], None]) -> None:
        self._title = title
        self._say = say
        self._loop = asyncio.get_running_loop()
        self._news: asyncio.Queue[_News] = asyncio.Queue()
        self._service: Sayso | None = None
        self._run_id = ""

    @asynccontextmanager
    async def served(self, settings: Settings, workflow: Workflow, folder: Path) -> AsyncGenerator[None]:
        """The service with the workflow, which has begun."""
        async with Sayso(
            settings, workflows=[workflow], new_store=lambda: open_store(folder / "press.db")
        ) as service:
            self._service = service
            hub = service.store.hub
            listener = hub.listen_audit(self._loop, lambda: self._news.put_nowait(_News.RECORDED))
            self._run_id = await service.runtime.start(workflow.name)
            try:
                yield
            finally:
                hub.ignore_audit(listener)

    def answered(self) -> None:
        """The workflow has an answer; it runs on a loop of its own."""
        self._loop.call_soon_threadsafe(self._news.put_nowait, _News.ANSWERED)

    async def ended(self) -> None:
        """Wait for the end of the run, and until its card shows it, which a chat's limits may hold up for seconds."""
        assert self._service is not None
        await self._service.runtime.wait(self._run_id)
        reader = self._service.store.reader
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_EDIT):
                while await reader.places_waiting():  # noqa: ASYNC110 - nothing is announced when it is made
                    await asyncio.sleep(_GLANCE)

    async def step(self, wanted: str, subject: str, wait: timedelta) -> Finding:
        """Wait for one answer; what was found."""
        self._say(f"{wanted} in {self._title}. Waiting for up to {_time(wait)}.")
        try:
            async with asyncio.timeout(wait.total_seconds()):
                while await self._news.get() is not _News.ANSWERED:
                    if (trouble := await self._trouble(subject)) is not None:
                        return trouble
        except TimeoutError:
            return Finding.bad(subject, await self._why_nothing_came(), "Try again with a longer --wait.")
        return Finding.good(subject, "the answer arrived, and matches the card")

    async def _trouble(self, subject: str) -> Finding | None:
        """What the trail tells of presses that do not match, and of cards that cannot be shown."""
        assert self._service is not None
        rows = [row async for row in self._service.store.reader.audit()]
        if differing := [mismatched_parts(row) for row in rows if row.kind == "card_forged"]:
            return Finding.bad(
                subject,
                f"a press describes the message differently than the platform's response did: {', '.join(differing)}",
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


def _time(wait: timedelta) -> str:
    minutes, seconds = divmod(round(wait.total_seconds()), 60)
    return f"{wait.total_seconds():g} seconds" if seconds or not minutes else f"{minutes} min"
