"""Setting up Slack: the tokens, the channel and the person, each checked with Slack as it is given."""

from __future__ import annotations

import re
from typing import Any, Final

from sayso.bots.chats import AnswerUnusable, DeliveryProblem, Questions, SetUp
from sayso.bots.people import LookUpFailed
from sayso.bots.slack._api import Api
from sayso.bots.slack._check import check_scopes, check_socket
from sayso.bots.slack._people import Identity, Installation
from sayso.bots.slack._settings import SlackSettings
from sayso.config import DestinationSettings, Settings

_MAKE_APP: Final = """\
Slack
  1. Print the app's manifest in another terminal:  sayso manifest slack
  2. Open https://api.slack.com/apps, choose Create New App, From a manifest, and paste it.
  3. Choose Install to Workspace. The bot token is under OAuth & Permissions.
  4. Under Basic Information, App-Level Tokens, generate a token with connections:write."""

_CHANNEL = re.compile(r"[CG][A-Z0-9]{7,}")
_USER = re.compile(r"[UW][A-Z0-9]{7,}")
_PAGE = 999
"""Slack lists fewer than 1000 at a time (docs.slack.dev/reference/methods/users.list)."""


async def set_up(settings: Settings, questions: Questions) -> SetUp:
    """See `HasSetUp`."""
    section = settings.section(SlackSettings) or SlackSettings()
    return await _SetUp(section.api_url, questions).run()


class _SetUp:
    def __init__(self, api_url: str, questions: Questions) -> None:
        self._api_url = api_url
        self._questions = questions

    async def run(self) -> SetUp:
        """All questions, in the order in which people can answer them."""
        self._questions.say(_MAKE_APP)
        token = await self._questions.ask(
            "slack.bot_token", "Bot token (xoxb-...)", self._read_bot_token, is_secret=True
        )
        await self._questions.ask(
            "slack.app_token", "App-level token (xapp-...)", self._read_app_token, is_secret=True
        )
        async with Api(token, self._api_url) as api:
            me = await api.call("auth_test")
            installation = Installation.read(me)
            self._questions.say(
                f"Connected to {me.get('team') or installation.organisation} as @{me['user']}.\n"
                f"Type /invite @{me['user']} in the channel for its cards."
            )
            channel = await self._questions.ask(
                "slack.channel",
                "Channel (its name, or its ID for a private one)",
                lambda given: _find_channel(api, given, str(me["user"])),
            )
            person = await self._questions.ask(
                "slack.person",
                "You in Slack (your name, or your member ID)",
                lambda given: _find_person(api, given, installation),
            )
        name = f"#{channel['name']}"
        self._questions.say(f"Found {name} ({channel['id']}), and you ({person}).")
        destination = DestinationSettings(id=str(channel["id"]), audience="members", name=name)
        return SetUp(f"slack:{name}", destination, person)

    async def _read_bot_token(self, given: str) -> str:
        async with Api(given, self._api_url) as api:
            try:
                me = await api.call("auth_test")
            except DeliveryProblem as problem:
                raise AnswerUnusable("slack.bot_token", f"Slack refused it: {problem}.") from problem
        found = check_scopes(me["scopes"])
        if not found.is_good:
            raise AnswerUnusable("slack.bot_token", f"{found.what}. {found.remedy}")
        return given

    async def _read_app_token(self, given: str) -> str:
        async with Api("", self._api_url, given) as api:
            found = await check_socket(api)
        if not found.is_good:
            raise AnswerUnusable("slack.app_token", f"{found.what}. {found.remedy}")
        return given


async def _find_channel(api: Api, given: str, bot: str) -> dict[str, Any]:
    key, name = "slack.channel", given.removeprefix("#")
    try:
        if _CHANNEL.fullmatch(name):
            found = (await api.call("conversations_info", channel=name))["channel"]
        else:
            listed = await _all(
                api,
                "conversations_list",
                "channels",
                types="public_channel,private_channel",
                exclude_archived=True,
            )
            found = next((one for one in listed if one.get("name") == name.casefold()), None)
    except DeliveryProblem as problem:
        raise AnswerUnusable(key, f"{problem}.") from problem
    if found is None:
        raise AnswerUnusable(
            key, f"no channel #{name}. If it is private, invite the app first: /invite @{bot}"
        )
    if not found.get("is_member"):
        raise AnswerUnusable(
            key, f"the app isn't in #{found['name']} yet. Type /invite @{bot} there, then try again."
        )
    return dict(found)


async def _find_person(api: Api, given: str, installation: Installation) -> str:
    key, name = "slack.person", given.removeprefix("@")
    try:
        if _USER.fullmatch(name):
            user: dict[str, Any] = (await api.call("users_info", user=name))["user"]
        else:
            listed = await _all(api, "users_list", "members")
            named = [one for one in listed if _is_called(one, name)]
            if len(named) != 1:
                count = f"{len(named)} people are" if named else "nobody is"
                raise AnswerUnusable(
                    key,
                    f"{count} called {name}. Use your member ID: in your profile, choose Copy member ID.",
                )
            user = named[0]
        return Identity.read(str(user["id"]), user, installation).person
    except (DeliveryProblem, LookUpFailed) as problem:
        raise AnswerUnusable(key, f"{problem}.") from problem


def _is_called(user: dict[str, Any], name: str) -> bool:
    profile: dict[str, Any] = user.get("profile") or {}
    names = (user.get("name"), user.get("real_name"), profile.get("display_name"))
    is_person = not user.get("deleted") and not user.get("is_bot")
    return is_person and name.casefold() in {str(one).casefold() for one in names if one}


async def _all(api: Api, method: str, field: str, **parameters: Any) -> list[dict[str, Any]]:
    """All that a method lists, page by page."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = await api.call(method, limit=_PAGE, **({"cursor": cursor} if cursor else {}), **parameters)
        found += page[field]
        metadata: dict[str, Any] = page.get("response_metadata") or {}
        cursor = str(metadata.get("next_cursor") or "")
        if not cursor:
            return found
