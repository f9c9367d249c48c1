"""A team's own Bolt app, which does something of its own: a button, a command, its Home tab, and it hears messages."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.bots.slack.stage import Stage

DEPLOY = {"type": "button", "text": {"type": "plain_text", "text": "Deploy"}, "action_id": "deploy"}
HOME = {"type": "section", "text": {"type": "mrkdwn", "text": "The team's own home"}}


class Team:
    """A team's Bolt app; `heard` is what came to its listeners."""

    def __init__(self, bot_token: str, api_url: str, signing_secret: str) -> None:
        self.heard: list[str] = []
        self.client: Any = AsyncWebClient(token=bot_token, base_url=api_url, timeout=10)
        self.app: Any = AsyncApp(client=self.client, signing_secret=signing_secret)

    def listen(self) -> None:
        """Register what the app does of its own."""
        heard = self.heard

        async def deploy(ack: Any) -> None:
            heard.append("button")
            await ack()

        async def say(ack: Any, command: dict[str, Any]) -> None:
            heard.append(f"command {command['command']}")
            await ack(f"Deploying {command['text']}")

        async def draw_home(client: Any, event: dict[str, Any]) -> None:
            heard.append("home")
            await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [HOME]})

        async def hear(event: dict[str, Any]) -> None:
            heard.append(f"message {event['text']}")

        self.app.action("deploy")(deploy)
        self.app.command("/deploy")(say)
        self.app.event("app_home_opened")(draw_home)
        self.app.event("message")(hear)

    async def offer(self, stage: Stage) -> Any:
        """A message of the team's own with its button."""
        blocks = [{"type": "actions", "elements": [DEPLOY]}]
        await self.client.chat_postMessage(channel=stage.channel.id, text="Deploy?", blocks=blocks)
        return stage.ana.last(stage.channel)

    @asynccontextmanager
    async def connected(self, app_token: str) -> AsyncGenerator[None]:
        """Bolt's own way over a socket."""
        handler: Any = AsyncSocketModeHandler(self.app, app_token)
        await handler.connect_async()
        try:
            yield
        finally:
            await handler.close_async()

    @asynccontextmanager
    async def called(self, port: int) -> AsyncGenerator[None]:
        """Bolt's own way over HTTP."""
        runner = web.AppRunner(self.app.web_app("/slack/events"))
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            yield
        finally:
            await runner.cleanup()
