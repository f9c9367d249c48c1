"""What conversations are about: a request that somebody answers, or a workflow that they start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sayso.adapters.cards import Card, ToType, Words, unreadable_words
from sayso.adapters.console import visible_line
from sayso.adapters.telegram import (
    Conversation,
    Finished,
    Offer,
    Prompt,
    Step,
    StepButton,
    prompt,
    prompt_start,
    start_hindrance,
    take_button,
    take_start_button,
    take_start_text,
    take_text,
)
from sayso.bots.answers import Answering, Start
from sayso.bots.chats import Parts, card_of, outdated_words
from sayso.bots.people import Arrival
from sayso.engine import ANYWHERE, CardRecord, Locale, OutcomeKind, PersonId, Question, Workflow

STARTS_LIVE = timedelta(days=1)
"""How long somebody may take to start a workflow."""

_STALE = timedelta(hours=1)
_ANSWERED_SINCE = "You have answered this since. The card shows what counts, and its buttons change it."
_LEFT: Words = (
    "This was left for a day, so it is closed. Nothing was started. Send ",
    ToType("/run"),
    " to begin again.",
)
_CANCELLED: Words = ("Cancelled. Nothing was decided.",)
_NOT_STARTED: Words = ("Cancelled. Nothing was started.",)


@dataclass(frozen=True, slots=True)
class Topic:
    """What a conversation is about, as it stands now. `over` says why nothing can come of it any more; with `is_known`
    the person did that themself, with `is_stale` it is so long ago that it is no news. `record` is the request's,
    `locale` the person's.
    """

    about: Card | Offer
    over: Words | None = None
    is_known: bool = False
    is_stale: bool = False
    record: CardRecord | None = None
    locale: Locale = ANYWHERE

    def ask(self, conversation: Conversation, reason: str | None = None) -> Prompt:
        """What to ask now."""
        if isinstance(self.about, Offer):
            return prompt_start(self.about, conversation, reason, self.locale)
        return prompt(self.about, conversation, reason, self.locale)

    def press(self, conversation: Conversation, button: StepButton) -> Step:
        """What a press leads to."""
        if isinstance(self.about, Offer):
            return take_start_button(self.about, conversation, button)
        return take_button(self.about, conversation, button)

    def hear(self, conversation: Conversation, text: str) -> Step:
        """What a typed reply leads to."""
        if isinstance(self.about, Offer):
            return take_start_text(self.about, conversation, text, self.locale)
        return take_text(self.about, conversation, text, self.locale)

    def title(self, conversation: Conversation) -> str:
        """What it is called once it has ended."""
        if isinstance(self.about, Card):
            return visible_line(self.about.prompt)
        name = "" if conversation.start is None else conversation.start.name
        return f"Start {visible_line(name)}" if name else "Start a workflow"

    @property
    def cancelled(self) -> Words:
        """What somebody hears who stops."""
        return _NOT_STARTED if isinstance(self.about, Offer) else _CANCELLED


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of the end of a conversation. With `is_refused` the words say why something else is asked for, with
    `is_lost` it could not be stored, and can be sent again as it is.
    """

    words: Words
    is_refused: bool = False
    is_lost: bool = False


class Topics:
    """Finds what conversations are about, and does what they come to."""

    def __init__(self, parts: Parts, answering: Answering) -> None:
        self._store = parts.store
        self._settings = parts.settings
        self._desk = answering.desk
        self._starts = answering.commands.starts

    async def of(self, conversation: Conversation) -> Topic | None:
        """What it is about; None where that is gone."""
        if conversation.start is not None:
            return await self._start(conversation)
        record = await self._store.reader.card(conversation.request_id)
        if record is None:
            return None
        words = outdated_words(record, conversation.revision)
        has_voted = vote_of(record, conversation.person) != conversation.voted
        if words is None and has_voted:
            words = (_ANSWERED_SINCE,)
        closed = record.request.resolved_at
        is_stale = closed is not None and self._store.clock.now() - closed > _STALE
        return Topic(
            card_of(record, self._settings), words, has_voted, is_stale, record, self.locale(conversation)
        )

    async def _start(self, conversation: Conversation) -> Topic:
        start = conversation.start
        assert start is not None
        mine = offer_of(await self._starts.of(conversation.person))
        locale = self.locale(conversation)
        late = self._store.clock.now() - start.begun
        if late > STARTS_LIVE:
            return Topic(mine, _LEFT, is_stale=late > STARTS_LIVE + _STALE, locale=locale)
        words = start_hindrance(mine, start)
        return Topic(mine, words, locale=locale)

    def locale(self, conversation: Conversation) -> Locale:
        """How somebody reads and writes, as far as Telegram and the directory tell."""
        return Locale.of(conversation.language, self._settings.zone_of(conversation.person))

    def place_of(self, person: str, chat: str) -> str | None:
        """The destination that a chat is, where cards can go there."""
        return self._starts.place_of(person, chat)

    async def offer(self, person: str) -> Offer:
        """What somebody may start."""
        return offer_of(await self._starts.of(person))

    async def finish(self, conversation: Conversation, step: Finished, arrived: Arrival) -> Ending:
        """Answer, or start, with what the conversation came to. Raises `StoreError` where nothing was started."""
        start = conversation.start
        if start is not None:
            shared: dict[str, Any] = step.value if isinstance(step.value, dict) else {}
            same = replace(arrived, key=start.key)
            wish = Start(PersonId(conversation.person), start.name, same, start.asked_in)
            begun = await self._starts.begin(wish, shared, "/")
            return Ending(begun.words, begun.is_refused)
        asked = conversation.request_id, conversation.revision
        attempt = arrived.attempt(conversation.person, *asked, step.value, step.comment)
        answered = await self._desk.answer(attempt, arrived)
        words = await self._desk.heard(answered, self.locale(conversation))
        if answered.outcome is None:
            return Ending(words, is_lost=True)
        return Ending(words, answered.outcome.kind is OutcomeKind.INVALID)


def offer_of(workflows: Mapping[str, Workflow]) -> Offer:
    """The workflows as they are offered."""
    return Offer({name: _form_of(workflow) for name, workflow in workflows.items()})


def _form_of(workflow: Workflow) -> Question | None:
    if workflow.inputs is None or not workflow.fields:
        return None
    return Question(None, None, "form", workflow.inputs, None)


def vote_of(record: CardRecord, person: str) -> str:
    """When somebody's vote so far was given; nothing where there is none."""
    own = (vote for vote in record.votes if person in (vote.person, vote.account, *vote.accounts))
    return next((vote.at.isoformat() for vote in own), "")


def over_words(topic: Topic | None) -> Words | None:
    """Why a conversation cannot go on, whatever comes next; None if it can."""
    return unreadable_words() if topic is None else topic.over
