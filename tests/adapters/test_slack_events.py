"""What Slack sends is read as what somebody did, and says of them no more than their id."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.adapters.cards import build_card
from sayso.adapters.console import Entered
from sayso.adapters.slack import (
    ANSWER_VIEW,
    Action,
    CardButton,
    ChannelReturned,
    Commanded,
    HomeOpened,
    Ignored,
    Pressed,
    Searched,
    Submitted,
    Unreadable,
    is_own,
    parse_event,
    read_submission,
)
from sayso.testing.slack._kept import kept_typed
from tests.adapters.card_records import PLACES, QUESTIONS, pending

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ORGANISATION = st.none() | st.sampled_from(["T1", "T2", "E1"])
USER = "U7"


def named(organisation: str | None, enterprise: str | None) -> dict[str, Any] | None:
    """A payload's `team`: with the enterprise in it, or nothing at all."""
    return None if organisation is None else {"id": organisation, "enterprise_id": enterprise}


def interaction(kind: str, home: str | None, team: str | None, enterprise: str | None) -> dict[str, Any]:
    user: dict[str, Any] = {"id": USER, "username": "ana"}
    if home is not None:
        user["team_id"] = home
    around = {
        "type": kind,
        "user": user,
        "team": named(team, enterprise),
        "enterprise": None if enterprise is None else {"id": enterprise, "name": "Local"},
        "trigger_id": "1.2.3",
    }
    action = {"action_id": "sayso:a:00000000000000000000000000000000:1:0", "action_ts": "1.5", "value": "0"}
    view: dict[str, Any] = {
        "id": "V1",
        "callback_id": ANSWER_VIEW,
        "private_metadata": "",
        "state": {"values": {}},
    }
    match kind:
        case "block_actions":
            return {**around, "actions": [action]}
        case "view_submission":
            return {**around, "view": view}
        case _:
            return {**around, "action_id": action["action_id"], "value": "a"}


@given(
    kind=st.sampled_from(["block_actions", "view_submission", "block_suggestion"]),
    home=ORGANISATION,
    team=ORGANISATION,
    enterprise=st.sampled_from([None, "E1"]),
)
def test_whatever_workspace_a_payload_names_it_is_the_same_user(
    kind: str, home: str | None, team: str | None, enterprise: str | None
) -> None:
    """Org-wide installs have no team, and modals at times no enterprise: nothing of it decides who it is."""
    event = parse_event("interactive", interaction(kind, home, team, enterprise))
    assert isinstance(event, Pressed | Submitted | Searched)
    assert (event.sender.user_id, event.sender.handle) == (USER, "ana")
    if isinstance(event, Pressed):
        other = parse_event("interactive", interaction(kind, "T9", None, None))
        assert isinstance(other, Pressed)
        assert other.key == event.key, "a repetition is known"


@given(team=ORGANISATION, enterprise=ORGANISATION)
def test_a_command_and_a_home_need_no_workspace_either(team: str | None, enterprise: str | None) -> None:
    around = {"team_id": team, "enterprise_id": enterprise}
    command = parse_event(
        "slash_commands", {**around, "user_id": USER, "trigger_id": "1", "response_url": "https://x.test"}
    )
    assert isinstance(command, Commanded)
    home = parse_event("events_api", {**around, "event": {"type": "app_home_opened", "user": USER}})
    assert isinstance(home, HomeOpened)
    assert command.sender.user_id == home.sender.user_id == USER


@given(
    kind=st.sampled_from(["interactive", "slash_commands", "events_api", "other"]),
    payload=st.dictionaries(
        st.sampled_from(
            ["type", "user", "actions", "view", "channel", "message", "event", "response_url", "user_id"]
        ),
        JSON,
    ),
)
def test_no_payload_breaks_the_parser(kind: str, payload: dict[str, Any]) -> None:
    """What is odd is read as unreadable or as nothing of ours, whatever it is."""
    event = parse_event(kind, payload)
    assert isinstance(
        event,
        Pressed | Submitted | Searched | Commanded | HomeOpened | ChannelReturned | Ignored | Unreadable,
    )


@given(
    field=st.sampled_from(["user", "actions", "trigger_id"]),
    odd=JSON.filter(lambda value: not isinstance(value, str)),
)
def test_a_press_that_is_odd_says_how_its_person_can_be_told(field: str, odd: Any) -> None:
    payload = {**interaction("block_actions", "T1", "T1", None), "response_url": "https://hooks.test/1"}
    event = parse_event("interactive", {**payload, field: odd})
    if isinstance(event, Unreadable):
        assert event.response_url == "https://hooks.test/1"
    else:
        assert isinstance(event, Pressed)
        assert field == "trigger_id", "nothing else of a press may be odd"


def test_who_types_into_a_picker_is_told_nothing() -> None:
    """A word at each letter would be worse than a list that stays empty."""
    payload = {**interaction("block_suggestion", "T1", "T1", None), "response_url": "https://hooks.test/1"}
    event = parse_event("interactive", {**payload, "user": {}})
    assert isinstance(event, Unreadable)
    assert (event.response_url, event.trigger_id, event.channel) == (None, None, None)


BLANKS = st.text(st.sampled_from(" \n\t\u00a0\u2003\r"), min_size=1, max_size=4)
WORD = st.text(st.sampled_from("abAB<>&;é“'"), min_size=1, max_size=8)
TYPED = st.lists(st.sampled_from([*"ab<>&; \n“é", "&amp;"]), max_size=8).map("".join)


@given(WORD, BLANKS, TYPED, st.just("") | BLANKS)
def test_a_command_is_what_was_typed_whatever_blanks_stand_around_it(
    verb: str, between: str, text: str, around: str
) -> None:
    """Slack escapes three characters of it; whoever types `R&D` means no `R&amp;D`."""
    payload = {
        "user_id": USER,
        "trigger_id": "1.2.3",
        "response_url": "http://127.0.0.1/1",
        "text": kept_typed(f"{around}{verb}{between}{text}{around}"),
    }
    found = parse_event("slash_commands", payload)
    assert isinstance(found, Commanded)
    assert (found.verb, found.text) == (verb.lower(), text.strip())


@given(TYPED, st.booleans())
def test_what_is_typed_into_a_modal_is_taken_as_it_was_typed(text: str, is_escaped: bool) -> None:
    """Escaped or not; where it was not, an entity alone cannot be told from an escaped character."""
    given_text = kept_typed(text) if is_escaped else text.replace("&amp;", "")
    card = build_card(pending(QUESTIONS["text"]), PLACES)
    values = {f"{card.id}:{card.revision}:0": {"value": {"type": "plain_text_input", "value": given_text}}}
    meant = text if is_escaped else given_text
    assert read_submission(card, values) == Entered(meant)


BUTTON = CardButton(Action.CHOOSE, "0" * 32, 1, 0, 1).encode()


@pytest.mark.parametrize(
    ("kind", "payload", "own"),
    [
        ("interactive", {"type": "block_actions", "actions": [{"action_id": BUTTON}]}, True),
        ("interactive", {"type": "block_suggestion", "action_id": BUTTON}, True),
        ("interactive", {"type": "view_submission", "view": {"callback_id": "sayso:answer"}}, True),
        ("interactive", {"type": "block_actions", "actions": [{"action_id": "deploy"}]}, False),
        ("interactive", {"type": "view_submission", "view": {"callback_id": "deploy"}}, False),
        ("interactive", {"type": "shortcut", "callback_id": "deploy"}, False),
        ("interactive", {"actions": "odd", "view": None, "action_id": 5}, False),
        ("slash_commands", {"command": "/sayso"}, True),
        ("slash_commands", {"command": "/deploy"}, False),
        ("events_api", {"event": {"type": "app_home_opened", "tab": "home", "user": "U1"}}, True),
        ("events_api", {"event": {"type": "message"}}, False),
        ("events_api", {"event": None}, False),
        ("hello", {}, False),
    ],
)
def test_what_is_saysos_own_in_an_app_that_does_more(
    kind: str, payload: dict[str, Any], *, own: bool
) -> None:
    assert is_own(kind, payload) is own
