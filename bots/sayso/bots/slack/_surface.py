"""Cards in Slack channels and direct messages: sent, edited, locked; and messages that are no cards."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sayso.adapters.cards import Words, rest_text
from sayso.adapters.slack import (
    Mention,
    SlackMessage,
    kept_message,
    render_card,
    render_copy,
    render_former,
    render_mentions,
    render_words,
)
from sayso.bots.chats import (
    Budget,
    DeliveryProblem,
    Keep,
    Rate,
    Reference,
    Unclear,
    Undeliverable,
    accounts_of,
    card_of,
    groups_of,
    lacks_rest,
    message_of,
    rest_mark,
)
from sayso.bots.slack._api import Api, budget_key
from sayso.bots.slack._settings import SlackSettings
from sayso.config import Destination, Settings, UnknownDestination
from sayso.engine import CardRecord, Delivery, Notice, SQLiteStore

logger = logging.getLogger("sayso.slack")

PLATFORM = "slack"
_UPDATES = budget_key("chat_update", None)
_MARGIN = 1.05
"""Requests sent in time may arrive closer together than they were sent."""


def slack_rates(settings: SlackSettings) -> Callable[[str], Sequence[Rate]]:
    """What Slack allows (docs.slack.dev/apis/web-api/rate-limits): new messages by channel, edits in all."""
    posts = [Rate(1, timedelta(seconds=_MARGIN / settings.posts_per_second))]
    updates = [Rate(settings.updates_per_minute, timedelta(minutes=_MARGIN))]

    def rates(key: str) -> Sequence[Rate]:
        if key == _UPDATES:
            return updates
        return posts if key.startswith("post:") else ()

    return rates


class SlackSurface:
    """Where cards are shown in Slack."""

    def __init__(self, api: Api, store: SQLiteStore, settings: Settings, slack: SlackSettings) -> None:
        self._api = api
        self._store = store
        self._settings = settings
        self._direct: dict[str, str] = {}
        self.budget = Budget(slack_rates(slack))

    @property
    def platform(self) -> str:
        """The first part of its destinations."""
        return PLATFORM

    def keys(self, delivery: Delivery) -> tuple[str, ...]:
        """The budget keys of a card."""
        destination = self._destination(delivery.destination)
        if delivery.reference is not None:
            return (_UPDATES,)
        return (budget_key("chat_postMessage", self._direct.get(destination.chat_id, destination.chat_id)),)

    async def show(self, record: CardRecord, delivery: Delivery, rendering: int, keep: Keep) -> str:
        """Send the card or edit it, send what did not fit, and lock the message that it replaces."""
        destination = self._destination(delivery.destination)
        notices = [delivery.notice] if delivery.notice is not None and record.request.open else []
        card = card_of(record, self._settings, notices, rendering=rendering)
        message = render_card(card, accounts_of(card.voters, self._settings, PLATFORM))
        stamp = {
            "event_type": "sayso_card",
            "event_payload": {"request": card.id, "revision": card.revision},
        }
        if delivery.reference is None:
            channel = await self._channel(destination)
            answer = await self._post(channel, message, metadata=stamp)
            reference = Reference(channel, str(answer["ts"]))
        else:
            reference = Reference.decode(delivery.reference)
            answer = await self._update(reference, message, metadata=stamp)
        kept = kept_message(answer)
        await keep(reference, kept)
        if kept is None and card.open:
            raise Unclear("Slack answered without the message that it keeps")
        if lacks_rest(card, message.rest, reference.rest):
            await self._send_rest(reference, replace(message, rest=rest_text(card, message.rest)))
            reference = replace(reference, rest=rest_mark(message.rest))
        if delivery.former is not None:
            await self.lock(Reference.decode(delivery.former), render_former(card))
        return reference.encode()

    async def lock(self, reference: Reference, message: SlackMessage) -> None:
        """Show an extra message without buttons; what does not succeed is logged, for the next press finds it again."""
        try:
            await self.budget.wait((_UPDATES,))
            await self._update(reference, message)
        except DeliveryProblem as problem:
            logger.info("message %s could not be locked: %s", reference.encode(), problem)

    async def lock_copy(self, record: CardRecord, message: Reference, card: Reference | None) -> None:
        """Lock a message that is none of a card's, which became known when it was pressed; it links to the card."""
        link = None if card is None else await self._permalink(card)
        await self.lock(message, render_copy(card_of(record, self._settings), link))

    async def _permalink(self, reference: Reference) -> str | None:
        try:
            answer = await self._api.call(
                "chat_getPermalink", channel=reference.chat, message_ts=reference.message
            )
        except DeliveryProblem as problem:
            logger.info("the link to message %s could not be had: %s", reference.name, problem)
            return None
        return str(answer["permalink"])

    def notice_keys(self, notice: Notice) -> tuple[str, ...]:
        """The budget keys of a message beside the cards."""
        chat = self._destination(notice.destination).chat_id
        return (budget_key("chat_postMessage", self._direct.get(chat, chat)),)

    async def send(self, record: CardRecord, notice: Notice) -> None:
        """Send it into the card's thread, and into the channel as well where people have to see it."""
        message = message_of(record, notice, self._settings)
        if message is None or (message.quiet and notice.reference is None):
            return
        mentions = [Mention(one) for one in accounts_of(message.mentions, self._settings, PLATFORM)]
        mentions += [
            Mention(one, is_group=True) for one in groups_of(message.mentions, self._settings, PLATFORM)
        ]
        shown = render_mentions(render_words(message.lines), mentions)
        if notice.reference is None:
            channel = await self._channel(self._destination(notice.destination))
            await self._post(channel, shown)
            return
        card = Reference.decode(notice.reference)
        loud = {} if message.quiet else {"reply_broadcast": True}
        await self._post(card.chat, shown, thread_ts=card.message, **loud)

    async def tell(self, destination: str, lines: tuple[Words, ...]) -> None:
        """Send a plain message to a destination."""
        channel = await self._channel(self._destination(destination))
        await self.budget.wait((budget_key("chat_postMessage", channel),))
        await self._post(channel, render_words(lines))

    def _destination(self, name: str) -> Destination:
        try:
            return self._settings.destination(name)
        except UnknownDestination as error:
            raise Undeliverable(str(error)) from error

    async def _channel(self, destination: Destination) -> str:
        """The channel of a destination; that of direct messages is opened by the first."""
        user = destination.chat_id
        if not destination.is_direct:
            return user
        if user not in self._direct:
            opened = await self._api.call("conversations_open", users=user)
            self._direct[user] = str(opened["channel"]["id"])
        return self._direct[user]

    async def _post(self, channel: str, message: SlackMessage, **more: Any) -> dict[str, Any]:
        return await self._api.call(
            "chat_postMessage",
            channel=channel,
            text=message.text,
            blocks=message.blocks,
            unfurl_links=False,
            unfurl_media=False,
            **more,
        )

    async def _update(self, reference: Reference, message: SlackMessage, **more: Any) -> dict[str, Any]:
        return await self._api.call(
            "chat_update",
            channel=reference.chat,
            ts=reference.message,
            text=message.text,
            blocks=message.blocks,
            attachments=[],  # what somebody added to it would stay
            **more,
        )

    async def _send_rest(self, reference: Reference, message: SlackMessage) -> None:
        messages = message.rest_messages
        for one in messages or ():
            await self.budget.wait((budget_key("chat_postMessage", reference.chat),))
            await self._post(reference.chat, one, thread_ts=reference.message)
        if messages is None:
            await self._api.call(
                "files_upload_v2",
                channel=reference.chat,
                thread_ts=reference.message,
                content=message.rest,
                filename="rest.txt",
                title="The rest of the question",
            )
