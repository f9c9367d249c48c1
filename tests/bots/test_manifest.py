"""The Slack app's manifest, the guide to it, and the code: they say the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from sayso.adapters.slack import APP_SCOPES, COMMAND, EVENTS, REQUEST_PATH, SCOPES
from sayso.testing.slack import LocalSlack
from tests.bots.command import sayso
from tests.docs.pages import ROOT, code_spans, rows, section

GUIDE = ROOT / "docs" / "how-to" / "set-up-slack.md"
BOT = ROOT / "bots" / "sayso" / "bots" / "slack"
METHOD_SCOPES = {
    "chat_postEphemeral": "chat:write",
    "chat_postMessage": "chat:write",
    "chat_update": "chat:write",
    "conversations_open": "im:write",
    "conversations_info": "channels:read",
    "conversations_members": "channels:read",
    "files_completeUploadExternal": "files:write",
    "files_getUploadURLExternal": "files:write",
    "usergroups_users_list": "usergroups:read",
    "users_info": "users:read",
}
"""The scope that each method's reference page names (docs.slack.dev/reference/methods)."""

NO_SCOPE = {
    "auth_test",
    "chat_getPermalink",
    "views_open",
    "views_update",
    "views_publish",
    "apps_connections_open",
}


def printed(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = sayso(tmp_path, "manifest", "slack", *arguments).json
    return found


def test_the_manifest_has_exactly_the_scopes_that_the_code_uses(tmp_path: Path) -> None:
    called = {name for path in BOT.glob("*.py") for name in re.findall(r'call\(\s*"(\w+)"', path.read_text())}
    assert called == set(METHOD_SCOPES) | NO_SCOPE
    used = {METHOD_SCOPES[name] for name in called - NO_SCOPE} | {"commands", "groups:read"}
    assert used == set(SCOPES)
    assert printed(tmp_path)["oauth_config"]["scopes"]["bot"] == sorted(SCOPES)


def test_the_manifest_for_socket_mode_needs_no_address(tmp_path: Path) -> None:
    found = printed(tmp_path)
    assert found["settings"]["socket_mode_enabled"] is True
    assert found["settings"]["interactivity"] == {"is_enabled": True}
    assert found["settings"]["event_subscriptions"] == {"bot_events": list(EVENTS)}
    assert found["features"]["slash_commands"][0]["command"] == COMMAND


def test_the_manifest_for_requests_sends_everything_to_one_address(tmp_path: Path) -> None:
    found = printed(tmp_path, "--url", "https://sayso.example.org/")
    address = f"https://sayso.example.org{REQUEST_PATH}"
    assert found["settings"]["socket_mode_enabled"] is False
    assert found["settings"]["event_subscriptions"]["request_url"] == address
    assert found["settings"]["interactivity"]["request_url"] == address
    assert found["features"]["slash_commands"][0]["url"] == address


def test_the_file_to_copy_is_what_the_command_prints(tmp_path: Path) -> None:
    kept = (ROOT / "config" / "slack-manifest.json").read_text()
    assert json.loads(kept) == printed(tmp_path)


def test_the_guide_names_the_scopes_tokens_and_commands() -> None:
    assert {cells[0].strip("`") for cells in rows(section(GUIDE, "Create the app"))} == set(SCOPES)
    tokens = section(GUIDE, "Copy the tokens")
    assert set(APP_SCOPES) <= code_spans(tokens)
    assert {cells[2].strip("`") for cells in rows(tokens)} == {
        "SAYSO_SLACK__BOT_TOKEN",
        "SAYSO_SLACK__APP_TOKEN",
        "SAYSO_SLACK__SIGNING_SECRET",
    }
    verbs = {cells[0].strip("`").split()[1] for cells in rows(section(GUIDE, "Check, and start"))}
    assert verbs == {
        "start", "pending", "answer", "reassign", "break-glass", "withdraw", "status", "inbox", "link", "unlink",
        "accounts", "help",
    }  # fmt: skip
    assert REQUEST_PATH in code_spans(section(GUIDE, "Without Socket Mode"))


async def test_the_local_slack_grants_what_the_manifest_asks_for() -> None:
    async with LocalSlack() as slack:
        assert set(SCOPES) <= set(slack.scopes.split(","))
