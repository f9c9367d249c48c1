"""Lists in modals: one entry more or fewer. What was typed so far stays.

A press counts for the modal as it was: one that comes twice, or late, changes nothing.
"""

from __future__ import annotations

import logging

from sayso.adapters.cards import unreadable_words
from sayso.adapters.slack import EntriesChanged, View, answer_view, words_view
from sayso.bots.chats import Parts, card_of, outdated_words
from sayso.bots.slack._starting import Starting
from sayso.bots.slack._views import Views
from sayso.engine import Locale, PersonId

logger = logging.getLogger("sayso.slack")


class Entries:
    """Changes how many entries a list has in a modal that is open."""

    def __init__(self, parts: Parts, starting: Starting, views: Views) -> None:
        self._store = parts.store
        self._settings = parts.settings
        self._starting = starting
        self._views = views

    async def change(self, event: EntriesChanged, person: PersonId, by: float, locale: Locale) -> None:
        """Show the modal with one entry more or fewer; nothing is waited for after that instant of the loop's clock.
        Raises `StoreError`.
        """
        if not await self._views.is_latest(event, by):
            logger.info("the entries of a list were not changed: the modal has changed meanwhile")
            return
        if event.name:
            view = await self._starting.form(event.name, person, locale, event.filled)
        else:
            view = await self._answer(event, locale)
        await self._views.change(event, view)

    async def _answer(self, event: EntriesChanged, locale: Locale) -> View:
        tag = event.tag
        record = None if tag is None else await self._store.reader.card(tag.request_id)
        since = None if tag is None or record is None else outdated_words(record, tag.revision)
        if tag is None or record is None or since is not None:
            return words_view((since or unreadable_words(),))
        return answer_view(card_of(record, self._settings), tag.channel, locale, event.filled)
