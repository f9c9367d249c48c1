"""The page that shows the local chats: what messages hold is drawn as the platforms draw it, and text stays text."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Page, async_playwright, expect

from sayso.testing.page import ChatPage
from sayso.testing.slack import LocalSlack
from sayso.testing.telegram import LocalTelegram
from tests.testing.slack.client import Client

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

DIFF = "--- a/orders.py\n+++ b/orders.py\n@@ -1 +1 @@\n-total: float\n+total: Decimal\n"
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
CHROMIUM = "/usr/bin/chromium"


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield await browser.new_page()
        await browser.close()


async def test_blocks_of_slack(session: aiohttp.ClientSession, page: Page) -> None:
    async with LocalSlack() as slack, ChatPage({"slack": slack.control.add_routes}) as chats:
        place = slack.add_channel("releases", [slack.add_person("Ana")])
        blocks: list[dict[str, Any]] = [
            {"type": "header", "text": {"type": "plain_text", "text": "Release <b>4.2.0</b>"}},
            {
                "type": "section",
                "fields": [{"type": "mrkdwn", "text": "*Risk*"}, {"type": "plain_text", "text": "*high*"}],
            },
            {
                "type": "rich_text",
                "elements": [
                    {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": DIFF}]},
                    {
                        "type": "rich_text_list",
                        "style": "bullet",
                        "elements": [
                            {"type": "rich_text_section", "elements": [{"type": "text", "text": "first"}]}
                        ],
                    },
                ],
            },
            {
                "type": "table",
                "rows": [[{"type": "raw_text", "text": one} for one in row] for row in (["suite"], ["unit"])],
            },
            {
                "type": "context",
                "elements": [
                    {"type": "mrkdwn", "text": "<https://example.org|14 commits>"},
                    {"type": "mrkdwn", "text": "<!date^1700000000^{date_num} {time}|then>"},
                ],
            },
        ]
        await Client(slack, session).ok("chat.postMessage", channel=place.id, text="Release", blocks=blocks)
        await page.goto(chats.url)
        message = page.get_by_role("region", name="Slack").locator(".message")
        await expect(message.locator(".heading")).to_have_text("Release <b>4.2.0</b>")
        await expect(message.locator(".fields strong")).to_have_text("Risk")
        await expect(message.locator(".fields")).to_contain_text("*high*")
        await expect(message.locator("pre .removed")).to_have_text("-total: float\n")
        await expect(message.locator("pre .added")).to_have_text("+total: Decimal\n")
        await expect(message.locator("ul li")).to_have_text("first")
        await expect(message.get_by_role("columnheader")).to_have_text("suite")
        await expect(message.get_by_role("cell")).to_have_text("unit")
        await expect(message.get_by_role("link", name="14 commits")).to_have_attribute(
            "href", "https://example.org"
        )
        small = message.locator(".context")
        await expect(small.locator("time")).to_have_attribute("datetime", "2023-11-14T22:13:20.000Z")
        size, colour = await small.evaluate(
            "one => [parseFloat(getComputedStyle(one).fontSize), getComputedStyle(one).color]"
        )
        title = await message.locator(".heading").evaluate(
            "one => parseFloat(getComputedStyle(one).fontSize)"
        )
        assert (size < title, colour) == (True, "rgb(92, 91, 94)"), "context is small and grey"


async def test_formatting_photos_and_documents_of_telegram(
    session: aiohttp.ClientSession, page: Page
) -> None:
    async with (
        LocalTelegram() as telegram,
        ChatPage({"telegram": telegram.control.add_routes}) as chats,
    ):
        group = await telegram.add_group("Release team", [telegram.add_person("Ana")])

        async def send(method: str, **given: Any) -> None:
            data = aiohttp.FormData({"chat_id": str(group.id), "parse_mode": "HTML"})
            for name, value in given.items():
                data.add_field(name, value, filename=f"{name}.png" if isinstance(value, bytes) else None)
            async with session.post(f"{telegram.base_url}{telegram.token}/{method}", data=data) as response:
                answer = await response.json()
                assert answer["ok"], answer

        await send(
            "sendMessage",
            text=f'<b>bold <i>both</i></b> 🚀 <a href="https://example.org">14 commits</a>\n'
            f'<pre><code class="language-diff">{DIFF}</code></pre>\n'
            "<i>after it</i><blockquote expandable>one\ntwo\nthree\nfour\nfive</blockquote>&lt;u&gt;",
            reply_markup=json.dumps({"inline_keyboard": [[{"text": "Approve", "callback_data": "1"}]]}),
        )
        await send("sendPhoto", photo=PICTURE)
        await send("sendDocument", document=b"a,b\n")
        await page.goto(chats.url)
        messages = page.get_by_role("region", name="Telegram").locator(".message")
        text = messages.nth(0)
        await expect(text.locator("strong em")).to_have_text("both")
        await expect(text.get_by_role("link", name="14 commits")).to_have_attribute(
            "href", "https://example.org/"
        )
        await expect(text.locator("pre .added")).to_have_text("+total: Decimal\n")
        await expect(text.locator(".language")).to_have_text("diff")
        code, after = [await text.locator(one).last.bounding_box() for one in (".code", "em")]
        assert code is not None
        assert after is not None
        assert after["y"] - code["y"] - code["height"] < after["height"], (
            "the line break ends the code's own line"
        )
        quote = text.locator("blockquote > div")
        cut = await quote.bounding_box()
        await text.get_by_role("button", name="Show all").click()
        opened = await quote.bounding_box()
        assert cut is not None
        assert opened is not None
        assert opened["height"] > cut["height"]
        await expect(text.get_by_role("button", name="Approve")).to_be_visible()
        await expect(text).to_contain_text("<u>")
        await expect(messages.nth(1).get_by_role("img", name="Photo")).to_be_visible()
        await expect(messages.nth(2).get_by_role("link")).to_contain_text("4 B")
