"""Conversations as they are kept: under the message that asks, so that a restart finds them again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from weakref import WeakValueDictionary

import msgspec

from sayso.adapters.cards import Words
from sayso.adapters.telegram import Conversation
from sayso.engine import Kept, Store, StoreError

logger = logging.getLogger("sayso.telegram")

_SURFACE = "telegram"
_PREFIX = "conversation:"
_MOST_ENDED = 1000


class Conversations:
    """Who is being asked what, by chat and message. In a private chat a text without a reply is for the message that
    asks, as long as it is the newest of ours there. `news` is set when what is being asked may have changed.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._interrupted: set[int] = set()
        self._open: dict[tuple[int, int], Conversation] = {}
        self._taken: set[tuple[int, int]] = set()
        self._ended: dict[tuple[int, int], tuple[str, Words]] = {}
        self.news = asyncio.Event()

    async def load(self) -> None:
        """Know again what was being asked before a restart."""
        for key, kept in (await self._store.kept_all(_SURFACE, _PREFIX)).items():
            _, chat_id, message_id = key.split(":")
            self._open[int(chat_id), int(message_id)] = msgspec.convert(kept, Conversation)

    def resting(self) -> list[tuple[tuple[int, int], Conversation]]:
        """All that is being asked, by chat and message, but for what somebody is just answering."""
        return [one for one in self._open.items() if one[0] not in self._taken]

    def rests(self, chat_id: int, message_id: int) -> bool:
        """Whether a message asks, and nobody is just answering."""
        return (chat_id, message_id) in self._open and (chat_id, message_id) not in self._taken

    def note_end(self, chat_id: int, message_id: int, person: str, words: Words) -> None:
        """Know, as long as this process runs, why a message asks no more that somebody may still press."""
        self._ended[chat_id, message_id] = (person, words)
        if len(self._ended) > _MOST_ENDED:
            del self._ended[next(iter(self._ended))]

    def why_over(self, chat_id: int, message_id: int, person: str) -> Words | None:
        """Why a message asks this person no more, where that was noted."""
        asked, words = self._ended.get((chat_id, message_id), ("", None))
        return words if asked == person else None

    @contextmanager
    def taking(self, chat_id: int, message_id: int) -> Generator[None]:
        """Held while what somebody did there is taken."""
        self._taken.add((chat_id, message_id))
        try:
            yield
        finally:
            self._taken.discard((chat_id, message_id))
            self.news.set()

    @asynccontextmanager
    async def sending(self, chat_id: int) -> AsyncGenerator[None]:
        """Held while a message of ours goes to a chat, and until what it asks is kept: a quick reply waits for that."""
        async with self._lock(chat_id):
            await self._interrupt(chat_id)
            yield

    async def interrupt(self, chat_id: int) -> None:
        """What was asked last in a private chat takes no text without a reply any more; nor what is being asked now."""
        if chat_id > 0:
            async with self._lock(chat_id):
                await self._interrupt(chat_id)

    async def _interrupt(self, chat_id: int) -> None:
        if chat_id < 0 or chat_id in self._interrupted:
            return
        try:
            if await self._last(chat_id) is not None:
                await self._store.keep(_SURFACE, _asks(chat_id), None)
        except StoreError as error:
            # The message, which may say just that, goes out all the same.
            self._interrupted.add(chat_id)
            logger.warning("could not store that no request is open in chat %d: %s", chat_id, error)

    async def at(self, chat_id: int, message_id: int) -> Conversation | None:
        """The conversation whose last message this is."""
        async with self._lock(chat_id):
            return await self._at(chat_id, message_id)

    async def _at(self, chat_id: int, message_id: int) -> Conversation | None:
        kept = await self._store.kept(_SURFACE, _key(chat_id, message_id))
        return None if kept is None else msgspec.convert(kept, Conversation)

    async def last(self, chat_id: int) -> int | None:
        """The message that a text without a reply is for, if there is one."""
        async with self._lock(chat_id):
            return None if chat_id in self._interrupted else await self._last(chat_id)

    async def put(self, chat_id: int, message_id: int, conversation: Conversation) -> None:
        """Keep where a conversation stands, under a message that asks already."""
        async with self._lock(chat_id):
            await self._put(chat_id, message_id, conversation)

    async def put_newest(self, chat_id: int, message_id: int, conversation: Conversation) -> None:
        """The same under a message that was just sent, within `sending`."""
        await self._put(chat_id, message_id, conversation)
        if chat_id > 0:
            await self._store.keep(_SURFACE, _asks(chat_id), message_id)
            self._interrupted.discard(chat_id)

    async def was_asked(self, chat_id: int, message_id: int, rendering: int, kept: Kept) -> None:
        """Keep what Telegram keeps of what was asked under a number, wherever the conversation stands by now."""
        async with self._lock(chat_id):
            conversation = await self._at(chat_id, message_id)
            if conversation is not None:
                await self._put(chat_id, message_id, conversation.was_asked(rendering, kept))

    async def _put(self, chat_id: int, message_id: int, conversation: Conversation) -> None:
        kept = msgspec.json.decode(msgspec.json.encode(conversation))  # tuples as lists: what JSON gives back
        await self._store.keep(_SURFACE, _key(chat_id, message_id), kept)
        self._open[chat_id, message_id] = conversation
        self.news.set()

    async def forget(self, chat_id: int, message_id: int) -> None:
        """The message asks no more."""
        self._open.pop((chat_id, message_id), None)
        await self._store.keep(_SURFACE, _key(chat_id, message_id), None)
        if chat_id > 0 and await self._last(chat_id) == message_id:
            await self._store.keep(_SURFACE, _asks(chat_id), None)

    def _lock(self, chat_id: int) -> asyncio.Lock:
        return self._locks.setdefault(chat_id, asyncio.Lock())

    async def _last(self, chat_id: int) -> int | None:
        kept = await self._store.kept(_SURFACE, _asks(chat_id))
        return kept if isinstance(kept, int) else None


def _key(chat_id: int, message_id: int) -> str:
    return f"{_PREFIX}{chat_id}:{message_id}"


def _asks(chat_id: int) -> str:
    return f"asks:{chat_id}"
