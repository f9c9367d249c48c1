"""The full request in a modal: what an approval of a request with `read_all` waits for.

Whoever was shown all of its pages has opened it. A page is turned only from one that is as we filled it, so none of
them can be left out.
"""

from __future__ import annotations

import logging

from sayso.adapters.cards import unreadable_words
from sayso.adapters.slack import PageTurned, full_view, is_last_page, words_view
from sayso.bots.answers import Answering
from sayso.bots.chats import Parts, card_of, outdated_words
from sayso.bots.people import Arrival
from sayso.bots.slack._views import Views
from sayso.engine import AnswerAttempt, CardRecord, PersonId

logger = logging.getLogger("sayso.slack")


class Reading:
    """Shows full requests, and records who has opened one."""

    def __init__(self, parts: Parts, answering: Answering, views: Views) -> None:
        self._store = parts.store
        self._settings = parts.settings
        self._desk = answering.desk
        self._views = views

    async def show(self, view_id: str, record: CardRecord, attempt: AnswerAttempt, page: int = 0) -> bool:
        """Show a page in a modal that is open, to whoever the attempt is of; whether it shows. Raises `StoreError`."""
        card = card_of(record, self._settings)
        if not await self._views.show(view_id, full_view(card, page)):
            return False
        if record.request.question.read_all and is_last_page(card, page):
            await self._desk.opened(attempt)
        return True

    async def turn(self, event: PageTurned, person: PersonId, arrival: Arrival) -> None:
        """Show the next page. Raises `StoreError`."""
        if event.tag is None or not await self._views.is_latest(event, arrival.look_up_by):
            logger.warning("a page of a full request was not turned: it was not as it was filled")
            return
        tag = event.tag
        record = await self._store.reader.card(tag.request_id)
        since = None if record is None else outdated_words(record, tag.revision)
        if record is None or since is not None:
            await self._views.show(event.view_id, words_view((since or unreadable_words(),)))
            return
        attempt = arrival.attempt(person, tag.request_id, tag.revision)
        await self.show(event.view_id, record, attempt, tag.page + 1)
