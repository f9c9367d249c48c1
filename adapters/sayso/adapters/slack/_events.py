"""What Slack sends, as what somebody did. Both transports bring the same payloads.

Who somebody is they say in a different way each: on Enterprise Grid a press names the home workspace, a command the one
in which it was typed, a modal at times only the enterprise, and an org-wide install no workspace. So what is read here
is the user's id alone; whose it is, Slack is asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

from sayso.adapters.console import first_word
from sayso.adapters.slack._data import (
    ANSWER_VIEW,
    COMMAND,
    ELEMENTS,
    READ_NEXT,
    START_PICK,
    START_VIEW,
    CardButton,
    EntryButton,
    Listed,
    PageTag,
    ViewTag,
    decode,
    decode_entry,
    decode_listed,
    decode_page,
    decode_tag,
)
from sayso.adapters.slack._fields import Filled
from sayso.adapters.slack._kept import kept_blocks, stands
from sayso.adapters.slack._text import typed_text
from sayso.engine import Kept

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who did it, by their id in Slack."""

    user_id: str
    handle: str


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button of a card, or an option picked in it. `message_ts` is None at home, where there is no message.

    `kept` is what Slack says that it keeps of the message, or of the home, in which it was pressed: None where it does
    not say. `stands` is whether the pressed action stands there, as it was pressed. `listed` are the cards of the home.
    """

    sender: Sender
    key: str
    button: CardButton | None
    trigger_id: str
    channel: str | None = None
    message_ts: str | None = None
    thread_ts: str | None = None
    response_url: str | None = None
    kept: Kept | None = None
    stands: bool = False
    listed: tuple[Listed, ...] = ()


@dataclass(frozen=True, slots=True)
class Submitted:
    """A modal was sent; `values` are its `state.values`, `view_hash` says which of its states was sent."""

    sender: Sender
    key: str
    tag: ViewTag | None
    values: Payload
    view_id: str = ""
    view_hash: str = ""


@dataclass(frozen=True, slots=True)
class PageTurned:
    """The next page of a full request is wanted; the rest as in `Submitted`."""

    sender: Sender
    tag: PageTag | None
    view_id: str
    view_hash: str


@dataclass(frozen=True, slots=True)
class StartPicked:
    """The workflow to start was picked in a modal."""

    sender: Sender
    name: str
    view_id: str


@dataclass(frozen=True, slots=True)
class StartSubmitted:
    """What a workflow starts with was sent; the rest as in `Submitted`."""

    sender: Sender
    key: str
    name: str
    values: Payload
    view_id: str
    view_hash: str


@dataclass(frozen=True, slots=True)
class EntriesChanged:
    """A list in a modal gets an entry more or fewer: of a question, whose `tag` is there, or of what the workflow of
    this name starts with. The rest as in `Submitted`.
    """

    sender: Sender
    tag: ViewTag | None
    name: str
    filled: Filled
    view_id: str
    view_hash: str


@dataclass(frozen=True, slots=True)
class Searched:
    """Somebody types into a searchable picker."""

    sender: Sender
    button: CardButton | None
    typed: str


@dataclass(frozen=True, slots=True)
class Commanded:
    """`/sayso VERB TEXT`."""

    sender: Sender
    key: str
    verb: str
    text: str
    response_url: str
    trigger_id: str = ""


@dataclass(frozen=True, slots=True)
class HomeOpened:
    """Somebody looks at the app's home."""

    sender: Sender


@dataclass(frozen=True, slots=True)
class ChannelReturned:
    """A channel can be written to (again): the bot was added to it, or it was taken out of the archive."""

    channel: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing of ours."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Somebody did something that is not as Slack describes it. What is known of a way to tell them is there: the
    response address, a trigger, their own id in a channel; or in a modal `input_id`, an input's block.
    """

    reason: str
    response_url: str | None = None
    trigger_id: str | None = None
    channel: str | None = None
    user_id: str | None = None
    is_modal: bool = False
    input_id: str | None = None


Event: TypeAlias = (
    Pressed
    | Submitted
    | PageTurned
    | EntriesChanged
    | StartPicked
    | StartSubmitted
    | Searched
    | Commanded
    | HomeOpened
    | ChannelReturned
    | Ignored
    | Unreadable
)


def parse_event(kind: str, payload: Payload) -> Event:
    """What a payload says. `kind` is the envelope's: `interactive`, `slash_commands` or `events_api`."""
    try:
        match kind:
            case "interactive":
                return _parse_interaction(payload)
            case "slash_commands":
                return _parse_command(payload)
            case "events_api":
                return _parse_event(payload)
            case _:
                return Ignored(f"envelope {kind!r}")
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        reason = f"it is not as Slack describes it: {error!r}"
        return Ignored(reason) if kind == "events_api" else _unreadable(payload, reason)


def is_own(kind: str, payload: Payload) -> bool:
    """Whether a payload is about something that sayso made or serves alone: an element or a modal of its, its command,
    its home. What is not may be another program's of the same app. `kind` is as in `parse_event`.
    """
    match kind:
        case "interactive":
            given = payload.get("actions")
            actions: list[object] = cast("list[object]", given) if isinstance(given, list) else []
            ids = [payload.get("action_id"), *(_mapping(one).get("action_id") for one in actions)]
            is_element = any(isinstance(one, str) and one.startswith(ELEMENTS) for one in ids)
            return is_element or _mapping(payload.get("view")).get("callback_id") in (ANSWER_VIEW, START_VIEW)
        case "slash_commands":
            return payload.get("command") == COMMAND
        case "events_api":
            return isinstance(parse_event(kind, payload), HomeOpened)
        case _:
            return False


def _unreadable(payload: Payload, reason: str) -> Unreadable:
    """What a payload still says of how its person can be told: nothing while they type into a picker."""
    if payload.get("type") == "block_suggestion":
        return Unreadable(reason)
    view = _mapping(payload.get("view"))
    blocks = view.get("blocks")
    inputs = [
        found.get("block_id")
        for found in map(_mapping, cast("list[object]", blocks) if isinstance(blocks, list) else ())
        if found.get("type") == "input"
    ]
    return Unreadable(
        reason,
        _text(payload.get("response_url")),
        _text(payload.get("trigger_id")),
        _text(_mapping(payload.get("channel")).get("id")),
        _text(_mapping(payload.get("user")).get("id")),
        is_modal=payload.get("type") == "view_submission",
        input_id=_text(inputs[0]) if inputs else None,
    )


def _mapping(value: object) -> Payload:
    return cast("Payload", value) if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _parse_interaction(payload: Payload) -> Event:
    sender = _sender(payload["user"])
    match payload["type"]:
        case "block_actions":
            return _parse_press(payload, sender)
        case "view_submission" if payload["view"].get("callback_id") in (ANSWER_VIEW, START_VIEW):
            view = payload["view"]
            values = view["state"]["values"]
            text = json.dumps(values, sort_keys=True)
            digest = hashlib.sha256(text.encode()).hexdigest()[:16]
            # Slack gives a submission no id: the same view with the same values is the same submission.
            key = f"slack:view:{view['id']}:{digest}"
            if view["callback_id"] == START_VIEW:
                state = str(view["id"]), str(view.get("hash", ""))
                return StartSubmitted(sender, key, str(view["private_metadata"]), values, *state)
            tag = decode_tag(view["private_metadata"])
            return Submitted(sender, key, tag, values, str(view["id"]), str(view.get("hash", "")))
        case "block_suggestion":
            return Searched(sender, decode(payload["action_id"]), typed_text(payload.get("value", "")))
        case other:
            return Ignored(f"interaction {other!r}")


def _parse_press(payload: Payload, sender: Sender) -> Event:
    action = payload["actions"][0]
    if not str(action["action_id"]).startswith(ELEMENTS):
        return Ignored(f"action {action['action_id']!r}")
    if str(action["action_id"]).startswith(START_PICK):
        return StartPicked(sender, str(action["value"]), str(payload["view"]["id"]))
    if action["action_id"] == READ_NEXT:
        view = payload["view"]
        tag = decode_page(str(view["private_metadata"]))
        return PageTurned(sender, tag, str(view["id"]), str(view.get("hash", "")))
    if (entry := decode_entry(str(action["action_id"]))) is not None:
        return _parse_entries(payload["view"], entry, sender)
    button = decode(action["action_id"])
    picked = action.get("selected_option")
    if button is not None and picked is not None:
        number = int(picked["value"]) if str(picked["value"]).isdecimal() else -1
        button = replace(button, number=number)
    message = cast("Payload", payload.get("message") or {})
    view = cast("Payload", payload.get("view") or {})
    blocks = (message or view).get("blocks")
    # Buttons can stand in a message's attachments as well: there they are none of the card's.
    is_within = cast("Payload", payload.get("container") or {}).get("type") in ("message", "view")
    return Pressed(
        sender=sender,
        key=f"slack:action:{sender.user_id}:{action['action_ts']}:{action['action_id']}",
        button=button,
        trigger_id=payload["trigger_id"],
        channel=cast("Payload", payload.get("channel") or {}).get("id"),
        message_ts=message.get("ts"),
        thread_ts=message.get("thread_ts"),
        response_url=None if payload.get("response_url") is None else str(payload["response_url"]),
        kept=None if blocks is None else kept_blocks(blocks),
        stands=is_within and stands(blocks, action),
        listed=decode_listed(str(view.get("private_metadata", ""))),
    )


def _parse_entries(view: Payload, button: EntryButton, sender: Sender) -> EntriesChanged:
    inputs = frozenset(str(one["block_id"]) for one in view["blocks"] if one["type"] == "input")
    about = str(view["private_metadata"])
    is_start = view["callback_id"] == START_VIEW
    return EntriesChanged(
        sender,
        tag=None if is_start else decode_tag(about),
        name=about if is_start else "",
        filled=Filled(inputs, view["state"]["values"], button),
        view_id=str(view["id"]),
        view_hash=str(view.get("hash", "")),
    )


def _parse_command(payload: Payload) -> Event:
    verb, text = first_word(typed_text(payload.get("text", "")))
    return Commanded(
        sender=_sender({"id": payload["user_id"], "name": payload.get("user_name", "")}),
        key=f"slack:command:{payload['trigger_id']}",
        verb=verb.lower(),
        text=text,
        response_url=str(payload["response_url"]),
        trigger_id=str(payload["trigger_id"]),
    )


def _parse_event(payload: Payload) -> Event:
    event = payload["event"]
    match event["type"]:
        case "app_home_opened" if event.get("tab", "home") == "home":
            return HomeOpened(_sender({"id": event["user"]}))
        case "member_joined_channel":
            return ChannelReturned(event["channel"])
        case "channel_unarchive" | "group_unarchive":
            return ChannelReturned(event["channel"])
        case other:
            return Ignored(f"event {other!r}")


def _sender(user: Payload) -> Sender:
    user_id = user["id"]
    if not isinstance(user_id, str) or not user_id:
        raise TypeError("there is no user's id")
    return Sender(user_id, str(user.get("name") or user.get("username") or ""))
