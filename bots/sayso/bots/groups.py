"""Who belongs to a group: those whom the settings name, the members of a Slack user group, the administrators of a
Telegram group.

A vote counts on what the platform says at that instant, so that who has left is out at once; those who vote at the same
time share one look-up. Slack answers about twenty of them a minute: beyond that, and only while it says so, what it
said within the last minute counts. Where it does not answer, the vote is refused. Lists of what waits decide nothing
and may use what is older.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sayso.bots.membership import NOBODY, LookUpFailed, LookUpThrottled, Members, Membership
from sayso.config import GroupSettings, Settings
from sayso.engine import Clock, Directory, Fact

logger = logging.getLogger("sayso.answers")

NOW = timedelta(0)
"""How old a platform's list may be for a vote."""

THROTTLED = timedelta(minutes=1)
"""How old it may be for a vote while the platform answers no more look-ups."""

STALE = timedelta(hours=1)
"""How old it may be for a list of what waits."""

PREFIX = "group:"


@dataclass(frozen=True, slots=True)
class _Known:
    members: Members
    as_of: datetime


class Groups:
    """Looks groups up. `sources` are the platforms, filled once they exist."""

    def __init__(self, settings: Settings, sources: Mapping[str, Membership], clock: Clock) -> None:
        self._groups = settings.groups
        self._directory: Directory = settings.directory()
        self._sources = sources
        self._clock = clock
        self._known: dict[tuple[str, str], _Known] = {}
        self._under_way: dict[tuple[str, str], asyncio.Future[_Known | LookUpFailed | None]] = {}

    async def facts(
        self,
        entries: Sequence[str],
        ids: Sequence[str],
        within: timedelta = NOW,
        by: float | None = None,
    ) -> tuple[tuple[Fact, ...], tuple[str, ...], str]:
        """What is known of somebody, by all their ids, and the groups among some entries; those groups that could not
        be looked up; and why they do not count in one, if there is more to say than that they do not belong to it. A
        group that no settings name is nobody. Look-ups end by an instant of the loop's clock.
        """
        facts: list[Fact] = []
        unknown: list[str] = []
        why = ""
        for entry in entries:
            name = entry.removeprefix(PREFIX)
            given = self._groups.get(name) if entry.startswith(PREFIX) else None
            if given is None:
                continue
            try:
                async with asyncio.timeout_at(by):
                    is_in, as_of, hides = await self._is_in(entry, given, ids, within)
            except (LookUpFailed, TimeoutError) as problem:
                logger.warning("who belongs to %s: %s", entry, problem)
                unknown.append(entry)
            else:
                facts.append(Fact(entry, is_in, as_of))
                why = NOBODY if hides else why
        return tuple(facts), tuple(unknown), why

    async def _is_in(
        self, entry: str, given: GroupSettings, ids: Sequence[str], within: timedelta
    ) -> tuple[bool, datetime, bool]:
        """Whether they belong to it, as of when, and whether they would but hide."""
        now = self._clock.now()
        if any(member in ids for member in self._directory.members_of(entry)):
            return True, now, False
        oldest, hides = now, False
        for platform in ("slack", "telegram"):
            group: str | None = getattr(given, platform)
            own = [one.rpartition(":")[2] for one in ids if one.startswith(f"{platform}:")]
            if group is None or not own:
                continue
            known = await self._look_up(platform, group, within)
            oldest = min(oldest, known.as_of)
            if any(one in known.members.ids for one in own):
                return True, known.as_of, False
            hides = hides or any(one in known.members.hidden for one in own)
        return False, oldest, hides

    async def _look_up(self, platform: str, group: str, within: timedelta) -> _Known:
        """What the platform says now, or has said `within` that time. Raises `LookUpFailed`."""
        key = (platform, group)
        while True:
            known = self._known.get(key)
            if known is not None and within and self._clock.now() - known.as_of <= within:
                return known
            under_way = self._under_way.get(key)
            if under_way is None:
                return await self._ask(key)
            found = await asyncio.shield(under_way)
            if isinstance(found, LookUpFailed):
                raise found
            if found is not None:
                return found

    async def _ask(self, key: tuple[str, str]) -> _Known:
        """Ask the platform, for everybody who wants to know meanwhile; one of them asks anew if this is cancelled."""
        under_way = self._under_way[key] = asyncio.get_running_loop().create_future()
        told: _Known | LookUpFailed | None = None
        try:
            known = told = self._known[key] = await self._answer_of(*key)
        except LookUpFailed as problem:
            told = problem
            raise
        finally:
            del self._under_way[key]
            under_way.set_result(told)
        return known

    async def _answer_of(self, platform: str, group: str) -> _Known:
        source = self._sources.get(platform)
        if source is None:
            raise LookUpFailed(f"{platform} is not connected")
        as_of = self._clock.now()
        try:
            return _Known(await source.members(group), as_of)
        except LookUpThrottled:
            known = self._known.get((platform, group))
            if known is None or self._clock.now() - known.as_of > THROTTLED:
                raise
            return known
