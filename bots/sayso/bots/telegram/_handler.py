"""What happens at an update: everything that it decides is committed when `handle` returns, and acknowledged."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from sayso.adapters.cards import ToType, Words, cut, unreadable_words
from sayso.adapters.console import visible_line
from sayso.adapters.telegram import (
    TOAST_LIMIT,
    Action,
    CardButton,
    Commanded,
    Event,
    Goal,
    Migrated,
    Pressed,
    StandingChanged,
    StepButton,
    Stretch,
    Typed,
    Unreadable,
    as_html,
    inert,
)
from sayso.bots.answers import Answered, Answering, Command, choice_of, granting
from sayso.bots.chats import (
    REPLIES_LIVE,
    WORDS_LIVE,
    Afterwards,
    DeliveryProblem,
    Judged,
    Parts,
    Reference,
    Seen,
    Standing,
    Throttled,
)
from sayso.bots.people import NOBODY, Arrival
from sayso.bots.telegram._api import TooLate
from sayso.bots.telegram._chats import PLATFORM
from sayso.bots.telegram._dialogue import Dialogue
from sayso.bots.telegram._reading import Reading
from sayso.bots.telegram._surface import Connected
from sayso.engine import CardRecord, Locale, OutcomeKind, PersonId

logger = logging.getLogger("sayso.telegram")

ACKNOWLEDGE_WITHIN = 5.0
"""Seconds that an acknowledgement may take; what it tells is committed already."""

PRESS_WATCHED = 8.0
"""Seconds for which somebody looks at what they pressed, and Telegram shows an answer for certain."""

VERBS = {
    "run": "run",
    "breakglass": "break-glass",
    **{
        verb: verb
        for verb in (
            "pending", "answer", "reassign", "withdraw", "status", "inbox", "link", "unlink", "accounts", "help",
        )
    },
}  # fmt: skip
"""What commands are called in Telegram, whose own have no hyphens."""
_SAY_WHY = "Not recorded yet. Continue in the message below."
_STEPS = ("cancel", "back", "skip")


class Handler:
    """Turns events into answers, commands and conversations. What may come after the acknowledgement is done
    `afterwards`.
    """

    def __init__(
        self, parts: Parts, answering: Answering, connected: Connected, afterwards: Afterwards
    ) -> None:
        self._api = connected.api
        self._surface = connected.surface
        self._chats = connected.chats
        self._spawn = afterwards.spawn
        self._afterwards = afterwards
        self._store = parts.store
        self._desk = answering.desk
        self._commands = answering.commands
        self._settings = parts.settings
        self._presses = answering.presses
        self._reading = Reading(parts, answering, connected.surface, afterwards)
        self._dialogue = Dialogue(parts, answering, connected, afterwards)
        self.watched = self._dialogue.watched
        self.username = ""

    async def handle(self, event: Event, arrival: Arrival) -> None:
        """Do what an update asks for. Raises `StoreError` where that could not be committed."""
        if not (isinstance(event, Pressed) and isinstance(event.button, CardButton)):
            await arrival.turn()  # a card's press waits for it when it is looked up
        match event:
            case Pressed():
                await self._pressed(event, arrival)
            case Typed():
                await self._dialogue.typed(event, arrival)
            case Commanded():
                await self._commanded(event, arrival)
            case Migrated() | StandingChanged():
                await self.note(event)
            case Unreadable():
                logger.info("ignored %s: %s", arrival.key, event.reason)

    async def note(self, event: Event) -> None:
        """Keep what an update means to sayso that is somebody else's, who answers it: that a chat is there, say. Raises
        `StoreError`.
        """
        match event:
            case Migrated():
                await self._chats.move(event.old, event.new)
            case StandingChanged():
                if event.is_in:
                    await self._store.revive(self._chats.names_of(event.chat.id))
            case Commanded():
                if event.verb == "start" and event.sender.person is not None and self._is_addressed(event):
                    await self._started(event, event.sender.person)
            case Pressed() | Typed() | Unreadable():
                pass

    # Presses.

    async def _pressed(self, event: Pressed, arrival: Arrival) -> None:
        person, button = event.sender.person, event.button
        if person is None:
            await self._acknowledge(event, (NOBODY,), alert=True)
        elif isinstance(button, CardButton):
            await self._card_pressed(event, person, button, arrival)
        elif isinstance(button, StepButton) and event.chat is not None and event.message_id is not None:
            words, is_refused = await self._dialogue.pressed(
                event, event.chat, event.message_id, button, arrival
            )
            await self._acknowledge(event, words, alert=is_refused)
        else:
            await self._acknowledge(event, unreadable_words(), alert=True)

    async def _card_pressed(
        self, event: Pressed, person: PersonId, button: CardButton, arrival: Arrival
    ) -> None:
        chat = None if event.chat is None else str(event.chat.id)
        arrival = replace(arrival, chat=chat, name=event.sender.name)
        seen = _seen(event, button)
        judged = await self._presses.judge(seen, person, PLATFORM, arrival.look_up_by)
        if judged.is_copy:
            self._spawn(self._presses.close_copy(self._surface, seen))
        if not judged.counts:
            await self._mismatched(event, judged)
            return
        before = judged.before
        value = None if before is None else choice_of(before.card, button.revision, button.number)
        attempt = arrival.attempt(person, button.request_id, button.revision, value)
        if button.action is Action.GRANT:
            attempt = granting(attempt, None if before is None else before.card, button.number)
        if button.action in (Action.CONFIRM, Action.CHOOSE, Action.GRANT):
            answered = await self._desk.answer(attempt, arrival, before, is_press=True)
            if answered.asks_why and answered.record is not None:
                await arrival.turn()
                await self._acknowledge(event, (_SAY_WHY,))
                await self._dialogue.begin(event, answered.record, Goal.REASON, (button.number,))
                return
            await self._tell_outcome(event, answered)
            return
        record, words = await self._desk.hindrance(attempt, arrival)
        await arrival.turn()
        if record is None or words is not None:
            await self._acknowledge(event, words or unreadable_words(), alert=True)
            return
        if button.action is Action.OPEN:
            said, is_refused = await self._reading.open(event, record, attempt)
            await self._acknowledge(event, said, alert=is_refused)
            return
        await self._acknowledge(event, ())
        if button.action is not Action.PAGE:
            await self._dialogue.begin(
                event, record, Goal.FIND if button.action is Action.FILTER else Goal.ANSWER
            )
        else:
            self._spawn(self._turn_page(seen, record, button.number))

    async def _tell_outcome(self, event: Pressed, answered: Answered) -> None:
        accepted = answered.outcome is not None and (
            answered.outcome.accepted or answered.outcome.kind is OutcomeKind.DUPLICATE
        )
        await self._acknowledge(event, await self._desk.heard(answered), alert=not accepted)

    async def _acknowledge(self, event: Pressed, words: Words, *, alert: bool = False) -> None:
        """Answer the press. What was decided is committed: a failure here changes nothing, its words come behind."""
        text = cut(self._surface.in_zone(words, event.sender.user_id), TOAST_LIMIT)
        try:
            async with asyncio.timeout(ACKNOWLEDGE_WITHIN):
                await self._answer_query(event, text, alert=alert)
        except TooLate:
            logger.info("press %s was acknowledged too late; its result is recorded", event.query_id)
            self._spawn(self._tell(event, text))
        except Throttled as problem:
            logger.warning("could not acknowledge press %s: %s", event.query_id, problem)
            self._spawn(self._acknowledge_later(event, text, problem, alert=alert))
        except (DeliveryProblem, TimeoutError) as problem:
            logger.warning("could not acknowledge press %s: %s", event.query_id, problem)
            self._spawn(self._tell(event, text))

    async def _answer_query(self, event: Pressed, text: str, *, alert: bool) -> None:
        with self._api.calling() as bot:
            await bot.answer_callback_query(event.query_id, text or None, True if alert and text else None)

    async def _acknowledge_later(self, event: Pressed, text: str, met: Throttled, *, alert: bool) -> None:
        """Once Telegram allows it, as long as somebody looks at what they pressed; else in their own chat."""
        try:
            await self._afterwards.patiently(
                lambda: self._answer_query(event, text, alert=alert), PRESS_WATCHED, met
            )
        except DeliveryProblem as problem:
            logger.warning("could not acknowledge press %s: %s", event.query_id, problem)
            await self._tell(event, text)

    async def _tell(self, event: Pressed, text: str) -> None:
        """Say in somebody's own chat what became of a press that could not be answered. There may be no such chat."""
        if not text or event.sender.person is None:
            return
        is_here = event.chat is not None and event.chat.is_private
        about = "" if is_here else await self._about(event)
        message = as_html([Stretch(inert(f"{about}{text}"))])
        reply_to = event.message_id if is_here else None
        user_id = event.sender.user_id
        await self._afterwards.patiently(
            lambda: self._surface.say(user_id, message, reply_to=reply_to), WORDS_LIVE
        )

    async def _about(self, event: Pressed) -> str:
        """Which question a press elsewhere was about."""
        button = event.button
        record = await self._store.reader.card(button.request_id) if isinstance(button, CardButton) else None
        return "" if record is None else f"{cut(visible_line(record.request.question.prompt or ''), 100)}\n"

    async def _mismatched(self, event: Pressed, judged: Judged) -> None:
        """The press does not come from what was shown: say so, and how to answer all the same."""
        if judged.standing is not Standing.STUCK:
            await self._acknowledge(event, judged.words, alert=True)
            return
        await self._acknowledge(
            event, (*judged.words, " Answer in the inbox instead: see our private chat."), alert=True
        )
        self._spawn(self._send_inbox(event))

    async def _send_inbox(self, event: Pressed) -> None:
        """The way to the inbox, in private."""
        assert event.sender.person is not None
        arrival = Arrival.now(self._store.clock, name=event.sender.name, key=event.query_id)
        reply = await self._commands.run(
            Command(
                verb="inbox",
                text="",
                person=event.sender.person,
                arrival=replace(arrival, chat=str(event.sender.user_id)),
                prefix="/",
            )
        )
        text = "\n".join(self._surface.in_zone(line, event.sender.user_id) for line in reply.lines)
        user_id, message = event.sender.user_id, as_html([Stretch(text)])
        await self._afterwards.patiently(lambda: self._surface.say(user_id, message), REPLIES_LIVE)

    async def _turn_page(self, seen: Seen, record: CardRecord, page: int) -> None:
        """Show another page of options: the whole card under a number of its own, for what stands there is compared."""
        for delivery in await self._store.reader.deliveries(seen.request_id):
            if delivery.reference is not None and Reference.decode(delivery.reference).name == seen.message:
                await self._surface.turn_page(record, delivery, page)

    # Commands.

    async def _commanded(self, event: Commanded, arrival: Arrival) -> None:
        if not self._is_addressed(event):
            return
        if event.sender.person is None:
            self._spawn(self._dialogue.say(event.chat, event.typed.message_id, (NOBODY,)))
            return
        if event.verb in _STEPS:
            typed = replace(event.typed, text=f"/{event.verb}")
            await self._dialogue.typed(typed, arrival)
            return
        is_ours = event.verb in VERBS or event.verb == "start" or event.addressee is not None
        if not is_ours and event.typed.replies_to is not None:
            await self._dialogue.typed(event.typed, arrival)  # such as "/opt is full"
            return
        if not is_ours and not event.chat.is_private:
            return  # a command of some other bot in the group
        if event.typed.unfit is not None:
            await self._dialogue.refuse(event.chat, event.typed.message_id, event.typed.unfit)
            return
        await self._carry_out(event, event.sender.person, arrival)

    def _is_addressed(self, event: Commanded) -> bool:
        return event.addressee is None or event.addressee.lower() == self.username.lower()

    async def _carry_out(self, event: Commanded, person: PersonId, arrival: Arrival) -> None:
        is_start = event.verb == "start"
        reply = await self._commands.run(
            Command(
                verb="pending" if is_start else VERBS.get(event.verb, event.verb),
                text="" if is_start else event.text,
                person=person,
                arrival=replace(arrival, name=event.sender.name, chat=str(event.chat.id)),
                prefix="/",
                start="run",
                is_private=event.chat.is_private,
                places=tuple(self._chats.names_of(event.chat.id)),
                is_dialogue=True,
                locale=Locale.of(event.sender.language, self._settings.zone_of(person)),
            )
        )
        if reply.to_start:
            await self._dialogue.begin_start(event, reply.to_start, arrival)
        if reply.is_quiet or reply.to_start:
            return
        greeting = await self._started(event, person) if is_start and not reply.is_limited else ()
        words = tuple(part for line in (*greeting, *reply.lines) for part in ("\n", *line))[1:]
        self._spawn(self._dialogue.say(event.chat, event.typed.message_id, words, REPLIES_LIVE))

    async def _started(self, event: Commanded, person: PersonId) -> tuple[Words, ...]:
        """`/start`: somebody opened the chat, by hand or by a deep link. Cards can come here from now on."""
        await self._desk.greet(person, event.sender.name)
        await self._store.revive([f"{PLATFORM}:{event.chat.id}", *self._chats.names_of(event.chat.id)])
        return (
            (f"Hello {event.sender.name}. Requests for you will appear here. You are {person}.",),
            (ToType("/pending"), " shows what waits, ", ToType("/help"), " the rest."),
        )


def _seen(event: Pressed, button: CardButton) -> Seen:
    is_in_chat = event.chat is not None and event.message_id is not None
    return Seen(
        request_id=button.request_id,
        revision=button.revision,
        rendering=button.rendering,
        message=f"{event.chat.id}/{event.message_id}" if event.chat is not None and is_in_chat else None,
        kept=event.kept,
        stands=event.stands,
    )
