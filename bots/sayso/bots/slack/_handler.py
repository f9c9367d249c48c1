"""What happens at a payload: what it decides is committed when `handle` returns, and acknowledged by that."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any

from sayso.adapters.cards import Card, Words, not_recorded_words, unreadable_words
from sayso.adapters.console import Entered, Rejected
from sayso.adapters.slack import (
    COMMAND,
    Action,
    CardButton,
    ChannelReturned,
    Commanded,
    EntriesChanged,
    Event,
    HomeOpened,
    Ignored,
    PageTurned,
    Pressed,
    Searched,
    Sender,
    StartPicked,
    StartSubmitted,
    Submitted,
    Unreadable,
    View,
    ViewTag,
    answer_view,
    find_choices,
    parse_event,
    plain,
    read_comment,
    read_reason,
    read_submission,
    reason_view,
    refused_submission,
    render_words,
    words_view,
)
from sayso.bots.answers import Answering, Command, Reply, choice_of, granting
from sayso.bots.chats import (
    Afterwards,
    DeliveryProblem,
    Judged,
    Parts,
    Reference,
    Seen,
    Standing,
    card_of,
    outdated_words,
)
from sayso.bots.people import Arrival, LookUpFailed, Turns, both, in_time
from sayso.bots.slack._api import Expired
from sayso.bots.slack._entries import Entries
from sayso.bots.slack._home import Home
from sayso.bots.slack._reading import Reading
from sayso.bots.slack._starting import Starting
from sayso.bots.slack._surface import PLATFORM, SlackSurface
from sayso.bots.slack._telling import Say, Telling, ephemeral
from sayso.bots.slack._views import TRIGGER_LIVES, Views, shown_instead
from sayso.bots.slack._workspaces import Workspace
from sayso.engine import Before, CardRecord, Locale, OutcomeKind, PersonId, StoreError

logger = logging.getLogger("sayso.slack")

_COMMANDS_LATER = 0.5
"""Seconds behind the end of look-ups at which a command is acknowledged unfinished; its words come behind."""

_UNREADABLE = (
    "What Slack sent of this cannot be read, so nothing was counted. Please try again, or answer elsewhere."
)
_WHO_PRESSED = "Not counted: Slack did not say who you are in time. Please press again in a minute."
_WHO_SENT = "Not counted: Slack did not say who you are in time. Please send it again in a minute."
_INBOX = f"answer in the inbox: {COMMAND} inbox"
_EXPIRED = f"This took too long to open. Nothing was counted. Press again, or {_INBOX}"
_NOT_OPENED = f"Slack could not open this. Nothing was counted. Press again in a minute, or {_INBOX}"
_NOT_FILLED = (
    f"Slack could not show this. Nothing was counted. Close it and press again in a minute, or {_INBOX}"
)
_START_NOT_OPENED = "Slack could not open the form. Nothing was started. Try again in a minute."
_NOT_STARTED = "Not started: the database cannot be used. Please try again later."

Answer = dict[str, Any]


class Handler:
    """Turns a workspace's payloads into answers and commands. What may come after the acknowledgement is done
    `afterwards`.
    """

    def __init__(
        self,
        parts: Parts,
        answering: Answering,
        workspace: Workspace,
        surface: SlackSurface,
        afterwards: Afterwards,
    ) -> None:
        self._api = workspace.api
        self._within = workspace.within
        self._surface = surface
        self._people = workspace.people
        self._spawn = afterwards.spawn
        self._store = parts.store
        self._desk = answering.desk
        self._commands = answering.commands
        self._home = Home(parts, answering, workspace)
        self._telling = Telling(workspace.api, self._home, afterwards)
        self._afterwards = afterwards
        self._settings = parts.settings
        self._metrics = parts.metrics
        self._presses = answering.presses
        self._views = Views(parts.store, workspace, parts.under_way)
        self._turns: Turns[str] = Turns()
        self._starting = Starting(answering.commands.starts, self._views)
        self._reading = Reading(parts, answering, self._views)
        self._entries = Entries(parts, self._starting, self._views)

    async def handle(self, kind: str, payload: dict[str, Any]) -> Answer | None:
        """Do what a payload asks for; what its acknowledgement carries. Raises where there must be none."""
        arrival = Arrival.now(self._store.clock)
        event = parse_event(kind, payload)
        if isinstance(event, ChannelReturned | Ignored | Unreadable):
            return await self._take(event, arrival)
        with self._turns.of(event.sender.user_id) as turn:
            arrival = replace(arrival, turn=turn)
            if not isinstance(event, Pressed | Submitted):  # which wait for it when they are looked up
                await turn()
            return await self._take(event, arrival)

    async def _take(self, event: Event, arrival: Arrival) -> Answer | None:
        match event:
            case Searched():
                return await self._searched(event)
            case Commanded():
                return await self._commanded(event, arrival)
            case StartPicked() | StartSubmitted():
                return await self._started(event, arrival)
            case PageTurned() | EntriesChanged():
                self._spawn(self._change_view(event, arrival))
            case HomeOpened():
                self._spawn(self._home.show(event.sender))
            case ChannelReturned():
                await self._store.revive(self._places_of(event.channel))
            case Ignored():
                logger.info("ignored a payload: %s", event.reason)
            case Unreadable():
                return self._unreadable(event)
            case Pressed() | Submitted():
                return await self._decided(event, arrival)
        return None

    async def _decided(self, event: Pressed | Submitted, arrival: Arrival) -> Answer | None:
        """Take what may decide something. The desk tells what it took itself: a store that fails here fails before."""
        try:
            if isinstance(event, Submitted):
                return await self._submitted(event, arrival)
            await self._pressed(event, arrival)
        except StoreError as error:
            logger.error("cannot record input by %s: %s", event.sender.user_id, error)  # noqa: TRY400 - the reason says it all
            words = not_recorded_words(error)
            if isinstance(event, Submitted):
                block = next(iter(event.values), None)
                shown = shown_instead(words_view((words,)))
                return shown if block is None else _errors(Rejected({block: plain(words)}))
            self._spawn(self._tell(event, words))
        return None

    async def _identify(self, sender: Sender, arrival: Arrival) -> PersonId | None:
        """Who did it; None where Slack does not say it in time: then nothing of it may count."""
        try:
            return await in_time(arrival.look_up_by, self._people.identify(sender.user_id))
        except LookUpFailed as problem:
            logger.warning("cannot look up user %s: %s", sender.user_id, problem)
            return None

    def _unreadable(self, event: Unreadable) -> Answer | None:
        """Tell somebody that what they did was not understood, by the way that is left."""
        logger.error("cannot read a payload: %s", event.reason)
        self._metrics.payload_unreadable(PLATFORM)
        if event.is_modal:
            if event.input_id is not None:
                return _errors(Rejected({event.input_id: _UNREADABLE}))
            return shown_instead(words_view(((_UNREADABLE,),)))
        words = render_words(((_UNREADABLE,),))
        if event.response_url is not None:
            self._spawn(self._telling.reply(event.response_url, words))
        elif event.channel is not None and event.user_id is not None:
            to = {"channel": event.channel, "user": event.user_id}
            self._spawn(self._call("chat_postEphemeral", **to, text=words.text, blocks=words.blocks))
        elif event.trigger_id is not None:
            view = words_view(((_UNREADABLE,),))
            self._spawn(self._call("views_open", trigger_id=event.trigger_id, view=view))
        return None

    async def _call(self, method: str, **parameters: Any) -> None:
        await self._api.call(method, **parameters)

    # Presses.

    async def _pressed(self, event: Pressed, arrival: Arrival) -> None:
        button = event.button
        if button is None:
            self._metrics.payload_unreadable(PLATFORM)
            self._spawn(self._tell(event, unreadable_words()))
            return
        if button.action in (Action.OPEN, Action.READ):
            self._spawn(self._open(event, button, arrival))  # decides nothing
            if event.message_ts is not None:
                self._spawn(self._look_at(event, button, arrival))
            return
        person = self._people.known(event.sender.user_id) or await self._identify(event.sender, arrival)
        if person is None:
            self._spawn(self._tell(event, (_WHO_PRESSED,)))
        elif not (judged := await self._judge(event, button, person, arrival)).counts:
            if judged.standing is Standing.STUCK:
                self._spawn(self._open(event, button, arrival, instead=True))
            self._spawn(self._tell(event, judged.words))
        else:
            await self._answer(event, button, person, judged.before, arrival)

    async def _answer(
        self, event: Pressed, button: CardButton, person: PersonId, before: Before | None, arrival: Arrival
    ) -> None:
        """Have the desk take what was pressed as it was shown."""
        if before is None:  # at home
            before = await self._store.reader.before_answer(button.request_id, person)
        value = None if before is None else choice_of(before.card, button.revision, button.number)
        arrived = self._arrived(event, arrival)
        attempt = arrived.attempt(person, button.request_id, button.revision, value)
        if button.action is Action.GRANT:
            attempt = granting(attempt, None if before is None else before.card, button.number)
        answered = await self._desk.answer(attempt, arrived, before, is_press=True)
        if answered.asks_why:
            self._spawn(self._open(event, button, arrival))  # decided by what is written there
        else:
            self._spawn(self._telling.tell(event, lambda: self._desk.heard(answered, self._locale(event))))

    def _arrived(self, event: Pressed, arrival: Arrival) -> Arrival:
        return replace(arrival, chat=event.channel, name=self._name(event.sender), key=event.key)

    def _locale(
        self, event: Commanded | EntriesChanged | Pressed | StartPicked | StartSubmitted | Submitted
    ) -> Locale:
        """How whoever it comes from reads and writes, as far as Slack has said."""
        return self._people.locale(event.sender.user_id)

    def _name(self, sender: Sender) -> str:
        return self._people.name(sender.user_id, sender.handle)

    async def _tell(self, event: Pressed, words: Words) -> None:
        """Tell the one who pressed, and nobody else, unless it is not true any more when it is sent."""
        await self._telling.tell(event, self._while_true(event.button, words))

    def _while_true(self, button: CardButton | None, words: Words) -> Say:
        async def say() -> Words:
            try:
                record = None if button is None else await self._store.reader.card(button.request_id)
            except StoreError:
                return words
            since = None if button is None or record is None else outdated_words(record, button.revision)
            return since or words

        return say

    async def _look_at(self, event: Pressed, button: CardButton, arrival: Arrival) -> None:
        """Put right what a button stands in that decides nothing."""
        person = await self._identify(event.sender, arrival)
        if person is not None:
            await self._judge(event, button, person, arrival)

    async def _judge(self, event: Pressed, button: CardButton, person: PersonId, arrival: Arrival) -> Judged:
        """Whether a press comes from what was shown, in a message or at home."""
        if event.response_url is None and event.channel is None:
            return await self._home.judge(event, person, arrival.look_up_by)
        seen = Seen(
            request_id=button.request_id,
            revision=button.revision,
            rendering=button.rendering,
            message=self._message(event),
            kept=event.kept,
            stands=event.stands,
        )
        judged = await self._presses.judge(seen, person, PLATFORM, arrival.look_up_by)
        if judged.is_copy:
            self._spawn(self._presses.close_copy(self._surface, seen))
        return judged

    def _message(self, event: Pressed) -> str | None:
        """The message of a press by the name that it is stored under."""
        if event.channel is None or event.message_ts is None:
            return None
        return Reference(self._within(event.channel), event.message_ts).name

    # Modals.

    async def _open(
        self, event: Pressed, button: CardButton, arrival: Arrival, *, instead: bool = False
    ) -> None:
        """Open a modal that shows all of the request, or asks for the answer or why it is chosen; `instead` of a card
        that does not match.
        """
        (view_id, failed), (record, hindered) = await both(
            self._opened(event), self._hindrance(event, button, arrival)
        )
        words = (hindered or unreadable_words()) if record is None else hindered
        if view_id is None:
            await self._tell(event, words or failed)
            return
        if record is None or words is not None:
            is_shown = await self._views.show(view_id, words_view((words or (),)))
        elif button.action is Action.READ:
            is_shown = await self._read(event, view_id, record, arrival)
        elif instead or button.action is Action.OPEN:
            is_shown = await self._views.show(
                view_id, answer_view(self._card(record), event.channel, self._locale(event))
            )
        else:
            view = reason_view(self._card(record), event.channel, button.number)
            is_shown = await self._views.show(view_id, view)
        if not is_shown:
            await self._tell(event, words or (_NOT_FILLED,))

    async def _read(self, event: Pressed, view_id: str, record: CardRecord, arrival: Arrival) -> bool:
        """Show the beginning of all of a request, or all of it; whether it shows."""
        person = await self._identify(event.sender, arrival)
        if person is None:
            return False
        request = record.request
        return await self._reading.show(
            view_id, record, arrival.attempt(person, request.id, request.revision)
        )

    async def _change_view(self, event: PageTurned | EntriesChanged, arrival: Arrival) -> None:
        person = await self._identify(event.sender, arrival)
        if person is not None and isinstance(event, PageTurned):
            await self._reading.turn(event, person, arrival)
        elif person is not None and isinstance(event, EntriesChanged):
            await self._entries.change(event, person, arrival.look_up_by, self._locale(event))

    async def _opened(self, event: Pressed) -> tuple[str | None, Words]:
        """A modal that opens at once; where it does not, what to tell whoever could have used it."""
        try:
            async with asyncio.timeout(TRIGGER_LIVES):
                return await self._views.open(event.trigger_id), ()
        except Expired:
            words = _EXPIRED
        except (DeliveryProblem, TimeoutError) as problem:
            logger.warning("could not open a modal: %s", str(problem) or "it took too long")
            words = _NOT_OPENED
        return None, (words,)

    async def _hindrance(
        self, event: Pressed, button: CardButton, arrival: Arrival
    ) -> tuple[CardRecord | None, Words | None]:
        """The card, and why its reader could not answer it now."""
        person = await self._identify(event.sender, arrival)
        if person is None:
            return None, (_WHO_PRESSED,)
        arrived = self._arrived(event, arrival)
        attempt = arrived.attempt(person, button.request_id, button.revision)
        return await self._desk.hindrance(attempt, arrived)

    async def _submitted(self, event: Submitted, arrival: Arrival) -> Answer:
        tag = event.tag
        record = None if tag is None else await self._store.reader.card(tag.request_id)
        if tag is None:
            self._metrics.payload_unreadable(PLATFORM)
        if tag is None or record is None:
            return shown_instead(words_view((unreadable_words(),)))
        if not await self._views.is_ours(event, arrival.look_up_by):
            return shown_instead(words_view((self._out_of_date(event, tag),)))
        self._presses.strikes.clear(self._within(event.sender.user_id), f"view of {tag.request_id}")
        card = self._card(record)
        entered: Entered | Rejected = Entered(
            None
        )  # of a question that has changed or closed: the store refuses it
        if record.request.open and record.request.revision == tag.revision:
            if tag.choice is None:
                entered = read_submission(card, event.values, self._locale(event))
            else:
                entered = read_reason(card, tag.choice, event.values)
        if isinstance(entered, Rejected):
            return _errors(entered)
        return await self._answer_submission(event, tag, record, entered, arrival)

    def _out_of_date(self, event: Submitted, tag: ViewTag) -> Words:
        """What somebody hears whose modal was not sent as we filled it."""
        logger.warning("a modal of request %s was not sent as it was filled", tag.request_id)
        if self._presses.strikes.strike(self._within(event.sender.user_id), f"view of {tag.request_id}"):
            return (f"This still doesn't match. Nothing was counted. Answer in the inbox: {COMMAND} inbox",)
        return ("This was out of date. Nothing was counted. Press the button of the card again.",)

    async def _answer_submission(
        self, event: Submitted, tag: ViewTag, record: CardRecord, entered: Entered, arrival: Arrival
    ) -> Answer:
        card = self._card(record)
        person = await self._identify(event.sender, arrival)
        if person is None:
            return _errors(refused_submission(card, event.values, _WHO_SENT))
        value = entered.value if tag.choice is None else choice_of(record, tag.revision, tag.choice)
        arrived = replace(arrival, chat=tag.channel, name=self._name(event.sender), key=event.key)
        comment = _comment(event, tag, card, entered)
        attempt = arrived.attempt(person, tag.request_id, tag.revision, value, comment)
        answered = await self._desk.answer(attempt, arrived)
        words = await self._desk.heard(answered, self._locale(event))
        if answered.outcome is None or answered.outcome.kind is OutcomeKind.INVALID:
            # The modal stays, with what was typed.
            return _errors(refused_submission(card, event.values, plain(words)))
        is_answered = answered.outcome.accepted or answered.outcome.kind is OutcomeKind.DUPLICATE
        return shown_instead(words_view((words,), "Answered" if is_answered else "Not counted"))

    async def _searched(self, event: Searched) -> Answer:
        button = event.button
        record = None if button is None else await self._store.reader.card(button.request_id)
        if button is None or record is None or record.request.revision != button.revision:
            return {"options": []}
        return {"options": find_choices(self._card(record), event.typed)}

    # Commands.

    async def _started(self, event: StartPicked | StartSubmitted, arrival: Arrival) -> Answer | None:
        person = await self._identify(event.sender, arrival)
        if person is None:
            return None if isinstance(event, StartPicked) else shown_instead(words_view(((_WHO_SENT,),)))
        if isinstance(event, StartPicked):
            self._spawn(self._starting.picked(event, person, self._locale(event)))
            return None
        try:
            return await self._starting.submitted(event, person, arrival, self._locale(event))
        except StoreError as error:
            logger.error("%s starts nothing: %s", person, error)  # noqa: TRY400 - the reason says it all
            return shown_instead(words_view(((_NOT_STARTED,),)))

    async def _open_start(self, event: Commanded, view: View) -> None:
        try:
            await self._starting.open(event, view)
        except (DeliveryProblem, TimeoutError) as problem:
            logger.warning("a modal was not opened: %s", str(problem) or "it took too long")
            await self._telling.reply(event.response_url, render_words(((_START_NOT_OPENED,),)))

    async def _commanded(self, event: Commanded, arrival: Arrival) -> Answer | None:
        person = await self._identify(event.sender, arrival)
        if person is None:
            return ephemeral(render_words(((_WHO_SENT,),)))
        view = await self._starting.view_for(event, person, self._locale(event))
        if view is not None:
            self._spawn(self._open_start(event, view))
            return None
        command = Command(
            verb=event.verb,
            text=event.text,
            person=person,
            arrival=replace(arrival, name=self._name(event.sender), key=event.key),
            prefix=f"{COMMAND} ",
            locale=self._locale(event),
        )
        done: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._spawn(self._carry_out(command, done, event.response_url))
        try:
            async with asyncio.timeout_at(arrival.look_up_by + _COMMANDS_LATER):
                return ephemeral(render_words((await asyncio.shield(done)).lines))
        except TimeoutError:
            done.cancel()
            return ephemeral(render_words((("One moment …",),)))

    async def _carry_out(self, command: Command, done: asyncio.Future[Reply], address: str) -> None:
        reply = await self._commands.run(command)
        if done.cancelled():
            await self._telling.reply(address, render_words(reply.lines))
        else:
            done.set_result(reply)

    def _card(self, record: CardRecord) -> Card:
        return card_of(record, self._settings)

    def _places_of(self, channel: str) -> list[str]:
        named = [
            one.name for one in self._settings.chats() if one.platform == PLATFORM and one.chat_id == channel
        ]
        return list(dict.fromkeys([*named, f"{PLATFORM}:{channel}"]))


def _comment(event: Submitted, tag: ViewTag, card: Card, entered: Entered) -> str | None:
    """Why somebody chose: all that a modal asks for behind a button, or what it takes beside an option."""
    if tag.choice is None:
        return read_comment(card, event.values)
    return entered.value if isinstance(entered.value, str) else None


def _errors(rejected: Rejected) -> Answer:
    return {"response_action": "errors", "errors": rejected.errors}
