"""Messages beside the cards: a vote, a reminder, who is asked now, who went ahead alone, what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sayso.adapters.cards._card import Card, progress, still_needed
from sayso.adapters.cards._text import cut
from sayso.adapters.cards._words import Words, person_name, place_name, vote_words
from sayso.adapters.console import set_off, visible, visible_line
from sayso.engine import CardRecord, Notice, NoticeKind, is_person

_LONGEST_PROMPT = 200
_NEW_REST = "CHANGED, this replaces any rest of the question above:"
_NO_REST = "CHANGED: the whole question stands in its card now. The rest of it above does not count."


@dataclass(frozen=True, slots=True)
class Message:
    """What a message says, a line each. `mentions` are those still needed, as the policy names them; a `quiet` one is
    for those alone who follow the card.
    """

    lines: tuple[Words, ...]
    mentions: tuple[str, ...] = ()
    quiet: bool = False


def notice_message(
    record: CardRecord, card: Card, notice: Notice, places: Mapping[str, str]
) -> Message | None:
    """A message beside the cards as it stands now; None where there is nothing to say any more."""
    prompt = visible_line(cut(card.prompt, _LONGEST_PROMPT))
    said = notice.payload
    who = person_name(str(said.get("person")), record.names)
    match notice.kind:
        case NoticeKind.VOTE:
            return _vote(record, notice, places, who)
        case NoticeKind.REMINDER:
            return _reminder(record, notice, places, prompt)
        case NoticeKind.ESCALATED:
            to = _names(said, places, record)
            line = (f"Nobody has decided yet: {prompt} From now on {to} may decide as well.",)
            return Message((line,)) if record.request.open else None
        case NoticeKind.REASSIGNED:
            return Message(((f"{who} handed this over to {_names(said, places, record)}: {prompt}",),))
        case NoticeKind.BREAK_GLASS:
            reason = set_off(visible(str(said.get("comment"))))
            line = (
                f"{who} approved this alone, under break-glass, without the others who were asked: {prompt}",
            )
            return Message((line, (f"Reason: {reason}",)))
        case NoticeKind.RESULT:
            status = f"{card.status} · " if card.status else ""
            mentions = () if is_person(notice.destination) else (str(said.get("person")),)
            return Message(((f"{status}{prompt}",), *card.said), mentions)


def rest_text(card: Card, rest: str) -> str:
    """What is sent below a card that cannot hold its whole question: its rest, and what that replaces."""
    if card.revision == 1:
        return rest
    return f"{_NEW_REST}\n\n{rest}" if rest else _NO_REST


def _vote(record: CardRecord, notice: Notice, places: Mapping[str, str], who: str) -> Message:
    said = notice.payload
    verb = vote_words(record.request.question, said.get("value"))
    remark = f" “{set_off(visible(str(said['comment'])))}”" if said.get("comment") else ""
    needed = "" if not record.request.open else _needed(record, places)
    return Message(((f"{who} {verb}: ", notice.at, f".{remark}{needed}"),), quiet=True)


def _reminder(record: CardRecord, notice: Notice, places: Mapping[str, str], prompt: str) -> Message | None:
    if not record.request.open or _has_voted(record, notice.destination):
        return None
    until: Words = () if record.request.deadline is None else (" Until ", record.request.deadline, ".")
    line: Words = (f"This still waits: {prompt}{_needed(record, places)}", *until)
    mentions = () if is_person(notice.destination) else still_needed(record)
    return Message((line,), mentions)


def _needed(record: CardRecord, places: Mapping[str, str]) -> str:
    missing = progress(record, places)
    return f" Waiting for {missing}." if missing else ""


def _has_voted(record: CardRecord, account: str) -> bool:
    return any(account in (vote.person, vote.account, *vote.accounts) for vote in record.votes)


def _names(said: Mapping[str, Any], places: Mapping[str, str], record: CardRecord) -> str:
    return ", ".join(place_name(str(one), places, record.names) for one in said.get("to") or ())
