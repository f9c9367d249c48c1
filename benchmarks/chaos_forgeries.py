"""What somebody does who has found the tokens of the bots: cards that show something else, and buttons elsewhere.

Whatever they make in Slack carries `MARK` in its notification, so that the ledger can tell what people saw; in Telegram
its words or labels differ from the card's, or its number is known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from sayso.testing import slack as local_slack
from sayso.testing import telegram as local_telegram
from sayso.testing.slack import LocalSlack
from sayso.testing.telegram import LocalTelegram

MARK = "forged"
ON_CARD = "an attachment of the card"
PIZZA = "Pizza for lunch?"
AND_MORE = "Only if the backup is gone, of course."
LABELS = [["✅ Approve", "❌ Reject"]]
PATIENCE = aiohttp.ClientTimeout(total=4)

Blocks = list[dict[str, Any]]
Rows = list[list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Bait:
    """A forged message for somebody to press: in Slack its time stamp, in Telegram its number; and which button."""

    kind: str
    message: str
    button: int = 0


def _controls(blocks: Blocks) -> Blocks:
    return [block for block in blocks if block["type"] == "actions"]


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "plain_text", "text": text}}


def _relabelled(blocks: Blocks, relabel: Callable[[list[Any]], list[Any]]) -> Blocks:
    (buttons,) = _controls(blocks)
    texts = relabel([one["text"] for one in buttons["elements"]])
    elements = [{**one, "text": text} for one, text in zip(buttons["elements"], texts, strict=True)]
    return [*(block for block in blocks if block is not buttons), {**buttons, "elements": elements}]


def _numbers(texts: list[Any]) -> list[Any]:
    return [{"type": "plain_text", "text": str(at)} for at, _ in enumerate(texts)]


SLACK_EDITS: dict[str, Callable[[Blocks], Blocks]] = {
    "other words": lambda blocks: [_section(PIZZA), *_controls(blocks)],
    "more words": lambda blocks: [*blocks[:-1], _section(AND_MORE), blocks[-1]],
    "swapped labels": lambda blocks: _relabelled(blocks, lambda texts: texts[::-1]),
    "numbers as labels": lambda blocks: _relabelled(blocks, _numbers),
}
SLACK_KINDS = (*SLACK_EDITS, "a copy", "ephemeral", "an attachment", ON_CARD)
TELEGRAM_EDITS: dict[str, Callable[[Rows], Rows]] = {
    "swapped labels": lambda rows: [
        [{**one, "text": other["text"]} for one, other in zip(rows[0], rows[0][::-1], strict=True)]
    ],
    "numbers as labels": lambda rows: [[{**one, "text": str(at)} for at, one in enumerate(rows[0])]],
    "doubled data": lambda rows: [
        *rows,
        [{"text": "Not now", "callback_data": rows[0][0]["callback_data"]}],
    ],
}
TELEGRAM_KINDS = (*TELEGRAM_EDITS, "other words", "more words", "a copy", "a caption")


class Forger:
    """Calls both platforms with the bots' tokens. What the platforms refuse, or do not answer, was no forgery."""

    def __init__(self, slack: LocalSlack, telegram: LocalTelegram, session: aiohttp.ClientSession) -> None:
        self._slack = slack
        self._telegram = telegram
        self._session = session

    async def in_slack(self, kind: str, card: local_slack.SeenMessage, victim: str) -> Bait | None:
        """Forge in a channel, around this card; None where it did not work."""
        blocks = _sendable(card.blocks)
        attachments = [{"blocks": [_section(PIZZA), *_controls(blocks)]}]
        fields: dict[str, Any] = {"channel": card.channel, "text": MARK}
        match kind:
            case "a copy":
                answer = await self._call("chat.postMessage", **fields, blocks=blocks)
            case "ephemeral":
                answer = await self._call("chat.postEphemeral", **fields, user=victim, blocks=blocks)
            case "an attachment":
                answer = await self._call("chat.postMessage", **fields, attachments=attachments)
            case _ if kind == ON_CARD:
                answer = await self._call(
                    "chat.update", **fields, ts=card.ts, blocks=blocks, attachments=attachments
                )
            case _:
                answer = await self._call(
                    "chat.update", **fields, ts=card.ts, blocks=SLACK_EDITS[kind](blocks)
                )
        ts = answer.get("ts") or answer.get("message_ts")
        return None if ts is None else Bait(kind, str(ts), 1 if kind == ON_CARD else 0)

    async def in_telegram(self, kind: str, card: local_telegram.SeenMessage, rows: Rows) -> Bait | None:
        """The same in a group; `rows` are the card's buttons with their data."""
        where = {"chat_id": str(card.chat_id), "message_id": str(card.message_id)}
        markup = {"reply_markup": json.dumps({"inline_keyboard": rows})}
        match kind:
            case "a copy":
                found = await self._ask(
                    "sendMessage", {**markup, "chat_id": where["chat_id"], "text": card.text}
                )
            case "a caption":
                form = aiohttp.FormData({**markup, "chat_id": where["chat_id"], "caption": card.text})
                form.add_field("document", b"pizza", filename="menu.txt")
                found = await self._ask("sendDocument", form)
            case "other words" | "more words":
                text = PIZZA if kind == "other words" else f"{card.text}\n{AND_MORE}"
                found = await self._ask("editMessageText", {**where, **markup, "text": text})
            case _:
                edited = json.dumps({"inline_keyboard": TELEGRAM_EDITS[kind](rows)})
                found = await self._ask("editMessageReplyMarkup", {**where, "reply_markup": edited})
        if found is None:
            return None
        return Bait(kind, str(found["message_id"]), 2 if kind == "doubled data" else 0)

    async def _call(self, method: str, **fields: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._slack.bot_token}"}
        url = f"{self._slack.api_url}{method}"
        try:
            async with self._session.post(url, json=fields, headers=headers, timeout=PATIENCE) as response:
                answer: dict[str, Any] = await response.json(content_type=None)
                return answer if answer.get("ok") else {}
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return {}

    async def _ask(self, method: str, form: dict[str, str] | aiohttp.FormData) -> dict[str, Any] | None:
        url = f"{self._telegram.url}/bot{self._telegram.token}/{method}"
        try:
            async with self._session.post(url, data=form, timeout=PATIENCE) as response:
                answer: dict[str, Any] = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None
        found: dict[str, Any] | None = answer.get("result") if answer.get("ok") else None
        return found


def _sendable(blocks: tuple[dict[str, Any], ...]) -> Blocks:
    """Blocks as they are sent: without the ids that Slack gave them."""
    without_ids = re.sub(r'"block_id": "[^"]*",? ?', "", json.dumps(blocks))
    found: Blocks = json.loads(re.sub(r", }", "}", without_ids))
    return found


def rows_of(telegram: LocalTelegram, prompt: str) -> Rows | None:
    """The buttons of the newest card with this prompt, with their data, as sayso sent them."""
    for call in reversed(telegram.calls):
        if call.method.lower() in ("sendmessage", "editmessagetext") and prompt in str(
            call.parameters.get("text")
        ):
            markup = call.parameters.get("reply_markup")
            if markup:
                found: dict[str, Any] = json.loads(markup) if isinstance(markup, str) else markup
                rows: Rows = found["inline_keyboard"]
                if not rows or all("callback_data" in one for row in rows for one in row):
                    return rows or None  # else it only links to the card
    return None
