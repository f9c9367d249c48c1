"""Answers that take more than a press: the messages that ask, and what is pressed and typed there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from telegram import ForceReply

from sayso.adapters.cards import Card, Words, cut, unreadable_words
from sayso.adapters.telegram import (
    Chat,
    Conversation,
    Finished,
    Found,
    Goal,
    GoOn,
    Pressed,
    Prompt,
    Sender,
    Step,
    StepButton,
    Stopped,
    Stretch,
    Typed,
    Unfit,
    as_html,
    begin,
    inert,
    prompt,
    render_found,
    take_button,
    take_text,
)
from sayso.bots.answers import Answering
from sayso.bots.chats import WORDS_LIVE, Afterwards, Parts, card_of, outdated_words
from sayso.bots.people import NOBODY, Arrival
from sayso.bots.telegram._chats import PLATFORM
from sayso.bots.telegram._messenger import Outgoing, Sent
from sayso.bots.telegram._surface import Connected
from sayso.engine import CardRecord, OutcomeKind

_SOMEBODY_ELSE = "Somebody else is answering here. Press Answer in the card to answer yourself."
_NO_REPLY = (
    "That message no longer takes replies. Please reply to the newest message that asks you, or use the buttons of "
    "the card."
)
_REPLY_TO = "Not taken: please reply to the message that asks, or press a button in its card."
_ANSWERED_SINCE = "You have answered this since. The card shows what counts, and its buttons change it."
_OUT_OF_DATE = "This was out of date. It is asked again: check it and answer there."
_STILL_DIFFERENT = (
    "This still isn't what was asked. Nothing was counted. Press Answer in the card to begin again."
)
_LARGEST_TEXT = 4000
_FOUND = "#found"


@dataclass(frozen=True, slots=True)
class _Turn:
    """Somebody's next step in a conversation, and the message that asked for it."""

    conversation: Conversation
    record: CardRecord
    chat: Chat
    message_id: int
    sender: Sender
    arrival: Arrival

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
        self._desk = answering.desk
        self._settings = parts.settings

    async def begin(
        self, event: Pressed, record: CardRecord, goal: Goal, chosen: tuple[int, ...] = ()
    ) -> None:
        """Ask whoever pressed for more than the press."""
        person = event.sender.person
        if person is None or event.chat is None or event.message_id is None:
            return
        # What is typed from now on is not for another question.
        await self._conversations.interrupt(event.chat.id)
        card = self._card(record)
        conversation = begin(card, person, goal, chosen, _vote_of(record, person)).next()
        self._spawn(self._ask(card, conversation, event.chat, event.sender, reply_to=event.message_id))

    async def pressed(
        self, event: Pressed, chat: Chat, message_id: int, button: StepButton, arrival: Arrival
    ) -> tuple[Words, bool]:
        """Take a press within a conversation; what to acknowledge it with, and whether that is a refusal."""
        await self._under_way.answered(_subject(chat, message_id), button.rendering or 0, arrival.look_up_by)
        conversation = await self._conversations.at(chat.id, message_id)
        if conversation is None:
            return ("This is already done. Nothing changed.",), True
        if conversation.person != event.sender.person:
            return (_SOMEBODY_ELSE,), True
        record, words = await self._hindrance(conversation)
        if record is None or words is not None:
            await self._end(chat, message_id)
            return words or unreadable_words(), True
        turn = _Turn(conversation, record, chat, message_id, event.sender, arrival)
        if event.kept is None or not event.stands or not conversation.shows(event.kept, button):
            return await self._ask_anew(turn, is_readable=event.kept is not None), True
        self._strikes.clear(conversation.person, turn.subject)
        return await self._take(take_button(self._card(record), conversation, button), turn), False

    async def _ask_anew(self, turn: _Turn, *, is_readable: bool) -> Words:
        """What was pressed or replied to is not what was asked last: it is asked under a new number, once."""
        if self._strikes.strike(turn.conversation.person, turn.subject):
            await self._end(turn.chat, turn.message_id)
            return (_STILL_DIFFERENT,)
        if is_readable:
            await self._go_on(GoOn(turn.conversation), turn)
        else:
            await self._conversations.forget(turn.chat.id, turn.message_id)
            asked = turn.conversation.next()
            self._spawn(self._ask(self._card(turn.record), asked, turn.chat, turn.sender))
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
                await self._end(chat, message_id)  # the rest may come as a reply, too
            await self.refuse(chat, event.message_id, event.unfit)
            return ()
        if conversation is None or message_id is None:
            return (_REPLY_TO if event.replies_to is None else _NO_REPLY,)
        if not is_own:
            return (_SOMEBODY_ELSE,)
        record, words = await self._hindrance(conversation)
        if record is None or words is not None:
            await self._end(chat, message_id)
            return words or unreadable_words()
        turn = _Turn(conversation, record, chat, message_id, event.sender, arrival)
        if event.replied is not None and not conversation.says(event.replied):
            return await self._ask_anew(turn, is_readable=True)
        self._strikes.clear(conversation.person, turn.subject)
        return await self._take(take_text(self._card(record), conversation, event.text), turn)

    async def _hindrance(self, conversation: Conversation) -> tuple[CardRecord | None, Words | None]:
        """Why a conversation cannot go on, whatever comes next; None if it can."""
        record = await self._store.reader.card(conversation.request_id)
        if record is None:
            return None, None
        words = outdated_words(record, conversation.revision)
        if words is None and _vote_of(record, conversation.person) != conversation.voted:
            words = (_ANSWERED_SINCE,)
        return record, words

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
                await self._end(turn.chat, turn.message_id)
                return ("Stopped. Nothing was decided.",)
            case Finished():
                return await self._finish(step, turn)

    async def _finish(self, step: Finished, turn: _Turn) -> Words:
        conversation = turn.conversation
        arrived = replace(turn.arrival, chat=str(turn.chat.id), name=turn.sender.name)
        asked = conversation.request_id, conversation.revision
        attempt = arrived.attempt(conversation.person, *asked, step.value, step.comment)
        answered = await self._desk.answer(attempt, arrived)
        words = await self._desk.heard(answered)
        if answered.outcome is None:
            return words  # not stored: the conversation stays, the reply can be sent again
        if answered.outcome.kind is OutcomeKind.INVALID:
            await self._go_on(GoOn(turn.conversation, self._surface.in_zone(words)), turn)
            return ()
        await self._end(turn.chat, turn.message_id)
        return words

    async def _end(self, chat: Chat, message_id: int) -> None:
        """The message asks no more, and its buttons go."""
        await self._conversations.forget(chat.id, message_id)
        self._spawn(self._lock(chat.id, message_id))

    # Messages.

    async def _go_on(self, step: GoOn, turn: _Turn) -> None:
        """Ask what comes next. Where the conversation stands is kept when it returns."""
        card, chat, message_id = self._card(turn.record), turn.chat, turn.message_id
        conversation = step.conversation.next()
        asked = prompt(card, conversation, step.reason)
        shows_keyboard = bool(prompt(card, turn.conversation).keyboard)
        if asked.keyboard and shows_keyboard:
            await self._conversations.put(chat.id, message_id, conversation)
            self._spawn(self._edit(turn, asked, conversation.rendering))
            return
        if shows_keyboard:
            await self._end(chat, message_id)
        else:
            await self._conversations.forget(chat.id, message_id)
        self._spawn(self._ask(card, conversation, chat, turn.sender, asked=asked))

    async def _ask(
        self,
        card: Card,
        conversation: Conversation,
        chat: Chat,
        sender: Sender,
        *,
        asked: Prompt | None = None,
        reply_to: int | None = None,
    ) -> None:
        shown = asked or prompt(card, conversation)
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
            since = await self._since(conversation) if is_again else None
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

    async def _since(self, conversation: Conversation) -> Words | None:
        """Why a conversation has no use any more that could not be asked for a while."""
        record, words = await self._hindrance(conversation)
        return words or (unreadable_words() if record is None else None)

    async def _show_found(self, found: Found, turn: _Turn) -> None:
        """The options that were found are buttons of the card, in another message of it."""
        request_id, place = turn.conversation.request_id, f"{PLATFORM}:{turn.chat.id}{_FOUND}"
        rendering = await self._store.begin_rendering(request_id, place)
        if rendering is None:
            return  # pruned meanwhile
        shown = render_found(card_of(turn.record, self._settings, rendering=rendering), found)
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
        text = as_html([Stretch(cut(inert(self._surface.in_zone(words)), _LARGEST_TEXT))])

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

    def _card(self, record: CardRecord) -> Card:
        return card_of(record, self._settings)


def _subject(chat: Chat, message_id: int) -> str:
    return f"conversation {chat.id}/{message_id}"


def _vote_of(record: CardRecord, person: str) -> str:
    """When somebody's vote so far was given; nothing where there is none."""
    own = (vote for vote in record.votes if person in (vote.person, vote.account, *vote.accounts))
    return next((vote.at.isoformat() for vote in own), "")
