"""What has to be mended before the Slack bot works, each with what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sayso.adapters.slack import SCOPES
from sayso.bots.chats import DeliveryProblem, Finding
from sayso.bots.people import LookUpFailed
from sayso.bots.slack._api import Api, make_api
from sayso.bots.slack._people import Identity, Installation, person_id
from sayso.bots.slack._settings import SlackSettings
from sayso.bots.slack._surface import PLATFORM
from sayso.config import Destination, Settings, named_entries

_PERSON = re.compile(r"slack:([TE][A-Z0-9]+):([UW][A-Z0-9]+)")


async def check_slack(
    api: Api, settings: Settings, *, with_sockets: bool, with_people: bool
) -> list[Finding]:
    """Ask Slack about the bot's token, its scopes and every configured chat, `with_sockets` about the app's token, and
    `with_people` about everybody whom the settings name.
    """
    try:
        me = await api.call("auth_test")
    except DeliveryProblem as problem:
        return [
            Finding.bad(
                "Slack bot token",
                f"rejected by Slack, or Slack is unreachable: {problem}",
                "Copy the Bot User OAuth Token from the app's settings (OAuth & Permissions), and check slack.api_url.",
            )
        ]
    installation = Installation.read(me)
    place = me.get("team") or installation.organisation
    findings = [Finding.good("Slack bot token", f"valid: @{me['user']} in {place}")]
    findings.append(check_scopes(me["scopes"]))
    findings.append(_say_how_people_are_written(installation, str(me["user_id"])))
    findings += _check_entries(settings, installation)
    if with_people:
        findings += await _check_people(api, settings, installation)
    if with_sockets:
        findings.append(await check_socket(api))
    places = [one for one in settings.chats() if one.platform == PLATFORM]
    findings += [await _check_chat(api, one) for one in places]
    found = {name: given.platforms.get(PLATFORM) for name, given in settings.groups.items()}
    groups = {name: group for name, group in found.items() if group is not None}
    return findings + [await _check_group(api, name, group) for name, group in groups.items()]


def _say_how_people_are_written(installation: Installation, bot: str) -> Finding:
    kind = "enterprise" if installation.enterprise else "workspace"
    example = person_id(installation.organisation, bot)
    words = f"they are written slack:{installation.organisation}:USER, by their {kind}; this app would be {example}"
    return Finding.good("Slack people", words)


def _check_entries(settings: Settings, installation: Installation) -> list[Finding]:
    """Entries of settings that name people alone, in a form that nobody has."""
    remedy = f"Write slack:{installation.organisation}:USER; the id is behind Copy member ID in a profile."
    wrong = [
        one
        for one in named_entries(settings)
        if one.is_person and one.entry.startswith("slack:") and _PERSON.fullmatch(one.entry) is None
    ]
    return [Finding.bad(one.entry, f"used in {one.setting}, but matches nobody", remedy) for one in wrong]


async def _check_people(api: Api, settings: Settings, installation: Installation) -> list[Finding]:
    """Whether those whom settings name are known to Slack by what is written there."""
    places: dict[str, list[str]] = {}
    for one in named_entries(settings):
        if _PERSON.fullmatch(one.entry):
            places.setdefault(one.entry, []).append(one.setting)
    return [await _check_named(api, entry, named, installation) for entry, named in places.items()]


async def _check_named(api: Api, entry: str, places: Sequence[str], installation: Installation) -> Finding:
    match = _PERSON.fullmatch(entry)
    assert match is not None
    where = f"it is in {', '.join(dict.fromkeys(places))}"
    try:
        user: dict[str, Any] = (await api.call("users_info", user=match[2]))["user"]
        identity = Identity.read(match[2], user, installation)
    except (DeliveryProblem, LookUpFailed) as problem:
        return Finding.bad(entry, f"{where}, but cannot be looked up: {problem}", "Check the ID.")
    name = f"{user.get('real_name') or user.get('name')}"
    if entry == identity.person:
        return Finding.good(entry, f"it is {name}")
    if entry in identity.forms:
        return Finding.good(entry, f"it is {name}, today {identity.person}")
    return Finding.bad(
        entry, f"{where}, but matches nobody: {name} is {identity.person}", f"Use {identity.person}."
    )


def check_scopes(granted: str) -> Finding:
    """Whether a bot token has all scopes of the manifest."""
    missing = sorted(set(SCOPES) - {one.strip() for one in granted.split(",")})
    if missing:
        return Finding.bad(
            "Slack scopes",
            f"missing from the bot token: {', '.join(missing)}",
            "Replace the app's manifest with the output of `sayso manifest slack`, then reinstall the app "
            "(docs/how-to/set-up-slack.md, Add scopes).",
        )
    return Finding.good("Slack scopes", "all granted")


async def check_socket(api: Api) -> Finding:
    """Whether the app-level token opens sockets."""
    try:
        await api.new_socket_address()
    except DeliveryProblem as problem:
        return Finding.bad(
            "Slack app-level token",
            f"cannot open a Socket Mode connection: {problem}",
            "Create an app-level token with connections:write (Basic Information) and turn on Socket Mode.",
        )
    return Finding.good("Slack app-level token", "valid: Socket Mode works")


async def _check_chat(api: Api, destination: Destination) -> Finding:
    try:
        if destination.is_direct:
            user: dict[str, Any] = (await api.call("users_info", user=destination.chat_id))["user"]
            return _check_person(destination, user)
        found = await api.call("conversations_info", channel=destination.chat_id)
    except DeliveryProblem as problem:
        return Finding.bad(destination.name, str(problem), "Check its ID, and invite the app: /invite @sayso")
    channel: dict[str, Any] = found["channel"]
    name = f"#{channel.get('name', destination.chat_id)}"
    if channel.get("is_archived"):
        return Finding.bad(
            destination.name, f"{name} is archived", "Unarchive it, or choose another channel."
        )
    if not channel.get("is_member"):
        return Finding.bad(destination.name, f"the app is not in {name}", "Invite it there: /invite @sayso")
    return Finding.good(destination.name, f"the app is in {name}")


async def _check_group(api: Api, name: str, group: str) -> Finding:
    subject = f"group:{name}"
    try:
        found = await api.call("usergroups_users_list", usergroup=group)
    except DeliveryProblem as problem:
        return Finding.bad(
            subject, f"Slack's {group}: {problem}", "Check its id (S...), and that it is enabled."
        )
    count = len(found["users"])
    return Finding.good(subject, f"Slack's {group} has {count} member{'' if count == 1 else 's'}")


def _check_person(destination: Destination, user: dict[str, Any]) -> Finding:
    if user.get("deleted") or user.get("is_bot"):
        kind = "a bot" if user.get("is_bot") else "a disabled account"
        return Finding.bad(destination.name, f"this is {kind}", "Use the ID of a person.")
    return Finding.good(destination.name, f"it is {user.get('real_name') or user.get('name')}")


async def check(settings: Settings) -> list[Finding]:
    """What has to be mended before the bot works, asked of Slack alone. Raises `InvalidSettings`."""
    slack = settings.needed_section(SlackSettings)
    async with make_api(slack) as api:
        return await check_slack(api, settings, with_sockets=slack.mode == "socket", with_people=True)
