"""From a press, or a typed reply, to an answer: who it is, whether they are let in, and what they hear."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from sayso.adapters.cards import (
    Words,
    not_recorded_words,
    place_name,
    reply_words,
    unreadable_words,
)
from sayso.adapters.console import visible_line
from sayso.bots.groups import PREFIX, STALE, Groups
from sayso.bots.http import Act, Caller
from sayso.bots.membership import LookUpFailed, Membership
from sayso.config import MEMBERS, PLATFORMS, Destination, Settings, UnknownDestination
from sayso.engine import (
    ACCOUNTS_CHANGED,
    NOT_YOURS,
    CardRecord,
    Fact,
    InvalidRequest,
    Json,
    Outcome,
    OutcomeKind,
    PersonId,
    Policy,
    RequestStatus,
    Runtime,
    SQLiteStore,
    StoreError,
    UnstorableValue,
    Vote,
    Warrant,
    evaluate,
    is_approval,
)

logger = logging.getLogger("sayso.answers")

T = TypeVar("T")

_STANDING_LIVES = timedelta(seconds=30)
_MOST_STANDINGS = 1000
_LOOK_UPS = 3
"""How often somebody is looked up whose accounts change meanwhile, before they are asked to try again."""


@dataclass(frozen=True, slots=True)
class Press:
    """Somebody's say, as a platform brought it: an option by its position, or else a value.

    `chat` is the platform's id of the chat in which it was pressed, `event_key` what makes a repetition known. `via` is
    the surface, where that is not the platform of the account. With `break_glass` it shall count alone. That it comes
    from what was shown was made sure of before (`chats`). Look-ups end by `look_up_by`, on the loop's clock: what is
    not known then is not counted. `credential` is the hash of the secret by which somebody is let in who does not come
    by a platform.
    """

    request_id: str
    revision: int
    person: PersonId
    name: str
    event_key: str
    received_at: datetime
    choice: int | None = None
    value: Json = None
    comment: str | None = None
    chat: str | None = None
    via: str | None = None
    break_glass: bool = False
    look_up_by: float | None = None
    credential: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of it. `outcome` is None when it could not be stored; `words` are for the person alone.

    With `asks_why` nothing was decided yet: the policy wants a remark with this choice, and the person is to be asked.
    """

    outcome: Outcome | None
    record: CardRecord | None
    words: Words
    asks_why: bool = False


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


_VOTERS_UNKNOWN = (
    "Not done: it could not be found out who else has voted or asked. Please try again in a minute."
)

_CLOSED = {
    RequestStatus.ANSWERED: OutcomeKind.ALREADY_ANSWERED,
    RequestStatus.EXPIRED: OutcomeKind.EXPIRED,
    RequestStatus.WITHDRAWN: OutcomeKind.WITHDRAWN,
    RequestStatus.CANCELLED: OutcomeKind.CANCELLED,
}


class Answers(Protocol):
    """Who counts what became of answers."""

    def answered(self, platform: str, kind: str) -> None:
        """An answer had this outcome, `not_stored` where there is none."""
        ...


class Desk:
    """Takes presses from all platforms. Everything is committed before it returns."""

    def __init__(
        self,
        store: SQLiteStore,
        runtime: Runtime,
        settings: Settings,
        memberships: Mapping[str, Membership],
        groups: Groups,
        counts: Answers,
    ) -> None:
        self._store = store
        self._runtime = runtime
        self._settings = settings
        self._memberships = memberships
        self._groups = groups
        self._standings: dict[str, tuple[datetime, WayIn]] = {}
        self._counts = counts
        self._names: dict[str, str] = {}

    async def answer(self, press: Press) -> Answered:
        """Take an answer, or refuse it; never raises for what a person did."""
        platform = press.person.partition(":")[0]
        try:
            answered = await self._answer(press, platform)
        except StoreError as error:
            logger.error("an answer of %s could not be stored: %s", press.person, error)  # noqa: TRY400 - the reason says it all
            answered = Answered(None, None, not_recorded_words(error))
        if answered.asks_why:
            return answered
        kind = "not_stored" if answered.outcome is None else answered.outcome.kind.value
        self._counts.answered(platform, kind)
        logger.info(
            "answer of %s: %s",
            press.person,
            kind,
            extra={"request_id": press.request_id, "event_key": press.event_key},
        )
        return answered

    async def greet(self, person: str, name: str) -> None:
        """Remember what somebody is called. Raises `StoreError`."""
        if name and self._names.get(person) != name:
            await self._store.know(person, name)
            self._names[person] = name

    async def hindrance(self, press: Press) -> tuple[CardRecord | None, Words | None]:
        """Why somebody could not answer now, before they are asked for more than a press; None if they can.

        Decides nothing and records nothing. Raises `StoreError`.
        """
        record = await self._store.reader.card(press.request_id)
        if record is None:
            return None, unreadable_words()
        words = outdated_words(record, press.revision)
        if words is not None:
            return record, words
        way = await self.way_in(record, press.person, press.chat, press.via, press.look_up_by)
        why = way.refusal(record, self._store.clock.now())
        return record, None if why is None else self._refusal(record, way, why)

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

    async def way_in(
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
        gone = None if via is None else await self._why_gone(person)
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
        now. Raises `StoreError`.
        """
        if record.request.requested_by in await self._store.reader.ids_of(person):
            return True
        way = await self.way_in(record, person, chat)
        why = way.refusal(record, self._store.clock.now())
        return why is None or not why.startswith(NOT_YOURS)

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

    async def looked_up(self, request_id: str, caller: Caller, act: Act) -> Outcome:
        """What becomes of what somebody does by the API, with what can be looked up of them; once more where their
        accounts change meanwhile. Raises `LookUpFailed` where it cannot be found out who else has voted or asked,
        `StoreError`, and what `act` raises.
        """
        person, via = caller.person, caller.via
        is_known = self._settings.people or self._settings.groups or person.partition(":")[0] in PLATFORMS
        outcome = Outcome(OutcomeKind.NOT_ALLOWED, ACCOUNTS_CHANGED)
        for _ in range(_LOOK_UPS):
            facts: tuple[Fact, ...] = ()
            warrant = Warrant(caller.credential)
            record = await self._store.reader.card(request_id)
            await self.settle(record, person)
            if record is not None and is_known:
                way = await self.way_in(record, person, via=via)
                facts, warrant = way.facts, way.warrant(caller.credential)
            outcome = await act(facts, warrant)
            if outcome.reason != ACCOUNTS_CHANGED:
                break
        return outcome

    async def successor(self, record: CardRecord, to: str) -> tuple[tuple[str, ...], tuple[Fact, ...]]:
        """All ids of whoever is to be asked instead, and to which of the groups they belong that the policy lets it be
        handed over to. Raises `StoreError`.
        """
        policy = record.request.policy
        ids = await self._store.reader.ids_of(to)
        facts, _, _ = await self._groups.facts(() if policy is None else policy.hand_over_to, ids)
        return ids, facts

    async def withdraw(
        self, request_id: str, person: PersonId, via: str, credential: str | None = None
    ) -> Words:
        """Withdraw a request for whoever asked for it. Raises `StoreError`."""
        gone = None if person.startswith(f"{via}:") else await self._why_gone(person)
        warrant = Warrant(credential, refused=gone)
        outcome = await self._runtime.withdraw(request_id, person=person, via=via, warrant=warrant)
        return self._said(outcome, await self._store.reader.card(request_id))

    async def reassign(self, press: Press, to: str) -> Words:
        """Hand an approver's vote over to somebody else. Raises `StoreError`."""
        record = await self._store.reader.card(press.request_id)
        if record is None:
            return unreadable_words()
        try:
            await self.settle(record, press.person)
        except LookUpFailed as problem:
            logger.warning("request %s: who has voted: %s", press.request_id, problem)
            return (_VOTERS_UNKNOWN,)
        way = await self.way_in(record, press.person, press.chat, press.via)
        to_ids, to_facts = await self.successor(record, to)
        try:
            outcome = await self._runtime.reassign(
                press.request_id, press.revision, person=press.person, via=way.via, to=to, facts=way.facts,
                warrant=way.warrant(press.credential), to_ids=to_ids, to_facts=to_facts,
            )  # fmt: skip
        except InvalidRequest as error:
            return (f"Not handed over: {visible_line(error.reason)}.",)
        if outcome.kind is OutcomeKind.DONE:
            after = await self._store.reader.card(press.request_id) or record
            name = place_name(to, self._settings.place_names, after.names)
            return (f"Handed over to {name}. Your own vote does not count any more.",)
        if outcome.kind is OutcomeKind.NOT_ALLOWED:
            return self._refusal(record, way, outcome.reason)
        return self._said(outcome, record)

    def _said(self, outcome: Outcome, record: CardRecord | None) -> Words:
        if outcome.kind in (OutcomeKind.DONE, OutcomeKind.NOT_ALLOWED, OutcomeKind.INVALID):
            return (outcome.reason,)
        return reply_words(outcome, record, None)

    async def _answer(self, press: Press, platform: str) -> Answered:
        await self.greet(press.person, press.name)
        answered = await self._look_up_and_answer(press, platform)
        for _ in range(_LOOK_UPS - 1):
            if answered.outcome is None or answered.outcome.reason != ACCOUNTS_CHANGED:
                break
            answered = await self._look_up_and_answer(press, platform)
        return answered

    async def _look_up_and_answer(self, press: Press, platform: str) -> Answered:
        record = await self._store.reader.card(press.request_id)
        way = WayIn((press.person,), press.via or platform)
        if record is not None:
            try:
                await self.settle(record, press.person, press.look_up_by)
            except LookUpFailed as problem:
                logger.warning("request %s: who has voted: %s", press.request_id, problem)
                return Answered(Outcome(OutcomeKind.NOT_ALLOWED, _VOTERS_UNKNOWN), record, (_VOTERS_UNKNOWN,))
            way = await self.way_in(record, press.person, press.chat, press.via, press.look_up_by)
        value = _value(press, record)
        now = self._store.clock.now()
        if record is not None and way.refusal(record, now) is None and _lacks_remark(press, record, value):
            what = "approval" if is_approval(value) else "rejection"
            words = (f"Please say why: a remark is needed with this {what}.",)
            return Answered(None, record, words, asks_why=True)
        try:
            outcome = await self._runtime.answer(
                press.request_id,
                press.revision,
                value,
                person=press.person,
                via=way.via,
                event_key=press.event_key,
                comment=press.comment,
                received_at=press.received_at,
                facts=way.facts,
                break_glass=press.break_glass,
                warrant=way.warrant(press.credential),
            )
        except UnstorableValue as error:
            return Answered(Outcome(OutcomeKind.INVALID, str(error)), record, (str(error),))
        after = None if record is None else await self._store.reader.card(press.request_id)
        if outcome.kind is OutcomeKind.NOT_ALLOWED and after is not None:
            return Answered(outcome, after, self._refusal(after, way, outcome.reason))
        return Answered(outcome, after, reply_words(outcome, after, value))

    def _refusal(self, record: CardRecord, way: WayIn, reason: str) -> Words:
        """What somebody hears whose vote is not taken: in the words that people have for who was asked, and with what
        hindered them.
        """
        if not reason.startswith(NOT_YOURS):
            return (reason,)
        places = self._settings.place_names
        if way.unknown:
            asked = ", ".join(place_name(one, places, record.names) for one in way.unknown)
            return (
                f"Not counted: it could not be checked that you belong to {asked}. Please try again in a minute.",
            )
        asked = (
            ", ".join(place_name(one, places, record.names) for one in record.request.audience) or "nobody"
        )
        return (f"{NOT_YOURS} It was asked of {asked}.{f' {way.why}' if way.why else ''}",)

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

    async def _why_gone(self, person: str) -> str | None:
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

    async def _why_not(self, destination: Destination, person: str) -> str | None:
        let_in = destination.lets_in(person)
        if let_in is not None:
            return None if let_in else ""
        membership = self._memberships.get(destination.platform)
        if membership is None:
            raise LookUpFailed(f"{destination.platform} is not connected")
        return await membership.why_not(destination, person)


def outdated_words(record: CardRecord, revision: int) -> Words | None:
    """Why a card of this revision takes no answer any more, whoever gives it; None if it does."""
    request = record.request
    if not request.open:
        return reply_words(Outcome(_CLOSED[request.status], ""), record, None)
    if revision != request.revision:
        return reply_words(Outcome(OutcomeKind.SUPERSEDED, ""), record, None)
    return None


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


def _lacks_remark(press: Press, record: CardRecord, value: Json) -> bool:
    """Whether this press on an open card is one that the policy wants a remark with."""
    request = record.request
    is_current = request.open and press.revision == request.revision
    policy = request.policy
    return is_current and policy is not None and press.comment is None and policy.needs_comment(value)


def _value(press: Press, record: CardRecord | None) -> Json:
    """The value of an option's position. On a card of another revision it is nobody's: the store refuses it."""
    if press.choice is None or record is None or press.revision != record.request.revision:
        return press.value
    choices = record.request.question.choices
    return choices[press.choice].value if 0 <= press.choice < len(choices) else None
