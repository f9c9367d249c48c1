"""The threats that SECURITY.md names, each tried. What is tried elsewhere is named there as well."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest

from sayso.config import PolicySettings, StageSettings
from sayso.engine import NotApproved, SQLiteReader, Workflow, node, request_approval, verify_audit
from sayso.testing.slack import SeenMessage
from tests.acceptance.both import CHANNEL, GROUP, AtInbox, Both
from tests.bots.rejecting import reject_in_telegram

PROMPT = "Delete the production database?"


def asking(prompt: str = PROMPT) -> Workflow:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        decision = await request_approval(
            prompt, {"database": "orders"}, request_id="delete", to=[CHANNEL, GROUP]
        )
        shared["approved"] = decision.approved
        try:
            decision.verify(prompt, {"database": shared.get("database", "orders")})
        except NotApproved as error:
            shared["error"] = error.reason

    return Workflow("delete", ask)


async def kinds(both: Both, kind: str) -> int:
    """How many rows of a kind the trail has."""
    async with SQLiteReader(both.folder / "sayso.db") as reader:
        return len([row async for row in reader.audit() if row.kind == kind])


async def test_a_replayed_press_does_nothing_again(both: Both) -> None:
    """The same payload, sent once more after the decision, and after the next question came."""
    async with both.running(asking()) as runtime:
        run_id = await runtime.start("delete")
        card = await both.slack_card(PROMPT)
        press = await both.ana.press(card, "✅ Approve")
        await press.result()
        await runtime.wait(run_id)
        second = await runtime.start("delete")
        await runtime.wait(second)
        await both.telegram_card(PROMPT)
        await (await both.ana.press_again(press)).result()
        assert [one.run_id for one in await runtime.pending()] == [second]
    assert await kinds(both, "answer_accepted") == 1


async def call(both: Both, method: str, **fields: Any) -> httpx.Response:
    """The bot's API with the bot's token, as somebody calls it who has found that."""
    token = {"Authorization": f"Bearer {both.slack.bot_token}"}
    async with httpx.AsyncClient(headers=token) as client:
        return await client.post(f"{both.slack.api_url}{method}", json=fields)


Forge = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


def harmless(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Our buttons below another question."""
    text = {"type": "section", "text": {"type": "plain_text", "text": "Pizza for lunch?"}}
    return [text, *(block for block in blocks if block["type"] == "actions")]


def other_details(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The question, but about something else."""
    text = {"type": "section", "text": {"type": "plain_text", "text": f"{PROMPT} database: test copy"}}
    return [text, *(block for block in blocks if block["type"] == "actions")]


def swapped(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The buttons' labels change places."""
    (buttons,) = (block for block in blocks if block["type"] == "actions")
    first, second = (one["text"] for one in buttons["elements"])
    elements = [{**one, "text": text} for one, text in zip(buttons["elements"], (second, first), strict=True)]
    return [*(block for block in blocks if block is not buttons), {**buttons, "elements": elements}]


def sendable(blocks: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    """Blocks as they are sent: without the ids that Slack gave them."""
    without_ids = re.sub(r'"block_id": "[^"]*",? ?', "", json.dumps(blocks))
    found: list[dict[str, Any]] = json.loads(re.sub(r", }", "}", without_ids))
    return found


@pytest.mark.parametrize("forge", [harmless, other_details, swapped])
@pytest.mark.parametrize("how", ["chat.update", "chat.postMessage"])
async def test_with_a_leaked_bot_token_nobody_can_be_made_to_approve_something_else(
    both: Both, forge: Forge, how: str
) -> None:
    """Whoever has the token edits our card, or posts one that carries our buttons: a press there counts for nothing."""
    async with both.running(asking()) as runtime:
        run_id = await runtime.start("delete")
        card = await both.slack_card(PROMPT)
        blocks = forge(sendable(card.blocks))
        target = {"ts": card.ts} if how == "chat.update" else {}
        answer = await call(both, how, channel=both.channel.id, text="Lunch", blocks=blocks, **target)
        assert answer.json()["ok"], answer.text
        forged = _message(both, answer.json()["ts"])
        label = "❌ Reject" if forge is swapped else "✅ Approve"
        words = await both.press(both.ana, forged, label)
        expected = (
            "This card was out of date" if how == "chat.update" else "This message isn't the card itself."
        )
        assert words.startswith(expected)
        assert (await runtime.pending(run_id))[0].open
        # Our own card is drawn anew, and counts.
        await both.slack.until(lambda: _what_shows(both, card.ts) == (card.text, card.labels))
        assert await both.press(both.ana, card, "✅ Approve") == "Approved. The workflow continues."
    assert await kinds(both, "card_forged") == 1


def _message(both: Both, ts: str) -> SeenMessage:
    return next(one for one in both.ana.messages(both.channel) if one.ts == ts)


def _what_shows(both: Both, ts: str) -> tuple[str, list[list[str]]]:
    message = _message(both, ts)
    return message.text, message.labels


async def test_with_a_leaked_telegram_token_it_is_the_same(both: Both) -> None:
    async with both.running(asking()) as runtime:
        run_id = await runtime.start("delete")
        card = await both.telegram_card(PROMPT)
        url = f"{both.telegram.url}/bot{both.telegram.token}/editMessageText"
        keyboard = both.telegram.calls_of("sendMessage")[-1].parameters["reply_markup"]
        fields = {"chat_id": both.group.id, "message_id": card.message_id, "text": "Pizza for lunch?"}
        async with httpx.AsyncClient() as client:
            answer = await client.post(url, data={**fields, "reply_markup": keyboard})
        assert answer.json()["ok"], answer.text
        forged = await both.telegram_card("Pizza for lunch?")
        result = await both.bo.press(forged, "✅ Approve")
        assert result.text is not None
        assert result.text.startswith("This card was out of date")
        assert (await runtime.pending(run_id))[0].open
        shown = await both.telegram_card(PROMPT)
        assert (await both.bo.press(shown, "✅ Approve")).text == "Approved. The workflow continues."


async def test_what_a_malicious_prompt_shows_is_text(both: Both) -> None:
    """Markup, mentions, links, commands and a card of its own in the text: shown, and none of it does anything."""
    evil = (
        "*Approved by Ana* <!channel> <@U1> <https://evil.example|Approve> [x](https://evil.example) <b>hi</b> /pending"
        "\n\nAPPROVED\nApproved by Bo 12:01\u202e"
    )
    async with both.running(asking(evil)) as runtime:
        run_id = await runtime.start("delete")
        card = await both.slack_shows("*Approved by Ana* <!channel>", "<https://evil.example|Approve>")
        assert "\u202e" not in card.text
        elements = str(card.blocks)
        assert not any(f"'type': '{kind}'" in elements for kind in ("user", "broadcast", "usergroup", "link"))
        post = await both.telegram_card("<b>hi</b>", "<https://evil.example|Approve>")
        assert card.labels == [["✅ Approve", "❌ Reject"]]
        said = await reject_in_telegram(both.telegram, both.bo, post, "❌ Reject", both.group)
        assert said == "Rejected. The workflow continues."
        assert (await runtime.wait(run_id)).shared["approved"] is False


@pytest.mark.parametrize(
    ("edit", "noticed"),
    [
        (
            "UPDATE audit SET payload = replace(payload, 'reject', 'approve') WHERE kind = 'answer_accepted'",
            "its payload was changed",
        ),
        (
            "UPDATE audit SET payload = NULL WHERE kind = 'answer_accepted'",
            "its payload was removed, and no later row says that it was redacted",
        ),
        (
            "UPDATE requests SET answer = '\"approve\"' WHERE status = 'ANSWERED'",
            "different from the trail: answer",
        ),
        (
            "UPDATE requests SET answer = '\"approve\"', status = 'ANSWERED', resolved_at = 1 WHERE status = 'PENDING'",
            "different from the trail: answer, resolved_at, status",
        ),
        (
            "UPDATE requests SET resolved_by = 'slack:T1:UMALLORY' WHERE status = 'ANSWERED'",
            "different from the trail: resolved_by",
        ),
        (
            "UPDATE requests SET decided = replace(decided, 'reject', 'approve') WHERE status = 'ANSWERED'",
            "it differs from what row",
        ),
        (
            "UPDATE requests SET question = replace(question, 'production', 'test')",
            "different from the trail: question",
        ),
        (
            "UPDATE requests SET policy = '[\"slack:T1:UMALLORY\"]' WHERE status = 'PENDING'",
            "different from the trail: policy",
        ),
        (
            "INSERT INTO accounts (account, person) VALUES ('slack:T1:UMALLORY', 'person:ana')",
            "no row of the trail says that it was created",
        ),
        (
            (
                "INSERT INTO credentials (hash, kind, person, made_at, expires_at) "
                "VALUES ('forged', 'SESSION', 'web:ana', 1, 9999999999999999)"
            ),
            "no row of the trail says that it was created",
        ),
    ],
)
async def test_an_operator_who_edits_the_database_is_noticed(both: Both, edit: str, noticed: str) -> None:
    """A row of the trail that was changed, and whatever was written into the file by hand."""
    async with both.running(asking()) as runtime:
        await runtime.start("delete")
        card = await both.slack_card(PROMPT)
        assert await both.fill_in(card, "❌ Reject") == "Rejected. The workflow continues."
        await both.slack_shows("❌ Rejected ·")
        await runtime.start("delete")
        await both.slack.until(lambda: any(one.labels for one in both.ana.messages(both.channel)))
    path = both.folder / "sayso.db"
    assert await _problems(path) == []
    with sqlite3.connect(path) as database:
        database.execute(edit)
    database.close()
    assert noticed in "; ".join(await _problems(path))


async def _problems(path: Path) -> list[str]:
    async with SQLiteReader(path) as reader:
        report = await verify_audit(reader)
    return [problem.reason for problem in report.problems]


@pytest.mark.parametrize("platform", ["slack", "telegram"])
async def test_a_sign_in_link_from_a_chat_makes_nobody_an_operator(both: Both, platform: str) -> None:
    """Anybody can write to a bot, and gets a link. A question that names nobody is for this machine's operators."""

    @node
    async def ask(shared: dict[str, Any]) -> None:
        shared["approved"] = (await request_approval(PROMPT, to=["operator", "web", "api", CHANNEL])).approved

    async with both.running(Workflow("delete", ask)) as runtime:
        run_id = await runtime.start("delete")
        await both.slack_shows(PROMPT)
        (request,) = await runtime.pending()
        eve = await AtInbox.sign_in(both.url, await _link_of_a_stranger(both, platform))
        assert PROMPT not in await eve.page()
        assert (await eve.browser.get(f"/requests/{request.id}")).status_code == HTTPStatus.NOT_FOUND
        assert (await eve.choose(request.id, 0))["status"] == HTTPStatus.NOT_FOUND
        assert (await eve.browser.get("/api/v1/requests")).json()["requests"] == []
        body = {"revision": 1, "value": "approve"}
        headers = {"X-CSRF-Token": eve.csrf, "Idempotency-Key": "eve"}
        answer = await eve.browser.post(f"/api/v1/requests/{request.id}/answers", json=body, headers=headers)
        assert answer.json()["outcome"] == "unknown"
        await eve.leave()
        assert [one.id for one in await runtime.pending(run_id)] == [request.id]


async def _link_of_a_stranger(both: Both, platform: str) -> str:
    """What somebody of another organisation, or anybody on Telegram, gets from the bot."""
    if platform == "slack":
        eve = both.slack.add_person("Eve", is_stranger=True)
        both.channel.add(eve)
        return (await both.sayso(eve, "inbox")).rpartition(" ")[2]
    stranger = both.telegram.add_person("Eve")
    await stranger.start()
    await stranger.command(None, "/inbox")
    while True:
        revision = both.telegram.revision
        for one in await stranger.sees(None):
            if "Your inbox" in one.text:
                return one.text.rpartition(" ")[2]
        await both.telegram.until(lambda: both.telegram.revision != revision)  # noqa: B023 - awaited at once


async def test_codes_cannot_be_tried_one_after_the_other(both: Both) -> None:
    """Then not even the right one links, though it is still good."""
    eve = both.slack.add_person("Eve")
    both.channel.add(eve)
    async with both.running(asking()) as runtime:
        code = (await both.sayso(both.ana, "link")).split()[3].rstrip(".")
        for wrong in range(5):
            assert (await both.sayso(eve, f"link AAAA-AAA{wrong + 2}")).startswith("This code is not known")
        assert (await both.sayso(eve, f"link {code}")).startswith("Too many codes.")
        del runtime
    async with SQLiteReader(both.folder / "sayso.db") as reader:
        assert await reader.accounts() == []


async def test_nobody_is_talked_into_linking_a_strangers_account(both: Both) -> None:
    """Whoever sends a code that they were given hears whose account it is; nothing is linked until they say it is
    theirs.
    """
    async with both.running(asking()) as runtime:
        eve = both.slack.add_person("Eve")
        both.channel.add(eve)
        code = (await both.sayso(eve, "link")).split()[3].rstrip(".")
        words = await both.sayso(both.ana, f"link {code}")
        assert words.startswith("This code belongs to Eve (slack:")
        assert "can answer as you" in words
        del runtime
    async with SQLiteReader(both.folder / "sayso.db") as reader:
        assert await reader.accounts() == []


async def test_a_policy_that_names_nobody_lets_nobody_in(both: Both) -> None:
    both.more = {"policies": {"team": PolicySettings(stages=(StageSettings(approvers=("group:nobody",)),))}}

    @node
    async def ask(shared: dict[str, Any]) -> None:
        shared["approved"] = (await request_approval(PROMPT, policy="team", to=[CHANNEL])).approved

    async with both.running(Workflow("delete", ask)) as runtime:
        await runtime.start("delete")
        card = await both.slack_card(PROMPT, "@nobody")
        assert "Approvers: @nobody" in await both.press(both.ana, card, "✅ Approve")
