"""Who belongs to a group: those whom the settings name, and those whom platforms say to be in groups of theirs.

A vote counts on what the platform says at that instant, so that who has left is out at once; those who vote at the same
time share one look-up. Slack answers about twenty of them a minute: beyond that, and only while it says so, what it
said within the last minute counts. Where it does not answer, the vote is refused. Lists of what waits decide nothing
and may use what is older.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sayso.bots.people._look_ups import Known, at_once
from sayso.bots.people._membership import NOBODY, LookUpFailed, LookUpThrottled, Members, Membership
from sayso.config import Settings
from sayso.engine import Clock, Directory, Fact

NOW = timedelta(0)
"""How old a platform's list may be for a vote."""

THROTTLED = timedelta(minutes=1)
"""How old it may be for a vote while the platform answers no more look-ups."""

STALE = timedelta(hours=1)
"""How old it may be for a list of what waits."""

PREFIX = "group:"


@dataclass(frozen=True, slots=True)
class Belonging:
    """What was found of somebody in a chat or a group, and why they do not count there, where there is more to say
    than that they do not belong to it.
    """

    fact: Fact | None
    why: str = ""

    @property
    def is_in(self) -> bool:
        """Whether they belong to it, and count."""
        return self.fact is not None and self.fact.value is True


@dataclass(frozen=True, slots=True)
class _Listed:
    members: Members
    as_of: datetime


class Groups:
    """Looks groups up. `sources` are the platforms that are connected, by name."""

    def __init__(self, settings: Settings, sources: Mapping[str, Membership], clock: Clock) -> None:
        self._groups = settings.groups
        self._directory: Directory = settings.directory()
        self._sources = sources
        self._clock = clock
        self._known: dict[tuple[str, str], _Listed] = {}
        self._under_way: dict[tuple[str, str], asyncio.Future[_Listed | LookUpFailed | None]] = {}

    def among(self, entries: Sequence[str]) -> list[str]:
        """Those of an audience's entries that are groups of the settings. One that no settings name is nobody."""
        return [one for one in entries if one.startswith(PREFIX) and one.removeprefix(PREFIX) in self._groups]

    def told(self, entry: str, ids: Sequence[str]) -> Belonging | None:
        """That somebody belongs to a group, where the settings say it; None where platforms have to be asked."""
        if any(member in ids for member in self._directory.members_of(entry)):
            return Belonging(Fact(entry, value=True, as_of=self._clock.now()))
        return None

    async def belonging(self, entry: str, ids: Sequence[str], within: timedelta = NOW) -> Belonging:
        """Whether somebody, by all their ids, belongs to a group of the settings. Raises `LookUpFailed`.

        A platform that says yes is enough, whatever the other one says.
        """
        now = self._clock.now()
        if (told := self.told(entry, ids)) is not None:
            return told
        given = self._groups[entry.removeprefix(PREFIX)]
        looking = [
            self._listing(platform, group, ids, entry, within)
            for platform, group in given.platforms.items()
            if any(one.startswith(f"{platform}:") for one in ids)
        ]
        found = await at_once(None, looking, _is_in_one)
        for one in found:
            if isinstance(one, Belonging) and one.is_in:
                return one
        known = [one for one in found if isinstance(one, Belonging)]
        for one in found:
            if isinstance(one, LookUpFailed):
                raise one
        oldest = min((one.fact.as_of for one in known if one.fact is not None), default=now)
        why = next((one.why for one in known if one.why), "")
        return Belonging(Fact(entry, value=False, as_of=min(oldest, now)), why)

    async def _listing(
        self, platform: str, group: str, ids: Sequence[str], entry: str, within: timedelta
    ) -> Belonging:
        """What one platform says of somebody in its part of a group. Raises `LookUpFailed`."""
        own = [one.rpartition(":")[2] for one in ids if one.startswith(f"{platform}:")]
        known = await self._look_up(platform, group, within)
        is_in = any(one in known.members.ids for one in own)
        hides = not is_in and any(one in known.members.hidden for one in own)
        return Belonging(Fact(entry, is_in, known.as_of), NOBODY if hides else "")

    async def _look_up(self, platform: str, group: str, within: timedelta) -> _Listed:
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

    async def _ask(self, key: tuple[str, str]) -> _Listed:
        """Ask the platform, for everybody who wants to know meanwhile; one of them asks anew if this is cancelled."""
        under_way = self._under_way[key] = asyncio.get_running_loop().create_future()
        told: _Listed | LookUpFailed | None = None
        try:
            known = told = self._known[key] = await self._answer_of(*key)
        except LookUpFailed as problem:
            told = problem
            raise
        finally:
            del self._under_way[key]
            under_way.set_result(told)
        return known

    async def _answer_of(self, platform: str, group: str) -> _Listed:
        source = self._sources.get(platform)
        if source is None:
            raise LookUpFailed(f"{platform} is not connected")
        as_of = self._clock.now()
        try:
            return _Listed(await source.members(group), as_of)
        except LookUpThrottled:
            known = self._known.get((platform, group))
            if known is None or self._clock.now() - known.as_of > THROTTLED:
                raise
            return known


def _is_in_one(found: Known[Belonging]) -> bool:
    return any(isinstance(one, Belonging) and one.is_in for one in found)
