"""Updates as they come: each person's in their order, and confirmed once what they decide is committed.

One that takes long holds up its own person alone. Telegram forgets all updates below the offset of the next fetch, so
the offset stays at the oldest that is not committed yet; what comes again above it is known, and not taken twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self, cast
from weakref import WeakKeyDictionary

from sayso.adapters.telegram import Event, Unreadable, parse_update
from sayso.bots.chats import Tasks
from sayso.bots.people import Arrival, Turn, Turns
from sayso.bots.telegram._chats import PLATFORM
from sayso.engine import Clock, StoreError

logger = logging.getLogger("sayso.telegram")

_MOMENT = 0.25
"""Seconds that the next fetch waits for what is under way."""

Share = Callable[[Event, object, Turn], Awaitable[Event | None]]
"""What of an update is sayso's, once its turn has come; the rest is handed on. Raises as `Handle` does."""

Handle = Callable[[Event, Arrival], Awaitable[None]]
"""Does what an update asks for, under a key of its own, when its turn comes. Raises `StoreError` where that could not
be committed, and what the turn raises.
"""


class Intake(Tasks):
    """Has updates handled while it is entered; leaving waits for what is under way."""

    def __init__(
        self, handle: Handle, clock: Clock, share: Share | None = None, moment: float = _MOMENT
    ) -> None:
        super().__init__()
        self._handle = handle
        self._share = share
        self._clock = clock
        self._moment = moment
        self._turns: Turns[int] = Turns()
        self._known: dict[int, asyncio.Task[StoreError | None]] = {}
        self._senders: WeakKeyDictionary[asyncio.Task[StoreError | None], int] = WeakKeyDictionary()
        self._uncommitted: dict[int, StoreError] = {}
        self._again: set[int] = set()
        self._offset: int | None = None
        self.bot_id = ""

    async def __aenter__(self) -> Self:
        self._known.clear()
        self._uncommitted.clear()
        self._again.clear()
        self._offset = None
        return await super().__aenter__()

    @property
    def is_taking(self) -> bool:
        """Whether updates are taken, and can be read."""
        return self.is_open and bool(self.bot_id)

    async def take(self, updates: Sequence[object]) -> None:
        """Have what was fetched handled, and wait a moment for it. Raises `StoreError` where something could not be
        committed: then all that is not comes again.
        """
        for update in updates:
            update_id = _id_of(update)
            if update_id not in self._known or update_id in self._again:
                self._again.discard(update_id)
                self._known[update_id] = self._begin(update)
        if not self._known:
            return
        await asyncio.wait(self._known.values(), timeout=self._moment)
        if self._uncommitted:
            raise self._give_back()
        self._known = {one: task for one, task in self._known.items() if one >= (self.offset or 0)}

    @property
    def offset(self) -> int | None:
        """What confirms all that is committed and nothing else, None where nothing came yet; true after leaving too."""
        if self._known:
            not_yet = (
                one for one, task in self._known.items() if not task.done() or task.result() is not None
            )
            self._offset = min(not_yet, default=max(self._known) + 1)
        return self._offset

    async def take_one(self, update: object) -> None:
        """Have one update handled. Raises `StoreError` where what it decides could not be committed."""
        await self._settled(self._begin(update))

    def take_event(self, event: Event, update_id: int) -> Awaitable[None]:
        """Have an update handled that somebody else has read, in its turn from now on. What is returned waits for it,
        and raises as `take_one` does.
        """
        return self._settled(self._start(event, update_id, None))

    async def _settled(self, task: asyncio.Task[StoreError | None]) -> None:
        error = await asyncio.shield(task)
        if error is not None:
            self._uncommitted.pop(self._senders[task], None)
            raise error

    def _give_back(self) -> StoreError:
        """Why something is not committed. What its sender has sent besides is taken again behind it, once nothing of
        theirs is under way any more.
        """
        error = next(iter(self._uncommitted.values()))
        for sender in list(self._uncommitted):
            theirs = {one: task for one, task in self._known.items() if self._senders[task] == sender}
            if all(task.done() for task in theirs.values()):
                del self._uncommitted[sender]
                for update_id, task in theirs.items():
                    if task.result() is not None:
                        self._again.add(update_id)
        return error

    def _begin(self, update: object) -> asyncio.Task[StoreError | None]:
        return self._start(parse_update(update, self.bot_id), _id_of(update), update)

    def _start(self, event: Event, update_id: int, update: object) -> asyncio.Task[StoreError | None]:
        assert self._group is not None, "it is entered first"
        key, sender = f"{PLATFORM}:{self.bot_id}:{update_id}", sender_of(event)
        task = self._group.create_task(self._take(sender, event, key, update), name=key)
        self._senders[task] = sender
        return task

    async def _take(self, sender: int, event: Event, key: str, update: object) -> StoreError | None:
        """Why it could not be committed; behind one of the same person that could not, it is not decided."""
        with self._turns.of(sender) as turn:

            async def come() -> None:
                await turn()
                if sender in self._uncommitted:
                    raise self._uncommitted[sender]

            try:
                arrival = Arrival.now(self._clock, come, key=key)
                own = event if self._share is None else await self._share(event, update, come)
                if own is not None:
                    await self._handle(own, arrival)
            except StoreError as error:
                self._uncommitted.setdefault(sender, error)
                return error
            except Exception:
                # One update that cannot be handled must not be fetched for ever.
                logger.exception("could not handle update %s", key)
            return None


def _id_of(update: object) -> int:
    found = cast("dict[str, Any]", update).get("update_id") if isinstance(update, dict) else None
    return found if isinstance(found, int) else 0


def sender_of(event: Event) -> int:
    """Whose turn it is: the person's id, 0 where it is nobody's."""
    return 0 if isinstance(event, Unreadable) else getattr(getattr(event, "sender", None), "user_id", 0)
