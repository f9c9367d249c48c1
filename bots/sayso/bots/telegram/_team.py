"""sayso beside the bot that a team has already, under one token: a guest in the team's `Application`, or its host.

Of all that happens sayso takes what is its own; some of it concerns both, and the rest is the team's.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from telegram import Update
from telegram.error import TelegramError
from telegram.ext import ApplicationHandlerStop, ExtBot, TypeHandler

from sayso.adapters.cards import Words, cut, not_recorded_words
from sayso.adapters.telegram import (
    TOAST_LIMIT,
    CardButton,
    Commanded,
    Event,
    Migrated,
    Pressed,
    StandingChanged,
    StepButton,
    Typed,
    Unreadable,
    parse_update,
)
from sayso.bots.people import Turn, Turns
from sayso.bots.telegram._handler import VERBS, Handler
from sayso.bots.telegram._intake import Intake, sender_of
from sayso.bots.telegram._surface import Connected
from sayso.engine import StoreError

if TYPE_CHECKING:
    from telegram.ext import Application

    AnyApplication = Application[Any, Any, Any, Any, Any, Any]

logger = logging.getLogger("sayso.telegram")

GROUP = -1000
"""The group of handlers in a team's application that sayso's is in: before those of nearly everybody."""

_AWAY = "Not taken: sayso is starting or stopping. Please try again in a moment."


class Shares:
    """Says whose an update is. `takes_commands` is whether sayso's commands are its own, all but `/start`, which is
    everybody's, and `/help`, which is the team's; and whether a text without a reply can answer what was asked last.
    """

    def __init__(self, connected: Connected, *, takes_commands: bool) -> None:
        self._conversations = connected.conversations
        self._messenger = connected.messenger
        self._takes_commands = takes_commands

    async def own(self, event: Event) -> Event | None:
        """What of an update is sayso's; None where it is the team's, or everybody's. A command that replies to what
        sayso asks is the text that it is, unless it is sayso's. Raises `StoreError`.
        """
        match event:
            case Pressed():
                return event if event.is_marked or await self._is_former(event) else None
            case Typed():
                return event if await self._is_answer(event) else None
            case Commanded():
                if self._takes_commands and event.verb in VERBS and event.verb != "help":
                    return event
                return event.typed if await self._is_answer(event.typed) else None
            case Migrated() | StandingChanged() | Unreadable():
                return None

    async def _is_former(self, event: Pressed) -> bool:
        """Whether the button is of a message of before there was a prefix."""
        if not isinstance(event.button, StepButton) or event.chat is None or event.message_id is None:
            return isinstance(event.button, CardButton)
        return await self._conversations.at(event.chat.id, event.message_id) is not None

    async def _is_answer(self, event: Typed) -> bool:
        """Whether a text is for sayso: a reply to a message of its own, or said where it has asked last."""
        chat_id, message_id = event.chat.id, event.replies_to
        if message_id is None:
            is_asked = self._takes_commands and event.chat.is_private
            return is_asked and await self._conversations.last(chat_id) is not None
        if event.is_marked or self._messenger.has_sent(chat_id, message_id):
            return True
        return await self._conversations.at(chat_id, message_id) is not None


class Guest:
    """Takes what is sayso's from a team's application, before the team's own handlers, and nothing else. They hear none
    of it.
    """

    def __init__(self, application: AnyApplication, shares: Shares, handler: Handler, intake: Intake) -> None:
        self._application = application
        self._shares = shares
        self._handler = handler
        self._intake = intake
        self._turns: Turns[int] = Turns()
        # Said in so many words, for the application's defaults may say otherwise: only what blocks can stop the rest.
        self._door: TypeHandler[Update, Any, None] = TypeHandler(Update, self._take, block=True)
        application.add_handler(self._door, GROUP)

    @property
    def is_handed_updates(self) -> bool:
        """Whether the application runs."""
        updater = self._application.updater
        return self._application.running and (updater is None or updater.running)

    def leave(self) -> None:
        """Take nothing any more."""
        self._application.remove_handler(self._door, GROUP)

    async def _take(self, update: Update, context: object) -> None:
        del context
        event = parse_update(update.to_dict(), str(self._application.bot.id))
        try:
            with self._turns.of(sender_of(event)) as turn:
                own = await self._shares.own(event)
                if own is None:
                    await self._handler.note(event)
                    return
                await turn()  # with `concurrent_updates`, what came later may be looked up sooner
                taken = self._intake.take_event(own, update.update_id) if self._intake.is_taking else None
            if taken is None:
                await _refuse(update, (_AWAY,))
            else:
                await taken
        except StoreError as error:
            # The application has confirmed it: it does not come again, so it is for the person to know.
            logger.error("could not commit an update: %s", error)  # noqa: TRY400 - the reason says it all
            await _refuse(update, not_recorded_words(error))
        raise ApplicationHandlerStop


async def _refuse(update: Update, words: Words) -> None:
    """Say why something was not taken, by the application's own bot."""
    text = cut("".join(str(word) for word in words), TOAST_LIMIT)
    try:
        if update.callback_query is not None:
            await update.callback_query.answer(text, show_alert=True)
        elif update.effective_message is not None:
            await update.effective_message.reply_text(text, do_quote=True)
    except TelegramError as error:
        logger.warning("could not tell a person that their input was not recorded: %s", error)


class Host:
    """Hands a team's application what is not sayso's own. It is processed as what its own `Updater` fetches: from a
    queue in memory.
    """

    def __init__(self, application: AnyApplication, shares: Shares, handler: Handler) -> None:
        self._application = application
        self._shares = shares
        self._handler = handler

    async def share(self, event: Event, update: object, turn: Turn) -> Event | None:
        """What of an update is sayso's; where nothing is, it is handed on. Raises `StoreError`."""
        if isinstance(event, Pressed) and event.is_marked:
            return event  # before its turn, for it is looked up meanwhile
        await turn()
        own = await self._shares.own(event)
        if own is None:
            await self._handler.note(event)
            await self._hand_on(update)
        return own

    async def _hand_on(self, update: object) -> None:
        bot = self._application.bot
        try:
            handed = Update.de_json(cast("dict[str, Any]", update), bot)
        except Exception:
            # One that the library cannot read must not be fetched for ever.
            logger.exception("could not pass on an update")
            return
        if isinstance(bot, ExtBot):
            bot.insert_callback_data(handed)
        await self._application.update_queue.put(handed)
