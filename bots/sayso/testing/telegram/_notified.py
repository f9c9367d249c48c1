"""Whom mentions in the local Telegram reach: which of them Telegram keeps, and for whom a message rings as it is sent.

A bot mentions people by their ids; where somebody has never written to it, never pressed one of its buttons and is not
in the chat, their privacy wins: the text stays, and the mention is not kept (core.telegram.org/bots/api, "Formatting
options"). In a group a mention rings for whoever has muted it, too. Nothing rings that is sent without notification,
and no edit does.
"""

from __future__ import annotations

from sayso.testing.telegram._entities import FormattedText
from sayso.testing.telegram._state import PRESENT, Chat, ChatKind, TelegramState


def allowed(state: TelegramState, chat: Chat, text: FormattedText) -> FormattedText:
    """The text without mentions of people whom the bot may not mention there."""
    kept = [
        one
        for one in text.entities
        if "user" not in one.extra or _is_known(state, chat, one.extra["user"]["id"])
    ]
    return FormattedText(text.text, tuple(kept))


def notified(state: TelegramState, chat: Chat, text: FormattedText) -> tuple[int, ...]:
    """The ids of those for whom it rings whatever they have muted: in a private chat its person, in a group the present
    whom it mentions.
    """
    if chat.kind is ChatKind.PRIVATE:
        return (chat.id,)
    names = {f"@{one.username}".lower(): one.id for one in state.accounts.values() if one.username}
    ids = [
        one.extra["user"]["id"] if "user" in one.extra else names.get(text.covered(one).lower(), 0)
        for one in text.entities
        if one.type in ("text_mention", "mention")
    ]
    return tuple(one for one in dict.fromkeys(ids) if chat.status(one) in PRESENT and one != state.bot.id)


def _is_known(state: TelegramState, chat: Chat, person: int) -> bool:
    private = state.chats.get(person)
    has_written = private is not None and private.is_started
    has_pressed = any(one.person_id == person for one in state.callbacks.values())
    return has_written or has_pressed or chat.status(person) in PRESENT
