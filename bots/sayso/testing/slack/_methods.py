"""The methods of the Web API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from sayso.testing.slack._files import Uploads
from sayso.testing.slack._refusals import Refused
from sayso.testing.slack._state import (
    APP,
    BOT_ID,
    BOT_USER,
    ENTERPRISE_NAME,
    TEAM,
    Account,
    Channel,
    UserGroup,
    ViewState,
)
from sayso.testing.slack._world import World

Method = Callable[[dict[str, Any]], dict[str, Any] | Awaitable[dict[str, Any]]]

_PAGE = 100

NEEDED_SCOPES = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.delete": "chat:write",
    "chat.postEphemeral": "chat:write",
    "conversations.open": "im:write",
    "conversations.info": "channels:read",
    "conversations.members": "channels:read",
    "conversations.list": "channels:read",
    "files.getUploadURLExternal": "files:write",
    "files.completeUploadExternal": "files:write",
    "users.info": "users:read",
    "users.list": "users:read",
    "usergroups.list": "usergroups:read",
    "usergroups.users.list": "usergroups:read",
}

_EVERYWHERE = frozenset({"team_id"})
"""Taken by every method: which workspace an app of a whole organisation means. Bolt sends it with `auth.test`."""

_SAID = "text blocks attachments"

_ARGUMENTS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    name: (frozenset(required.split()), frozenset(optional.split()))
    for name, required, optional in (
        ("api.test", "", "error"),
        ("auth.test", "", ""),
        ("apps.connections.open", "", ""),
        ("bots.info", "", "bot team_id"),
        (
            "chat.postMessage",
            "channel",
            f"{_SAID} metadata thread_ts reply_broadcast unfurl_links unfurl_media mrkdwn parse link_names",
        ),
        ("chat.update", "channel ts", f"{_SAID} metadata parse link_names reply_broadcast"),
        ("chat.delete", "channel ts", ""),
        ("chat.getPermalink", "channel message_ts", ""),
        ("chat.postEphemeral", "channel user", f"{_SAID} thread_ts parse link_names"),
        ("conversations.open", "users", "return_im prevent_creation"),
        ("conversations.info", "channel", "include_locale include_num_members"),
        ("conversations.members", "channel", "cursor limit"),
        ("conversations.list", "", "cursor limit types exclude_archived team_id"),
        ("conversations.replies", "channel ts", "cursor limit latest oldest inclusive"),
        ("users.info", "user", "include_locale"),
        ("users.list", "", "cursor limit include_locale team_id"),
        ("usergroups.list", "", "include_users include_disabled include_count team_id"),
        ("usergroups.users.list", "usergroup", "include_disabled team_id"),
        ("views.open", "view trigger_id", ""),
        ("views.push", "view trigger_id", ""),
        ("views.update", "view", "view_id external_id hash"),
        ("views.publish", "user_id view", "hash"),
        ("files.getUploadURLExternal", "filename length", "alt_txt snippet_type"),
        ("files.completeUploadExternal", "files", "channel_id channels initial_comment thread_ts blocks"),
        ("files.info", "file", "count page limit cursor"),
    )
}  # fmt: skip


class Host(Protocol):
    """What methods need of the server."""

    @property
    def url(self) -> str:
        """The server's root."""
        ...

    def new_ticket(self) -> str:
        """The address of one new socket."""
        ...


class Methods:
    """Every method that the local Slack plays; `call` checks the arguments first."""

    def __init__(self, world: World, host: Host) -> None:
        self._world = world
        self._host = host
        self.uploads = Uploads(world, host)
        self._methods: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "api.test": lambda _: {},
            "auth.test": lambda _: self._who(),
            "apps.connections.open": lambda _: {"url": host.new_ticket()},
            "bots.info": lambda _: {
                "bot": {"id": BOT_ID, "app_id": APP, "name": "sayso", "user_id": BOT_USER}
            },
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "chat.getPermalink": self._permalink,
            "chat.postEphemeral": self._post_ephemeral,
            "conversations.open": self._open,
            "conversations.info": self._info,
            "conversations.members": self._members,
            "conversations.list": self._list,
            "conversations.replies": self._replies,
            "users.info": self._user_info,
            "users.list": lambda _: {"members": [self._user(one) for one in world.state.people.values()]},
            "usergroups.list": self._user_groups,
            "usergroups.users.list": lambda given: {"users": self._user_group(given["usergroup"]).members},
            "views.open": self._view_open,
            "views.push": self._view_push,
            "views.update": self._view_update,
            "views.publish": self._view_publish,
            "files.getUploadURLExternal": self.uploads.begin,
            "files.completeUploadExternal": self.uploads.complete,
            "files.info": lambda given: {"file": {"id": given["file"]}},
        }

    def call(self, method: str, given: dict[str, Any]) -> dict[str, Any]:
        """The answer's fields. Raises `Refused`."""
        if method not in self._methods:
            raise Refused("unknown_method", bug=True, req_method=method)
        required, optional = _ARGUMENTS[method]
        if missing := sorted(required - set(given)):
            raise Refused(
                "invalid_arguments", bug=True, messages=[f"[ERROR] missing required field: {missing[0]}"]
            )
        if unknown := sorted(set(given) - required - optional - _EVERYWHERE):
            raise Refused("invalid_arguments", bug=True, messages=[f"[ERROR] unknown argument: {unknown[0]}"])
        return self._methods[method](given)

    # --- messages ----------------------------------------------------------------------------------

    def _who(self) -> dict[str, Any]:
        state = self._world.state
        found: dict[str, Any] = {
            "url": f"{self._host.url}/", "team": "Local", "user": "sayso",
            "team_id": TEAM, "user_id": BOT_USER, "bot_id": BOT_ID, "is_enterprise_install": state.is_org_wide,
        }  # fmt: skip
        if state.enterprise is not None:
            found["enterprise_id"] = state.enterprise
        if state.is_org_wide:
            found["team_id"] = state.enterprise
        return found

    def _user_info(self, given: dict[str, Any]) -> dict[str, Any]:
        account = self._world.person(given["user"])
        asked = str(given.get("include_locale", "")).lower() in ("true", "1")
        return {"user": {**self._user(account), **({"locale": account.locale} if asked else {})}}

    def _user(self, account: Account) -> dict[str, Any]:
        handle = account.name.lower().replace(" ", ".")
        found: dict[str, Any] = {
            "id": account.id, "team_id": account.team, "name": handle,
            "deleted": account.is_deleted, "real_name": account.name, "is_bot": account.is_bot,
            "is_restricted": account.is_restricted, "is_ultra_restricted": False, "is_stranger": account.is_stranger,
            "profile": {"real_name": account.name, "display_name": account.name}, "tz": account.zone,
        }  # fmt: skip
        enterprise = self._world.state.enterprise_of(account)
        if enterprise is not None:
            teams = [account.team] if account.organisation is not None else [account.team, TEAM]
            found["enterprise_user"] = {
                "id": account.id, "enterprise_id": enterprise, "enterprise_name": ENTERPRISE_NAME,
                "is_admin": False, "is_owner": False, "teams": list(dict.fromkeys(teams)),
            }  # fmt: skip
        return found

    def _place(self, channel_id: object) -> Channel:
        """A channel, or somebody's direct messages by their own id."""
        if str(channel_id)[:1] in "UW":
            return self._world.direct(channel_id)
        return self._world.channel(channel_id, writable=True)

    def _post(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._place(given["channel"])
        said = self._world.checked(given)
        metadata = _checked_metadata(given.get("metadata"))
        thread = given.get("thread_ts")
        if thread is not None:
            try:
                self._world.message(channel, thread)
            except Refused:
                thread = None  # Slack posts it all the same, outside of any thread
        is_broadcast = thread is not None and given.get("reply_broadcast") is True
        message = self._world.post(
            channel, BOT_USER, said, thread_ts=thread, is_broadcast=is_broadcast, metadata=metadata
        )
        return {"channel": channel.id, "ts": message.ts, "message": self._world.as_sent(message)}

    def _update(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._world.channel(given["channel"], writable=True)
        message = self._world.message(channel, given["ts"])
        if message.user != BOT_USER:
            raise Refused("cant_update_message", bug=True)
        said = self._world.checked(given)
        if "metadata" in given:
            message.metadata = _checked_metadata(given["metadata"])
        self._world.edit(message, said)
        found = self._world.as_sent(message)
        return {"channel": channel.id, "ts": message.ts, "text": found["text"], "message": found}

    def _delete(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._world.channel(given["channel"])
        message = self._world.message(channel, given["ts"])
        channel.messages.remove(message)
        self._world.changed()
        return {"channel": channel.id, "ts": message.ts}

    def _post_ephemeral(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._world.channel(given["channel"], writable=True)
        if given["user"] not in channel.members:
            raise Refused("user_not_in_channel")
        said = self._world.checked(given)
        message = self._world.post(
            channel, BOT_USER, said, thread_ts=given.get("thread_ts"), only_for=str(given["user"])
        )
        return {"message_ts": message.ts}

    # --- user groups -------------------------------------------------------------------------------

    def _user_groups(self, _: dict[str, Any]) -> dict[str, Any]:
        found = [one for one in self._world.state.user_groups.values() if not one.is_disabled]
        return {
            "usergroups": [
                {"id": one.id, "team_id": TEAM, "handle": one.name, "name": one.name} for one in found
            ]
        }

    def _user_group(self, group: object) -> UserGroup:
        found = self._world.state.user_groups.get(str(group))
        if found is None or found.is_disabled:
            raise Refused("no_such_subteam")
        return found

    def _permalink(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._world.channel(given["channel"])
        ts = self._world.message(channel, given["message_ts"]).ts
        address = f"{self._host.url}/archives/{channel.id}/p{ts.replace('.', '')}"
        return {"channel": channel.id, "permalink": address}

    # --- channels ----------------------------------------------------------------------------------

    def _open(self, given: dict[str, Any]) -> dict[str, Any]:
        users = str(given["users"]).split(",")
        if len(users) != 1:
            raise Refused("invalid_users", bug=True)
        return {"channel": {"id": self._world.direct(users[0]).id}}

    def _info(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"channel": _channel(self._world.channel(given["channel"]))}

    def _members(self, given: dict[str, Any]) -> dict[str, Any]:
        members = self._world.channel(given["channel"]).members
        begin = int(given.get("cursor") or 0)
        end = begin + min(int(given.get("limit") or _PAGE), 1000)
        cursor = str(end) if end < len(members) else ""
        return {"members": members[begin:end], "response_metadata": {"next_cursor": cursor}}

    def _list(self, _given: dict[str, Any]) -> dict[str, Any]:
        known = [one for one in self._world.state.channels.values() if one.im_user is None]
        return {"channels": [_channel(one) for one in known if not one.is_private or BOT_USER in one.members]}

    def _replies(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._world.channel(given["channel"])
        first = self._world.message(channel, given["ts"])
        thread = [first, *(one for one in channel.messages if one.thread_ts == first.ts)]
        return {"messages": [self._world.as_sent(one) for one in thread], "has_more": False}

    # --- views -------------------------------------------------------------------------------------

    def _view_open(self, given: dict[str, Any]) -> dict[str, Any]:
        body = self._world.checked_view(given["view"], "modal")
        user = self._world.use_trigger(given["trigger_id"])
        self._world.state.modals[user] = []
        return self._view_answer(self._world.push_view(user, body))

    def _view_push(self, given: dict[str, Any]) -> dict[str, Any]:
        body = self._world.checked_view(given["view"], "modal")
        return self._view_answer(self._world.push_view(self._world.use_trigger(given["trigger_id"]), body))

    def _view_update(self, given: dict[str, Any]) -> dict[str, Any]:
        body = self._world.checked_view(given["view"], "modal")
        view = self._world.view(given.get("view_id"))
        if given.get("hash") not in (None, view.hash):
            raise Refused("hash_conflict")
        return self._view_answer(self._world.show_view(view, body))

    def _view_publish(self, given: dict[str, Any]) -> dict[str, Any]:
        body = self._world.checked_view(given["view"], "home")
        account = self._world.person(given["user_id"])
        homes = self._world.state.homes
        view = homes.setdefault(account.id, ViewState(self._world.new_id("V"), account.id, {}, ""))
        if view.hash and given.get("hash") not in (None, view.hash):
            raise Refused("hash_conflict")
        return self._view_answer(self._world.show_view(view, body))

    def _view_answer(self, view: ViewState) -> dict[str, Any]:
        return {"view": self._world.view_as_sent(view)}


def _checked_metadata(metadata: Any) -> dict[str, Any] | None:
    if metadata is None:
        return None
    if set(metadata) != {"event_type", "event_payload"} or not isinstance(metadata["event_payload"], dict):
        raise Refused(
            "invalid_arguments", bug=True, messages=["[ERROR] metadata: event_type and event_payload"]
        )
    found: dict[str, Any] = metadata
    return found


def _channel(channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.id, "name": channel.name, "is_channel": not channel.is_private, "is_group": channel.is_private,
        "is_im": channel.im_user is not None, "is_private": channel.is_private, "is_archived": channel.is_archived,
        "is_member": BOT_USER in channel.members,
    }  # fmt: skip
