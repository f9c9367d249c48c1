"""Which chat a destination is now: groups get another id when they are upgraded, and keep it for good."""

from __future__ import annotations

from sayso.config import Destination, Settings
from sayso.engine import SQLiteStore

PLATFORM = "telegram"
_MOVED = "moved:"


class Chats:
    """The ids of destinations' chats. Without a store nothing is known to have moved, and nothing is kept."""

    def __init__(self, settings: Settings, store: SQLiteStore | None = None) -> None:
        self._settings = settings
        self._store = store
        self._moved: dict[int, int] = {}

    async def load(self) -> None:
        """Read which groups have moved. Raises `StoreError`."""
        if self._store is not None:
            kept = await self._store.kept_all(PLATFORM, _MOVED)
            self._moved = {int(key.removeprefix(_MOVED)): int(str(new)) for key, new in kept.items()}

    async def move(self, old: int, new: int) -> None:
        """A group has another id: remember it for good. Raises `StoreError`."""
        self._moved[old] = new
        if self._store is not None:
            await self._store.keep(PLATFORM, f"{_MOVED}{old}", new)

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
        ids = {chat_id, *(old for old, new in self._moved.items() if new == chat_id)}
        named = [one.name for one in known if self.id_of(one) == chat_id]
        return list(dict.fromkeys([*named, *(f"{PLATFORM}:{one}" for one in ids)]))
