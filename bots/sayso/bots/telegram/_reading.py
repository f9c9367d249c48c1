"""The full request in somebody's own chat: what their approval of a request with `read_all` waits for.

Whoever was sent all of it has opened it. What is sent again, because nobody knows whether it arrived, does no harm.
"""

from __future__ import annotations

import asyncio
from functools import partial

from sayso.adapters.cards import Words
from sayso.adapters.telegram import Pressed, Stretch, as_html, inert
from sayso.bots.answers import Answering
from sayso.bots.chats import WORDS_LIVE, Afterwards, DeliveryProblem, Parts, Undeliverable, outdated_words
from sayso.bots.telegram._messenger import Outgoing
from sayso.bots.telegram._surface import TelegramSurface
from sayso.engine import AnswerAttempt, CardRecord

_BEGIN_WITHIN = 5.0
_NO_CHAT: Words = (
    "sayso can't write to you yet. Open a chat with this bot, press Start, then press Full request again.",
)
_NOT_SENT: Words = ("The full request could not be sent. Press Full request again in a minute.",)
_COMING: Words = ("The full request is in our private chat.",)
_ALL: Words = ("This is the full request. You can approve or reject it in its card.",)


class Reading:
    """Sends full requests, and records who has opened one. What may come after the acknowledgement is done
    `afterwards`.
    """

    def __init__(
        self, parts: Parts, answering: Answering, surface: TelegramSurface, afterwards: Afterwards
    ) -> None:
        self._store = parts.store
        self._desk = answering.desk
        self._surface = surface
        self._afterwards = afterwards

    async def open(self, event: Pressed, record: CardRecord, attempt: AnswerAttempt) -> tuple[Words, bool]:
        """Begin to send all of a request to whoever pressed; what to acknowledge it with, and whether that is a
        refusal.
        """
        first, *others = await self._surface.full_request(record)
        try:
            async with asyncio.timeout(_BEGIN_WITHIN):
                await self._surface.send_in_private(event.sender.user_id, first)
        except Undeliverable:
            return _NO_CHAT, True
        except (DeliveryProblem, TimeoutError):
            return _NOT_SENT, True
        self._afterwards.spawn(self._go_on(event.sender.user_id, others, attempt))
        return _COMING, False

    async def _go_on(self, user_id: int, messages: list[Outgoing], attempt: AnswerAttempt) -> None:
        for one in messages:
            send = partial(self._surface.send_in_private, user_id, one)
            await self._afterwards.patiently(send, WORDS_LIVE)
        await self._desk.opened(attempt)
        record = await self._store.reader.card(attempt.request_id)
        words = None if record is None else outdated_words(record, attempt.revision)
        text = self._surface.in_zone(words or _ALL, user_id)
        message = Outgoing(as_html([Stretch(inert(text))]))
        await self._afterwards.patiently(partial(self._surface.send_in_private, user_id, message), WORDS_LIVE)
