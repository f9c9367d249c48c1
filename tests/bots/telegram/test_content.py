"""Links, code, diffs, tables, Markdown, pictures and files on a card in Telegram, by Telegram's own means."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import pytest

from sayso.engine import Code, Diff, File, Image, Link, Markdown, Table
from sayso.testing.telegram import SeenMessage
from tests.bots.telegram.stage import Stage

DIFF = "--- a/limits.py\n+++ b/limits.py\n@@ -1 +1 @@\n-LIMIT = 10\n+LIMIT = 20"


def png(width: int, height: int) -> bytes:
    """A grey picture."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    rows = zlib.compress(bytes((1 + width) * height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def covered(card: SeenMessage, kind: str) -> list[tuple[str, str | None]]:
    """What entities of a kind cover, and the language or address of each."""
    return [(one.words, one.language or one.target) for one in card.entities if one.type == kind]


async def below(stage: Stage, count: int) -> list[SeenMessage]:
    """What stands below the card, once there are so many messages."""
    while True:
        revision = stage.telegram.revision
        replies = [one for one in await stage.ana.sees(stage.group) if one.reply_to is not None]
        if len(replies) >= count:
            return replies
        await stage.until_revision(revision)


async def test_code_diffs_and_tables_stand_in_one_width_and_links_name_their_host(stage: Stage) -> None:
    _, card = await stage.ask(
        shown={
            "Change": Diff(DIFF),
            "Plan": Code("if a:\n    b()", "python"),
            "Checks": Table(["check", "passed"], [["unit", True], ["end to end", False]]),
            "Review": Link("Review changes", "https://github.example.org/1"),
        }
    )
    assert covered(card, "pre") == [
        (DIFF, "diff"), ("if a:\n    b()", "python"), ("check       passed\nunit        yes\nend to end  no", None),
    ]  # fmt: skip
    assert covered(card, "text_link") == [
        ("Review changes (github.example.org)", "https://github.example.org/1")
    ]


async def test_markdown_becomes_entities_and_the_rest_of_it_is_text(stage: Stage) -> None:
    _, card = await stage.ask(
        shown={"Notes": Markdown("**new** `x` # no heading\n\n- [see](https://ci.example.org/1)")}
    )
    assert covered(card, "blockquote") == [("new x # no heading\n• see (ci.example.org)", None)]
    assert ("new", None) in covered(card, "bold")
    assert covered(card, "code") == [("x", None)]
    assert {target for _, target in covered(card, "text_link")} == {"https://ci.example.org/1"}


async def test_details_of_several_lines_are_quoted_and_long_ones_open_at_a_tap(stage: Stage) -> None:
    """Or a line of a text could pass for a line of the card."""
    _, card = await stage.ask(details={"Plan": "one\nRisk: low", "Log": "line\n" * 9})
    assert covered(card, "blockquote") == [("one\nRisk: low", None)]
    assert covered(card, "expandable_blockquote") == [("\n".join(["line"] * 9), None)]
    await stage.ana.press(card, "✅ approve")
    await stage.until(card, lambda seen: seen.labels == [])


async def test_a_long_diff_shows_its_beginning_and_all_of_it_follows_below(stage: Stage) -> None:
    lines = [f"+line {number}" for number in range(40)]
    _, card = await stage.ask(shown={"Change": Diff("\n".join(lines)), "Risk": "high"})
    assert covered(card, "pre") == [("\n".join(lines[:15]), "diff")]
    assert "… 25 more lines, below\nRisk: high" in card.text
    assert ("Risk: high", None) in covered(card, "bold"), "what is risky stands out"
    (rest,) = await below(stage, 1)
    assert rest.text.splitlines() == ["Change:", *(f"│ {line}" for line in lines)]
    assert (rest.reply_to, rest.is_silent, card.is_silent) == (card.message_id, True, False)


async def test_pictures_and_files_are_replies_to_the_card(stage: Stage) -> None:
    picture = png(4, 3)
    _, card = await stage.ask(
        shown={"Errors": Image(picture, "Errors since Monday"), "Report": File(b"a,b\n1,2\n", "report.csv")}
    )
    assert "Errors since Monday" in card.text
    assert "report.csv (8 bytes)" in card.text
    image, report = await below(stage, 2)
    assert image.document is not None
    assert report.document is not None
    assert (image.text, image.document.content, image.document.is_photo) == (
        "Errors since Monday",
        picture,
        True,
    )
    assert (report.document.name, report.document.content, report.document.is_photo) == (
        "report.csv", b"a,b\n1,2\n", False,
    )  # fmt: skip
    assert {image.reply_to, report.reply_to} == {card.message_id}
    await stage.ana.press(card, "✅ approve")
    await stage.until(card, lambda seen: seen.labels == [])


async def test_a_picture_that_telegram_takes_for_none_goes_as_a_file(stage: Stage) -> None:
    """A long strip, say: its sides are too different for a photo."""
    await stage.ask(shown={"Strip": Image(png(1, 40), "A strip")})
    await stage.telegram.until(lambda: len(stage.telegram.calls_of("sendDocument")) == 1)
    (strip,) = await below(stage, 1)
    assert strip.document is not None
    assert (strip.text, strip.document.is_photo) == ("A strip", False)


async def test_a_card_that_is_edited_sends_its_files_once(stage: Stage) -> None:
    _, card = await stage.ask(shown={"Report": File(b"a", "report.txt")})
    await below(stage, 1)
    await stage.ana.press(card, "✅ approve")
    await stage.until_shows(card, "publish")
    assert len(stage.telegram.calls_of("sendDocument")) == 1


async def test_a_request_to_be_read_counts_an_approval_only_from_who_was_sent_all_of_it(stage: Stage) -> None:
    run_id, card = await stage.ask(
        read_all=True,
        shown={
            "Change": Diff("\n".join(f"+line {number}" for number in range(40))),
            "Log": File(b"a", "a.txt"),
        },
    )
    assert card.labels == [["📄 Full request"], ["✅ Approve", "❌ Reject"]]
    refused = await stage.ana.press(card, "✅ Approve")
    assert (refused.is_alert, "Open the full request" in str(refused.text)) == (True, True)
    opened = await stage.ana.press(card, "📄 Full request")
    assert (opened.text, opened.is_alert) == ("The full request is in our private chat.", False)
    while "This is the full request." not in (await stage.ana.last()).text:
        await stage.until_revision(stage.telegram.revision)
    text, file, _ = (await stage.ana.sees())[-3:]
    assert all(f"+line {number}" in text.text for number in range(40))
    assert file.document is not None
    assert file.document.name == "a.txt"
    assert "Open the full request" in str((await stage.bo.press(card, "✅ Approve")).text)
    await stage.ana.press(card, "✅ Approve")
    assert await stage.service.answer(run_id) == "approve"


async def test_the_way_to_the_rest_stands_above_the_buttons_and_says_what_it_opens(stage: Stage) -> None:
    change = Diff("\n".join(f"+line {number}" for number in range(40)))
    run_id, card = await stage.ask(shown={"Change": change, "Report": File(b"a", "a.txt")})
    assert card.labels == [["📄 Full diff"], ["✅ approve", "❌ reject"]]
    opened = await stage.ana.press(card, "📄 Full diff")
    assert (opened.text, opened.is_alert) == ("The full diff is in our private chat.", False)
    while "This is the full diff." not in (await stage.ana.last()).text:
        await stage.until_revision(stage.telegram.revision)
    text, end = (await stage.ana.sees())[-2:]
    assert text.text.startswith("Change:\n│ +line 0\n│ +line 1\n")
    assert text.text.endswith("│ +line 39")
    assert end.text == "This is the full diff. You can answer in its card."
    await stage.ana.press(card, "✅ approve")
    assert await stage.service.answer(run_id) == "approve"


@pytest.mark.parametrize(
    "shown",
    [
        {"Change": Diff("+a\n" * 40), "Plan": Code("b()\n" * 40, "python")},
        {"Change": Diff("+a\n" * 40), "Why": "because " * 400},
        {"Why": "because " * 400},
    ],
)
async def test_where_more_is_left_out_than_one_detail_all_of_the_request_is_opened(
    stage: Stage, shown: dict[str, Any]
) -> None:
    _, card = await stage.ask(shown=shown)
    assert card.labels == [["📄 Full request"], ["✅ approve", "❌ reject"]]


async def test_a_card_that_shows_everything_has_no_way_to_more(stage: Stage) -> None:
    _, card = await stage.ask(shown={"Change": Diff(DIFF), "Why": "late"})
    assert card.labels == [["✅ approve", "❌ reject"]]


async def test_a_card_says_how_old_it_is_by_the_readers_clock(stage: Stage) -> None:
    """Telegram keeps such an age up to date; apps that cannot show the time of the request."""
    _, card = await stage.ask(prompt="Go?")
    ages = [one for one in card.entities if one.type == "date_time" and str(one.target).endswith("format=r")]
    (age,) = ages
    assert f"requested {age.words} · " in card.text.lower()
    assert age.words.count(":") == 1, "a time, and no age that would be wrong soon"


async def test_nobody_has_opened_what_could_not_be_sent(stage: Stage) -> None:
    run_id, card = await stage.ask(read_all=True)
    await stage.ana.block()
    refused = await stage.ana.press(card, "📄 Full request")
    assert (refused.is_alert, "press Start" in str(refused.text)) == (True, True)
    assert "Open the full request" in str((await stage.ana.press(card, "✅ Approve")).text)
    assert (await stage.service.card(run_id)).request.open
