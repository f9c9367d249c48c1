"""The library that most Slack bots are written with works against the local Slack: others can test theirs, too."""

from __future__ import annotations

from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sayso.testing.slack import LocalSlack

BUTTON = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go"}


async def test_a_bolt_app_posts_is_pressed_and_edits(slack: LocalSlack) -> None:
    ana = slack.add_person("Ana")
    place = slack.add_channel("general", [ana])
    web: Any = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, timeout=10)
    app: Any = AsyncApp(client=web)

    async def go(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        where = {"channel": body["channel"]["id"], "ts": body["message"]["ts"]}
        await web.api_call(
            "chat.update", json={**where, "text": f"Gone by {body['user']['id']}", "blocks": []}
        )

    app.action("go")(go)
    handler: Any = AsyncSocketModeHandler(app, slack.app_token)
    await handler.connect_async()
    try:
        await slack.until(lambda: slack.connections == 1)
        card = {"channel": place.id, "text": "Go?", "blocks": [{"type": "actions", "elements": [BUTTON]}]}
        await web.api_call("chat.postMessage", json=card)
        press = await ana.press(ana.last(place), "Go")
        assert (await press.result()).is_acknowledged
        await slack.until(lambda: ana.last(place).text == f"Gone by {ana.id}")
    finally:
        await handler.close_async()
