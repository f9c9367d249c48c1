"""Commands that people type in a chat, the same on every platform: what they started, what waits for them, answers
without the card, and their accounts.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from msgspec.structs import replace

from sayso.adapters.cards import ToType, Words
from sayso.adapters.console import first_word, parse_address, parse_id, visible_line
from sayso.bots.answers._desk import Desk
from sayso.bots.answers._links import SURE
from sayso.bots.answers._offers import Offers
from sayso.bots.answers._starts import Start, Starts
from sayso.bots.answers._ways_in import WayIn, WaysIn, one_account
from sayso.bots.http import RateLimit
from sayso.bots.people import Arrival, LookUpFailed, at_once
from sayso.engine import (
    ANYWHERE,
    NOT_FOUND,
    CardRecord,
    InvalidAnswer,
    Json,
    Locale,
    PersonId,
    Role,
    RunSummary,
    Runtime,
    Store,
    StoreError,
    Unclear,
    WorkflowStatus,
    interests,
    read_json,
)

logger = logging.getLogger("sayso.answers")

_KEYED = frozenset({"start", "answer", "break-glass"})
"""Verbs whose effect is stored under the command's key: repeated, they say what became of it."""

_TAKEN = "commands"
"""Where the keys of commands are kept whose effect is committed."""

_TAKEN_ALREADY = "This command was already received. If you got no reply to it, please send it again."
_KEYS_LIVE = timedelta(days=1)
"""As long as Telegram keeps an update; a request that Slack signed is taken for five minutes."""

_MOST_LISTED = 20
_MOST_COUNTED = 500
_MOST_RUNS = 10

_MOST_OF_PERSON, _MOST_OF_CHAT = 20, 60
"""Commands a minute."""

_MOST_LINKS = 3
"""Sign-in links a minute for each person; the newest works, and the trail names each."""

_TOO_OFTEN: Words = ("Too many commands. Nothing was done. Please wait a minute.",)

_STATUS_WORDS = {
    WorkflowStatus.RUNNING: "running",
    WorkflowStatus.WAITING_FOR_INPUT: "waiting for an answer",
    WorkflowStatus.COMPLETED: "done",
    WorkflowStatus.FAILED: "failed",
    WorkflowStatus.CANCELLED: "cancelled",
    WorkflowStatus.NEEDS_ATTENTION: "paused: an operator has to look at it",
}


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it was typed: its `verb`, and the `text` after it. `prefix` is how commands begin on this platform
    (`/sayso `, `/`), `start` what its word for starting a run is. `is_private` says that nobody else sees the reply;
    where others do, `places` are the destinations that mean the chat. Where there `is_dialogue`, a start without values
    is asked for them there.
    """

    verb: str
    text: str
    person: PersonId
    arrival: Arrival
    prefix: str = "/sayso "
    start: str = "start"
    is_private: bool = True
    places: tuple[str, ...] = ()
    is_dialogue: bool = False
    locale: Locale = ANYWHERE

    def typed(self, words: str) -> ToType:
        """Another command, as it is typed on this platform."""
        return ToType(f"{self.prefix}{words}")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the person gets, and nobody else: lines, and the cards of requests that they may answer.

    With `is_limited` nothing was done, because there were too many commands. With `is_quiet` they were told so a moment
    ago: where every reply is one more message, it is not sent. With `to_start` the rest is a dialogue: about which of
    these workflows to start, and with what.
    """

    lines: tuple[Words, ...]
    cards: tuple[CardRecord, ...] = ()
    is_limited: bool = False
    is_quiet: bool = False
    to_start: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for somebody: some of the cards, and how many there are, with those that are asked `elsewhere`;
    `missing` says why more may wait. There are more than were counted where it `is_cut`.
    """

    cards: tuple[CardRecord, ...]
    count: int
    elsewhere: int = 0
    missing: str = ""
    is_cut: bool = False


class Commands:
    """Carries commands out."""

    def __init__(
        self,
        store: Store,
        runtime: Runtime,
        desk: Desk,
        ways_in: WaysIn,
        offers: Offers,
    ) -> None:
        self._links = offers.links
        self._of_person, self._of_chat = RateLimit(_MOST_OF_PERSON), RateLimit(_MOST_OF_CHAT)
        self._told = RateLimit(1)
        self._link_tries = RateLimit(_MOST_LINKS)
        self._sign_in = offers.sign_in
        self._store = store
        self._desk = desk
        self._ways_in = ways_in
        self.starts = Starts(store, runtime, ways_in, offers)
        self._verbs: dict[str, Callable[[Command], Awaitable[Reply]]] = {
            "start": self._start,
            "pending": self._pending,
            "answer": self._answer,
            "break-glass": self._break_glass,
            "reassign": self._reassign,
            "withdraw": self._withdraw,
            "status": self._status,
            "inbox": self._inbox,
            "link": self._link,
            "unlink": self._unlink,
            "accounts": self._accounts,
            "help": self._help,
        }

    async def run(self, command: Command) -> Reply:
        """Carry a command out and commit what it does; repeated under its event key, it does nothing again, and shows
        nothing again. Cut short, it is not taken yet, and a repetition carries it out.
        """
        if self._is_too_often(command):
            is_quiet = bool(self._told.wait(command.arrival.chat or command.person))
            return Reply((_TOO_OFTEN,), is_limited=True, is_quiet=is_quiet)
        verb = "start" if command.verb == command.start else command.verb
        carry_out = self._verbs.get(verb)
        if carry_out is None or (verb == "start" and command.verb != command.start):
            unknown = f"There is no command {visible_line(command.verb)}." if command.verb else ""
            reply = await self._help(command)
            return Reply(((unknown,), *reply.lines) if unknown else reply.lines)
        try:
            is_keyed = verb in _KEYED
            if not is_keyed and await self._store.kept(_TAKEN, command.arrival.key) is not None:
                return _said(_TAKEN_ALREADY)
            await self._desk.greet(command.person, command.arrival.name)
            reply = await carry_out(command)
            if is_keyed or await self._store.claim(_TAKEN, command.arrival.key, _KEYS_LIVE):
                return reply
            return _said(_TAKEN_ALREADY)  # by a repetition at the same time: only one of both is shown
        except StoreError:
            return _said("Not done: the database cannot be used. Please try again later.")

    def _is_too_often(self, command: Command) -> bool:
        """Whether this person, or everybody together in this chat, has sent more than anybody types."""
        if self._of_person.wait(command.person):
            return True
        return command.arrival.chat is not None and bool(self._of_chat.wait(command.arrival.chat))

    async def _start(self, command: Command) -> Reply:
        if command.is_dialogue and (asked := await self.starts.to_ask(command.person, command.text)):
            return Reply((), to_start=tuple(asked))
        name, given = first_word(command.text)
        mine = await self.starts.of(command.person)
        if name not in mine:
            may = f"You may start: {', '.join(mine)}." if mine else "There is no workflow that you may start."
            why = f"{visible_line(name)} is not a workflow that you may start. " if name else ""
            return _said(f"{why}{may} An operator lists starters in sayso.toml; you are {command.person}.")
        try:
            shared = _read_object(given)
        except Unclear as error:
            shown = command.typed(f'{command.start} {name} {{"key": "value"}}')
            return _said((f"Not started: {visible_line(str(error))}. Write it as ", shown, "."))
        asked_in = None
        if not command.is_private:
            asked_in = self.starts.place_of(command.person, command.arrival.chat)
        start = Start(command.person, name, command.arrival, asked_in)
        begun = await self.starts.begin(start, shared, command.prefix)
        said: list[str | Words] = [begun.words]
        if begun.is_refused and mine[name].fields and self._sign_in is not None:
            said.append(("Its form is in the inbox, on the page Start: ", command.typed("inbox")))
        return _said(*said)

    async def _pending(self, command: Command) -> Reply:
        waiting = await self.waiting(
            command.person,
            _MOST_LISTED,
            command.arrival.look_up_by,
            None if command.is_private else command.places,
        )
        if not waiting.cards:
            nothing = [_nothing_here(waiting)] if waiting.elsewhere or not waiting.missing else []
            return _said(*nothing, *([waiting.missing] if waiting.missing else []))
        more = waiting.count - waiting.elsewhere - len(waiting.cards)
        at_least = "more than " if waiting.is_cut else ""
        heading = f"{at_least}{waiting.count - waiting.elsewhere} waiting for your answer:"
        lines: list[Words] = [(heading[0].upper() + heading[1:],)]
        lines += [_line_of(card) for card in waiting.cards]
        if more > 0:
            in_inbox: Words = (command.typed("inbox"), " shows them all.")
            where = ("each in its card.",) if self._sign_in is None else in_inbox
            lines.append((f"and {at_least}{more} more: ", *where))
        if waiting.elsewhere:
            lines.append((f"and {at_least}{waiting.elsewhere} more: ask me in a private chat.",))
        if waiting.missing:
            lines.append((waiting.missing,))
        lines.append(("Answer in the card, or with ", command.typed("answer ID@REVISION VALUE")))
        return Reply(tuple(lines), waiting.cards)

    async def _is_asked_in(self, card: CardRecord, places: Sequence[str]) -> bool:
        """Whether a card stands in a chat in which everybody will read the reply."""
        shown = await self._store.reader.deliveries(card.request.id)
        return any(one.destination in places for one in shown)

    async def waiting(
        self,
        person: str,
        most: int,
        by: float,
        places: Sequence[str] | None = None,
        *,
        newest_first: bool = False,
    ) -> Waiting:
        """The open requests that somebody may answer, `most` of them with their cards, as far as it is known by then to
        what they belong; only of those asked in some places, where those are named. All requests of these people are
        found, however many others are open.
        """
        standing = await self._ways_in.standing(person, by=by)
        now = self._store.clock.now()
        unknown: dict[str, None] = {}
        cards: list[CardRecord] = []
        count = elsewhere = 0
        is_cut = False
        whose = [
            *interests(standing.vote(now), asked=False),
            *((Role.ANSWERS, one) for one in standing.unknown),
        ]
        async for _, card in self._store.reader.concerning(whose, newest_first=newest_first):
            if not _waits_for(standing, card, now):
                concerned = set(card.request.concerned)
                unknown |= {one: None for one in standing.unknown if one in concerned}
                continue
            if is_cut := count == _MOST_COUNTED:
                break
            count += 1
            if places is not None and not await self._is_asked_in(card, places):
                elsewhere += 1
            elif len(cards) < most:
                cards.append(card)
        missing = self._desk.unchecked(list(unknown))
        named = tuple(await self._store.reader.named(cards))
        return Waiting(named, count, elsewhere, missing, is_cut=is_cut)

    async def waits_for(self, person: str, card: CardRecord, by: float) -> bool:
        """Whether a request is open for somebody to answer, as lists say it."""
        standing = await self._ways_in.standing(person, by=by)
        return card.request.open and _waits_for(standing, card, self._store.clock.now())

    async def _answer(self, command: Command) -> Reply:
        found = await self._addressed(command, "answer", "VALUE")
        if isinstance(found, Reply):
            return found
        card, revision, text = found
        try:
            value = card.request.question.read_text(text, command.locale)
        except InvalidAnswer as error:
            return _said(str(error))
        attempt = command.arrival.attempt(command.person, card.request.id, revision, value)
        answered = await self._desk.answer(attempt, command.arrival)
        if answered.asks_why:
            return _said("Not counted: it needs a reason. Please answer in the card, which asks for it.")
        return Reply((await self._desk.heard(answered, command.locale),))

    async def _break_glass(self, command: Command) -> Reply:
        found = await self._addressed(command, "break-glass", "REASON")
        if isinstance(found, Reply):
            return found
        card, revision, reason = found
        value: Json = True if card.request.question.input_type == "confirm" else "approve"
        attempt = command.arrival.attempt(command.person, card.request.id, revision, value, reason)
        alone = replace(attempt, break_glass=True)
        answered = await self._desk.answer(alone, command.arrival)
        return Reply((await self._desk.heard(answered, command.locale),))

    async def _reassign(self, command: Command) -> Reply:
        found = await self._addressed(command, "reassign", "PERSON")
        if isinstance(found, Reply):
            return found
        card, revision, to = found
        attempt = command.arrival.attempt(command.person, card.request.id, revision)
        return Reply((await self._desk.reassign(attempt, command.arrival, to),))

    async def _withdraw(self, command: Command) -> Reply:
        given = parse_id(command.text)
        if given is None:
            behind = ", with six or more characters of the id of what you asked for."
            return _said(("Write it as ", command.typed("withdraw ID"), behind))
        card = await self._find(given, command)
        if isinstance(card, str):
            return _said(card)
        via = command.person.partition(":")[0]
        return Reply((await self._desk.withdraw(card.request.id, command.person, via),))

    async def _addressed(self, command: Command, verb: str, what: str) -> Reply | tuple[CardRecord, int, str]:
        """The card and the revision that a command names, and the text behind them; else what to say."""
        typed, text = first_word(command.text)
        address = parse_address(typed)
        if address is None or not text:
            shown = command.typed(f"{_typed(verb, command)} ID@REVISION {what}")
            return _said(("Write it as ", shown, ", as ", command.typed("pending"), " shows."))
        card = await self._find(address[0], command)
        return _said(card) if isinstance(card, str) else (card, address[1], text)

    # Who they are.

    async def _inbox(self, command: Command) -> Reply:
        if self._sign_in is None:
            return _said("There is no web inbox here.")
        if not command.is_private:
            return _said(_IN_PRIVATE)
        if self._link_tries.wait(command.person):
            return _said("You have a link already: use the newest one, or ask again in a minute.")
        link = await self._sign_in(command.person)
        return _said(f"Your inbox. This link signs you in once, within ten minutes; do not share it: {link}")

    async def _link(self, command: Command) -> Reply:
        words = command.text.split()
        is_sure = words[-1:] == [SURE]
        code = "".join(words[:-1] if is_sure else words)
        if not command.is_private:
            return _said(await self._links.expose(code) if code else _IN_PRIVATE)
        if code:
            return _said(await self._links.use(command.person, code, command.prefix, is_sure=is_sure))
        return _said(await self._links.begin(command.person, command.prefix))

    async def _unlink(self, command: Command) -> Reply:
        return _said(await self._links.end(command.person))

    async def _accounts(self, command: Command) -> Reply:
        ids = await self._store.reader.ids_of(command.person)
        others = {one_account(one): one for one in ids if not one.startswith("person:")}
        others[one_account(command.person)] = command.person
        if len(others) == 1:
            alone = f"You are {command.person}, with no other account. "
            return _said((alone, command.typed("link"), " adds one."))
        return _said("Your accounts, which share one vote:", *others.values())

    async def _find(self, given: str, command: Command) -> CardRecord | str:
        """The request whose id begins so, of those that this person may hear of; of others they hear what they would
        of an id that there is not.
        """
        ids = await self._store.reader.request_ids(given)
        cards = [card for one in ids if (card := await self._store.reader.card(one)) is not None]
        by = command.arrival.look_up_by
        seeing = [self._ways_in.sees(card, command.person, by, command.arrival.chat) for card in cards]
        sees = await at_once(None, seeing)  # each of them ends by then itself
        problems = [one for one in sees if isinstance(one, LookUpFailed)]
        if problems:
            logger.warning("cannot look up what %s may see: %s", command.person, problems[0])
            return "Not done: it could not be checked what is yours to answer. Please try again in a minute."
        found = [card for card, one in zip(cards, sees, strict=True) if one]
        if len(found) > 1:
            return f"{len(found)} requests begin with {given}; give more of the id."
        return found[0] if found else NOT_FOUND

    async def _status(self, command: Command) -> Reply:
        wanted = command.text.strip()
        found = await self._store.reader.runs(
            requested_by=command.person, begins=wanted, limit=_MOST_RUNS + 1
        )
        shown = found[:_MOST_RUNS]
        if not shown:
            return _said(
                f"You have not started a run {visible_line(wanted)}."
                if wanted
                else "You have not started a run."
            )
        lines = [_run_line(run) for run in shown]
        if len(found) > len(shown):
            lines.append(("Older ones: ", command.typed("status"), " and the beginning of a run's id."))
        return Reply(tuple(lines))

    async def _help(self, command: Command) -> Reply:
        typed, alone = command.typed, _typed("break-glass", command)
        return _said(
            (typed(f"{command.start} [NAME] [JSON]"), ": start a workflow"),
            (typed("pending"), ": the requests that are waiting for you"),
            (typed("answer ID@REVISION VALUE"), ": answer without the card"),
            (typed("reassign ID@REVISION PERSON"), ": hand your vote over to somebody else"),
            (typed(f"{alone} ID@REVISION REASON"), ": approve alone, if the policy names you for emergencies"),
            (typed("withdraw ID"), ": withdraw your request"),
            (typed("status [RUN]"), ": the runs that you started"),
            (typed("inbox"), ": a link that signs you in on the web"),
            (typed("link [CODE]"), ", ", typed("unlink"), ", ", typed("accounts"),
             ": your accounts on other platforms"),
            (typed("help"), ": this"),
        )  # fmt: skip


_IN_PRIVATE = "Send me this in a private chat: the reply is only for you."


def _typed(verb: str, command: Command) -> str:
    """A verb as it is typed: Telegram's commands have no hyphens."""
    return verb.replace("-", "") if command.prefix == "/" else verb


def has_voted(card: CardRecord, ids: Sequence[str]) -> bool:
    """Whether somebody's vote on an open request counts already."""
    return any(vote.person in ids or vote.account in ids for vote in card.votes)


def _waits_for(standing: WayIn, card: CardRecord, now: datetime) -> bool:
    return standing.refusal(card, now) is None and not has_voted(card, standing.ids)


def _nothing_here(waiting: Waiting) -> str:
    elsewhere = waiting.elsewhere
    if not elsewhere:
        return "You're all caught up."
    if waiting.is_cut:
        return (
            f"None of the oldest {elsewhere} requests that are waiting for you was made here: "
            "ask me in a private chat."
        )
    wait = "1 waits" if elsewhere == 1 else f"{elsewhere} wait"
    return f"No request that was made here is waiting for you. {wait} elsewhere: ask me in a private chat."


def _said(*lines: str | Words) -> Reply:
    return Reply(tuple((line,) if isinstance(line, str) else line for line in lines))


def _line_of(card: CardRecord) -> Words:
    request = card.request
    prompt = visible_line(request.question.prompt or "Input is needed.")
    shown = prompt if len(prompt) <= 120 else f"{prompt[:119]}…"  # noqa: PLR2004 - a line
    words: Words = (f"{request.id[:8]}@{request.revision}  {shown}",)
    return words if request.deadline is None else (*words, "  due ", request.deadline)


def _run_line(run: RunSummary) -> Words:
    node = f" at {visible_line(run.node_id)}" if run.node_id else ""
    name = visible_line(run.workflow)
    return (f"{run.run_id[:8]}  {name}: {_STATUS_WORDS[run.status]}{node}, ", run.updated_at)


def _read_object(text: str) -> dict[str, Any]:
    if not text:
        return {}
    value = read_json(text)
    if not isinstance(value, dict):
        raise Unclear("the text after the name must be a JSON object")
    return cast("dict[str, Any]", value)
