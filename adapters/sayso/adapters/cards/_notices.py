"""Messages beside the cards: a vote, a reminder, a change, who is asked now, who went ahead, what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sayso.adapters.cards._awaited import called, merged, needed, progress
from sayso.adapters.cards._card import Card
from sayso.adapters.cards._text import cut
from sayso.adapters.cards._words import Mentions, Words, nobody, vote_words, which_of_batch
from sayso.adapters.console import person_name, set_off, visible, visible_line
from sayso.engine import CardRecord, Notice, NoticeKind, is_person

_LONGEST_PROMPT = 200
_NEW_REST = "CHANGED, this replaces any rest of the question above:"
_NO_REST = "CHANGED: the card now shows the whole question. The rest of it above does not count."


@dataclass(frozen=True, slots=True)
class Message:
    """What a message says, in `lines`. A `quiet` one notifies only people who follow the card; one that `rings`
    notifies with a sound.
    """

    lines: tuple[Words, ...]
    quiet: bool = False
    rings: bool = True


@dataclass(frozen=True, slots=True)
class Audible:
    """Whom a message notifies at a destination: whom it mentions, whether it rings for certain entries of a policy,
    whether it may ring at all, and whether it rings again for a question that was asked before.
    """

    mentions: Mentions
    rings_for: Callable[[Sequence[str]], bool]
    is_on: bool
    is_again: bool


def notice_message(
    record: CardRecord, card: Card, notice: Notice, places: Mapping[str, str], audible: Audible
) -> Message | None:
    """The message for a notice, in its present state; None if it is no longer worth sending."""
    prompt = visible_line(cut(card.prompt, _LONGEST_PROMPT))
    said = notice.payload
    who = person_name(str(said.get("person")), record.names)
    match notice.kind:
        case NoticeKind.VOTE:
            return _vote(record, notice, places, who, audible)
        case NoticeKind.REMINDER:
            return _reminder(record, notice, places, prompt, audible)
        case NoticeKind.CHANGED:
            return _changed(record, notice, places, prompt, audible)
        case NoticeKind.ESCALATED:
            to = ("Nobody has decided yet: ", prompt, " From now on ", *_names(said, places, record, audible))
            return (
                _asked(record, said, (*to, " may decide as well."), audible) if record.request.open else None
            )
        case NoticeKind.REASSIGNED:
            to = _names(said, places, record, audible)
            return _asked(record, said, (f"{who} handed this over to ", *to, f": {prompt}"), audible)
        case NoticeKind.BREAK_GLASS:
            reason = set_off(visible(str(said.get("comment"))))
            line = (
                f"{who} approved this alone, under break-glass, without the others who were asked: {prompt}",
            )
            return Message((line, (f"Reason: {reason}",)), rings=audible.is_on)
        case NoticeKind.RESULT:
            status = f"{card.status} · " if card.status else ""
            asker = audible.mentions(str(said.get("person")))
            by = () if not asker else (("Requested by ", *asker[:1]),)
            return Message(((f"{status}{prompt}",), *card.said, *by), rings=audible.is_on)


def rest_text(card: Card, rest: str) -> str:
    """The text below a card that is too small for the whole question: the rest, and which earlier text it replaces."""
    if card.revision == 1:
        return rest
    return f"{_NEW_REST}\n\n{rest}" if rest else _NO_REST


def _vote(
    record: CardRecord, notice: Notice, places: Mapping[str, str], who: str, audible: Audible
) -> Message | None:
    said = notice.payload
    newly = [str(one) for one in said.get("needed") or ()]
    rings = bool(newly) and audible.is_again and record.request.open and audible.rings_for(newly)
    if is_person(notice.destination) and not rings:
        return None
    verb = vote_words(record.request.question, said.get("value"))
    remark = f" “{set_off(visible(str(said['comment'])))}”" if said.get("comment") else ""
    wanted = _needed(record, places, audible.mentions if rings else nobody) if record.request.open else ()
    which = which_of_batch(record)
    what = f"{who} {verb}: " if which is None else f"{who} {verb} {which} · "
    return Message(((what, notice.at, f".{remark}", *wanted),), quiet=not rings, rings=rings)


def _reminder(
    record: CardRecord, notice: Notice, places: Mapping[str, str], prompt: str, audible: Audible
) -> Message | None:
    if not record.request.open or _has_voted(record, notice.destination):
        return None
    due: Words = () if record.request.deadline is None else (" Due ", record.request.deadline, ".")
    line: Words = (f"Still waiting: {prompt}", *_needed(record, places, audible.mentions), *due)
    return Message((line,), rings=audible.is_on)


def _changed(
    record: CardRecord, notice: Notice, places: Mapping[str, str], prompt: str, audible: Audible
) -> Message | None:
    """Where a place wants to hear of it, and it concerns somebody there: the card itself says it to all."""
    is_latest = record.request.open and record.request.revision == notice.payload.get("revision")
    if not (is_latest and audible.is_again and audible.rings_for(needed(record))):
        return None
    return Message(((f"The question changed: {prompt}", *_needed(record, places, audible.mentions)),))


def _asked(record: CardRecord, said: Mapping[str, Any], line: Words, audible: Audible) -> Message:
    """Others are asked from now on: it rings for those alone. Once it is decided, it is history."""
    is_open = record.request.open
    return Message(
        (line,), quiet=not is_open, rings=is_open and audible.rings_for(list(said.get("to") or ()))
    )


def _needed(record: CardRecord, places: Mapping[str, str], mentions: Mentions) -> tuple[str, ...]:
    missing = progress(record, places, mentions)
    return merged([" Waiting for ", *missing, "."]) if missing else ()


def _has_voted(record: CardRecord, account: str) -> bool:
    return any(account in (vote.person, vote.account, *vote.accounts) for vote in record.votes)


def _names(
    said: Mapping[str, Any], places: Mapping[str, str], record: CardRecord, audible: Audible
) -> tuple[str, ...]:
    """Those who are asked now, mentioned where that is still so."""
    mentions = audible.mentions if record.request.open else nobody
    names = [called(record, places, str(one), mentions) for one in said.get("to") or ()]
    return merged(
        [part for position, name in enumerate(names) for part in (*((", ",) if position else ()), *name)]
    )
