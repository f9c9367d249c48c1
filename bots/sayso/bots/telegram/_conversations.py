"""Conversations as they are kept: under the message that asks, so that a restart finds them again."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary

import msgspec

from sayso.adapters.telegram import Conversation
from sayso.engine import SQLiteStore

_SURFACE = "telegram"


class Conversations:
    """Who is being asked what, by chat and message. In a private chat the last one is found without a reply."""

    def __init__(self, store: SQLiteStore) -> None:
        self._store = store
        self._beginning: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def beginning(self, chat_id: int) -> asyncio.Lock:
        """Held from before a message asks until it is known that it does: a quick reply waits for that."""
        return self._beginning.setdefault(chat_id, asyncio.Lock())

    async def at(self, chat_id: int, message_id: int) -> Conversation | None:
        """The conversation whose last message this is."""
        async with self.beginning(chat_id):
            kept = await self._store.kept(_SURFACE, _key(chat_id, message_id))
        return None if kept is None else msgspec.convert(kept, Conversation)

    async def last(self, chat_id: int) -> int | None:
        """The message that asks in a private chat, if one does."""
        async with self.beginning(chat_id):
            return await self._last(chat_id)

    async def _last(self, chat_id: int) -> int | None:
        kept = await self._store.kept(_SURFACE, f"asks:{chat_id}")
        return kept if isinstance(kept, int) else None

    async def put(self, chat_id: int, message_id: int, conversation: Conversation) -> None:
        """Keep where a conversation stands."""
        kept = msgspec.json.decode(msgspec.json.encode(conversation))  # tuples as lists: what JSON gives back
        await self._store.keep(_SURFACE, _key(chat_id, message_id), kept)
        if chat_id > 0:
            await self._store.keep(_SURFACE, f"asks:{chat_id}", message_id)

    async def forget(self, chat_id: int, message_id: int) -> None:
        """The message asks no more."""
        await self._store.keep(_SURFACE, _key(chat_id, message_id), None)
        if chat_id > 0 and await self._last(chat_id) == message_id:
            await self._store.keep(_SURFACE, f"asks:{chat_id}", None)


def _key(chat_id: int, message_id: int) -> str:
    return f"conversation:{chat_id}:{message_id}"
