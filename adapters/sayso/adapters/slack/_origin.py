"""Which workspace a payload comes from: its people, channels and messages have their ids within that one alone.

Each kind names it in another place (docs.slack.dev/reference/interaction-payloads, docs.slack.dev/apis/events-api): a
modal says for which workspace the app opened it, an event for which installations it comes, an org-wide install names
the enterprise alone. In a channel that organisations share, it may be the workspace of the one who pressed that is
named: but the message says from which installation of the app it comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Origin:
    """The workspaces that a payload names, the one that says most first, and the enterprises."""

    teams: tuple[str, ...]
    enterprises: tuple[str, ...]


def read_origin(payload: Mapping[str, Any]) -> Origin:
    """What a payload of any kind says of where it comes from. What is not as Slack describes it says nothing."""
    given = payload.get("authorizations")
    authorizations = cast("list[object]", given) if isinstance(given, list) else []
    team, enterprise = payload.get("team"), payload.get("enterprise")
    profile = _of(payload.get("message"), "bot_profile")
    teams = (
        _of(payload.get("view"), "app_installed_team_id"),
        _of(profile, "team_id"),
        *(_of(one, "team_id") for one in authorizations),
        _of(team, "id"),
        payload.get("team_id"),
    )
    enterprises = (
        _of(enterprise, "id"),
        *(_of(one, "enterprise_id") for one in authorizations),
        _of(team, "enterprise_id"),
        payload.get("enterprise_id"),
    )
    return Origin(_named(teams), _named(enterprises))


def _of(value: object, name: str) -> object:
    return cast("Mapping[str, object]", value).get(name) if isinstance(value, dict) else None


def _named(values: tuple[object, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in values if isinstance(one, str) and one))
