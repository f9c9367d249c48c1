"""Messages and views come back as Slack keeps them, whoever sent them: what was sent is not what is given back."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.testing.slack import Impossible, LocalSlack, Place, SlackPerson
from sayso.testing.slack._kept import kept, kept_markup, kept_plain, unescaped
from tests.testing.slack.client import Client
from tests.testing.slack.test_delivery import connect, envelope

PLAIN = {"type": "plain_text", "text": "Go"}


def button(label: str, **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": {"type": "plain_text", "text": label}, "action_id": label, **more}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def rich(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


def picker(*labels: str) -> dict[str, Any]:
    options = [
        {"text": {"type": "plain_text", "text": label}, "value": str(number)}
        for number, label in enumerate(labels)
    ]
    return {"type": "static_select", "action_id": "pick", "options": options}


@pytest.fixture
def ana(slack: LocalSlack) -> SlackPerson:
    return slack.add_person("Ana")


@pytest.fixture
def place(slack: LocalSlack, ana: SlackPerson) -> Place:
    return slack.add_channel("general", [ana])


class Hands:
    """Ana presses, and the payload comes out of a socket."""

    def __init__(self, slack: LocalSlack, client: Client, session: aiohttp.ClientSession) -> None:
        self._slack, self._client, self._session = slack, client, session

    async def payload(self, press: Any) -> dict[str, Any]:
        socket = await connect(self._slack, self._client, self._session)
        await press()
        found: dict[str, Any] = (await envelope(socket, "interactive"))["payload"]
        await socket.close()
        return found


@pytest.fixture
def hands(slack: LocalSlack, client: Client, session: aiohttp.ClientSession) -> Hands:
    return Hands(slack, client, session)


# --- text --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ("R&D <3>", "R&amp;D &lt;3&gt;"),
        ("a &amp; b", "a &amp; b"),
        ("&copy &nbsp; &#60;", "&amp;copy &amp;nbsp; &amp;#60;"),
        ("“quotes” stay 'so'", "“quotes” stay 'so'"),
        ("✅ ⚠️ ⚠ 👍🏼", ":white_check_mark: :warning: :warning: :+1::skin-tone-3:"),
        ("👨‍💻 1️⃣ 1 🇩🇪 ✓", ":male-technologist: :one: 1 :de: ✓"),
        (":tada: <@U1>", ":tada: &lt;@U1&gt;"),
    ],
)
def test_plain_text_comes_back_with_entities_and_codes(sent: str, found: str) -> None:
    assert kept_plain(sent) == found


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ("<@U1|bob> & <!here> <#C1>", "<@U1|bob> &amp; <!here> <#C1>"),
        ("1 < 2 > 0 <b>", "1 &lt; 2 &gt; 0 &lt;b&gt;"),
        ("<https://x.example/?a=1&b=2|R&D>", "<https://x.example/?a=1&amp;b=2|R&amp;D>"),
        ("see https://x.example/?a=1&b=2.", "see <https://x.example/?a=1&amp;b=2>."),
        ("`https://x.example`", "`https://x.example`"),
        (
            "<!date^17^{date} at {time}|then> & <!date^17>",
            "<!date^17^{date} at {time}|then> &amp; <!date^17>",
        ),
    ],
)
def test_markup_keeps_its_control_sequences_and_gets_links(sent: str, found: str) -> None:
    assert kept_markup(sent) == found


def test_verbatim_markup_gets_no_links() -> None:
    block = {"type": "mrkdwn", "text": "https://x.example", "verbatim": True}
    assert kept(block) == block


async def test_markup_is_read_with_its_dates_names_and_styles(
    slack: LocalSlack, client: Client, ana: SlackPerson, place: Place
) -> None:
    """A date with a token that Slack does not know shows its fallback (docs: "Formatting message text")."""
    now = slack.clock.now()
    at = int(now.timestamp()) - 7200
    dates = " ".join(f"<!date^{at}^{{{token}}}|then>" for token in ("ago", "when", "date_num"))
    elements = [
        {"type": "mrkdwn", "text": f"*Go* by <@{ana.id}> {dates}", "verbatim": True},
        {"type": "plain_text", "text": "*as it is*"},
    ]
    blocks = [{"type": "context", "elements": elements}]
    await client.ok("chat.postMessage", channel=place.id, text="x", blocks=blocks)
    seen = ana.messages(place)[-1]
    day = f"{now - timedelta(hours=2):%Y-%m-%d}"
    assert seen.text == f"Go by @Ana 2 hours ago then {day} *as it is*"
    assert [(one.type, one.words) for one in seen.entities] == [("bold", "Go")]


@given(st.text())
def test_what_slack_keeps_it_keeps_again_and_people_read_what_was_sent(text: str) -> None:
    """A bot that sends back what it was given changes nothing, as bots do that copy a message's blocks."""
    assert kept_plain(kept_plain(text)) == kept_plain(text)
    assert kept_markup(kept_markup(text)) == kept_markup(text)
    if kept_plain(text).count(":") == text.count(":"):  # no emoji became a code
        assert unescaped(kept_plain(text)) == unescaped(text)


def test_emoji_in_rich_text_become_elements_of_the_same_style() -> None:
    bold = {"bold": True}
    found = kept(
        [
            rich(
                {"type": "text", "text": "Ship 🚀 it & ⚠️", "style": bold},
                {"type": "text", "text": "🚀", "style": {"code": True}},
                {"type": "link", "url": "https://x.example/?a&b"},
            )
        ]
    )
    assert found[0]["elements"][0]["elements"] == [
        {"type": "text", "text": "Ship ", "style": bold},
        {"type": "emoji", "name": "rocket", "unicode": "1f680", "style": bold},
        {"type": "text", "text": " it & ", "style": bold},
        {"type": "emoji", "name": "warning", "unicode": "26a0-fe0f", "style": bold},
        {"type": "text", "text": "🚀", "style": {"code": True}},
        {"type": "link", "url": "https://x.example/?a&b"},
    ]


# --- messages ----------------------------------------------------------------------------------------------

BLOCKS: list[dict[str, Any]] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "R&D 🚀"}},
    rich({"type": "text", "text": "go 🚀"}),
    actions(button("Yes & no ✅"), picker("a < b", "c")),
]


async def test_the_answer_and_the_press_carry_one_and_the_same_message(
    client: Client, ana: SlackPerson, place: Place, hands: Hands
) -> None:
    sent = await client.ok("chat.postMessage", channel=place.id, text="R&D 🚀", blocks=BLOCKS)
    pressed = await hands.payload(lambda: ana.press(ana.last(place), "Yes & no ✅"))
    assert pressed["message"] == sent["message"]
    assert sent["message"]["text"] == "R&amp;D :rocket:"
    assert sent["message"]["blocks"][0]["text"]["text"] == "R&amp;D :rocket:"
    assert pressed["actions"][0]["text"]["text"] == "Yes &amp; no :white_check_mark:"
    changed = await client.ok(
        "chat.update", channel=place.id, ts=sent["ts"], text="x", blocks=[actions(button("Again"))]
    )
    again = await hands.payload(lambda: ana.press(ana.last(place), "Again"))
    assert again["message"] == changed["message"]
    assert set(changed["message"]) - set(sent["message"]) == {"edited"}


async def test_a_message_with_a_thread_says_so_in_presses(
    client: Client, ana: SlackPerson, place: Place, hands: Hands
) -> None:
    sent = await client.ok("chat.postMessage", channel=place.id, text="x", blocks=BLOCKS)
    reply = await client.ok("chat.postMessage", channel=place.id, text="y", thread_ts=sent["ts"])
    pressed = (await hands.payload(lambda: ana.press(ana.last(place), "Yes & no ✅")))["message"]
    assert (pressed["thread_ts"], pressed["reply_count"], pressed["latest_reply"]) == (
        sent["ts"],
        1,
        reply["ts"],
    )
    assert {name: pressed[name] for name in sent["message"]} == sent["message"]


async def test_what_was_left_out_is_filled_in(client: Client, place: Place) -> None:
    sent = await client.ok("chat.postMessage", channel=place.id, blocks=BLOCKS)
    section, _, controls = sent["message"]["blocks"]
    assert sent["message"]["text"] == "This content can't be displayed."
    assert section["text"]["verbatim"] is False
    assert controls["elements"][0]["text"]["emoji"] is True
    assert all(block["block_id"] for block in sent["message"]["blocks"])


async def test_people_read_what_was_sent(client: Client, ana: SlackPerson, place: Place) -> None:
    await client.ok("chat.postMessage", channel=place.id, text="x", blocks=BLOCKS)
    seen = ana.last(place)
    assert seen.text == "R&D 🚀\ngo 🚀"
    assert seen.labels == [["Yes & no ✅"]]
    assert seen.selects[0].options == ("a < b", "c")


async def test_entities_that_were_sent_as_text_are_read_as_slack_reads_them(
    client: Client, ana: SlackPerson, place: Place
) -> None:
    text = {"type": "plain_text", "text": "a &amp; b &copy; c"}
    await client.ok(
        "chat.postMessage", channel=place.id, text="x", blocks=[{"type": "section", "text": text}]
    )
    assert ana.last(place).text == "a & b &copy; c"


async def test_what_people_write_comes_with_entities_too(
    slack: LocalSlack, client: Client, session: aiohttp.ClientSession, ana: SlackPerson, place: Place
) -> None:
    socket = await connect(slack, client, session)
    await ana.write("1 < 2 & 🚀", place)
    event = (await envelope(socket, "events_api"))["payload"]["event"]
    assert event["text"] == "1 &lt; 2 &amp; :rocket:"
    await ana.command("/sayso", "find R&D", place)
    assert (await envelope(socket, "slash_commands"))["payload"]["text"] == "find R&amp;D"


async def test_emoji_in_plain_text_without_them_can_be_spared(
    slack: LocalSlack, client: Client, place: Place
) -> None:
    blocks = [actions({**button("✅ & go"), "text": {"type": "plain_text", "text": "✅ &", "emoji": False}})]
    found: list[str] = []
    for slack.spares_emoji in (False, True):
        sent = await client.ok("chat.postMessage", channel=place.id, text="✅", blocks=blocks)
        assert sent["message"]["text"] == ":white_check_mark:"
        found.append(sent["message"]["blocks"][0]["elements"][0]["text"]["text"])
    assert found == [":white_check_mark: &amp;", "✅ &amp;"]


# --- forgeries ---------------------------------------------------------------------------------------------


async def test_a_press_in_an_attachment_says_so_and_brings_the_whole_message(
    slack: LocalSlack, client: Client, ana: SlackPerson, place: Place, hands: Hands
) -> None:
    attachments = [
        {"text": "old"},
        {"color": "#ff0000", "blocks": [actions(button("Go & see", value="v"))]},
    ]
    sent = await client.ok("chat.postMessage", channel=place.id, text="x", attachments=attachments)
    assert ana.last(place).labels == [["Go & see"]]
    pressed = await hands.payload(lambda: ana.press(ana.last(place), action_id="Go & see"))
    assert pressed["container"] == {
        "type": "message_attachment",
        "message_ts": sent["ts"],
        "attachment_id": 2,
        "channel_id": place.id,
        "is_ephemeral": False,
        "is_app_unfurl": False,
    }
    assert pressed["message"] == sent["message"]
    assert "blocks" not in sent["message"]
    kept_blocks = pressed["message"]["attachments"][1]["blocks"]
    assert kept_blocks[0]["elements"][0]["text"]["text"] == "Go &amp; see"
    assert kept_blocks[0]["block_id"] == pressed["actions"][0]["block_id"]
    assert slack.problems == []


async def test_an_edit_keeps_the_attachments_that_it_does_not_mention(
    client: Client, ana: SlackPerson, place: Place
) -> None:
    attachments = [{"blocks": [actions(button("Go"))]}]
    sent = await client.ok("chat.postMessage", channel=place.id, text="x", attachments=attachments)
    where = {"channel": place.id, "ts": sent["ts"]}
    kept_too = await client.ok("chat.update", text="y", **where)
    assert kept_too["message"]["attachments"] == sent["message"]["attachments"]
    gone = await client.ok("chat.update", text="y", attachments=[], **where)
    assert "attachments" not in gone["message"]
    assert ana.last(place).labels == []


async def test_blocks_in_attachments_are_checked(client: Client, place: Place) -> None:
    attachments = [{"blocks": [actions(button("x" * 76))]}]
    refused = await client.call("chat.postMessage", channel=place.id, text="x", attachments=attachments)
    assert refused["error"] == "invalid_attachments"
    assert refused["response_metadata"]["messages"] == [
        "[ERROR] must be less than 76 characters [json-pointer:/attachments/0/blocks/0/elements/0/text/text]"
    ]


async def test_a_press_in_an_ephemeral_message_brings_no_message(
    slack: LocalSlack, client: Client, ana: SlackPerson, place: Place, hands: Hands
) -> None:
    blocks = [actions(button("Go"))]
    await client.ok("chat.postEphemeral", channel=place.id, user=ana.id, text="psst", blocks=blocks)
    (seen,) = ana.messages(place)
    pressed = await hands.payload(lambda: ana.press(seen, "Go"))
    assert "message" not in pressed
    assert pressed["container"] == {
        "type": "message",
        "message_ts": seen.ts,
        "channel_id": place.id,
        "is_ephemeral": True,
    }
    assert slack.problems == []


async def test_an_option_is_sent_with_what_the_picker_showed(
    client: Client, ana: SlackPerson, place: Place, hands: Hands
) -> None:
    """Whoever swaps the labels swaps what comes with the value."""
    block = actions(button("Go"), {**picker("first"), "action_id": "other"}, picker("Reject & stop ❌", "x"))
    await client.ok("chat.postMessage", channel=place.id, text="x", blocks=[block])
    pressed = await hands.payload(lambda: ana.choose(ana.last(place), "Reject & stop ❌", action_id="pick"))
    assert pressed["actions"][0]["selected_option"] == {
        "text": {"type": "plain_text", "text": "Reject &amp; stop :x:", "emoji": True},
        "value": "0",
    }


async def test_one_of_several_buttons_with_one_label_is_pressed_by_its_place(
    client: Client, ana: SlackPerson, place: Place, hands: Hands
) -> None:
    first, second = button("Go"), {**button("Go"), "action_id": "second"}
    await client.ok("chat.postMessage", channel=place.id, text="x", blocks=[actions(first, second)])
    pressed = await hands.payload(lambda: ana.press(ana.last(place), "Go", number=1))
    assert pressed["actions"][0]["action_id"] == "second"
    with pytest.raises(Impossible, match="sees no button 'Go'"):
        await ana.press(ana.last(place), "Go", number=2)


# --- views -------------------------------------------------------------------------------------------------

INPUT: dict[str, Any] = {
    "type": "input",
    "label": {"type": "plain_text", "text": "Why & how"},
    "element": {"type": "plain_text_input", "action_id": "v"},
}


def modal(*blocks: dict[str, Any]) -> dict[str, Any]:
    title = {"type": "plain_text", "text": "R&D 🚀"}
    return {
        "type": "modal",
        "title": title,
        "submit": PLAIN,
        "blocks": list(blocks),
        "private_metadata": "<&>",
    }


async def test_views_come_back_as_slack_keeps_them_with_their_place_in_the_stack(
    slack: LocalSlack, client: Client, session: aiohttp.ClientSession, ana: SlackPerson, place: Place
) -> None:
    socket = await connect(slack, client, session)

    async def trigger() -> str:
        await ana.command("/sayso", "", place)
        found: str = (await envelope(socket, "slash_commands"))["payload"]["trigger_id"]
        return found

    opened = (await client.ok("views.open", trigger_id=await trigger(), view=modal(INPUT)))["view"]
    assert opened["title"]["text"] == "R&amp;D :rocket:"
    assert opened["private_metadata"] == "<&>"
    assert opened["blocks"][0]["label"]["text"] == "Why &amp; how"
    assert (opened["root_view_id"], opened["previous_view_id"]) == (opened["id"], None)
    buttons = actions(button("More"))
    pushed = await client.ok("views.push", trigger_id=await trigger(), view=modal(INPUT, buttons))
    top = pushed["view"]
    assert (top["root_view_id"], top["previous_view_id"]) == (opened["id"], opened["id"])
    await ana.press_in_view("More")
    in_view = (await envelope(socket, "interactive"))["payload"]
    assert (in_view["container"], "message" in in_view) == ({"type": "view", "view_id": top["id"]}, False)
    assert in_view["view"] == top
    block = top["blocks"][0]["block_id"]
    assert top["state"]["values"] == {block: {"v": {"type": "plain_text_input", "value": None}}}
    updated = (await client.ok("views.update", view_id=top["id"], view=modal(INPUT)))["view"]
    assert updated["hash"] != top["hash"]
    await ana.submit({"Why & how": "a & b"})
    submitted = (await envelope(socket, "interactive"))["payload"]["view"]
    assert {**submitted, "state": updated["state"]} == updated
    block = submitted["blocks"][0]["block_id"]
    assert submitted["state"]["values"][block]["v"] == {"type": "plain_text_input", "value": "a &amp; b"}
    assert slack.problems == []


async def test_a_home_that_was_published_in_between_is_refused(client: Client, ana: SlackPerson) -> None:
    home = {"type": "home", "blocks": [actions(button("Go & see"))]}
    first = (await client.ok("views.publish", user_id=ana.id, view=home))["view"]
    second = (await client.ok("views.publish", user_id=ana.id, view=home, hash=first["hash"]))["view"]
    assert second["id"] == first["id"]
    refused = await client.call("views.publish", user_id=ana.id, view=home, hash=first["hash"])
    assert refused["error"] == "hash_conflict"
    assert json.dumps(second).count("Go &amp; see") == 1
