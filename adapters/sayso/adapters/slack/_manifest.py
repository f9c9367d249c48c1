"""The app's manifest, with exactly what the bot uses (docs.slack.dev/reference/app-manifest)."""

from __future__ import annotations

from typing import Any

from sayso.adapters.slack._data import COMMAND

SCOPES = (
    "channels:read",  # conversations.info and .members of public channels; bot added, channel out of the archive
    "chat:write",  # chat.postMessage, chat.update
    "commands",  # /sayso
    "files:write",  # pictures and files; the rest of a very long question
    "groups:read",  # the same as channels:read, of private channels
    "im:write",  # conversations.open: direct messages
    "usergroups:read",  # usergroups.users.list: who is in a group that the settings name
    "users:read",  # users.info: names; bots, guests and strangers are no members
)
"""The bot token's scopes."""

EVENTS = ("app_home_opened", "channel_unarchive", "group_unarchive", "member_joined_channel")
"""The events that the bot is subscribed to."""

APP_SCOPES = ("connections:write",)
"""The scopes of the app-level token, which Socket Mode needs."""


REQUEST_PATH = "/slack/events"
"""Where Slack's requests come in HTTP mode: events, interactions, commands and options alike."""


def manifest(request_url: str | None) -> dict[str, Any]:
    """The manifest for Socket Mode, or, with the public address of the service's endpoint, for HTTP."""
    address = {} if request_url is None else {"request_url": request_url}
    options = {} if request_url is None else {"message_menu_options_url": request_url}
    command = {
        "command": COMMAND,
        "description": "What waits for your answer, and more",
        "usage_hint": "pending | start NAME [JSON] | answer ID@REVISION VALUE | inbox | link | status | help",
        "should_escape": False,
    }
    return {
        "display_information": {"name": "sayso", "description": "Nothing goes ahead without your say-so."},
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": "sayso", "always_online": True},
            "slash_commands": [
                command if request_url is None else {**command, "url": request_url},
            ],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**address, "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **address, **options},
            "org_deploy_enabled": False,
            "socket_mode_enabled": request_url is None,
            "token_rotation_enabled": False,
        },
    }
