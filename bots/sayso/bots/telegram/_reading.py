"""What a card does not show, in somebody's own chat: their approval of a request with `read_all` waits for all of it.

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


class Reading:
    """Sends what the button above the answers opens, and records who has opened all of a request. What may come after
    the acknowledgement is done `afterwards`.
    """

    def __init__(
        self, parts: Parts, answering: Answering, surface: TelegramSurface, afterwards: Afterwards
    ) -> None:
        self._store = parts.store
        self._desk = answering.desk
        self._surface = surface
        self._afterwards = afterwards

    async def open(self, event: Pressed, record: CardRecord, attempt: AnswerAttempt) -> tuple[Words, bool]:
        """Begin to send to whoever pressed what the button names; what to acknowledge it with, and whether that is a
        refusal.
        """
        name, (first, *others) = await self._surface.opened(record)
        try:
            async with asyncio.timeout(_BEGIN_WITHIN):
                await self._surface.send_in_private(event.sender.user_id, first)
        except Undeliverable:
            way = f"Open a chat with this bot, press Start, then press {name} again."
            return (f"sayso can't write to you yet. {way}",), True
        except (DeliveryProblem, TimeoutError):
            return (f"The {name.lower()} could not be sent. Press {name} again in a minute.",), True
        self._afterwards.spawn(self._go_on(event.sender.user_id, name, others, attempt))
        return (f"The {name.lower()} is in our private chat.",), False

    async def _go_on(self, user_id: int, name: str, messages: list[Outgoing], attempt: AnswerAttempt) -> None:
        for one in messages:
            send = partial(self._surface.send_in_private, user_id, one)
            await self._afterwards.patiently(send, WORDS_LIVE)
        record = await self._store.reader.card(attempt.request_id)
        if record is not None and record.request.question.read_all:
            await self._desk.opened(attempt)
        words = None if record is None else outdated_words(record, attempt.revision)
        text = self._surface.in_zone(words or _ends(name, record), user_id)
        message = Outgoing(as_html([Stretch(inert(text))]))
        await self._afterwards.patiently(partial(self._surface.send_in_private, user_id, message), WORDS_LIVE)


def _ends(name: str, record: CardRecord | None) -> Words:
    """The words behind all of it."""
    is_approval = record is not None and record.request.question.read_all
    answer = "approve or reject it" if is_approval else "answer"
    return (f"This is the {name.lower()}. You can {answer} in its card.",)
