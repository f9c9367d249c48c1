"""What happens at an update: everything that it decides is committed when `handle` returns, and acknowledged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from sayso.adapters.cards import Card, Words, cut
from sayso.adapters.telegram import (
    TOAST_LIMIT,
    Action,
    CardButton,
    Chat,
    Commanded,
    Conversation,
    Event,
    Finished,
    Found,
    Goal,
    GoOn,
    Migrated,
    Pressed,
    Prompt,
    Sender,
    StandingChanged,
    Step,
    StepButton,
    Stopped,
    Stretch,
    Typed,
    Unreadable,
    as_html,
    begin,
    inert,
    prompt,
    render_card,
    render_found,
    take_button,
    take_text,
)
from sayso.bots.cards import card_of
from sayso.bots.commands import Command
from sayso.bots.desk import Answered, Press
from sayso.bots.membership import NOBODY
from sayso.bots.outbox import DeliveryProblem
from sayso.bots.serving import Parts
from sayso.bots.telegram._api import Api, TooLate
from sayso.bots.telegram._chats import PLATFORM, Chats
from sayso.bots.telegram._conversations import Conversations
from sayso.bots.telegram._surface import Reference, TelegramSurface
from sayso.engine import CardRecord, OutcomeKind, PersonId

logger = logging.getLogger("sayso.telegram")

ACKNOWLEDGE_WITHIN = 5.0
"""Seconds that an acknowledgement may take; what it tells is committed already."""

_VERBS = {
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
_SOMEBODY_ELSE = "Somebody else is answering here. Press Answer in the card to answer yourself."
_LARGEST_TEXT = 4000

Spawn = Callable[[Coroutine[Any, Any, None]], None]


class Handler:
    """Turns events into answers, commands and conversations. `spawn` runs what may come after the acknowledgement."""

    def __init__(
        self,
        parts: Parts,
        api: Api,
        surface: TelegramSurface,
        chats: Chats,
        spawn: Spawn,
    ) -> None:
        self._api = api
        self._surface = surface
        self._chats = chats
        self._spawn = spawn
        self._store = parts.store
        self._desk = parts.desk
        self._commands = parts.commands
        self._settings = parts.settings
        self._metrics = parts.metrics
        self._conversations = Conversations(parts.store)
        self.username = ""

    async def handle(self, event: Event, event_key: str, received_at: datetime) -> None:
        """Do what an update asks for. Raises `StoreError` where that could not be committed."""
        match event:
            case Pressed():
                await self._pressed(event, event_key, received_at)
            case Typed():
                await self._typed(event, event_key, received_at)
            case Commanded():
                await self._commanded(event, event_key, received_at)
            case Migrated():
                await self._chats.move(event.old, event.new)
                await self._store.revive(self._chats.names_of(event.new))
            case StandingChanged():
                if event.is_in:
                    await self._store.revive(self._chats.names_of(event.chat.id))
            case Unreadable():
                logger.info("%s is not read: %s", event_key, event.reason)

    # Presses.

    async def _pressed(self, event: Pressed, event_key: str, received_at: datetime) -> None:
        person, button = event.sender.person, event.button
        if person is None:
            await self._acknowledge(event, (NOBODY,), alert=True)
        elif isinstance(button, CardButton):
            await self._card_pressed(event, person, button, event_key, received_at)
        elif isinstance(button, StepButton) and event.chat is not None and event.message_id is not None:
            await self._step_pressed(event, event.chat, event.message_id, button, event_key, received_at)
        else:
            await self._acknowledge(event, ("sayso does not know this question (any more).",), alert=True)

    async def _card_pressed(
        self, event: Pressed, person: PersonId, button: CardButton, event_key: str, received_at: datetime
    ) -> None:
        confirm = button.action is Action.CONFIRM
        press = Press(
            request_id=button.request_id,
            revision=button.revision,
            person=person,
            name=event.sender.name,
            event_key=event_key,
            received_at=received_at,
            choice=button.number if button.action is Action.CHOOSE else None,
            value=bool(button.number) if confirm else None,
            chat=None if event.chat is None else str(event.chat.id),
            shown=event.shown,
            label=event.label,
        )
        if confirm or button.action is Action.CHOOSE:
            answered = await self._desk.answer(press)
            if answered.asks_why and answered.record is not None:
                await self._ask_why(event, person, answered.record, button.number)
                return
            await self._tell_outcome(event, answered)
            if answered.record is not None:
                self._spawn(self._lock_if_copy(event, answered.record))
            return
        record, words = await self._desk.hindrance(press)
        if record is None or words is not None:
            await self._acknowledge(
                event, words or ("sayso does not know this question (any more).",), alert=True
            )
            return
        await self._acknowledge(event, ())
        card = self._card(record)
        if event.chat is None or event.message_id is None:
            return
        if button.action is Action.PAGE:
            self._spawn(self._turn_page(event.chat.id, event.message_id, card, button.number))
        else:
            goal = Goal.FIND if button.action is Action.FILTER else Goal.ANSWER
            self._spawn(
                self._ask(card, begin(card, person, goal), event.chat, event.message_id, event.sender)
            )

    async def _ask_why(self, event: Pressed, person: PersonId, record: CardRecord, chosen: int) -> None:
        """Ask for the remark that the policy wants; the reply decides."""
        await self._acknowledge(event, ("Please say why.",))
        if event.chat is not None and event.message_id is not None:
            card = self._card(record)
            conversation = begin(card, person, Goal.REMARK, (chosen,))
            self._spawn(self._ask(card, conversation, event.chat, event.message_id, event.sender))

    async def _tell_outcome(self, event: Pressed, answered: Answered) -> None:
        accepted = answered.outcome is not None and (
            answered.outcome.accepted or answered.outcome.kind is OutcomeKind.DUPLICATE
        )
        await self._acknowledge(event, answered.words, alert=not accepted)

    async def _acknowledge(self, event: Pressed, words: Words, *, alert: bool = False) -> None:
        """Answer the press. What was decided is committed: a failure here is logged and changes nothing."""
        text = cut(self._surface.in_zone(words, event.sender.user_id), TOAST_LIMIT) or None
        try:
            async with asyncio.timeout(ACKNOWLEDGE_WITHIN):
                await self._api.call(
                    "answerCallbackQuery",
                    callback_query_id=event.query_id,
                    text=text,
                    show_alert=True if alert and text else None,
                )
        except TooLate:
            logger.info("press %s was acknowledged too late; what it decided stands", event.query_id)
        except (DeliveryProblem, TimeoutError) as problem:
            logger.warning("press %s could not be acknowledged: %s", event.query_id, problem)

    async def _lock_if_copy(self, event: Pressed, record: CardRecord) -> None:
        """A pressed card whose message is none that we know of was sent by an attempt that nobody heard the end of."""
        if event.chat is None or event.message_id is None:
            return
        pressed = Reference(event.chat.id, event.message_id)
        known = {
            text
            for delivery in await self._store.reader.deliveries(record.request.id)
            for text in (delivery.reference, delivery.former)
            if text is not None and delivery.destination.startswith(PLATFORM)
        }
        if {
            pressed.encode(),
            Reference(pressed.chat_id, pressed.message_id, complete=False).encode(),
        } & known:
            return
        if not record.request.open:
            self._metrics.copy_found(PLATFORM)
            await self._surface.lock_copy(record, pressed)

    async def _turn_page(self, chat_id: int, message_id: int, card: Card, page: int) -> None:
        message = render_card(card, self._settings.zone, self._store.clock.now(), page)
        await self._edit_markup(chat_id, message_id, {"inline_keyboard": message.keyboard})

    # Conversations.

    async def _step_pressed(
        self,
        event: Pressed,
        chat: Chat,
        message_id: int,
        button: StepButton,
        event_key: str,
        received_at: datetime,
    ) -> None:
        conversation = await self._conversations.at(chat.id, message_id)
        record = None if conversation is None else await self._store.reader.card(conversation.request_id)
        if conversation is None or record is None:
            await self._acknowledge(
                event, ("This was finished already. Your press changed nothing.",), alert=True
            )
        elif conversation.person != event.sender.person:
            await self._acknowledge(event, (_SOMEBODY_ELSE,), alert=True)
        else:
            step = take_button(self._card(record), conversation, button)
            words = await self._take_step(
                step, record, conversation, event.sender, chat, message_id, event_key, received_at
            )
            await self._acknowledge(event, words)

    async def _typed(self, event: Typed, event_key: str, received_at: datetime) -> None:
        message_id = event.replies_to
        if message_id is None and event.chat.is_private:
            message_id = await self._conversations.last(event.chat.id)
        conversation = None if message_id is None else await self._conversations.at(event.chat.id, message_id)
        if conversation is None or message_id is None:
            return  # people talk; a message that answers nothing of ours is none of our business
        if event.sender.person is None:
            self._spawn(self._say(event.chat, event.message_id, (NOBODY,)))
            return
        if conversation.person != event.sender.person:
            self._spawn(self._say(event.chat, event.message_id, (_SOMEBODY_ELSE,)))
            return
        record = await self._store.reader.card(conversation.request_id)
        if record is None:
            await self._conversations.forget(event.chat.id, message_id)
            return
        step = take_text(self._card(record), conversation, event.text)
        words = await self._take_step(
            step, record, conversation, event.sender, event.chat, message_id, event_key, received_at
        )
        if words:
            self._spawn(self._say(event.chat, event.message_id, words))

    async def _take_step(
        self,
        step: Step,
        record: CardRecord,
        conversation: Conversation,
        sender: Sender,
        chat: Chat,
        message_id: int,
        event_key: str,
        received_at: datetime,
    ) -> Words:
        """Carry a step out; the words that end the conversation, or none where it goes on."""
        card = self._card(record)
        match step:
            case GoOn():
                self._spawn(self._go_on(card, step, chat, message_id, sender))
                return ()
            case Found():
                self._spawn(self._show_found(card, step, conversation, chat, message_id))
                return ()
            case Stopped():
                await self._conversations.forget(chat.id, message_id)
                self._spawn(self._close(chat, message_id))
                return ("Stopped. Nothing was decided.",)
            case Finished():
                press = Press(
                    request_id=conversation.request_id,
                    revision=conversation.revision,
                    person=PersonId(conversation.person),
                    name=sender.name,
                    event_key=event_key,
                    received_at=received_at,
                    value=step.value,
                    comment=step.comment,
                    chat=str(chat.id),
                )
                return await self._finish(card, conversation, press, chat, message_id, sender)

    async def _finish(
        self,
        card: Card,
        conversation: Conversation,
        press: Press,
        chat: Chat,
        message_id: int,
        sender: Sender,
    ) -> Words:
        answered = await self._desk.answer(press)
        if answered.outcome is None:
            return answered.words  # not stored: the conversation stays, the reply can be sent again
        if answered.outcome.kind is OutcomeKind.INVALID:
            again = GoOn(conversation, self._surface.in_zone(answered.words))
            self._spawn(self._go_on(card, again, chat, message_id, sender))
            return ()
        await self._conversations.forget(chat.id, message_id)
        self._spawn(self._close(chat, message_id))
        return answered.words

    async def _go_on(self, card: Card, step: GoOn, chat: Chat, message_id: int, sender: Sender) -> None:
        asked = prompt(card, step.conversation, step.reason)
        before = await self._conversations.at(chat.id, message_id)
        shows_keyboard = before is not None and bool(prompt(card, before).keyboard)
        if asked.keyboard and shows_keyboard:
            await self._conversations.put(chat.id, message_id, step.conversation)
            await self._edit(chat.id, message_id, asked.text, asked.keyboard)
            return
        await self._conversations.forget(chat.id, message_id)
        if shows_keyboard:
            await self._edit_markup(chat.id, message_id, {"inline_keyboard": []})
        await self._ask(card, step.conversation, chat, None, sender, asked)

    async def _ask(
        self,
        card: Card,
        conversation: Conversation,
        chat: Chat,
        reply_to: int | None,
        sender: Sender,
        asked: Prompt | None = None,
    ) -> None:
        """Send the message that asks, and keep under it where the conversation stands."""
        shown = asked or prompt(card, conversation)
        if shown.keyboard:
            markup: dict[str, Any] = {"inline_keyboard": shown.keyboard}
        else:
            markup = {"force_reply": True} if chat.is_private else {"force_reply": True, "selective": True}
            if shown.placeholder:
                markup["input_field_placeholder"] = cut(shown.placeholder, 64)
        # A selective reply is forced on those whom the text mentions; the mention is the person's own.
        mention = (
            ""
            if chat.is_private
            else f'<a href="tg://user?id={sender.user_id}">{_escaped(sender.name)}</a>: '
        )
        await self._surface.wait(chat.id)
        async with self._conversations.beginning(chat.id):
            message_id = await self._surface.say_now(
                chat.id, f"{mention}{shown.text}", topic=chat.topic, reply_to=reply_to, markup=markup
            )
            await self._conversations.put(chat.id, message_id, conversation)

    async def _show_found(
        self, card: Card, found: Found, conversation: Conversation, chat: Chat, message_id: int
    ) -> None:
        shown = render_found(card, found)
        markup = {"inline_keyboard": shown.keyboard}
        await self._surface.wait(chat.id)
        async with self._conversations.beginning(chat.id):
            sent = await self._surface.say_now(chat.id, shown.text, topic=chat.topic, markup=markup)
            await self._conversations.forget(chat.id, message_id)
            await self._conversations.put(chat.id, sent, conversation)

    async def _close(self, chat: Chat, message_id: int) -> None:
        """Take the buttons off a message that asked."""
        await self._edit_markup(chat.id, message_id, {"inline_keyboard": []})

    # Commands.

    async def _commanded(self, event: Commanded, event_key: str, received_at: datetime) -> None:
        if event.addressee is not None and event.addressee.lower() != self.username.lower():
            return
        if event.sender.person is None:
            self._spawn(self._say(event.chat, event.message_id, (NOBODY,)))
            return
        if event.verb in ("cancel", "back", "skip"):
            typed = Typed(event.sender, event.chat, event.message_id, f"/{event.verb}", None)
            await self._typed(typed, event_key, received_at)
            return
        greeting: tuple[Words, ...] = ()
        if event.verb == "start":
            greeting = await self._started(event)
        elif event.verb not in _VERBS and event.addressee is None and not event.chat.is_private:
            return  # a command of some other bot in the group
        reply = await self._commands.run(
            Command(
                verb="pending" if greeting else _VERBS.get(event.verb, event.verb),
                text="" if greeting else event.text,
                person=event.sender.person,
                name=event.sender.name,
                event_key=event_key,
                received_at=received_at,
                prefix="/",
                start="run",
                is_private=event.chat.is_private,
                chat=str(event.chat.id),
                places=tuple(self._chats.names_of(event.chat.id)),
            )
        )
        reader = event.sender.user_id if event.chat.is_private else None
        lines = "\n".join(self._surface.in_zone(line, reader) for line in (*greeting, *reply.lines))
        self._spawn(self._say(event.chat, event.message_id, (lines,)))

    async def _started(self, event: Commanded) -> tuple[Words, ...]:
        """`/start`: somebody opened the chat, by hand or by a deep link. Cards can come here from now on."""
        assert event.sender.person is not None
        await self._desk.greet(event.sender.person, event.sender.name)
        await self._store.revive([f"{PLATFORM}:{event.chat.id}", *self._chats.names_of(event.chat.id)])
        return (
            (f"Hello {event.sender.name}. Questions for you will come here. You are {event.sender.person}.",),
            ("/pending shows what waits, /help the rest.",),
        )

    # Messages.

    def _card(self, record: CardRecord) -> Card:
        return card_of(record, self._settings)

    async def _say(self, chat: Chat, reply_to: int, words: Words) -> None:
        text = cut(inert(self._surface.in_zone(words)), _LARGEST_TEXT)
        await self._surface.say(chat.id, as_html([Stretch(text)]), topic=chat.topic, reply_to=reply_to)

    async def _edit(self, chat_id: int, message_id: int, text: str, keyboard: Any) -> None:
        await self._surface.budget.wait((f"chat:{chat_id}", "all"))
        await self._api.call(
            "editMessageText",
            chat_id=chat_id,
            message_id=message_id,
            text=text,
            parse_mode="HTML",
            reply_markup={"inline_keyboard": keyboard},
            link_preview_options={"is_disabled": True},
        )

    async def _edit_markup(self, chat_id: int, message_id: int, markup: dict[str, Any]) -> None:
        await self._surface.budget.wait((f"chat:{chat_id}", "all"))
        await self._api.call(
            "editMessageReplyMarkup", chat_id=chat_id, message_id=message_id, reply_markup=markup
        )


def _escaped(name: str) -> str:
    return as_html([Stretch(inert(name))])
