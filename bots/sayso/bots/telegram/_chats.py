"""Which chat a destination is now: groups get another id when they are upgraded, and keep it for good."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sayso.bots.telegram._api import Moved
from sayso.config import Destination, Settings
from sayso.engine import Store

logger = logging.getLogger("sayso.telegram")

PLATFORM = "telegram"
_MOVED = "moved:"
_POSTED_ANEW = "Telegram upgraded this group, so this question was posted again here."

Result = TypeVar("Result")


class Chats:
    """The ids of destinations' chats. Without a store nothing is known to have moved, and nothing is kept. `alarm` is
    called when operators have to hear of a move.
    """

    def __init__(
        self, settings: Settings, store: Store | None = None, alarm: Callable[[], None] | None = None
    ) -> None:
        self._settings = settings
        self._store = store
        self._alarm = alarm
        self._moved: dict[int, int] = {}

    async def load(self) -> None:
        """Read which groups have moved. Raises `StoreError`."""
        if self._store is not None:
            kept = await self._store.kept_all(PLATFORM, _MOVED)
            self._moved = {int(key.removeprefix(_MOVED)): int(str(new)) for key, new in kept.items()}

    async def move(self, old: int, new: int) -> None:
        """A group has another id: remember it for good, and have its open cards posted there, once. Raises
        `StoreError`; then nothing is remembered.
        """
        if self.now(old) == new:
            return
        if self._store is not None:
            names = self.names_of(old)
            is_news = await self._store.move_chat(PLATFORM, f"{_MOVED}{old}", new, names, _POSTED_ANEW)
            if is_news and self._alarm is not None:
                logger.warning("Telegram upgraded group %d: its id is now %d", old, new)
                self._alarm()
        self._moved[old] = new

    async def follow(self, chat_id: int, call: Callable[[int], Awaitable[Result]]) -> Result:
        """Make a call for a chat as it is now, and once more where Telegram answers that it has moved."""
        chat_id = self.now(chat_id)
        try:
            return await call(chat_id)
        except Moved as moved:
            await self.move(chat_id, moved.chat_id)
            return await call(moved.chat_id)

    def has_moved(self, chat_id: int) -> bool:
        """Whether this id is one of before."""
        return chat_id in self._moved

    def id_of(self, destination: Destination) -> int:
        """The id of a destination's chat as it is now."""
        return self.now(int(destination.chat_id))

    def now(self, chat_id: int) -> int:
        """The id of a chat as it is now."""
        while chat_id in self._moved:
            chat_id = self._moved[chat_id]
        return chat_id

    def names_of(self, chat_id: int) -> list[str]:
        """The destinations that mean a chat."""
        known = [one for one in self._settings.chats() if one.platform == PLATFORM]
        ids = {chat_id, *(old for old in self._moved if self.now(old) == chat_id)}
        named = [one.name for one in known if self.id_of(one) == chat_id]
        return list(dict.fromkeys([*named, *(f"{PLATFORM}:{one}" for one in ids)]))
