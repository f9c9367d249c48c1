"""Words for one person alone, by the way that is left: the response address of what they did, a message that nobody
else sees, or their home.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from sayso.adapters.cards import Words
from sayso.adapters.slack import Pressed, SlackMessage, render_words
from sayso.bots.chats import REPLIES_LIVE, WORDS_LIVE, Afterwards, DeliveryProblem, Throttled, Unclear
from sayso.bots.slack._api import Api
from sayso.bots.slack._home import Home

logger = logging.getLogger("sayso.slack")

WAY_WITHIN = 2.5
"""Seconds after which a way that does not answer is given up for the next one."""

_MOST_USES = 4
"""How often a response address is used: Slack takes five, within half an hour, and may count one that we never heard of
(docs.slack.dev/interactivity/handling-user-interaction).
"""

Say = Callable[[], Awaitable[Words]]
"""What is true at the moment at which it is sent."""


class Telling:
    """Tells people in Slack what is for them alone. What meets a throttle is sent once Slack allows it."""

    def __init__(self, api: Api, home: Home, afterwards: Afterwards) -> None:
        self._api = api
        self._home = home
        self._afterwards = afterwards

    async def tell(self, event: Pressed, say: Say) -> None:
        """Tell the one who pressed. Raises `DeliveryProblem` where no way is left."""
        uses = 0

        async def send() -> None:
            nonlocal uses
            words = await say()
            uses += 1
            if event.response_url is None:
                await self._home.show(event.sender, words, event)
            else:
                address = event.response_url if uses <= _MOST_USES else None
                await self._send(address, event.channel, event.sender.user_id, render_words((words,)))

        await self._afterwards.patiently(send, WORDS_LIVE)

    async def reply(self, address: str, message: SlackMessage) -> None:
        """Reply to what was typed. Raises `DeliveryProblem`."""
        await self._afterwards.patiently(lambda: self._respond(address, message), REPLIES_LIVE)

    async def _send(self, address: str | None, channel: str | None, user: str, message: SlackMessage) -> None:
        """By the first way that takes it. Raises what the first of them raised, or `Throttled`: then it is worth
        another try.
        """
        ways: list[Callable[[], Awaitable[object]]] = []
        if address is not None:
            ways.append(lambda: self._respond(address, message))
        if channel is not None:
            given = {"channel": channel, "user": user, "text": message.text, "blocks": message.blocks}
            ways.append(lambda: self._api.call("chat_postEphemeral", **given))
        problems: list[DeliveryProblem] = []
        for way in ways:
            try:
                async with asyncio.timeout(WAY_WITHIN):
                    await way()
            except TimeoutError:
                problem: DeliveryProblem = Unclear("it took too long")
            except DeliveryProblem as error:
                problem = error
            else:
                return
            logger.warning("could not send a private reply: %s", problem)
            problems.append(problem)
        throttled = [one for one in problems if isinstance(one, Throttled)]
        if problems:
            raise min(throttled, key=lambda one: one.retry_after) if throttled else problems[0]

    async def _respond(self, address: str, message: SlackMessage) -> None:
        await self._api.respond(address, {**ephemeral(message), "replace_original": False})


def ephemeral(message: SlackMessage) -> dict[str, Any]:
    """A message that one person alone sees, as an acknowledgement or a response address takes it."""
    return {"response_type": "ephemeral", "text": message.text, "blocks": message.blocks}
