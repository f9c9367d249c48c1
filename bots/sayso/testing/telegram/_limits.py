"""How often a bot may write: Telegram's flood limits on the server's clock.

Source: Bot FAQ ("My bot is hitting limits"): about one message a second in one chat with short bursts, 20 a minute in
one group, 30 a second in all. Edits count like messages.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sayso.testing.telegram._refusals import too_many_requests


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramLimits:
    """What the local server allows, and how long it keeps things.

    `chat_burst` messages may be sent to one chat at once; each second allows one more. `None` for a count means no
    limit. Presses and messages that no bot fetched are dropped after `press_lifetime` and `message_lifetime`
    (tdlib/telegram-bot-api: 150 s and 24 h); a press can be answered for `answer_window` (not documented: "too old").
    A press on a message that is older than `accessible_for` brings nothing of it (not documented: hours to days,
    tdlib/telegram-bot-api#401). The bot edits messages of its own at any time, and deletes them for `deletable_for`
    (Bot API, "deleteMessage"), as an administrator at any time.
    """

    chat_burst: int | None = 3
    chat_interval: timedelta = timedelta(seconds=1)
    group_per_minute: int | None = 20
    overall_per_second: int | None = 30
    press_lifetime: timedelta = timedelta(seconds=150)
    message_lifetime: timedelta = timedelta(hours=24)
    answer_window: timedelta = timedelta(seconds=60)
    accessible_for: timedelta = timedelta(hours=48)
    deletable_for: timedelta = timedelta(hours=48)

    @classmethod
    def unlimited(cls) -> TelegramLimits:
        """Limits without flood control, for tests of something else."""
        return cls(chat_burst=None, group_per_minute=None, overall_per_second=None)


class FloodGate:
    """Counts what the bot writes and refuses what is too much."""

    def __init__(self, limits: TelegramLimits, now: Callable[[], datetime]) -> None:
        self._limits = limits
        self._now = now
        self._full_again: dict[int, datetime] = {}  # when a chat's burst is whole again
        self._groups: dict[int, deque[datetime]] = {}
        self._overall: deque[datetime] = deque()

    def admit(self, chat_id: int, *, group: bool) -> None:
        """Count one message or edit; raises `Refused` (429) and counts nothing when it is one too many."""
        now, limits = self._now(), self._limits
        in_group = self._groups.setdefault(chat_id, deque())
        waits = [
            self._burst_wait(chat_id, now),
            _wait(self._overall, now, limits.overall_per_second, timedelta(seconds=1)),
            _wait(in_group, now, limits.group_per_minute if group else None, timedelta(minutes=1)),
        ]
        if (longest := max(waits)) > timedelta(0):
            raise too_many_requests(max(1, math.ceil(longest.total_seconds())))
        self._full_again[chat_id] = max(self._full_again.get(chat_id, now), now) + limits.chat_interval
        in_group.append(now)
        self._overall.append(now)

    def _burst_wait(self, chat_id: int, now: datetime) -> timedelta:
        if self._limits.chat_burst is None:
            return timedelta(0)
        debt = max(self._full_again.get(chat_id, now), now) - now
        return debt - self._limits.chat_interval * (self._limits.chat_burst - 1)


def _wait(sent: deque[datetime], now: datetime, most: int | None, window: timedelta) -> timedelta:
    while sent and sent[0] <= now - window:
        sent.popleft()
    if most is None or len(sent) < most:
        return timedelta(0)
    return sent[len(sent) - most] + window - now
