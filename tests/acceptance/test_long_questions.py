"""Questions that go on below their card: what is read there is what is asked, through changes and votes."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from typing import Any

import pytest

from sayso.engine import Policy, Stage, Workflow, node, request_input
from tests.acceptance.both import CHANNEL, GROUP, Both

TO = (CHANNEL, GROUP)
LINES = "".join(f"step {number:04d}\n" for number in range(500))
LONG = f"Run this?\n{LINES}"
SHORT = "Run this?\n"
CHANGED = "CHANGED, this replaces any rest of the question above:"
IN_THREAD = re.compile(r"\n\(continues in (?:Full request|the thread)\)")
BELOW = "\n(continues below)"


def asking(prompt: str, policy: Policy | None = None) -> Workflow:
    """One version of a workflow; an answer to its other questions has it ask `prompt` anew."""

    @node
    async def ask(shared: dict[str, Any]) -> None:
        await asyncio.gather(
            request_input("Which window?", ["early", "late"], "select", "window"),
            request_input("Which day?", ["today", "tomorrow"], "select", "day"),
            request_input(prompt, ["approve", "reject"], "select", "release", policy=policy),
        )

    return Workflow("changing", start=ask)


async def read_in_slack(both: Both, ending: str) -> str:
    """The question as it reads in Slack once it ends so: the card's head, and what its thread says last."""

    def read() -> str:
        card = next((one for one in both.ana.messages(both.channel) if "Run this?" in one.text), None)
        if card is None:
            return ""
        head, *continued = IN_THREAD.split(card.text, 1)
        if not continued:
            return card.text
        texts = [one.text for one in both.ana.messages(both.channel, thread=card.ts)]
        return _joined(head, texts)

    await both.slack.until(lambda: ending in read())
    return read()


async def read_in_telegram(both: Both, ending: str) -> str:
    """The same in Telegram."""
    while True:
        revision = both.telegram.revision
        seen = await both.bo.sees(both.group)
        card = next((one for one in seen if "Run this?" in one.text), None)
        if card is not None:
            head, continues, _ = card.text.partition(BELOW)
            below = [one.text for one in seen if one.message_id > card.message_id and "Which" not in one.text]
            text = _joined(head, below) if continues else card.text
            if ending in text:
                return text
        await both.telegram.until(lambda: both.telegram.revision != revision)  # noqa: B023 - awaited at once


def _joined(head: str, below: list[str]) -> str:
    """Head and rest; a rest with the words that it replaces what stands above does so."""
    starts = [at for at, text in enumerate(below) if text.startswith(CHANGED)]
    now = below[starts[-1] if starts else 0 :]
    return "\n".join([head, *now]).replace(f"{CHANGED}\n\n", "")


def lines_of(text: str) -> list[str]:
    lines = [line.removeprefix("│ ") for line in text.splitlines()]
    return [line for line in lines if line.startswith(("step", "DROP"))]


@pytest.mark.parametrize("before", [LONG + "DROP DATABASE staging", SHORT], ids=["long", "short"])
async def test_when_a_long_question_changes_its_rest_is_sent_anew(both: Both, before: str) -> None:
    """What is approved must have stood somewhere: its last line as well."""
    async with both.running(asking(before), TO) as runtime:
        await runtime.start("changing")
        window = await both.slack_card("Which window?")
        await both.telegram_shows("Which window?")
        await read_in_slack(both, before[-20:].strip())
        await read_in_telegram(both, before[-20:].strip())
    async with both.running(asking(LONG + "DROP DATABASE orders"), TO):
        await (await both.ana.press(window, "early")).result()
        expected = lines_of(LONG + "DROP DATABASE orders")
        in_slack = await read_in_slack(both, "DROP DATABASE orders")
        in_telegram = await read_in_telegram(both, "DROP DATABASE orders")
        assert (lines_of(in_slack), lines_of(in_telegram)) == (expected, expected)


async def test_when_a_long_question_becomes_short_its_rest_is_taken_back(both: Both) -> None:
    async with both.running(asking(LONG + "DROP DATABASE staging"), TO) as runtime:
        await runtime.start("changing")
        window = await both.slack_card("Which window?")
        await read_in_slack(both, "DROP DATABASE staging")
        await read_in_telegram(both, "DROP DATABASE staging")
    words = "CHANGED: the card now shows the whole question. The rest of it above does not count."
    async with both.running(asking(SHORT), TO):
        await (await both.ana.press(window, "early")).result()
        card = await both.slack_shows("Run this?", "the text below is new")
        await both.slack.until(
            lambda: words in [one.text for one in both.ana.messages(both.channel, thread=card.ts)]
        )
        await both.telegram_shows(words)


async def test_a_rest_that_an_earlier_version_sent_is_replaced_as_well(both: Both) -> None:
    """What it kept of a rest was that there is one."""
    async with both.running(asking(LONG + "DROP DATABASE staging"), TO) as runtime:
        await runtime.start("changing")
        window = await both.slack_card("Which window?")
        await read_in_slack(both, "DROP DATABASE staging")
        await read_in_telegram(both, "DROP DATABASE staging")
    with sqlite3.connect(both.folder / "sayso.db") as database:
        kept = [row[0] for row in database.execute("SELECT reference FROM deliveries")]
        assert len(kept) == 6
        for one in kept:
            old = f"{one.rpartition('/')[0]}/1"
            database.execute("UPDATE deliveries SET reference = ? WHERE reference = ?", (old, one))
    database.close()
    async with both.running(asking(LONG + "DROP DATABASE orders"), TO):
        await (await both.ana.press(window, "early")).result()
        expected = lines_of(LONG + "DROP DATABASE orders")
        assert lines_of(await read_in_slack(both, "DROP DATABASE orders")) == expected
        assert lines_of(await read_in_telegram(both, "DROP DATABASE orders")) == expected


@pytest.mark.parametrize("length", [1_900, 3_990, 4_010, 4_500])
async def test_a_vote_takes_no_line_of_the_question_away(both: Both, length: int) -> None:
    """The second approver reads what the first one read, and nobody is sent a rest twice."""
    prompt = f"Run this?\n{LINES[: length - 30]}\nDROP DATABASE orders"
    policy = Policy(stages=[Stage([CHANNEL, GROUP], need=2)])
    expected = lines_of(prompt)
    async with both.running(asking(prompt, policy), TO) as runtime:
        run_id = await runtime.start("changing")
        assert lines_of(await read_in_slack(both, "DROP DATABASE orders")) == expected
        assert lines_of(await read_in_telegram(both, "DROP DATABASE orders")) == expected
        card = await both.slack_card("Run this?")
        await both.press(both.ana, card, "✅ approve")
        await both.slack_shows("Run this?", "approved · Ana today")
        post = await both.telegram_card("Run this?", "approved · Ana ")
        assert lines_of(await read_in_slack(both, "DROP DATABASE orders")) == expected
        assert lines_of(await read_in_telegram(both, "DROP DATABASE orders")) == expected
        assert (await both.bo.press(post, "✅ approve")).text == "Approved. The workflow continues."
        assert not [one for one in await runtime.pending(run_id) if one.name == "release"]
