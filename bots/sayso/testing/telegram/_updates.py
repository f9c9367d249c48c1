"""The queue of updates: kept until the bot confirms them, dropped when they are too old.

Behaviour of tdlib/telegram-bot-api (`Client.cpp`, `do_get_updates`): an offset above an update's id deletes it, a
negative one keeps the newest; a second poller ends the first with 409; presses live 150 s, the rest 24 h.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from aiogram.types import Update
from pydantic import ValidationError

from sayso.testing.telegram._limits import TelegramLimits
from sayso.testing.telegram._refusals import conflict
from sayso.testing.telegram._state import PendingUpdate, TelegramState

LONGEST_POLL = 50  # seconds; more is cut, as the reference server does
ONLY_ON_REQUEST = {"chat_member", "message_reaction", "message_reaction_count"}


class UpdateQueue:
    """What the bot has not confirmed yet, over `getUpdates` or a webhook.

    `changed` is called after every change; `problem` is told when an update of ours is not what the Bot API promises.
    """

    def __init__(
        self,
        state: TelegramState,
        limits: TelegramLimits,
        now: Callable[[], datetime],
        changed: Callable[[], None],
        problem: Callable[[str], None],
    ) -> None:
        self._state = state
        self._limits = limits
        self._now = now
        self._changed = changed
        self._problem = problem
        self._poll: asyncio.Future[None] | None = None

    @property
    def is_polled(self) -> bool:
        """Whether a long poll is waiting at this moment."""
        return self._poll is not None and not self._poll.done()

    def put(self, kind: str, body: dict[str, Any], *, queue: int) -> None:
        """Queue one update, unless the bot did not ask for its kind. `queue` is what a webhook keeps in order."""
        state = self._state
        asked_for = kind in state.allowed_updates if state.allowed_updates else kind not in ONLY_ON_REQUEST
        if not asked_for:
            return
        try:
            Update.model_validate({"update_id": state.next_update_id, kind: body})
        except ValidationError as error:
            self._problem(f"update {kind} of the local server is not an Update: {error}")
        now = self._now()
        is_press = kind == "callback_query"
        lifetime = self._limits.press_lifetime if is_press else self._limits.message_lifetime
        state.updates.append(PendingUpdate(state.next_update_id, kind, body, queue, now, now + lifetime))
        state.next_update_id += 1
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)
        self._changed()

    def pending(self) -> list[PendingUpdate]:
        """What is still deliverable now, oldest first; what has expired is moved to `lost_updates`."""
        now = self._now()
        expired = [update for update in self._state.updates if update.expires <= now]
        if expired:
            self._state.lost_updates += expired
            self._state.updates[:] = [update for update in self._state.updates if update.expires > now]
            self._changed()
        return list(self._state.updates)

    def confirm(self, update_id: int) -> None:
        """Forget one update, which a webhook took."""
        self._state.updates[:] = [update for update in self._state.updates if update.update_id != update_id]
        self._changed()

    def clear(self) -> None:
        """Forget everything that waits (`drop_pending_updates`)."""
        self._state.updates.clear()
        self._changed()

    async def poll(self, offset: int, limit: int, seconds: int) -> list[dict[str, Any]]:
        """`getUpdates`: confirm below the offset, then wait up to `seconds` for something to give.

        Raises `Refused` (409) when another poll or a webhook takes over.
        """
        if self._state.webhook is not None:
            raise conflict(
                "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
            )
        self._forget_confirmed(offset)
        found = self.pending()[:limit]
        self.end_poll(
            "terminated by other getUpdates request; make sure that only one bot instance is running"
        )
        if not found and seconds > 0:
            await self._wait(min(seconds, LONGEST_POLL))
            found = self.pending()[:limit]
        return [{"update_id": update.update_id, update.kind: update.body} for update in found]

    def end_poll(self, reason: str | None) -> None:
        """End a waiting poll: with a conflict, or with nothing when the server stops (`None`)."""
        if self._poll is None or self._poll.done():
            return
        if reason is None:
            self._poll.set_result(None)
        else:
            self._poll.set_exception(conflict(reason))

    def _forget_confirmed(self, offset: int) -> None:
        updates = self._state.updates
        before = len(updates)
        if offset < 0:
            del updates[: max(len(updates) + offset, 0)]
        elif offset > 0:
            updates[:] = [update for update in updates if update.update_id >= offset]
        if len(updates) != before:
            self._changed()

    async def _wait(self, seconds: float) -> None:
        mine = self._poll = asyncio.get_running_loop().create_future()
        self._changed()
        try:
            await asyncio.wait_for(mine, seconds)
        except TimeoutError:
            pass
        finally:
            if self._poll is mine:
                self._poll = None
