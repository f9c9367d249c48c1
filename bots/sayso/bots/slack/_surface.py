"""Cards in Slack channels and direct messages: sent, edited, locked; and messages that are no cards."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from sayso.adapters.cards import Card, Words, cut
from sayso.adapters.console import visible_line
from sayso.adapters.slack import (
    SlackMessage,
    kept_message,
    render_batch,
    render_card,
    render_locked,
    render_unposted,
    render_words,
    rest_messages,
)
from sayso.bots.chats import (
    Attachment,
    Budget,
    CardSurface,
    DeliveryProblem,
    Rate,
    Reference,
    Said,
    accounts_of,
    attachments,
    rest_mark,
)
from sayso.bots.slack._api import budget_key
from sayso.bots.slack._files import Files, Upload
from sayso.bots.slack._settings import SlackSettings
from sayso.bots.slack._workspaces import Workspace, Workspaces
from sayso.config import Destination, Settings
from sayso.engine import Kept, Store, StoredImage

logger = logging.getLogger("sayso.slack")

PLATFORM = "slack"
_UPDATES = budget_key("chat_update", None)
_LONGEST_TITLE = 255
_LONGEST_ALT = 1000
"""Characters of what describes a picture (docs.slack.dev/reference/methods/files.getUploadURLExternal)."""

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


class SlackSurface(CardSurface[SlackMessage]):
    """Where cards are shown in Slack."""

    platform = PLATFORM
    mentions_groups = True
    draws_batches = True

    def __init__(
        self, workspaces: Workspaces, store: Store, settings: Settings, slack: SlackSettings
    ) -> None:
        super().__init__(settings, Budget(slack_rates(slack)))
        self._workspaces = workspaces
        self._store = store
        self._files = Files(store)

    def keys_of(self, chat: str, /) -> tuple[str, ...]:
        """See `CardSurface`."""
        return (budget_key("chat_postMessage", chat),)

    def edit_keys(self, _chat: str, /) -> tuple[str, ...]:
        """Edits count for all chats together."""
        return (_UPDATES,)

    def draw(self, card: Card, _place: Destination, /) -> tuple[SlackMessage, str]:
        """See `CardSurface`. Its buttons are for those who may answer."""
        message = render_card(card, accounts_of(card.voters, self.settings, PLATFORM))
        return message, message.rest

    def draw_batch(self, cards: Sequence[Card], _place: Destination, /) -> tuple[SlackMessage, str]:
        """See `CardSurface`. The buttons of each question are for those who may answer it."""
        message = render_batch(cards, lambda card: accounts_of(card.voters, self.settings, PLATFORM))
        return message, message.rest

    def draw_locked(
        self, card: Card, _place: Destination | None, words: str, link: str | None, /
    ) -> SlackMessage:
        """See `CardSurface`."""
        return render_locked(card, words, link)

    async def post(self, place: Destination, message: SlackMessage) -> tuple[Reference, Kept | None]:
        """See `CardSurface`."""
        workspace, channel = await self._channel(place)
        answer = await _post(workspace, channel, message)
        return Reference(workspace.within(channel), str(answer["ts"])), kept_message(answer)

    async def edit(self, reference: Reference, message: SlackMessage) -> Kept | None:
        """See `CardSurface`."""
        workspace, channel = await self._workspaces.at(reference.chat)
        answer = await workspace.api.call(
            "chat_update",
            channel=channel,
            ts=reference.message,
            text=message.text,
            blocks=message.blocks,
            metadata=message.metadata,
            attachments=[],  # what somebody added to it would stay
        )
        return kept_message(answer)

    async def link(self, reference: Reference, /) -> str | None:
        """A permanent link, where Slack gives it."""
        try:
            workspace, channel = await self._workspaces.at(reference.chat)
            answer = await workspace.api.call(
                "chat_getPermalink", channel=channel, message_ts=reference.message
            )
        except DeliveryProblem as problem:
            logger.info("could not get the link to message %s: %s", reference.name, problem)
            return None
        return str(answer["permalink"])

    async def send(self, said: Said) -> None:
        """Send it into the card's thread, and into the channel as well where people have to see it."""
        message, notice = self.message(said), said[0][1]
        if message is None or (message.quiet and notice.reference is None):
            return
        shown = render_words(message.lines)
        if notice.reference is None:
            workspace, channel = await self._channel(self.place(notice.destination))
            await _post(workspace, channel, shown)
            return
        card = Reference.decode(notice.reference)
        loud = {"reply_broadcast": True} if message.rings and not message.quiet else {}
        workspace, channel = await self._workspaces.at(card.chat)
        await _post(workspace, channel, shown, thread_ts=card.message, **loud)

    async def tell(self, destination: str, lines: tuple[Words, ...]) -> None:
        """Send a plain message to a destination."""
        workspace, channel = await self._channel(self.place(destination))
        await self.budget.wait(self.keys_of(channel))
        await _post(workspace, channel, render_words(lines))

    def chat_of(self, place: Destination) -> str:
        """The channel, as far as it is known: direct messages have one once it is opened."""
        return self._workspaces.chat(place.chat_id)

    async def _channel(self, place: Destination) -> tuple[Workspace, str]:
        workspace = await self._workspaces.own()
        chat = place.chat_id
        return workspace, await workspace.channel(chat) if place.is_direct else chat

    async def send_rest(
        self, _place: Destination, reference: Reference, request_id: str, rest: str, /
    ) -> None:
        """Into the card's thread: as messages, or as a file."""
        messages = rest_messages(rest)
        for one in messages or ():
            await self._reply(reference, one)
        if messages is None:
            file = Upload("request.txt", "The rest of the question", rest.encode())
            await self._share(reference, request_id, rest_mark(rest), [file])

    def files_below(self, card: Card, /) -> tuple[Attachment, ...]:
        """All of them: they stand in its thread."""
        return attachments(card)

    async def send_files(
        self, _place: Destination, reference: Reference, request_id: str, files: tuple[Attachment, ...], /
    ) -> None:
        """Into the card's thread, in one message; without those whose bytes were redacted."""
        found = [(one, await self._store.reader.file(request_id, one.sha256)) for one in files]
        uploads = [_upload(one, content) for one, content in found if content]
        if uploads:
            await self._share(reference, request_id, rest_mark("", files), uploads)

    async def _share(
        self, reference: Reference, request_id: str, mark: str, uploads: Sequence[Upload]
    ) -> None:
        """Share files, or say where they are to be had."""
        workspace, channel = await self._workspaces.at(reference.chat)
        await self.budget.wait(self.keys_of(channel))
        why_not = await self._files.share(workspace, reference, mark, uploads)
        if why_not is not None:
            inbox = self.settings.http.public_url
            link = None if inbox is None else f"{inbox.rstrip('/')}/requests/{request_id}"
            await self._reply(reference, render_unposted(why_not, link))

    async def _reply(self, reference: Reference, message: SlackMessage) -> None:
        workspace, channel = await self._workspaces.at(reference.chat)
        await self.budget.wait(self.keys_of(channel))
        await _post(workspace, channel, message, thread_ts=reference.message)


def _upload(attachment: Attachment, content: bytes) -> Upload:
    alt = attachment.alt if isinstance(attachment, StoredImage) else None
    title = cut(visible_line(alt or attachment.name), _LONGEST_TITLE)
    return Upload(attachment.name, title, content, None if alt is None else cut(alt, _LONGEST_ALT))


async def _post(workspace: Workspace, channel: str, message: SlackMessage, **more: Any) -> dict[str, Any]:
    return await workspace.api.call(
        "chat_postMessage",
        channel=channel,
        text=message.text,
        blocks=message.blocks,
        metadata=message.metadata,
        unfurl_links=False,
        unfurl_media=False,
        **more,
    )
