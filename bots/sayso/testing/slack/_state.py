"""What the local Slack remembers: people, channels, messages, views. All of it survives a restart in a state file."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

TEAM = "T0LOCAL01"
APP = "A0LOCAL01"
BOT_USER = "U0SAYSO01"
BOT_ID = "B0SAYSO01"
ENTERPRISE_NAME = "Local Enterprise"

Blocks = list[dict[str, Any]]


class Account(msgspec.Struct):
    """Somebody's account. A restricted one is a guest. `team` is their home workspace, and `organisation` the
    enterprise or workspace that they belong to where that is not the app's; Slack calls such people strangers only
    where they share no channel with the app.
    """

    id: str
    name: str
    team: str = TEAM
    organisation: str | None = None
    is_bot: bool = False
    is_restricted: bool = False
    is_stranger: bool = False
    is_deleted: bool = False
    locale: str = "en-US"
    zone: str = "UTC"


class SharedFile(msgspec.Struct):
    """A file in a message."""

    name: str
    title: str
    content: bytes


class Upload(msgspec.Struct):
    """A file that was announced, with its bytes once they came; nobody sees it."""

    name: str
    length: int
    made_at: datetime
    content: bytes | None = None


class Reply(msgspec.Struct):
    """A reply in a message's thread, and whose it is."""

    user: str
    ts: str


class Message(msgspec.Struct):
    """A message as it was sent, with ids filled in. `only_for` makes it an ephemeral one; `version` counts edits from
    1. A broadcast one of a thread shows in the channel as well. `notified` are those for whom it rang as it was posted.
    """

    ts: str
    user: str
    text: str
    date: datetime
    blocks: Blocks
    metadata: dict[str, Any] | None = None
    thread_ts: str | None = None
    only_for: str | None = None
    version: int = 1
    is_broadcast: bool = False
    files: list[SharedFile] = msgspec.field(default_factory=list[SharedFile])
    attachments: Blocks = msgspec.field(default_factory=list[dict[str, Any]])
    edited_at: datetime | None = None
    replies: list[Reply] = msgspec.field(default_factory=list[Reply])
    notified: list[str] = msgspec.field(default_factory=list[str])


class UserGroup(msgspec.Struct):
    """A user group, such as `@sre`."""

    id: str
    name: str
    members: list[str]
    is_disabled: bool = False


class Channel(msgspec.Struct):
    """A channel, or the direct messages of `im_user` with the bot."""

    id: str
    name: str
    members: list[str]
    is_private: bool = False
    is_archived: bool = False
    im_user: str | None = None
    messages: list[Message] = msgspec.field(default_factory=list[Message])


class ViewState(msgspec.Struct):
    """An open modal or a home. `typed` is what inputs hold that were changed, by their blocks."""

    id: str
    user: str
    body: dict[str, Any]
    hash: str
    errors: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    typed: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict[str, dict[str, Any]])


class ResponseAddress(msgspec.Struct):
    """What a `response_url` stands for."""

    user: str
    channel: str | None
    thread_ts: str | None
    made_at: datetime
    uses: int = 0


class Trigger(msgspec.Struct):
    """What a `trigger_id` stands for."""

    user: str
    made_at: datetime
    is_used: bool = False


class SlackState(msgspec.Struct):
    """Everything."""

    people: dict[str, Account] = msgspec.field(default_factory=dict[str, Account])
    channels: dict[str, Channel] = msgspec.field(default_factory=dict[str, Channel])
    user_groups: dict[str, UserGroup] = msgspec.field(default_factory=dict[str, UserGroup])
    modals: dict[str, list[ViewState]] = msgspec.field(default_factory=dict[str, list[ViewState]])
    homes: dict[str, ViewState] = msgspec.field(default_factory=dict[str, ViewState])
    responses: dict[str, ResponseAddress] = msgspec.field(default_factory=dict[str, ResponseAddress])
    triggers: dict[str, Trigger] = msgspec.field(default_factory=dict[str, Trigger])
    enterprise: str | None = None
    is_org_wide: bool = False
    uploads: dict[str, Upload] = msgspec.field(default_factory=dict[str, Upload])
    events: list[dict[str, Any]] = msgspec.field(default_factory=list[dict[str, Any]])
    count: int = 0
    last_ts: float = 0.0

    def enterprise_of(self, account: Account) -> str | None:
        """The enterprise that somebody belongs to, if any."""
        found = self.enterprise if account.organisation is None else account.organisation
        return found if found is not None and found.startswith("E") else None

    def enterprise_in(self, team: str) -> str | None:
        """The enterprise that a workspace is one of, if any."""
        return self.enterprise if team == TEAM else None

    def next_number(self) -> int:
        """A number that no other thing has."""
        self.count += 1
        return self.count
