"""What takes more than a press, an answer or a start: the messages that ask, and what is pressed and typed there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

from telegram import ForceReply

from sayso.adapters.cards import Words, cut
from sayso.adapters.telegram import (
    Chat,
    Commanded,
    Conversation,
    Finished,
    Found,
    Goal,
    GoOn,
    Pressed,
    Prompt,
    Sender,
    Starting,
    Step,
    StepButton,
    Stopped,
    Stretch,
    Style,
    Typed,
    Unfit,
    as_html,
    begin,
    begin_start,
    inert,
    render_found,
)
from sayso.bots.answers import Answering
from sayso.bots.chats import WORDS_LIVE, Afterwards, Parts, card_of
from sayso.bots.people import NOBODY, Arrival
from sayso.bots.telegram._chats import PLATFORM
from sayso.bots.telegram._messenger import Outgoing, Sent
from sayso.bots.telegram._surface import Connected
from sayso.bots.telegram._topics import STARTS_LIVE, Topic, Topics, over_words, vote_of
from sayso.engine import CardRecord, StoreError

logger = logging.getLogger("sayso.telegram")

_SOMEBODY_ELSE = "Somebody else is answering here. To answer yourself, use the buttons of the card."
_NO_REPLY = (
    "Replies to that message are not read. Please reply to the newest message that asks you, or use the buttons of "
    "the card."
)
_REPLY_TO = "Not taken: please reply to the message that asks, or press a button in its card."
_DONE = "This is already done. Nothing changed."
_BELOW = "Continues in the message below."
_OUT_OF_DATE = "This was out of date. It is asked again: check it and answer there."
_STILL_DIFFERENT = "This still isn't what was asked. Nothing was counted. Please start again."
_LARGEST_TEXT = 4000
_LONGEST_TITLE = 300
_FOUND = "#found"


@dataclass(frozen=True, slots=True)
class _Turn:
    """Somebody's next step in a conversation, and the message that asked for it; it `is_typed`, or a press."""

    conversation: Conversation
    topic: Topic
    chat: Chat
    message_id: int
    sender: Sender
    arrival: Arrival
    is_typed: bool = False

    @property
    def subject(self) -> str:
        """What renderings of its message are known by while they are on their way."""
        return _subject(self.chat, self.message_id)


class Dialogue:
    """Carries conversations on. What may come after the acknowledgement is done `afterwards`."""

    def __init__(
        self,
        parts: Parts,
        answering: Answering,
        connected: Connected,
        afterwards: Afterwards,
    ) -> None:
        self._under_way = parts.under_way
        self._strikes = answering.presses.strikes
        self._messenger = connected.messenger
        self._conversations = connected.conversations
        self._surface = connected.surface
        self._spawn = afterwards.spawn
        self._afterwards = afterwards
        self._store = parts.store
        self._settings = parts.settings
        self._topics = Topics(parts, answering)

    async def begin(
        self, event: Pressed, record: CardRecord, goal: Goal, chosen: tuple[int, ...] = ()
    ) -> None:
        """Ask whoever pressed for more than the press."""
        person = event.sender.person
        if person is None or event.chat is None or event.message_id is None:
            return
        # What is typed from now on is not for another question.
        await self._conversations.interrupt(event.chat.id)
        card, voted = card_of(record, self._settings), vote_of(record, person)
        is_private, language = event.chat.is_private, event.sender.language
        conversation = begin(
            card, person, goal, chosen, voted, in_private=is_private, language=language
        ).next()
        topic = Topic(card, record=record, locale=self._topics.locale(conversation))
        self._spawn(self._ask(topic, conversation, event.chat, event.sender, reply_to=event.message_id))

    async def begin_start(self, event: Commanded, names: tuple[str, ...], arrival: Arrival) -> None:
        """Ask whoever wrote the command what to start, and with what; of the one that they named, with what."""
        person = event.sender.person
        assert person is not None
        await self._conversations.interrupt(event.chat.id)
        offer, is_private = await self._topics.offer(person), event.chat.is_private
        place = None if is_private else self._topics.place_of(person, str(event.chat.id))
        start = Starting(names, arrival.key, self._store.clock.now(), asked_in=place)
        name = event.text.strip()
        language = event.sender.language
        begun = begin_start(offer, person, start, in_private=is_private, language=language, name=name).next()
        topic = Topic(offer, locale=self._topics.locale(begun))
        self._spawn(self._ask(topic, begun, event.chat, event.sender, reply_to=event.typed.message_id))

    async def pressed(
        self, event: Pressed, chat: Chat, message_id: int, button: StepButton, arrival: Arrival
    ) -> tuple[Words, bool]:
        """Take a press within a conversation; what to acknowledge it with, and whether that is a refusal."""
        await self._under_way.answered(_subject(chat, message_id), button.rendering or 0, arrival.look_up_by)
        conversation = await self._conversations.at(chat.id, message_id)
        if conversation is None:
            why = self._conversations.why_over(chat.id, message_id, event.sender.person or "")
            return why or (_DONE,), True
        if conversation.person != event.sender.person:
            return (_SOMEBODY_ELSE,), True
        with self._conversations.taking(chat.id, message_id):
            topic = await self._topics.of(conversation)
            words = over_words(topic)
            if topic is None or words is not None:
                await self._close(chat, message_id, conversation, topic, words)
                return words or (), True
            turn = _Turn(conversation, topic, chat, message_id, event.sender, arrival)
            if event.kept is None or not event.stands or not conversation.shows(event.kept, button):
                return await self._ask_anew(turn, is_readable=event.kept is not None), True
            self._strikes.clear(conversation.person, turn.subject)
            return await self._take(topic.press(conversation, button), turn), False

    async def _ask_anew(self, turn: _Turn, *, is_readable: bool) -> Words:
        """What was pressed or replied to is not what was asked last: it is asked under a new number, once."""
        if self._strikes.strike(turn.conversation.person, turn.subject):
            await self._end(turn, (_STILL_DIFFERENT,))
            return (_STILL_DIFFERENT,)
        if is_readable:
            await self._go_on(GoOn(turn.conversation), turn)
        else:
            await self._conversations.forget(turn.chat.id, turn.message_id)
            asked = turn.conversation.next()
            self._spawn(self._ask(turn.topic, asked, turn.chat, turn.sender))
        return (_OUT_OF_DATE,)

    async def typed(self, event: Typed, arrival: Arrival) -> None:
        """Take a text, or say why it is not taken."""
        if event.replies_to is None and not event.chat.is_private:
            return  # people talk; a message that answers nothing of ours is none of our business
        words = await self._hear(event, arrival)
        if words:
            self._spawn(self.say(event.chat, event.message_id, words))

    async def refuse(self, chat: Chat, message_id: int, unfit: Unfit) -> None:
        """Say why a message is not taken; a text that follows it, maybe its rest, is not taken for an answer either."""
        await self._conversations.interrupt(chat.id)
        self._spawn(self.say(chat, message_id, (unfit,)))

    async def _hear(self, event: Typed, arrival: Arrival) -> Words:
        """What comes back for a text: nothing where the conversation goes on."""
        if event.sender.person is None:
            return (NOBODY,)
        chat = event.chat
        message_id = await self._conversations.last(chat.id) if event.replies_to is None else event.replies_to
        conversation = None if message_id is None else await self._conversations.at(chat.id, message_id)
        is_own = conversation is not None and conversation.person == event.sender.person
        if event.unfit is not None:
            if event.unfit is Unfit.CUT and is_own and message_id is not None:
                await self._conversations.forget(chat.id, message_id)  # the rest may come as a reply, too
                if conversation is not None and conversation.has_buttons:
                    self._spawn(self._lock(chat.id, message_id))
            await self.refuse(chat, event.message_id, event.unfit)
            return ()
        if conversation is None or message_id is None:
            words = self._conversations.why_over(chat.id, message_id or 0, event.sender.person)
            return words or (_REPLY_TO if event.replies_to is None else _NO_REPLY,)
        if not is_own:
            return (_SOMEBODY_ELSE,)
        with self._conversations.taking(chat.id, message_id):
            topic = await self._topics.of(conversation)
            words = over_words(topic)
            if topic is None or words is not None:
                await self._close(chat, message_id, conversation, topic, None)
                return words or ()
            turn = _Turn(conversation, topic, chat, message_id, event.sender, arrival, is_typed=True)
            if event.replied is not None and not conversation.says(event.replied):
                return await self._ask_anew(turn, is_readable=True)
            self._strikes.clear(conversation.person, turn.subject)
            return await self._take(topic.hear(conversation, event.text), turn)

    async def _take(self, step: Step, turn: _Turn) -> Words:
        """Carry a step out; the words that end the conversation, or none where it goes on."""
        match step:
            case GoOn():
                await self._go_on(step, turn)
                return ()
            case Found():
                show = partial(self._show_found, step, turn)
                self._spawn(self._afterwards.patiently(show, WORDS_LIVE))
                return ()
            case Stopped():
                await self._end(turn, turn.topic.cancelled)
                return turn.topic.cancelled
            case Finished():
                return await self._finish(step, turn)

    async def _finish(self, step: Finished, turn: _Turn) -> Words:
        arrived = replace(turn.arrival, chat=str(turn.chat.id), name=turn.sender.name)
        ending = await self._topics.finish(turn.conversation, step, arrived)
        if ending.is_lost:
            return ending.words  # the conversation stays, the reply can be sent again
        if ending.is_refused:
            await self._go_on(
                GoOn(turn.conversation, self._surface.in_zone(ending.words, _reader(turn.chat))), turn
            )
            return ()
        await self._end(turn, ending.words)
        return ending.words

    async def _end(self, turn: _Turn, words: Words) -> None:
        """The message asks no more, and says what came of it. Whoever typed hears it below as well."""
        await self._close(turn.chat, turn.message_id, turn.conversation, turn.topic, words)

    async def _close(
        self,
        chat: Chat,
        message_id: int,
        conversation: Conversation,
        topic: Topic | None,
        words: Words | None,
    ) -> None:
        """The message asks no more, its buttons go, and where there are some it can say why."""
        await self._conversations.forget(chat.id, message_id)
        if not conversation.has_buttons:
            return
        if topic is None or words is None:
            self._spawn(self._lock(chat.id, message_id))
            return
        title = cut(inert(topic.title(conversation)), _LONGEST_TITLE)
        said = self._surface.reply(words, _reader(chat), _LARGEST_TEXT - _LONGEST_TITLE)
        text = as_html([Stretch(title, Style.BOLD), Stretch("\n"), *said])
        self._spawn(self._say_there(chat.id, message_id, text))

    # Ends that nobody asked for.

    @asynccontextmanager
    async def watched(self) -> AsyncGenerator[None]:
        """While inside, whoever is being asked hears it at once when that has no use any more."""
        hub, news = self._store.hub, self._conversations.news
        await self._conversations.load()
        listener = hub.listen_cards(asyncio.get_running_loop(), news.set)
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._watch(), name="telegram conversations")
            try:
                yield
            finally:
                hub.ignore_cards(listener)
                watching.cancel()

    async def _watch(self) -> None:
        news = self._conversations.news
        while True:
            news.clear()
            try:
                await self._end_those_over()
            except StoreError as error:
                logger.warning("cannot read what is being asked: %s", error)
            try:
                async with asyncio.timeout(self._next_end()):
                    await news.wait()
            except TimeoutError:
                pass

    def _next_end(self) -> float | None:
        """In how many seconds a start has been left for too long; None where there is none."""
        begun = [one.start.begun for _, one in self._conversations.resting() if one.start is not None]
        if not begun:
            return None
        return max(0.0, (min(begun) + STARTS_LIVE - self._store.clock.now()).total_seconds()) + 1.0

    async def _end_those_over(self) -> None:
        for (chat_id, message_id), conversation in self._conversations.resting():
            topic = await self._topics.of(conversation)
            words = over_words(topic)
            if words is None or not self._conversations.rests(chat_id, message_id):
                continue
            has_buttons, is_news = conversation.has_buttons, topic is not None and not topic.is_stale
            if topic is not None and topic.is_known and is_news and not has_buttons:
                continue  # they know; what they may write next is told what it is late for
            chat = Chat(chat_id, is_private=chat_id > 0)
            self._conversations.note_end(chat_id, message_id, conversation.person, words)
            await self._close(chat, message_id, conversation, topic, words)
            if is_news and not has_buttons:
                self._spawn(self.say(chat, message_id, words))

    # Messages.

    async def _go_on(self, step: GoOn, turn: _Turn) -> None:
        """Ask what comes next. Where the conversation stands is kept when it returns."""
        topic, chat, message_id = turn.topic, turn.chat, turn.message_id
        conversation = step.conversation.next()
        asked = topic.ask(conversation, step.reason)
        conversation = conversation.asked_by(asked)
        if asked.keyboard and turn.conversation.has_buttons and not turn.is_typed:
            await self._conversations.put(chat.id, message_id, conversation)
            self._spawn(self._edit(turn, asked, conversation.rendering))
            return
        await self._close(chat, message_id, turn.conversation, topic, (_BELOW,))
        self._spawn(self._ask(topic, conversation, chat, turn.sender, asked=asked))

    async def _ask(
        self,
        topic: Topic,
        conversation: Conversation,
        chat: Chat,
        sender: Sender,
        *,
        asked: Prompt | None = None,
        reply_to: int | None = None,
    ) -> None:
        shown = asked or topic.ask(conversation)
        conversation = conversation.asked_by(shown)
        reply = None
        if not shown.keyboard:
            placeholder = cut(shown.placeholder, 64) if shown.placeholder else None
            reply = ForceReply(
                selective=None if chat.is_private else True, input_field_placeholder=placeholder
            )
        # A selective reply is forced on those whom the text mentions; the mention is the person's own.
        name = as_html([Stretch(inert(sender.name))])
        mention = "" if chat.is_private else f'<a href="tg://user?id={sender.user_id}">{name}</a>: '
        is_again = False

        async def ask() -> None:
            nonlocal is_again
            since = over_words(await self._topics.of(conversation)) if is_again else None
            is_again = True
            if since is None:
                message = Outgoing(
                    f"{mention}{shown.text}",
                    topic=chat.topic,
                    reply_to=reply_to,
                    keyboard=shown.keyboard,
                    reply=reply,
                    is_silent=not chat.is_private,
                )
                await self._post(chat, message, conversation)
            elif reply_to is not None:
                await self.say(chat, reply_to, since)

        await self._afterwards.patiently(ask, WORDS_LIVE)

    async def _show_found(self, found: Found, turn: _Turn) -> None:
        """The options that were found are buttons of the card, in another message of it."""
        request_id, place = turn.conversation.request_id, f"{PLATFORM}:{turn.chat.id}{_FOUND}"
        rendering = await self._store.begin_rendering(request_id, place)
        if rendering is None:
            return  # pruned meanwhile
        assert turn.topic.record is not None
        shown = render_found(card_of(turn.topic.record, self._settings, rendering=rendering), found)
        await self._conversations.forget(turn.chat.id, turn.message_id)
        with self._under_way.sending(request_id, rendering):
            message = Outgoing(
                shown.text,
                topic=turn.chat.topic,
                keyboard=shown.keyboard,
                is_silent=not turn.chat.is_private,
            )
            sent = await self._post(turn.chat, message, turn.conversation.next())
            if sent.kept is not None:
                name = sent.reference.name
                await self._store.keep_rendering(request_id, place, rendering, name, sent.kept)

    async def _post(self, chat: Chat, message: Outgoing, conversation: Conversation) -> Sent:
        """Send a message that asks, and keep under it where the conversation stands."""

        async def keep(sent: Sent) -> None:
            asked = (
                conversation
                if sent.kept is None
                else conversation.was_asked(conversation.rendering, sent.kept)
            )
            await self._conversations.put_newest(sent.chat_id, sent.message_id, asked)

        await self._messenger.wait(chat.id)
        return await self._messenger.send(chat.id, message, keep)

    async def say(self, chat: Chat, reply_to: int, words: Words, worth: float = WORDS_LIVE) -> None:
        """Answer a message, as long as it is worth it where Telegram throttles."""
        text = as_html(self._surface.reply(words, _reader(chat), _LARGEST_TEXT))

        async def send() -> None:
            silent = not chat.is_private  # in a group it is for one who is looking
            await self._surface.say(chat.id, text, topic=chat.topic, reply_to=reply_to, is_silent=silent)

        await self._afterwards.patiently(send, worth)

    async def _lock(self, chat_id: int, message_id: int) -> None:
        """Take a message's buttons away."""

        async def lock() -> None:
            await self._messenger.wait(chat_id)
            await self._messenger.lock(chat_id, message_id)

        await self._afterwards.patiently(lock, WORDS_LIVE)

    async def _say_there(self, chat_id: int, message_id: int, text: str) -> None:
        """Have a message that asked say this instead, and have no buttons."""

        async def edit() -> None:
            await self._messenger.wait(chat_id)
            await self._messenger.edit(chat_id, message_id, text, [])

        await self._afterwards.patiently(edit, WORDS_LIVE)

    async def _edit(self, turn: _Turn, asked: Prompt, rendering: int) -> None:
        """Ask in the message that asked before, unless it asks something else by the time that Telegram allows it."""

        async def edit() -> None:
            standing = await self._conversations.at(turn.chat.id, turn.message_id)
            if standing is not None and standing.rendering == rendering:
                await self._edit_now(turn, asked, rendering)

        await self._afterwards.patiently(edit, WORDS_LIVE)

    async def _edit_now(self, turn: _Turn, asked: Prompt, rendering: int) -> None:
        chat_id, message_id = turn.chat.id, turn.message_id
        with self._under_way.sending(turn.subject, rendering):
            await self._messenger.wait(chat_id)
            kept = await self._messenger.edit(chat_id, message_id, asked.text, asked.keyboard)
            if kept is not None:
                await self._conversations.was_asked(chat_id, message_id, rendering, kept)


def _reader(chat: Chat) -> int | None:
    """Whose time zone counts in a chat: that of the one person who reads it."""
    return chat.id if chat.is_private else None


def _subject(chat: Chat, message_id: int) -> str:
    return f"conversation {chat.id}/{message_id}"
