"""How somebody is let in to a request: who they are by all their accounts, and to which chats and groups those belong.

Looked up at the press, by the platforms' own account, before anything is counted. What it decides is the policy's to
say, in the transaction of the answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from sayso.bots.groups import PREFIX, STALE, Groups
from sayso.bots.membership import LookUpFailed, Membership
from sayso.config import MEMBERS, PLATFORMS, Destination, Settings, UnknownDestination
from sayso.engine import (
    NOT_YOURS,
    CardRecord,
    Fact,
    Json,
    Policy,
    SQLiteStore,
    Vote,
    Warrant,
    evaluate,
)

logger = logging.getLogger("sayso.answers")

T = TypeVar("T")

_STANDING_LIVES = timedelta(seconds=30)
_MOST_STANDINGS = 1000


@dataclass(frozen=True, slots=True)
class WayIn:
    """How somebody is let in: who they are by all their ids, by which surface or destination, and what was looked up.

    `unknown` are chats and groups that could not be looked up; `why` is the reason why they do not count somewhere,
    `gone` why they count nowhere: their platform has closed the account, or does not say.
    """

    ids: tuple[str, ...]
    via: str
    facts: tuple[Fact, ...] = ()
    unknown: tuple[str, ...] = ()
    why: str = ""
    gone: str | None = None

    def warrant(self, credential: str | None = None) -> Warrant:
        """What lets them in, for the transaction: what was looked up is of these accounts."""
        return Warrant(credential, self.ids, refused=self.gone)

    def vote(self, at: datetime, value: Json = None) -> Vote:
        """Any vote of theirs, to ask a policy whether it would be taken."""
        return Vote(self.ids[0], self.via, value, at, facts=self.facts, accounts=self.ids)

    def refusal(self, record: CardRecord, at: datetime) -> str | None:
        """Why a vote of theirs would not be taken, or None."""
        if self.gone is not None:
            return self.gone
        request = record.request
        policy = request.policy or Policy(request.audience)
        others = [vote.as_vote() for vote in record.votes if vote.person not in self.ids]
        return evaluate(policy, [*others, self.vote(at)], at).refused.get(self.ids[0])


class WaysIn:
    """Looks people up on the platforms that are connected. Everything here raises `StoreError`."""

    def __init__(
        self,
        store: SQLiteStore,
        settings: Settings,
        memberships: Mapping[str, Membership],
        groups: Groups,
    ) -> None:
        self._store = store
        self._settings = settings
        self._memberships = memberships
        self._groups = groups
        self._standings: dict[str, tuple[datetime, WayIn]] = {}

    async def settle(self, record: CardRecord | None, person: str, by: float | None = None) -> None:
        """Have whoever answers, those whose votes count beside theirs, and those who may not, be known for who they
        are, in whatever form they were recorded. Raises `LookUpFailed`, `StoreError`.
        """
        people = [person]
        if record is not None:
            policy = record.request.policy or Policy()
            people += [*(vote.account for vote in record.votes), *policy.excluded, *policy.released]
        for platform in dict.fromkeys(one.partition(":")[0] for one in people):
            membership = self._memberships.get(platform)
            if membership is not None:
                theirs = [one for one in people if one.startswith(f"{platform}:")]
                await _in_time(by, membership.settle(theirs))

    async def of(
        self,
        record: CardRecord,
        person: str,
        chat: str | None = None,
        via: str | None = None,
        by: float | None = None,
    ) -> WayIn:
        """How somebody is let in to a request now: by the chats and groups that it was sent to and that any of their
        accounts belongs to. By none of them, those alone are let in whom the audience names. Look-ups end by an instant
        of the loop's clock.
        """
        ids = await self._store.reader.ids_of(person)
        platform = person.partition(":")[0]
        gone = None if via is None else await self.why_gone(person)
        way = via or platform
        facts: list[Fact] = []
        unknown: list[str] = []
        why = ""
        for destination, account in self._destinations(record, ids, chat):
            try:
                reason = await _in_time(by, self._why_not(destination, account))
            except LookUpFailed as problem:
                logger.warning("whether %s belongs to %s: %s", account, destination.name, problem)
                unknown.append(destination.name)
                continue
            if reason is not None:
                why = why or reason
                continue
            facts.append(Fact(destination.name, value=True, as_of=self._store.clock.now()))
            if way == platform and one_account(account) == one_account(person):
                way = destination.name
            if record.request.policy is None:
                break
        of_groups, not_found, hidden = await self._groups.facts(_entries(record), ids, by=by)
        return WayIn(ids, way, (*facts, *of_groups), (*unknown, *not_found), why or hidden, gone)

    async def sees(self, record: CardRecord, person: str, chat: str | None = None) -> bool:
        """Whether somebody may hear of a request: they asked for it, or it is or was theirs to answer. It is looked up
        now. Raises `LookUpFailed` where that cannot be found out, `StoreError`.
        """
        if record.request.requested_by in await self._store.reader.ids_of(person):
            return True
        way = await self.of(record, person, chat)
        why = way.refusal(record, self._store.clock.now())
        is_theirs = why is None or not why.startswith(NOT_YOURS)
        if way.unknown and not is_theirs:
            raise LookUpFailed(f"whether it is theirs depends on {', '.join(way.unknown)}")
        return is_theirs

    async def standing(self, person: str, via: str | None = None) -> WayIn:
        """To which chats and groups of the settings somebody belongs, for lists: it may be half a minute old, and of
        groups an hour, and decides nothing. Their accounts are those of now.
        """
        now = self._store.clock.now()
        ids = await self._store.reader.ids_of(person)
        known = self._standings.get(person)
        if known is None or now - known[0] > _STANDING_LIVES or known[1].ids != ids:
            facts = [Fact(name, value=True, as_of=now) for name in _own_chats(ids)]
            for destination in self._settings.chats():
                for account in _accounts_on(ids, destination):
                    try:
                        if await self._why_not(destination, account) is None:
                            facts.append(Fact(destination.name, value=True, as_of=now))
                    except LookUpFailed as problem:
                        logger.info("whether %s belongs to %s: %s", account, destination.name, problem)
            names = [f"{PREFIX}{name}" for name in self._settings.groups]
            of_groups, _, _ = await self._groups.facts(names, ids, STALE)
            known = self._standings[person] = (now, WayIn(ids, "", (*facts, *of_groups)))
            while len(self._standings) > _MOST_STANDINGS:
                del self._standings[next(iter(self._standings))]
        return replace(known[1], via=via or person.partition(":")[0])

    def place_of(self, platform: str, chat: str) -> str | None:
        """The destination that a platform's chat is, where the settings have it."""
        found = [
            one.name for one in self._settings.chats() if (one.platform, one.chat_id) == (platform, chat)
        ]
        return found[0] if found else None

    async def successor(self, record: CardRecord, to: str) -> tuple[tuple[str, ...], tuple[Fact, ...]]:
        """All ids of whoever is to be asked instead, and to which of the groups they belong that the policy lets it be
        handed over to. Raises `StoreError`.
        """
        policy = record.request.policy
        ids = await self._store.reader.ids_of(to)
        facts, _, _ = await self._groups.facts(() if policy is None else policy.hand_over_to, ids)
        return ids, facts

    async def why_gone(self, person: str) -> str | None:
        """Why somebody counts nowhere who comes by another way than their platform: it has closed their account, or
        does not say. Whoever was locked out there keeps no session here.
        """
        platform = person.partition(":")[0]
        if platform not in PLATFORMS:
            return None
        membership = self._memberships.get(platform)
        if membership is None:
            return f"Not counted: {platform} is not connected, so {person} cannot be checked."
        try:
            return await membership.why_gone(person)
        except LookUpFailed as problem:
            logger.warning("whether %s still has an account: %s", person, problem)
            return (
                f"Not counted: it could not be checked that {person} is an account still. Please try again."
            )

    def _destinations(
        self, record: CardRecord, ids: Sequence[str], chat: str | None
    ) -> list[tuple[Destination, str]]:
        """Those of the request's audience on the platforms of somebody's accounts, with the account; the one where it
        was pressed first.
        """
        found: list[tuple[Destination, str]] = []
        for entry in _entries(record):
            if entry.partition(":")[0] not in PLATFORMS:
                continue
            try:
                destination = self._settings.destination(entry)
            except UnknownDestination as problem:
                logger.warning("request %s: %s", record.request.id, problem)
                continue
            found += [(destination, account) for account in _accounts_on(ids, destination)]
        return sorted(found, key=lambda one: one[0].chat_id != chat)

    async def _why_not(self, destination: Destination, person: str) -> str | None:
        let_in = destination.lets_in(person)
        if let_in is not None:
            return None if let_in else ""
        membership = self._memberships.get(destination.platform)
        if membership is None:
            raise LookUpFailed(f"{destination.platform} is not connected")
        return await membership.why_not(destination, person)


async def _in_time(by: float | None, looking: Awaitable[T]) -> T:
    """What is looked up, by an instant of the loop's clock. Raises `LookUpFailed`."""
    try:
        async with asyncio.timeout_at(by):
            return await looking
    except TimeoutError as problem:
        raise LookUpFailed("it took too long") from problem


def one_account(account: str) -> tuple[str, str]:
    """What is the same in all forms of an account: the platform, and its id of the person."""
    return account.partition(":")[0], account.rpartition(":")[2]


def _accounts_on(ids: Sequence[str], destination: Destination) -> list[str]:
    """Somebody's accounts on a destination's platform; where that is asked, in one form each."""
    found = [one for one in ids if one.startswith(f"{destination.platform}:")]
    return (
        list({one_account(one): one for one in found}.values()) if destination.audience is MEMBERS else found
    )


def _own_chats(ids: Sequence[str]) -> list[str]:
    """What else somebody's own chats are called: Slack's `slack:@U0123` needs no settings."""
    return [f"slack:@{one.rpartition(':')[2]}" for one in ids if one.startswith("slack:")]


def _entries(record: CardRecord) -> tuple[str, ...]:
    """Everybody who may vote on a request, now or once it escalates."""
    policy = record.request.policy
    return (*record.request.audience, *(() if policy is None else policy.escalate_to))
