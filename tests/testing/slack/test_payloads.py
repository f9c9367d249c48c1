"""What Slack refuses, the local one refuses; what it takes, the local one takes."""

from __future__ import annotations

from typing import Any

import pytest

from sayso.testing.slack import LocalSlack, check_blocks, check_options, check_view
from tests.testing.slack.client import Client

PLAIN: dict[str, Any] = {"type": "plain_text", "text": "x"}


def button(**changes: Any) -> dict[str, Any]:
    return {"type": "button", "text": PLAIN, "action_id": "a", **changes}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def rich(*elements: Any) -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


def select(count: int, **changes: Any) -> dict[str, Any]:
    options = [{"text": PLAIN, "value": str(number)} for number in range(count)]
    return {"type": "static_select", "action_id": "s", "options": options, **changes}


def long(count: int) -> dict[str, str]:
    return {"type": "plain_text", "text": "x" * count}


GOOD: dict[str, list[Any]] = {
    "a section": [{"type": "section", "text": {"type": "mrkdwn", "text": "*x*"}}],
    "fields": [{"type": "section", "fields": [PLAIN] * 10}],
    "25 buttons": [actions(*[button(action_id=str(number)) for number in range(25)])],
    "a button for some": [actions(button(visible_to_user_ids=["U1"]))],
    "100 options": [actions(select(100))],
    "an external select": [actions({"type": "external_select", "action_id": "s", "min_query_length": 0})],
    "rich text with a date": [rich({"type": "date", "timestamp": 1, "format": "{time}", "fallback": "x"})],
    "the longest label": [actions(button(text=long(75)))],
    "50 blocks": [{"type": "divider"}] * 50,
    "context": [{"type": "context", "elements": [PLAIN] * 10}],
}
BAD: dict[str, list[Any]] = {
    "51 blocks": [{"type": "divider"}] * 51,
    "an unknown block": [{"type": "banner"}],
    "no type": [{}],
    "26 buttons": [actions(*[button(action_id=str(number)) for number in range(26)])],
    "no button": [actions()],
    "the same action twice": [actions(button(), button())],
    "the same block twice": [{"type": "divider", "block_id": "b"}] * 2,
    "a label too long": [actions(button(text=long(76)))],
    "an empty label": [actions(button(text=long(0)))],
    "a value too long": [actions(button(value="x" * 2001))],
    "an action_id too long": [actions(button(action_id="x" * 256))],
    "a block_id too long": [{"type": "divider", "block_id": "x" * 256}],
    "an unknown style": [actions(button(style="red"))],
    "an unknown property": [actions(button(colour="red"))],
    "markup where plain text belongs": [actions(button(text={"type": "mrkdwn", "text": "x"}))],
    "a header too long": [{"type": "header", "text": long(151)}],
    "a section too long": [{"type": "section", "text": long(3001)}],
    "an empty section": [{"type": "section"}],
    "11 fields": [{"type": "section", "fields": [PLAIN] * 11}],
    "an empty context": [{"type": "context", "elements": []}],
    "rich text in a context": [{"type": "context", "elements": [rich({"type": "text", "text": "x"})]}],
    "a text of a context too long": [{"type": "context", "elements": [long(3001)]}],
    "11 elements of a context": [{"type": "context", "elements": [PLAIN] * 11}],
    "empty rich text": [{"type": "rich_text", "elements": []}],
    "an empty section of rich text": [rich()],
    "an empty text in rich text": [rich({"type": "text", "text": ""})],
    "a date without its format": [rich({"type": "date", "timestamp": 1})],
    "an unknown element of rich text": [rich({"type": "song"})],
    "101 options": [actions(select(101))],
    "no option": [actions(select(0))],
    "neither options nor groups": [actions({"type": "static_select", "action_id": "s"})],
    "an option twice": [actions(select(0, options=[{"text": PLAIN, "value": "1"}] * 2))],
    "an option's value too long": [actions(select(0, options=[{"text": PLAIN, "value": "x" * 151}]))],
    "an option's text too long": [actions(select(0, options=[{"text": long(76), "value": "1"}]))],
    "an initial option that is none": [actions(select(2, initial_option={"text": PLAIN, "value": "9"}))],
    "a placeholder too long": [actions(select(2, placeholder=long(151)))],
    "a confirmation too long": [
        actions(button(confirm={"title": long(101), "text": PLAIN, "confirm": PLAIN, "deny": PLAIN}))
    ],
}
MODAL: dict[str, Any] = {"type": "modal", "title": PLAIN, "blocks": [{"type": "divider"}]}
INPUT = {"type": "input", "label": PLAIN, "element": {"type": "plain_text_input", "action_id": "v"}}
BAD_VIEWS: dict[str, Any] = {
    "a title too long": {**MODAL, "title": long(25)},
    "no title": {"type": "modal", "blocks": [{"type": "divider"}]},
    "inputs without a submit button": {**MODAL, "blocks": [INPUT]},
    "metadata too long": {**MODAL, "private_metadata": "x" * 3001},
    "no blocks": {**MODAL, "blocks": []},
    "101 blocks": {**MODAL, "blocks": [{"type": "divider"}] * 101},
    "an unknown kind": {**MODAL, "type": "sheet"},
    "a home with a submit button": {"type": "home", "blocks": [], "submit": PLAIN},
}


@pytest.mark.parametrize("name", GOOD)
def test_good_blocks_raise_no_alarm(name: str) -> None:
    assert check_blocks(GOOD[name], "message") == []


@pytest.mark.parametrize("name", BAD)
def test_bad_blocks_are_caught_with_their_place(name: str) -> None:
    problems = check_blocks(BAD[name], "message")
    assert problems
    assert all("[json-pointer:/blocks" in problem for problem in problems)


@pytest.mark.parametrize("name", BAD_VIEWS)
def test_bad_views_are_caught(name: str) -> None:
    assert check_view(BAD_VIEWS[name])


def test_a_good_modal_raises_no_alarm() -> None:
    assert check_view({**MODAL, "blocks": [INPUT], "submit": PLAIN}) == []


def test_options_of_a_search_are_checked() -> None:
    assert check_options({"options": [{"text": PLAIN, "value": "1"}]}) == []
    assert check_options({"options": [{"text": PLAIN, "value": "1"}] * 101})
    assert check_options({})


async def test_a_refusal_has_slacks_shape_and_becomes_a_problem(slack: LocalSlack, client: Client) -> None:
    channel = slack.add_channel("general")
    refused = await client.call(
        "chat.postMessage", channel=channel.id, text="x", blocks=BAD["a label too long"]
    )
    assert (refused["status"], refused["ok"], refused["error"]) == (200, False, "invalid_blocks")
    assert refused["response_metadata"]["messages"] == [
        "[ERROR] must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]"
    ]
    assert len(slack.problems) == 1


@pytest.mark.parametrize(
    ("error", "call"),
    [
        ("channel_not_found", {"channel": "C0NOWHERE"}),
        ("no_text", {"text": ""}),
        ("msg_too_long", {"text": "x" * 40_001}),
    ],
)
async def test_refusals_have_the_documented_names(
    slack: LocalSlack, client: Client, error: str, call: dict[str, Any]
) -> None:
    channel = slack.add_channel("general")
    refused = await client.call("chat.postMessage", **{"channel": channel.id, "text": "x", **call})
    assert refused["error"] == error


async def test_tokens_and_scopes_are_checked(slack: LocalSlack, client: Client) -> None:
    assert (await client.call("auth.test", token="xoxb-other"))["error"] == "invalid_auth"
    assert (await client.call("auth.test", token=slack.app_token))["error"] == "not_allowed_token_type"
    slack.scopes = "commands"
    refused = await client.call("users.info", user="U1")
    assert (refused["error"], refused["needed"]) == ("missing_scope", "users:read")


async def test_a_bot_that_is_not_there_cannot_write(slack: LocalSlack, client: Client) -> None:
    channel = slack.add_channel("general", has_bot=False)
    post = {"channel": channel.id, "text": "x"}
    assert (await client.call("chat.postMessage", **post))["error"] == "not_in_channel"
    channel.add_bot()
    channel.archive()
    assert (await client.call("chat.postMessage", **post))["error"] == "is_archived"
    assert slack.problems == [], "these happen to correct bots as well"


async def test_only_its_own_messages_can_be_edited(slack: LocalSlack, client: Client) -> None:
    ana = slack.add_person("Ana")
    channel = slack.add_channel("general", [ana])
    await ana.write("mine", channel)
    update = {"channel": channel.id, "text": "yours"}
    refused = await client.call("chat.update", ts=ana.last(channel).ts, **update)
    assert refused["error"] == "cant_update_message"
    assert (await client.call("chat.update", ts="1.000000", **update))["error"] == "message_not_found"


async def test_text_without_blocks_drops_the_blocks(slack: LocalSlack, client: Client) -> None:
    ana = slack.add_person("Ana")
    channel = slack.add_channel("general", [ana])
    sent = await client.ok("chat.postMessage", channel=channel.id, text="x", blocks=[actions(button())])
    assert ana.last(channel).labels == [["x"]]
    await client.ok("chat.update", channel=channel.id, ts=sent["ts"], text="y")
    assert (ana.last(channel).labels, ana.last(channel).text) == ([], "y")


async def test_a_channel_takes_a_burst_and_then_says_when_the_next_may_come(
    slack: LocalSlack, client: Client
) -> None:
    slack.clock.freeze()
    channel = slack.add_channel("general")
    for _ in range(3):
        await client.ok("chat.postMessage", channel=channel.id, text="x")
    refused = await client.call("chat.postMessage", channel=channel.id, text="x")
    assert (refused["status"], refused["error"], refused["wait"]) == (429, "ratelimited", "3")
