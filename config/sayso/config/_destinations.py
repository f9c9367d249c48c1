"""Where cards go: what the name of a destination means, and whom it lets in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sayso.engine import OperatorError

_SLACK_USER = re.compile(r"[UW][A-Z0-9]{2,}")
_SLACK_CHANNEL = re.compile(r"[CG][A-Z0-9]{2,}")
_TELEGRAM_ID = re.compile(r"-?[0-9]{1,20}")

PLATFORMS: Final = ("slack", "telegram")


class Members:
    """The audience that is whoever belongs to the chat when they press, as the platform says then."""

    def __repr__(self) -> str:
        return "MEMBERS"


MEMBERS: Final = Members()


class UnknownDestination(OperatorError):
    """A request names a place that is not configured. The message has the lines to write."""

    def __init__(self, name: str, lines: str) -> None:
        self.name = name
        self.lines = lines
        super().__init__(f"destination {name!r} is not configured. Write into sayso.toml:\n{lines}")


@dataclass(frozen=True, slots=True)
class Destination:
    """A chat. `chat_id` is the platform's immutable id: a channel's or user's in Slack, a chat's in Telegram.

    `audience` are the people who are let in, or `MEMBERS`; None, in a direct message alone, is its one person.
    `topic` is the thread id of a forum topic (Telegram).
    """

    name: str
    platform: str
    chat_id: str
    is_direct: bool
    audience: tuple[str, ...] | Members | None
    title: str | None = None
    topic: int | None = None

    def lets_in(self, person: str) -> bool | None:
        """Whether a person (`slack:T1:U2`, `telegram:7`) is let in; None if the platform must be asked."""
        if isinstance(self.audience, Members):
            return None
        if self.audience is not None:
            return person in self.audience
        return person.partition(":")[0] == self.platform and person.rpartition(":")[2] == self.chat_id


@dataclass(frozen=True, slots=True)
class Place:
    """What a destination's name says by itself. `chat_id` is None where it is an alias that needs an `id`."""

    platform: str
    chat_id: str | None
    is_direct: bool


def parse_place(name: str) -> Place | None:
    """What a destination's name says by itself; None for what is no chat of a platform known here.

    Slack: `slack:#channel` and `slack:@person` are aliases, `slack:C0123`, `slack:@U0123` and `slack:T01:U0123` name
    the id. Telegram: `telegram:-100123` is a group, `telegram:5` a person; `telegram:#alias` and `telegram:@alias` need
    an id.
    """
    platform, _, rest = name.partition(":")
    if not rest:
        return None
    if platform == "slack":
        return _parse_slack(rest)
    return _parse_telegram(rest) if platform == "telegram" else None


def _parse_slack(rest: str) -> Place:
    team, colon, user = rest.partition(":")
    if colon and team and _SLACK_USER.fullmatch(user):
        return Place("slack", user, is_direct=True)
    if rest.startswith("@"):
        return Place("slack", rest[1:] if _SLACK_USER.fullmatch(rest[1:]) else None, is_direct=True)
    return Place("slack", rest if _SLACK_CHANNEL.fullmatch(rest) else None, is_direct=False)


def _parse_telegram(rest: str) -> Place:
    if _TELEGRAM_ID.fullmatch(rest):
        return Place("telegram", rest, is_direct=not rest.startswith("-"))
    return Place("telegram", None, is_direct=rest.startswith("@"))


def lines_to_write(name: str) -> str:
    """What to put into sayso.toml so that cards can go to a place."""
    place = parse_place(name)
    lines = [f'[destinations."{name}"]']
    if place is None or place.chat_id is None:
        ids = {"slack": ('"U0123456"', '"C0123456"'), "telegram": ('"123456"', '"-1001234567890"')}
        direct, shared = ids.get("" if place is None else place.platform, ids["slack"])
        lines.append(f"id = {direct if place is not None and place.is_direct else shared}")
    if place is None or not place.is_direct:
        lines.append('audience = "members"')
    return "\n".join(lines)
