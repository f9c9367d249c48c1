"""Whom a message in the local Slack rings a bell for as it is posted; an edit rings for nobody.

Sources: Slack's help, "Use mentions in Slack" (who is not in a channel is not notified of a mention there; a disabled
user group notifies nobody) and "Formatting message text" (the forms of mentions).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from sayso.testing.slack._state import BOT_USER, Channel, Message, SlackState

_IN_TEXT = re.compile(
    r"<(?:@(?P<user>[UW]\w+)|!subteam\^(?P<group>S\w+)|!(?P<range>here|channel|everyone))[|>]"
)


def notified(state: SlackState, channel: Channel, message: Message) -> list[str]:
    """Their ids. In direct messages everything outside of a thread rings."""
    if message.only_for is not None:
        return []
    wanted = list(_mentioned(state, channel, message.text))
    for block in [*message.blocks, *(one for part in message.attachments for one in part.get("blocks", ()))]:
        wanted += _in_blocks(state, channel, block)
    if channel.im_user is not None and (message.thread_ts is None or message.is_broadcast):
        wanted.append(channel.im_user)
    return [one for one in dict.fromkeys(wanted) if one != message.user and _is_reached(state, channel, one)]


def _is_reached(state: SlackState, channel: Channel, user: str) -> bool:
    account = state.people.get(user)
    is_person = account is not None and not account.is_bot and not account.is_deleted
    return is_person and user in channel.members


def _in_blocks(state: SlackState, channel: Channel, value: object) -> Iterator[str]:
    if isinstance(value, list):
        for one in cast("list[object]", value):
            yield from _in_blocks(state, channel, one)
        return
    if not isinstance(value, dict):
        return
    given = cast("Mapping[str, Any]", value)
    match given.get("type"):
        case "user":
            yield str(given["user_id"])
        case "usergroup":
            yield from _members(state, str(given["usergroup_id"]))
        case "broadcast":
            yield from channel.members
        case "mrkdwn":
            yield from _mentioned(state, channel, str(given["text"]))
        case _:
            for one in given.values():
                yield from _in_blocks(state, channel, one)


def _mentioned(state: SlackState, channel: Channel, text: str) -> Iterator[str]:
    for match in _IN_TEXT.finditer(text):
        if match["user"]:
            yield match["user"]
        elif match["group"]:
            yield from _members(state, match["group"])
        else:
            yield from (one for one in channel.members if one != BOT_USER)


def _members(state: SlackState, group_id: str) -> list[str]:
    group = state.user_groups.get(group_id)
    return [] if group is None or group.is_disabled else group.members
