"""What people do: presses and replies, judged, decided, and only then acknowledged."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sayso.adapters.cards import Words, unreadable_words
from sayso.adapters.console import read_reply
from sayso.bots.answers import Answering, choice_of
from sayso.bots.chats import DeliveryProblem, Parts, Ready, Seen
from sayso.bots.people import Arrival
from sayso.engine import CardRecord, InvalidAnswer, Json, PersonId
from sayso_pigeon._card import Mark, kept_message, local

if TYPE_CHECKING:
    from sayso_pigeon._connection import PigeonSurface
    from sayso_pigeon._loft import Loft

logger = logging.getLogger("sayso.pigeon")

_POLL = 0.5
"""Seconds for which the loft may hold a fetch: also how long a stop may take."""


class PigeonListener:
    """Fetches what people do, one after another. The next fetch confirms what was decided before."""

    router = None

    def __init__(self, loft: Loft, surface: PigeonSurface, parts: Parts, answers: Answering) -> None:
        self._loft = loft
        self._surface = surface
        self._parts = parts
        self._answers = answers
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End `run` after the current fetch."""
        self._stopping.set()

    async def run(self, ready: Ready) -> None:
        """Take events until `stop`. If fetching fails, it raises, and the service starts it again."""
        after = 0
        while not self._stopping.is_set():
            events = await self._loft.events(after, _POLL)
            ready(None)
            for event in events:
                await self._take(event)
                after = int(event["number"])
        await self._loft.events(after, 0)

    async def _take(self, event: dict[str, Any]) -> None:
        mark = Mark.decode(event["data"])
        words = unreadable_words() if mark is None else await self._decided(event, mark)
        try:
            await self._loft.reply(event["id"], local(words, self._parts.settings.zone))
        except DeliveryProblem as problem:
            logger.warning("event %s could not be acknowledged, but counts: %s", event["id"], problem)

    async def _decided(self, event: dict[str, Any], mark: Mark) -> Words:
        """What the person is told; by then, what they did is committed or refused."""
        platform, message = self._surface.platform, event["message"]
        person = PersonId(f"{platform}:{event['person']['id']}")
        arrival = replace(
            Arrival.now(self._parts.store.clock, name=event["person"]["name"]),
            chat=message["place"],
            key=f"{platform}:{event['id']}",
        )
        seen = Seen(
            request_id=mark.request_id,
            revision=mark.revision,
            rendering=mark.rendering,
            message=f"{message['place']}/{message['id']}",
            kept=kept_message(message),
            stands=event["data"] in (message["replies"], *(one["data"] for one in message["buttons"])),
        )
        judged = await self._answers.presses.judge(seen, person, platform, arrival.look_up_by)
        if judged.is_copy:
            await self._answers.presses.close_copy(self._surface, seen)
        if not judged.counts:
            return judged.words
        try:
            value = self._value(mark, None if judged.before is None else judged.before.card, event["text"])
        except InvalidAnswer as error:
            return (str(error),)
        attempt = arrival.attempt(person, mark.request_id, mark.revision, value)
        answered = await self._answers.desk.answer(attempt, arrival, judged.before)
        return await self._answers.desk.heard(answered)

    def _value(self, mark: Mark, record: CardRecord | None, text: str | None) -> Json:
        """The answer: an option by its position, or what was typed. Raises `InvalidAnswer`."""
        if mark.choice is not None or record is None:
            return choice_of(record, mark.revision, mark.choice or 0)
        return read_reply(record.request.question, text or "")
