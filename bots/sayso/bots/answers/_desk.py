"""From a press, or a typed reply, to an answer: who it is, whether they may, and what they are told."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from sayso.adapters.cards import (
    Mentioned,
    Words,
    granted_words,
    not_recorded_words,
    place_name,
    reply_words,
    unreadable_words,
)
from sayso.adapters.console import visible_line
from sayso.bots.answers._ways_in import WayIn, WaysIn
from sayso.bots.chats import outdated_words
from sayso.bots.http import Act, Caller
from sayso.bots.people import Arrival, LookUpFailed, both, known, look_up_deadline
from sayso.config import Settings
from sayso.engine import (
    ACCOUNTS_CHANGED,
    ANYWHERE,
    NOT_YOURS,
    AnswerAttempt,
    Before,
    CardRecord,
    Fact,
    InvalidRequest,
    Json,
    Locale,
    Outcome,
    OutcomeKind,
    PersonId,
    Reasons,
    Runtime,
    Store,
    StoreError,
    UnstorableValue,
    Warrant,
    find_platform,
    is_approval,
    is_person,
    offered,
    platform_names,
)

logger = logging.getLogger("sayso.answers")

_LOOK_UPS = 3
"""How often somebody is looked up whose accounts change meanwhile, before they are asked to try again."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The result of an attempt to answer; `Desk.heard` has the words for its person. `outcome` is None when it could
    not be stored.

    `record` is the card as it was before, without the names of people, and `way` what gave the person access. `known`
    are words that need neither. With `asks_why` nothing was decided yet: the person is to be asked why they chose this.
    """

    attempt: AnswerAttempt
    outcome: Outcome | None
    record: CardRecord | None = None
    way: WayIn | None = None
    known: Words | None = None
    asks_why: bool = False


_OWN_ANSWER = frozenset({OutcomeKind.RESOLVED, OutcomeKind.HELD, OutcomeKind.DUPLICATE})
"""What is said of these is what somebody answered, where no policy with stages decides something else."""

_VOTERS_UNKNOWN = (
    "Not done: it could not be checked who else has voted or asked. Please try again in a minute."
)


class Answers(Protocol):
    """Counts the outcomes of answers."""

    def answered(self, platform: str, kind: str) -> None:
        """An answer had this outcome, `not_stored` where there is none."""
        ...


class Desk:
    """Takes presses from all platforms. Everything is committed before it returns."""

    def __init__(
        self,
        store: Store,
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

    async def answer(
        self,
        attempt: AnswerAttempt,
        arrival: Arrival,
        before: Before | None = None,
        *,
        is_press: bool = False,
    ) -> Answered:
        """Take an answer, or refuse it; never raises for what a person did. That it comes from what was shown was made
        sure of before (`chats`), and `before` is what was read for that, if anything was. With `is_press` nobody was
        asked why yet: where reasons are suggested, that comes first, also where the policy requires none.
        """
        try:
            answered = await self._answer(attempt, arrival, before, is_press=is_press)
        except StoreError as error:
            logger.error("could not store an answer by %s: %s", attempt.person, error)  # noqa: TRY400 - the reason says it all
            answered = Answered(attempt, None, known=not_recorded_words(error))
        if answered.asks_why:
            return answered
        kind = "not_stored" if answered.outcome is None else answered.outcome.kind.value
        self._counts.answered(attempt.person.partition(":")[0], kind)
        logger.info(
            "answer of %s: %s",
            attempt.person,
            kind,
            extra={"request_id": attempt.request_id, "event_key": attempt.event_key},
        )
        return answered

    async def heard(self, answered: Answered, locale: Locale = ANYWHERE) -> Words:
        """What the person is told about an answer, with numbers and dates as in their locale. What was not known
        before is read after the commit, so that no decision waits for it, and a failure here changes nothing: they
        are told the bare outcome.
        """
        outcome, attempt, record = answered.outcome, answered.attempt, answered.record
        if answered.known is not None or outcome is None:
            return answered.known or ()
        is_own = record is not None and record.request.policy is None and outcome.kind in _OWN_ANSWER
        if record is None or is_own or outcome.kind is OutcomeKind.COUNTED:
            return reply_words(outcome, record, attempt.value, locale)
        after = await self.card_after(attempt.request_id)
        if outcome.kind is OutcomeKind.NOT_ALLOWED and after is not None and answered.way is not None:
            return self._refusal(after, answered.way, attempt.person, outcome.reason)
        words = reply_words(outcome, after, attempt.value, locale)
        if after is None or attempt.offer is None or not outcome.accepted:
            return words
        return (*words, *granted_words(after, attempt.person, attempt.offer))

    async def card_after(self, request_id: str) -> CardRecord | None:
        """The card after an answer; None where it cannot be read."""
        try:
            return await self._store.reader.card(request_id)
        except StoreError as error:
            logger.warning("cannot read request %s: %s", request_id, error)
            return None

    async def greet(self, person: str, name: str) -> None:
        """Remember what somebody is called. Raises `StoreError`."""
        if name and self._names.get(person) != name:
            await self._store.know(person, name)
            self._names[person] = name

    async def hindrance(
        self, attempt: AnswerAttempt, arrival: Arrival
    ) -> tuple[CardRecord | None, Words | None]:
        """Why somebody could not answer now, before they are asked for more than a press; None if they can.

        Decides nothing and records nothing. Raises `StoreError`.
        """
        record = await self._store.reader.card(attempt.request_id)
        if record is None:
            return None, unreadable_words()
        words = outdated_words(record, attempt.revision)
        if words is not None:
            return record, words
        now = self._store.clock.now()
        before = Before(record, await self._store.reader.ids_of(attempt.person))
        way = await self._ways_in.of(
            before, attempt.person, attempt.via, arrival,
            enough=lambda so_far: so_far.refusal(record, now) is None,
        )  # fmt: skip
        why = way.refusal(record, now)
        return record, None if why is None else self._refusal(record, way, attempt.person, why)

    async def looked_up(self, before: Before, caller: Caller, act: Act) -> Outcome:
        """The outcome of what somebody does through the API, with what can be looked up about them; again if their
        accounts change meanwhile. Raises `LookUpFailed` where it cannot be found out who else has voted or asked,
        `StoreError`, and what `act` raises.
        """
        person, arrival = caller.person, Arrival.now(self._store.clock)
        is_known = (
            self._settings.people or self._settings.groups or person.partition(":")[0] in platform_names()
        )
        outcome = Outcome(OutcomeKind.NOT_ALLOWED, ACCOUNTS_CHANGED)
        for _ in range(_LOOK_UPS):
            facts: tuple[Fact, ...] = ()
            warrant = Warrant(caller.credential)
            if is_known:
                way = await self._ways_in.look_up(before, person, caller.via, arrival)
                facts, warrant = way.facts, way.warrant(caller.credential)
            else:
                await self._ways_in.settle(before.card, person, arrival.look_up_by)
            outcome = await act(facts, warrant)
            if outcome.reason != ACCOUNTS_CHANGED:
                break
            before = await self._store.reader.before_answer(before.card.request.id, person) or before
        return outcome

    async def opened(self, attempt: AnswerAttempt) -> None:
        """Record that somebody has been shown all of a request, in the revision in which they opened it. Raises
        `StoreError`.
        """
        await self._runtime.opened(
            attempt.request_id, attempt.revision, person=attempt.person, via=attempt.via
        )

    async def withdraw(
        self, request_id: str, person: PersonId, via: str, credential: str | None = None
    ) -> Words:
        """Withdraw a request for its requester. Raises `StoreError`."""
        comes_by_platform = person.startswith(f"{via}:")
        gone = None if comes_by_platform else await self._ways_in.why_gone(person, look_up_deadline())
        warrant = Warrant(credential, refused=gone)
        outcome = await self._runtime.withdraw(request_id, person=person, via=via, warrant=warrant)
        return self._said(outcome, await self._store.reader.card(request_id))

    async def reassign(self, attempt: AnswerAttempt, arrival: Arrival, to: str) -> Words:
        """Hand an approver's vote over to somebody else. Raises `StoreError`."""
        person, by = attempt.person, arrival.look_up_by
        before = await self._store.reader.before_answer(attempt.request_id, person)
        if before is None:
            return unreadable_words()
        way, successor = await both(
            known(self._ways_in.look_up(before, person, attempt.via, arrival)),
            known(self._ways_in.successor(before.card, to, by)),
        )
        if isinstance(way, LookUpFailed):
            logger.warning("request %s: cannot look up its voters: %s", attempt.request_id, way)
            return (_VOTERS_UNKNOWN,)
        if isinstance(successor, LookUpFailed):
            logger.warning(
                "request %s: cannot check whether %s belongs to %s", attempt.request_id, to, successor
            )
            what = f"it could not be checked whether {visible_line(to)} may be asked"
            return (f"Not handed over: {what}. Please try again in a minute.",)
        to_ids, to_facts = successor
        try:
            outcome = await self._runtime.reassign(
                attempt.request_id, attempt.revision, person=person, via=way.via, to=to, facts=way.facts,
                warrant=way.warrant(_credential(attempt)), to_ids=to_ids, to_facts=to_facts,
            )  # fmt: skip
        except InvalidRequest as error:
            return (f"Not handed over: {visible_line(error.reason)}.",)
        after = await self._store.reader.card(attempt.request_id) or before.card
        if outcome.kind is OutcomeKind.DONE:
            name = place_name(to, self._settings.place_names, after.names)
            return (f"Handed over to {name}. Your own vote no longer counts.",)
        if outcome.kind is OutcomeKind.NOT_ALLOWED:
            return self._refusal(after, way, person, outcome.reason)
        return self._said(outcome, after)

    def unchecked(self, names: Sequence[str]) -> str:
        """What somebody is told about a list that may be too short, because it could not be checked that they belong to
        these chats and groups; nothing where there are none.
        """
        if not names:
            return ""
        places = ", ".join(place_name(one, self._settings.place_names, {}) for one in names)
        return (
            f"It could not be checked that you belong to {places}: requests there may be missing. "
            "Please try again in a minute."
        )

    def _said(self, outcome: Outcome, record: CardRecord | None) -> Words:
        if outcome.kind in (OutcomeKind.DONE, OutcomeKind.NOT_ALLOWED, OutcomeKind.INVALID):
            return (outcome.reason,)
        return reply_words(outcome, record, None)

    async def _answer(
        self, attempt: AnswerAttempt, arrival: Arrival, before: Before | None, *, is_press: bool
    ) -> Answered:
        if arrival.name and self._names.get(attempt.person) != arrival.name:
            await self.greet(attempt.person, arrival.name)
        for _ in range(_LOOK_UPS - 1):
            answered = await self._look_up_and_answer(attempt, arrival, before, is_press=is_press)
            if answered.outcome is None or answered.outcome.reason != ACCOUNTS_CHANGED:
                return answered
            before = None
        return await self._look_up_and_answer(attempt, arrival, None, is_press=is_press)

    async def _look_up_and_answer(
        self, attempt: AnswerAttempt, arrival: Arrival, before: Before | None, *, is_press: bool
    ) -> Answered:
        if before is None:
            before = await self._store.reader.before_answer(attempt.request_id, attempt.person)
        record, way = None, WayIn((attempt.person,), attempt.via)
        if before is not None:
            record = before.card
            try:
                way = await self._ways_in.look_up(before, attempt.person, attempt.via, arrival)
            except LookUpFailed as problem:
                logger.warning("request %s: cannot look up its voters: %s", attempt.request_id, problem)
                refused = Outcome(OutcomeKind.NOT_ALLOWED, _VOTERS_UNKNOWN)
                return Answered(attempt, refused, record, known=(_VOTERS_UNKNOWN,))
            reasons = _reasons_lacking(attempt, record, way)
            is_asked = reasons is not None and (reasons.required or is_press)
            if is_asked and way.refusal(record, self._store.clock.now()) is None:
                what = "approval" if is_approval(attempt.value) else "rejection"
                words = (f"This {what} needs a comment. Say why.",)
                return Answered(attempt, None, record, known=words, asks_why=True)
        await arrival.turn()
        warrant = way.warrant(_credential(attempt))
        made = replace(attempt, via=way.via, facts=way.facts, warrant=warrant)
        try:
            outcome = await self._runtime.take(made)
        except UnstorableValue as error:
            return Answered(attempt, Outcome(OutcomeKind.INVALID, str(error)), record, known=(str(error),))
        return Answered(attempt, outcome, record, way)

    def _refusal(self, record: CardRecord, way: WayIn, account: str, reason: str) -> Words:
        """What somebody is told by this account whose vote is not taken: in the words that people have for who was
        asked, and with what hindered them.
        """
        if not reason.startswith(NOT_YOURS):
            return (reason,)
        places = self._settings.place_names
        if way.unknown:
            asked = ", ".join(place_name(one, places, record.names) for one in way.unknown)
            return (
                f"Not counted: it could not be checked that you belong to {asked}. Please try again in a minute.",
            )
        called = [
            part for one in record.request.voters for part in (", ", self._called(one, record, account))
        ]
        return (
            f"{NOT_YOURS} Approvers: ",
            *(called[1:] or ["nobody"]),
            f".{f' {way.why}' if way.why else ''}",
        )

    def _called(self, entry: str, record: CardRecord, account: str) -> str:
        """An approver in words to an account: somebody whose name nobody has told yet by a mention, where they share a
        platform, for an id says nothing.
        """
        names = {**self._settings.person_names, **record.names}
        space, _, own = entry.rpartition(":")
        platform = find_platform(entry.partition(":")[0])
        if platform is None or not is_person(entry) or names.get(entry):
            return place_name(entry, self._settings.place_names, names)
        name = f"somebody in {platform.title}"
        return Mentioned(name, own) if account.rpartition(":")[0] == space else name


def _reasons_lacking(attempt: AnswerAttempt, record: CardRecord, way: WayIn) -> Reasons | None:
    """What is asked with this attempt at the card as it is, which does not say why; None where nothing is, and where it
    changes nothing.
    """
    if attempt.revision != record.request.revision or attempt.comment is not None:
        return None
    is_known = any(vote.person in way.ids and vote.value == attempt.value for vote in record.votes)
    return None if is_known else record.request.reasons_for(attempt.value)


def _credential(attempt: AnswerAttempt) -> str | None:
    return None if attempt.warrant is None else attempt.warrant.credential


def granting(attempt: AnswerAttempt, record: CardRecord | None, number: int) -> AnswerAttempt:
    """The attempt as an approval beyond this one request, by the position of the way that was chosen. On a card of
    another revision, or at a position that is none, the store refuses it.
    """
    if record is None or attempt.revision != record.request.revision:
        return replace(attempt, value=None, offer="")
    question = record.request.question
    found = offered(record.request.policy, question)
    key = found[number].key if 0 <= number < len(found) else ""
    return replace(attempt, value=True if question.input_type == "confirm" else "approve", offer=key)


def choice_of(record: CardRecord | None, revision: int, number: int) -> Json:
    """What is meant by the option at a position, or by 1 and 0 for yes and no. On a card of another revision it is
    nobody's: the store refuses it.
    """
    if record is None or revision != record.request.revision:
        return None
    question = record.request.question
    if question.input_type == "confirm":
        return bool(number)
    return question.choices[number].value if 0 <= number < len(question.choices) else None
