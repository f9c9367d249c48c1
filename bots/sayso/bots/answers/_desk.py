"""From a press, or a typed reply, to an answer: who it is, whether they are let in, and what they hear."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sayso.adapters.cards import (
    Words,
    not_recorded_words,
    place_name,
    reply_words,
    unreadable_words,
)
from sayso.adapters.console import visible_line
from sayso.bots.answers._ways_in import WayIn, WaysIn
from sayso.bots.chats import outdated_words
from sayso.bots.http import Act, Caller
from sayso.bots.people import LookUpFailed, Turn, both, known, look_up_deadline, no_turn
from sayso.config import Settings
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
    Runtime,
    SQLiteStore,
    StoreError,
    UnstorableValue,
    Warrant,
    is_approval,
    platform_names,
)

logger = logging.getLogger("sayso.answers")

_LOOK_UPS = 3
"""How often somebody is looked up whose accounts change meanwhile, before they are asked to try again."""


@dataclass(frozen=True, slots=True)
class Press:
    """Somebody's say, as a platform brought it: an option by its position, or else a value.

    `chat` is the platform's id of the chat in which it was pressed, `event_key` what makes a repetition known. `via` is
    the surface, where that is not the platform of the account. With `break_glass` it shall count alone. That it comes
    from what was shown was made sure of before (`chats`). Look-ups end by `look_up_by`, on the loop's clock: what is
    not known then is not counted. It is decided in its `turn`. `credential` is the hash of the secret by which somebody
    is let in who does not come by a platform.
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
    look_up_by: float = field(default_factory=look_up_deadline)
    turn: Turn = no_turn
    credential: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of a press; `Desk.heard` has the words for its person. `outcome` is None when it could not be stored.

    `record` is the card as it was before, `way` how the person was let in, `value` what they said. `known` are words
    that need no look at the card as it stands now. With `asks_why` nothing was decided yet: the policy wants a remark
    with this choice, and the person is to be asked.
    """

    press: Press
    outcome: Outcome | None
    record: CardRecord | None = None
    way: WayIn | None = None
    value: Json = None
    known: Words | None = None
    asks_why: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """What somebody hears of their answer, for them alone, and the card as it stands then."""

    words: Words
    record: CardRecord | None


_VOTERS_UNKNOWN = (
    "Not done: it could not be found out who else has voted or asked. Please try again in a minute."
)


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
        ways_in: WaysIn,
        counts: Answers,
    ) -> None:
        self._store = store
        self._runtime = runtime
        self._settings = settings
        self._ways_in = ways_in
        self._counts = counts
        self._names: dict[str, str] = {}

    async def answer(self, press: Press) -> Answered:
        """Take an answer, or refuse it; never raises for what a person did."""
        platform = press.person.partition(":")[0]
        try:
            answered = await self._answer(press, platform)
        except StoreError as error:
            logger.error("an answer of %s could not be stored: %s", press.person, error)  # noqa: TRY400 - the reason says it all
            answered = Answered(press, None, known=not_recorded_words(error))
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

    async def heard(self, answered: Answered) -> Heard:
        """What the person hears of an answer. It is read behind the commit, so that nothing decided waits for it, and a
        failure here changes nothing: then they hear the bare outcome.
        """
        if answered.known is not None or answered.outcome is None:
            return Heard(answered.known or (), answered.record)
        outcome = answered.outcome
        try:
            after = (
                None if answered.record is None else await self._store.reader.card(answered.press.request_id)
            )
        except StoreError as error:
            logger.warning("request %s cannot be read: %s", answered.press.request_id, error)
            after = None
        if outcome.kind is OutcomeKind.NOT_ALLOWED and after is not None and answered.way is not None:
            return Heard(self._refusal(after, answered.way, outcome.reason), after)
        return Heard(reply_words(outcome, after, answered.value), after)

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
        now = self._store.clock.now()
        way = await self._ways_in.of(
            record, press.person, press.look_up_by, press.chat, press.via,
            enough=lambda so_far: so_far.refusal(record, now) is None,
        )  # fmt: skip
        why = way.refusal(record, now)
        return record, None if why is None else self._refusal(record, way, why)

    async def looked_up(self, request_id: str, caller: Caller, act: Act) -> Outcome:
        """What becomes of what somebody does by the API, with what can be looked up of them; once more where their
        accounts change meanwhile. Raises `LookUpFailed` where it cannot be found out who else has voted or asked,
        `StoreError`, and what `act` raises.
        """
        person, via, by = caller.person, caller.via, look_up_deadline()
        is_known = (
            self._settings.people or self._settings.groups or person.partition(":")[0] in platform_names()
        )
        outcome = Outcome(OutcomeKind.NOT_ALLOWED, ACCOUNTS_CHANGED)
        for _ in range(_LOOK_UPS):
            facts: tuple[Fact, ...] = ()
            warrant = Warrant(caller.credential)
            record = await self._store.reader.card(request_id)
            if record is not None and is_known:
                way = await self._ways_in.look_up(record, person, by, via=via)
                facts, warrant = way.facts, way.warrant(caller.credential)
            else:
                await self._ways_in.settle(record, person, by)
            outcome = await act(facts, warrant)
            if outcome.reason != ACCOUNTS_CHANGED:
                break
        return outcome

    async def withdraw(
        self, request_id: str, person: PersonId, via: str, credential: str | None = None
    ) -> Words:
        """Withdraw a request for whoever asked for it. Raises `StoreError`."""
        comes_by_platform = person.startswith(f"{via}:")
        gone = None if comes_by_platform else await self._ways_in.why_gone(person, look_up_deadline())
        warrant = Warrant(credential, refused=gone)
        outcome = await self._runtime.withdraw(request_id, person=person, via=via, warrant=warrant)
        return self._said(outcome, await self._store.reader.card(request_id))

    async def reassign(self, press: Press, to: str) -> Words:
        """Hand an approver's vote over to somebody else. Raises `StoreError`."""
        record = await self._store.reader.card(press.request_id)
        if record is None:
            return unreadable_words()
        way, successor = await both(
            known(self._ways_in.look_up(record, press.person, press.look_up_by, press.chat, press.via)),
            known(self._ways_in.successor(record, to, press.look_up_by)),
        )
        if isinstance(way, LookUpFailed):
            logger.warning("request %s: who has voted: %s", press.request_id, way)
            return (_VOTERS_UNKNOWN,)
        if isinstance(successor, LookUpFailed):
            logger.warning("request %s: whether %s is of %s", press.request_id, to, successor)
            what = f"it could not be checked whether {visible_line(to)} may be asked"
            return (f"Not handed over: {what}. Please try again in a minute.",)
        to_ids, to_facts = successor
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

    def unchecked(self, names: Sequence[str]) -> str:
        """What somebody hears of a list that may be too short, because it could not be checked that they belong to
        these chats and groups; nothing where there are none.
        """
        if not names:
            return ""
        places = ", ".join(place_name(one, self._settings.place_names, {}) for one in names)
        return (
            f"It could not be checked that you belong to {places}: what waits there may be missing. "
            "Please try again in a minute."
        )

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
                way = await self._ways_in.look_up(
                    record, press.person, press.look_up_by, press.chat, press.via
                )
            except LookUpFailed as problem:
                logger.warning("request %s: who has voted: %s", press.request_id, problem)
                refused = Outcome(OutcomeKind.NOT_ALLOWED, _VOTERS_UNKNOWN)
                return Answered(press, refused, record, known=(_VOTERS_UNKNOWN,))
        value = _value(press, record)
        instant = self._store.clock.now()
        if (
            record is not None
            and way.refusal(record, instant) is None
            and _lacks_remark(press, record, value)
        ):
            what = "approval" if is_approval(value) else "rejection"
            words = (f"Please say why: a remark is needed with this {what}.",)
            return Answered(press, None, record, known=words, asks_why=True)
        await press.turn()
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
            return Answered(press, Outcome(OutcomeKind.INVALID, str(error)), record, known=(str(error),))
        return Answered(press, outcome, record, way, value)

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
