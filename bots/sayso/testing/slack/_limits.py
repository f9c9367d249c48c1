"""How often methods may be called (docs.slack.dev/apis/web-api/rate-limits)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

_TIERS = {
    "apps.connections.open": "connections",
    "usergroups.list": "tier_2", "usergroups.users.list": "tier_2", "conversations.list": "tier_2",
    "users.list": "tier_2",
    "chat.update": "tier_3", "chat.delete": "tier_3", "conversations.open": "tier_3",
    "conversations.info": "tier_3", "conversations.replies": "tier_3",
    "chat.postEphemeral": "tier_4", "conversations.members": "tier_4", "users.info": "tier_4",
    "views.open": "tier_4", "views.update": "tier_4", "views.push": "tier_4", "views.publish": "tier_4",
    "files.getUploadURLExternal": "tier_4", "files.completeUploadExternal": "tier_4",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SlackLimits:
    """Calls a minute by tier, and messages a second in one channel with what Slack lets pass in a burst."""

    channel_per_second: int = 1
    channel_burst: int = 3
    connections: int = 10
    tier_2: int = 20
    tier_3: int = 50
    tier_4: int = 100

    @classmethod
    def unlimited(cls) -> Self:
        """For tests of something else."""
        most = 1_000_000
        return cls(most, most, most, most, most, most)


class Meter:
    """Counts calls, and says how long to wait where they are too many."""

    def __init__(self, limits: SlackLimits) -> None:
        self._limits = limits
        self._calls: dict[str, deque[datetime]] = {}

    def take(self, method: str, channel: str | None, now: datetime) -> int | None:
        """Count a call; the seconds to wait where it is refused, which then counts for nothing."""
        if method == "chat.postMessage":
            # So many in a stretch that allows the burst, and one a second on average.
            seconds = self._limits.channel_burst / self._limits.channel_per_second
            return self._count(
                f"{method}:{channel}", self._limits.channel_burst, timedelta(seconds=seconds), now
            )
        tier = _TIERS.get(method)
        if tier is None:
            return None
        return self._count(method, getattr(self._limits, tier), timedelta(minutes=1), now)

    def _count(self, key: str, most: int, per: timedelta, now: datetime) -> int | None:
        calls = self._calls.setdefault(key, deque())
        while calls and now - calls[0] >= per:
            calls.popleft()
        if len(calls) >= most:
            return max(1, round((calls[0] + per - now).total_seconds()))
        calls.append(now)
        return None
