"""From a press, or a typed reply, to an answer: who it is, whether they are let in, and what they hear."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sayso.adapters.cards import Words, not_recorded_words, place_name, reply_words, unreadable_words
from sayso.config import PLATFORMS, Destination, Members, Settings, UnknownDestination
from sayso.engine import (
    CardRecord,
    Fact,
    Json,
    Outcome,
    OutcomeKind,
    PersonId,
    RequestStatus,
    Runtime,
    SQLiteStore,
    StoreError,
    UnstorableValue,
)

logger = logging.getLogger("sayso.answers")


class LookUpFailed(Exception):
    """Whether somebody belongs to a chat could not be found out: the answer is refused."""


class Membership(Protocol):
    """Who belongs to a platform's chats, as the platform says now."""

    async def is_member(self, destination: Destination, person: str) -> bool:
        """Whether a person (`slack:T1:U2`, `telegram:7`) belongs to the destination's chat. Raises `LookUpFailed`."""
        ...


@dataclass(frozen=True, slots=True)
class Press:
    """Somebody's say, as a platform brought it: an option by its position, or else a value.

    `chat` is the platform's id of the chat in which it was pressed, `event_key` what makes a repetition known.
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
    """By which destination of a request somebody is let in. `unknown` are those that could not be looked up."""

    via: str
    facts: tuple[Fact, ...] = ()
    unknown: tuple[str, ...] = ()


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
        counts: Answers,
    ) -> None:
        self._store = store
        self._runtime = runtime
        self._settings = settings
        self._memberships = memberships
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
        request = record.request
        if not request.open:
            return record, reply_words(Outcome(_CLOSED[request.status], ""), record, None)
        if press.revision != request.revision:
            return record, reply_words(Outcome(OutcomeKind.SUPERSEDED, ""), record, None)
        way = await self.way_in(record, press.person, press.chat)
        audience = request.audience
        let_in = way.via in audience or press.person in audience
        return record, None if let_in else self._refusal(record, way)

    async def way_in(self, record: CardRecord, person: str, chat: str | None = None) -> WayIn:
        """How somebody is let in to a request from the platform that they are on; by none of its destinations, the way
        in is the platform itself, which lets in those alone whom the audience names.
        """
        platform = person.partition(":")[0]
        unknown: list[str] = []
        for destination in self._destinations(record, platform, chat):
            try:
                if await self._is_let_in(destination, person):
                    return WayIn(destination.name, (self._fact(destination),))
            except LookUpFailed as problem:
                logger.warning("whether %s belongs to %s: %s", person, destination.name, problem)
                unknown.append(destination.name)
        return WayIn(platform, unknown=tuple(unknown))

    async def _answer(self, press: Press, platform: str) -> Answered:
        await self.greet(press.person, press.name)
        record = await self._store.reader.card(press.request_id)
        way = WayIn(platform) if record is None else await self.way_in(record, press.person, press.chat)
        value = _value(press, record)
        if record is not None and _is_let_in(way, press, record) and _lacks_remark(press, record, value):
            return Answered(None, record, ("Please say why.",), asks_why=True)
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
            )
        except UnstorableValue as error:
            return Answered(Outcome(OutcomeKind.INVALID, str(error)), record, (str(error),))
        after = None if record is None else await self._store.reader.card(press.request_id)
        if (
            outcome.kind is OutcomeKind.NOT_ALLOWED
            and after is not None
            and not _is_let_in(way, press, after)
        ):
            return Answered(outcome, after, self._refusal(after, way))
        return Answered(outcome, after, reply_words(outcome, after, value))

    def _refusal(self, record: CardRecord, way: WayIn) -> Words:
        places = self._settings.place_names
        if way.unknown:
            asked = ", ".join(place_name(one, places, record.names) for one in way.unknown)
            return (
                f"Not counted: it could not be checked that you belong to {asked}. Please try again in a minute.",
            )
        asked = (
            ", ".join(place_name(one, places, record.names) for one in record.request.audience) or "nobody"
        )
        return (f"This is not yours to answer. It was asked of {asked}.",)

    def _destinations(self, record: CardRecord, platform: str, chat: str | None) -> list[Destination]:
        """Those of the request's audience on a platform, the one where it was pressed first."""
        found: list[Destination] = []
        for entry in record.request.audience if platform in PLATFORMS else ():
            if entry.partition(":")[0] == platform:
                try:
                    found.append(self._settings.destination(entry))
                except UnknownDestination as problem:
                    logger.warning("request %s: %s", record.request.id, problem)
        return sorted(found, key=lambda destination: destination.chat_id != chat)

    async def _is_let_in(self, destination: Destination, person: str) -> bool:
        let_in = destination.lets_in(person)
        if let_in is not None:
            return let_in
        membership = self._memberships.get(destination.platform)
        if membership is None:
            raise LookUpFailed(f"{destination.platform} is not connected")
        return await membership.is_member(destination, person)

    def _fact(self, destination: Destination) -> Fact:
        """On what somebody was let in, for the audit trail."""
        audience = destination.audience
        shown: Json = "members" if isinstance(audience, Members) else list(audience or (destination.chat_id,))
        return Fact("audience", shown, self._store.clock.now())


def _is_let_in(way: WayIn, press: Press, record: CardRecord) -> bool:
    return way.via in record.request.audience or press.person in record.request.audience


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
