"""What gives somebody access to a request: who they are by all their accounts, and to which chats and groups those
belong.

Looked up at the press, by the platforms' own account, before anything is counted. What it decides is the policy's to
say, in the transaction of the answer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sayso.bots.people import (
    Arrival,
    Belonging,
    Groups,
    Known,
    LookUpFailed,
    Membership,
    at_once,
    both,
    in_time,
    look_up_deadline,
)
from sayso.bots.people._groups import PREFIX, STALE
from sayso.config import MEMBERS, Destination, Settings, UnknownDestination, find_settings
from sayso.engine import (
    NOT_YOURS,
    Before,
    CardRecord,
    Fact,
    Granted,
    Json,
    Policy,
    Store,
    Vote,
    Warrant,
    evaluate,
    platform_names,
)

logger = logging.getLogger("sayso.answers")

_STANDING_LIVES = timedelta(seconds=30)
_INCOMPLETE_LIVES = timedelta(seconds=5)
"""How long a standing is kept of which something could not be looked up."""

_MOST_STANDINGS = 1000


@dataclass(frozen=True, slots=True)
class WayIn:
    """What gives somebody access: who they are by all their ids, by which surface or destination, and what was looked
    up.

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


@dataclass(frozen=True, slots=True)
class _Sought:
    """What is sought of somebody: whether they belong to the chats, by their accounts there, and to the groups, to
    which a request was sent. They come by a surface or by their platform, which otherwise has to be asked whether their
    account is gone.
    """

    before: Before
    person: str
    via: str
    chat: str | None
    chats: tuple[tuple[Destination, str], ...]
    groups: tuple[str, ...]
    may_be_gone: bool
    enough: Callable[[WayIn], bool]

    def is_enough(self, found: Known[Belonging]) -> bool:
        """Whether what is not known yet need not be waited for."""
        if None not in found or self.enough(WayIn(self.before.ids, self.via, _facts(found))):
            return True
        is_here = bool(self.chats) and self.chats[0][0].chat_id == self.chat
        if self.before.card.request.policy is not None or (is_here and found[0] is None):
            return False
        return any(isinstance(one, Belonging) and one.is_in for one in found)

    def way(self, found: Known[Belonging], gone: str | None = None) -> WayIn:
        """The access that they have by what was found."""
        names, way = [*(destination.name for destination, _ in self.chats), *self.groups], self.via
        if self.person.startswith(f"{self.via}:"):
            for (destination, account), one in zip(self.chats, found, strict=False):
                is_in = isinstance(one, Belonging) and one.is_in
                if is_in and one_account(account) == one_account(self.person):
                    way = destination.name
                    break
        unknown = _unknown(names, found, self.person)
        return WayIn(self.before.ids, way, _facts(found), unknown, _why(found), gone)


class WaysIn:
    """Looks people up on the platforms that are connected. Everything here raises `StoreError`."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        memberships: Mapping[str, Membership],
        groups: Groups,
    ) -> None:
        self._store = store
        self._settings = settings
        self._memberships = memberships
        self._groups = groups
        self._standings: dict[str, tuple[datetime, WayIn]] = {}

    async def look_up(self, before: Before, person: str, via: str, arrival: Arrival) -> WayIn:
        """What gives somebody access to a request now, and at the same time who else has voted or asked. Raises
        `LookUpFailed` where the latter is not known in time; see `of`.
        """
        sought = self._sought(before, person, via, arrival)
        told = self._told(sought)
        settling = self.settle(before.card, person, arrival.look_up_by)
        if not sought.may_be_gone and sought.is_enough(told):
            await settling
            return sought.way(told)
        way, _ = await both(self._ask(sought, told, arrival.look_up_by), settling)
        return way

    async def settle(self, record: CardRecord, person: str, by: float) -> None:
        """Have the store know the person who answers, those whose votes count with theirs, and those who may not
        answer, in whatever form they were recorded. Raises `LookUpFailed`, `StoreError`.
        """
        policy = record.request.policy
        people = [person, *(vote.account for vote in record.votes)]
        if policy is not None:
            people += [*policy.excluded, *policy.released]
        settling = [
            membership.settle([one for one in people if one.startswith(f"{platform}:")])
            for platform in dict.fromkeys(one.partition(":")[0] for one in people)
            if (membership := self._memberships.get(platform)) is not None
        ]
        for settled in await at_once(by, settling):
            if settled is not None:
                raise settled

    async def of(
        self,
        before: Before,
        person: str,
        via: str,
        arrival: Arrival,
        enough: Callable[[WayIn], bool] = lambda _: False,
    ) -> WayIn:
        """What gives somebody access to a request now, by their platform or by another surface: the chats and groups
        that it was sent to and that any of their accounts belongs to. Without any of them, only people whom the
        audience names have access. All are asked at once, until an instant of the loop's clock; if one is enough, or
        what is known is `enough` for the caller, the rest is not waited for.
        """
        sought = self._sought(before, person, via, arrival, enough)
        return await self._ask(sought, self._told(sought), arrival.look_up_by)

    def _sought(
        self,
        before: Before,
        person: str,
        via: str,
        arrival: Arrival,
        enough: Callable[[WayIn], bool] = lambda _: False,
    ) -> _Sought:
        chats = self._destinations(before.card, before.ids, arrival.chat)
        groups = self._groups.among(entries_of(before.card))
        may_be_gone = not person.startswith(f"{via}:") and person.partition(":")[0] in platform_names()
        return _Sought(before, person, via, arrival.chat, tuple(chats), tuple(groups), may_be_gone, enough)

    def _told(self, sought: _Sought) -> Known[Belonging]:
        """What is known without asking anybody; None of the rest."""
        ids = sought.before.ids
        told = [self._told_of(destination, account) for destination, account in sought.chats]
        return [*told, *(self._groups.told(name, ids) for name in sought.groups)]

    def _told_of(self, destination: Destination, person: str) -> Belonging | None:
        let_in = destination.lets_in(person)
        if let_in is None:
            return None
        now = self._store.clock.now()
        return Belonging(Fact(destination.name, value=True, as_of=now) if let_in else None)

    async def _ask(self, sought: _Sought, told: Known[Belonging], by: float) -> WayIn:
        """Ask the platforms what is not known, where that is not enough."""
        gone = self.why_gone(sought.person, by) if sought.may_be_gone else None
        if sought.is_enough(told):
            return sought.way(told, None if gone is None else await gone)
        looking = [self._belonging(destination, account) for destination, account in sought.chats]
        looking += [self._groups.belonging(name, sought.before.ids) for name in sought.groups]
        looked = at_once(by, looking, sought.is_enough)
        if gone is None:
            return sought.way(await looked)
        return sought.way(*await both(looked, gone))

    async def sees(self, record: CardRecord, person: str, by: float, chat: str | None = None) -> bool:
        """Whether somebody may know about a request: they asked for it, or it is or was theirs to answer. It is looked
        up now. Raises `LookUpFailed` where that cannot be found out by then, `StoreError`.
        """
        ids = await self._store.reader.ids_of(person)
        if record.request.requested_by in ids:
            return True
        now = self._store.clock.now()

        def is_known_as_theirs(way: WayIn) -> bool:
            why = way.refusal(record, now)
            return why is None or not why.startswith(NOT_YOURS)

        platform, arrival = person.partition(":")[0], Arrival(now, by, chat=chat)
        way = await self.of(Before(record, ids), person, platform, arrival, enough=is_known_as_theirs)
        is_theirs = is_known_as_theirs(way)
        if way.unknown and not is_theirs:
            raise LookUpFailed(f"whether it is theirs depends on {', '.join(way.unknown)}")
        return is_theirs

    async def still_approves(self, grant: Granted) -> bool:
        """Whether whoever made a grant may approve now what they made it on, by all that can be looked up; if that
        cannot be found out, not. Raises `StoreError`.
        """
        account, by = grant.account, look_up_deadline()
        before = await self._store.reader.before_answer(grant.request_id, account)
        if before is None:
            return False
        now, via = self._store.clock.now(), grant.via
        if account.partition(":")[0] in platform_names():
            if await self.why_gone(account, by) is not None:
                return False
            via = account.partition(":")[0]
        way = await self.of(before, account, via, Arrival(now, by))
        return way.refusal(before.card, now) is None

    async def standing(self, person: str, via: str | None = None, by: float | None = None) -> WayIn:
        """To which chats and groups of the settings somebody belongs, for lists: it may be half a minute old, and of
        groups an hour, and decides nothing. Their accounts are those of now. Where something could not be looked up in
        time, the list may be too short, and has to say so.
        """
        now = self._store.clock.now()
        ids = await self._store.reader.ids_of(person)
        known = self._standings.get(person)
        if known is None or known[1].ids != ids or now - known[0] > _lives(known[1]):
            own = [Fact(name, value=True, as_of=now) for name in _own_chats(ids)]
            chats = [(chat, one) for chat in self._settings.chats() for one in _accounts_on(ids, chat)]
            groups = [f"{PREFIX}{name}" for name in self._settings.groups]
            looking = [self._belonging(chat, account) for chat, account in chats]
            looking += [self._groups.belonging(name, ids, STALE) for name in groups]
            found = await at_once(look_up_deadline() if by is None else by, looking)
            unknown = _unknown([*(chat.name for chat, _ in chats), *groups], found, person)
            known = (now, WayIn(ids, "", (*own, *_facts(found)), unknown))
            self._standings[person] = known
            while len(self._standings) > _MOST_STANDINGS:
                del self._standings[next(iter(self._standings))]
        return replace(known[1], via=via or person.partition(":")[0])

    def place_of(self, platform: str, chat: str) -> str | None:
        """The destination that a platform's chat is, where the settings have it."""
        found = [
            one.name for one in self._settings.chats() if (one.platform, one.chat_id) == (platform, chat)
        ]
        return found[0] if found else None

    async def successor(
        self, record: CardRecord, to: str, by: float
    ) -> tuple[tuple[str, ...], tuple[Fact, ...]]:
        """All ids of whoever is to be asked instead, and to which of the groups they belong that the policy lets it be
        handed over to. Raises `LookUpFailed` where they may belong to one that could not be looked up, `StoreError`.
        """
        policy = record.request.policy
        ids = await self._store.reader.ids_of(to)
        names = self._groups.among(() if policy is None else policy.hand_over_to)
        found = await at_once(by, [self._groups.belonging(name, ids) for name in names])
        unknown = _unknown(names, found, to)
        is_in = any(isinstance(one, Belonging) and one.is_in for one in found)
        if unknown and not is_in and policy is not None and {to, *ids}.isdisjoint(policy.hand_over_to):
            raise LookUpFailed(", ".join(unknown))
        return ids, _facts(found)

    async def why_gone(self, person: str, by: float) -> str | None:
        """Why somebody counts nowhere who comes by another way than their platform: it has closed their account, or
        does not say. Whoever was locked out there keeps no session here.
        """
        platform = person.partition(":")[0]
        if platform not in platform_names():
            return None
        membership = self._memberships.get(platform)
        if membership is None:
            return f"Not counted: {platform} is not connected, so {person} cannot be checked."
        try:
            return await in_time(by, membership.why_gone(person))
        except LookUpFailed as problem:
            logger.warning("cannot check whether %s still has an account: %s", person, problem)
            return (
                f"Not counted: it could not be checked that {person} is still an account. Please try again."
            )

    def _destinations(
        self, record: CardRecord, ids: Sequence[str], chat: str | None
    ) -> list[tuple[Destination, str]]:
        """Those of the request's audience on the platforms of somebody's accounts, with the account; the one where it
        was pressed first.
        """
        found: list[tuple[Destination, str]] = []
        for entry in entries_of(record):
            if entry.partition(":")[0] not in platform_names():
                continue
            try:
                destination = self._settings.destination(entry)
            except UnknownDestination as problem:
                logger.warning("request %s: %s", record.request.id, problem)
                continue
            found += [(destination, account) for account in _accounts_on(ids, destination)]
        return sorted(found, key=lambda one: one[0].chat_id != chat)

    async def _belonging(self, destination: Destination, person: str) -> Belonging:
        """Whether an account belongs to a chat. Raises `LookUpFailed`."""
        if (told := self._told_of(destination, person)) is not None:
            return told
        membership = self._memberships.get(destination.platform)
        if membership is None:
            raise LookUpFailed(f"{destination.platform} is not connected")
        why = await membership.why_not(destination, person)
        fact = Fact(destination.name, value=True, as_of=self._store.clock.now()) if why is None else None
        return Belonging(fact, why or "")


def _lives(standing: WayIn) -> timedelta:
    return _INCOMPLETE_LIVES if standing.unknown else _STANDING_LIVES


def _facts(found: Known[Belonging]) -> tuple[Fact, ...]:
    return tuple(one.fact for one in found if isinstance(one, Belonging) and one.fact is not None)


def _why(found: Known[Belonging]) -> str:
    """Why they do not count somewhere: the first reason."""
    return next((one.why for one in found if isinstance(one, Belonging) and one.why), "")


def _unknown(names: Sequence[str], found: Known[Belonging], person: str) -> tuple[str, ...]:
    """Those chats and groups that could not be looked up."""
    unknown: dict[str, None] = {}
    for name, one in zip(names, found, strict=True):
        if isinstance(one, LookUpFailed):
            logger.warning("cannot check whether %s belongs to %s: %s", person, name, one)
            unknown[name] = None
    return tuple(unknown)


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
    """What else somebody's own chats are called, where that needs no settings."""
    found: list[str] = []
    for one in ids:
        kind, _, rest = one.partition(":")
        platform = find_settings(kind)
        found += () if platform is None else platform.own_chats(rest)
    return found


def entries_of(record: CardRecord) -> tuple[str, ...]:
    """Everybody who may vote on a request, now or once it escalates."""
    policy = record.request.policy
    return (*record.request.audience, *(() if policy is None else policy.escalate_to))
