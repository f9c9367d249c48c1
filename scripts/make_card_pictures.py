"""Draw the pictures of docs/reference/cards.md: cards of every input type and in every state, on both platforms.

.venv/bin/python scripts/make_card_pictures.py    # needs Chromium and its emoji font
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable
from datetime import UTC
from pathlib import Path
from typing import Any

import aiohttp
from playwright.async_api import Page, async_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from sayso.adapters import slack as slack_cards  # noqa: E402 - behind the path
from sayso.adapters import telegram as telegram_cards  # noqa: E402
from sayso.adapters.cards import build_card  # noqa: E402
from sayso.engine import CardRecord  # noqa: E402
from sayso.testing.page import ChatPage  # noqa: E402
from sayso.testing.slack import LocalSlack, SlackLimits  # noqa: E402
from sayso.testing.telegram import LocalTelegram, TelegramLimits  # noqa: E402
from tests.adapters.card_records import NOW, PLACES, QUESTIONS, pending, states  # noqa: E402

SHOWN = (
    "pending",
    "counted",
    "escalated",
    "break-glass",
    "changed",
    "running",
    "rejected",
    "done",
    "failed",
    "held",
    "expired-with-default",
    "withdrawn",
)
PICTURES = {
    "cards-input-types": [pending(question) for question in QUESTIONS.values()],
    "cards-states": [record for name, record in states().items() if name in SHOWN],
}


async def main() -> None:
    """One picture of each list of cards."""
    async with async_playwright() as playwright, aiohttp.ClientSession() as session:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for name, records in PICTURES.items():
            async with (
                LocalSlack(limits=SlackLimits.unlimited()) as slack,
                LocalTelegram(limits=TelegramLimits.unlimited()) as telegram,
                ChatPage(
                    {"slack": slack.control.add_routes, "telegram": telegram.control.add_routes}
                ) as chats,
            ):
                await post(session, slack, telegram, records)
                page = await browser.new_page(viewport={"width": 1000, "height": 600 + 360 * len(records)})
                await draw(page, chats.url, ROOT / f"docs/pictures/{name}.png")
        await browser.close()


async def post(
    session: aiohttp.ClientSession, slack: LocalSlack, telegram: LocalTelegram, records: Iterable[CardRecord]
) -> None:
    """Have a bot send the cards to a channel and to a group."""
    channel = slack.add_channel("sre", [slack.add_person("Ana")])
    group = await telegram.add_group("SRE", [telegram.add_person("Ana")])
    for record in records:
        card = build_card(record, PLACES)
        message = slack_cards.render_card(card)
        body: dict[str, Any] = {"channel": channel.id, "text": message.text, "blocks": message.blocks}
        headers = {"Authorization": f"Bearer {slack.bot_token}"}
        await send(session, slack.api_url + "chat.postMessage", body, headers)
        shown = telegram_cards.render_card(card, UTC, NOW)
        body = {"chat_id": group.id, "text": shown.text, "parse_mode": "HTML"}
        if shown.keyboard:
            body["reply_markup"] = json.dumps({"inline_keyboard": shown.keyboard})
        await send(session, f"{telegram.base_url}{telegram.token}/sendMessage", body, {})


async def send(
    session: aiohttp.ClientSession, url: str, body: dict[str, Any], headers: dict[str, str]
) -> None:
    """One call that must succeed."""
    async with session.post(url, json=body, headers=headers) as response:
        answer = await response.json()
        assert answer["ok"], answer


async def draw(page: Page, address: str, target: Path) -> None:
    """Open the page as Ana and take both chats, without the fields below them."""
    await page.clock.set_fixed_time(NOW)  # ages are counted from it
    await page.goto(f"{address}/#Ana")
    for platform in ("Slack", "Telegram"):
        await page.get_by_role("region", name=platform).get_by_role("listitem").last.wait_for()
    for beside in (".side", ".rail"):  # the lists of chats
        await page.locator(beside).evaluate(
            "one => { one.hidden = true; one.parentElement.style.gridTemplateColumns = '1fr'; }"
        )
    lists = [page.get_by_role("region", name=name).get_by_role("list") for name in ("Slack", "Telegram")]
    boxes = [await one.bounding_box() for one in lists]
    ends = [await one.get_by_role("listitem").last.bounding_box() for one in lists]
    assert all(boxes)
    assert all(ends)
    left, top = min(one["x"] for one in boxes if one), min(one["y"] for one in boxes if one)
    right = max(one["x"] + one["width"] for one in boxes if one)
    bottom = max(one["y"] + one["height"] for one in ends if one) + 12
    clip = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    await page.screenshot(path=target, clip=clip)  # pyright: ignore[reportArgumentType] - a plain dict of floats


if __name__ == "__main__":
    asyncio.run(main())
