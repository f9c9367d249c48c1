"""Names, answers, and what a person hears in private after a press."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Self, TypeAlias

from sayso.adapters.cards._text import cut
from sayso.adapters.console import answer_words, person_name, visible, visible_line
from sayso.engine import (
    ANYWHERE,
    NOT_FOUND,
    CardRecord,
    Json,
    Locale,
    Outcome,
    OutcomeKind,
    Question,
    StoreError,
    StoreFull,
    StoreReplaced,
    StoreUncertain,
    batch_number,
    find_platform,
)

Words: TypeAlias = tuple[str | datetime, ...]
"""A text whose instants are still to be put into the reader's own time."""


class At(str):
    """The word "at" before a time in a sentence, for surfaces that write the day first: `today at 12:01`."""

    __slots__ = ()


AT = At("at ")


class ToType(str):
    """A command of sayso's own, as somebody types it: surfaces may send or copy it at a tap, as nothing that people
    wrote.
    """

    __slots__ = ()


class Since(datetime):
    """A time that is best shown as an age, `2 h ago`, if the surface keeps ages up to date. Other surfaces show the
    time.
    """

    @classmethod
    def at(cls, instant: datetime) -> Self:
        """The same time, shown as an age."""
        return cls.combine(instant.date(), instant.timetz())


class Mentioned(str):
    """A name that a surface can draw as a mention, which notifies them: `id` is the platform's own id of the person or,
    with `is_group`, of the group. Other surfaces show the name.
    """

    __slots__ = ("id", "is_group")

    id: str
    is_group: bool

    def __new__(cls, name: str, id: str, *, is_group: bool = False) -> Self:
        """The name of whom this id means."""
        made = super().__new__(cls, name)
        made.id, made.is_group = id, is_group
        return made


Mentions: TypeAlias = Callable[[str], tuple[Mentioned, ...]]
"""Whom an entry of a policy means at a place, of those who can be mentioned there."""


def nobody(_entry: str) -> tuple[Mentioned, ...]:
    """Mentions nobody."""
    return ()


_LONGEST_ECHO = 200
_LONGEST_WHICH = 60
_NO_CHANGE = "Nothing changed."
_PAST_TENSE = {"approve": "Approved", "reject": "Rejected"}
_PLACES = {"operator": "the operators", "console": "the terminal", "web": "the web inbox", "api": "the API"}


def place_name(entry: str, names: Mapping[str, str], people: Mapping[str, str]) -> str:
    """An entry of a policy or audience in words; `names` are those of destinations."""
    if entry in names:
        return visible_line(names[entry])
    if entry in _PLACES:
        return _PLACES[entry]
    platform, _, rest = entry.partition(":")
    if platform == "group":
        return visible_line(f"@{rest}")
    found = find_platform(platform) if entry not in people and ":" not in rest else None
    if found is not None:
        return visible_line(f"{rest} ({found.title})")
    return person_name(entry, people)


def past_tense(question: Question, value: Json) -> str | None:
    """`Approved` or `Rejected` where that is what was chosen."""
    return _PAST_TENSE.get(value) if question.options and isinstance(value, str) else None


def vote_words(question: Question, value: Json, locale: Locale = ANYWHERE) -> str:
    """A vote in the past tense: `approved`, `rejected`, or the choice; every choice but approve is a no."""
    if isinstance(value, bool):
        return "approved" if value else "rejected"
    past = _PAST_TENSE.get(str(value))
    return past.lower() if past else f"answered “{answer_words(question, value, locale)}”"


def why_words(question: Question, value: Json) -> str:
    """The question for a reason with this choice, such as `Why reject?`."""
    if isinstance(value, str) and value in _PAST_TENSE:
        return f"Why {value}?"
    said = answer_words(question, value)
    return f"Why {said}?" if isinstance(value, bool) else f"Why “{said}”?"


def reply_words(outcome: Outcome, record: CardRecord | None, value: Json, locale: Locale = ANYWHERE) -> Words:
    """The private reply to the person who answered, in their locale; `record` is the request after the outcome."""
    if record is None:
        return (outcome.reason,)
    said = _reply(outcome, record, value, locale)
    return said if (which := which_of_batch(record)) is None else (f"{which} · ", *said)


def which_of_batch(record: CardRecord) -> str | None:
    """Which of the questions of its batch a request asks; None if it was asked alone."""
    number = batch_number(record)
    if number is None:
        return None
    return f"{number}. {visible_line(cut(record.request.question.prompt or '', _LONGEST_WHICH))}"


def _reply(outcome: Outcome, record: CardRecord, value: Json, locale: Locale) -> Words:
    match outcome.kind:
        case OutcomeKind.RESOLVED | OutcomeKind.HELD | OutcomeKind.DUPLICATE:
            return (_own_answer(outcome.kind, record, value, locale),)
        case OutcomeKind.ALREADY_ANSWERED:
            return _already_answered(record)
        case OutcomeKind.EXPIRED:
            return ("This closed ", AT, record.request.deadline or record.request.asked_at, f". {_NO_CHANGE}")
        case OutcomeKind.WITHDRAWN | OutcomeKind.CANCELLED:
            return _taken_back(record, outcome.kind)
        case OutcomeKind.SUPERSEDED:
            when = () if record.revised_at is None else (" ", AT, record.revised_at)
            return ("The question changed", *when, ". Read it again and choose.")
        case _:
            return (visible(outcome.reason),)


def _own_answer(kind: OutcomeKind, record: CardRecord, value: Json, locale: Locale) -> str:
    question = record.request.question
    past = past_tense(question, value)
    said = _short(answer_words(question, value, locale))
    if kind is OutcomeKind.DUPLICATE:
        return f"You already {past.lower()} this." if past else f"You already answered this: {said}."
    held = kind is OutcomeKind.HELD
    then = ", but paused: an operator has to look at the workflow." if held else ". The workflow continues."
    decided = _answer_of(record)
    if record.request.policy is not None and decided is not None and decided != value:
        own = vote_words(question, value, locale)
        return f"You {own}. Decided: {_short(answer_words(question, decided, locale))}{then}"
    return f"{past or f'Recorded: {said}'}{then}"


def not_recorded_words(error: StoreError) -> Words:
    """The reply to a person whose answer could not be stored."""
    if isinstance(error, StoreUncertain):
        return (
            (
                "The database stopped responding while your answer was being saved. It may or may not have been "
                "counted. Check the request in a few minutes."
            ),
        )
    reason = "the database can't be written"
    if isinstance(error, StoreFull):
        reason = "the database is full"
    elif isinstance(error, StoreReplaced):
        reason = "the database file was moved or replaced"
    return (f"Not saved: {reason}. Your answer was NOT counted. Try again later.",)


def unreadable_words() -> Words:
    """The reply to a press on a button that sayso did not make, or no longer understands."""
    return (NOT_FOUND,)


def _already_answered(record: CardRecord) -> Words:
    request = record.request
    answer = _answer_of(record)
    said = (past_tense(request.question, answer) or "Answered").lower()
    if request.resolved_by is None or request.resolved_at is None:
        return (f"This was already {said}. {_NO_CHANGE}",)
    by = person_name(request.resolved_by, record.names)
    return (f"{by} already {said} this ", AT, request.resolved_at, f". {_NO_CHANGE}")


def _taken_back(record: CardRecord, kind: OutcomeKind) -> Words:
    request = record.request
    at: Words = () if request.resolved_at is None else (" ", AT, request.resolved_at)
    is_withdrawn = kind is OutcomeKind.WITHDRAWN
    if request.resolved_by is not None:
        by = person_name(request.resolved_by, record.names)
        return (f"{by} {'withdrew this' if is_withdrawn else 'cancelled this with its workflow'}", *at, ".")
    return (f"This was {'withdrawn' if is_withdrawn else 'cancelled with its workflow'}", *at, ".")


def _answer_of(record: CardRecord) -> Json:
    return None if record.request.answer is None else json.loads(record.request.answer)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_ECHO else f"{text[: _LONGEST_ECHO - 1]}…"
