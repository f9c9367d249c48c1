"""The chat platforms that settings ask for, found by their entry points."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sayso.bots.chats import Finding
from sayso.config import Settings
from sayso.engine import find_platform

if TYPE_CHECKING:
    from sayso.bots.answers import Answering
    from sayso.bots.chats import Connection, Parts, Platform


def make_platforms(parts: Parts) -> list[Connection[Answering]]:
    """The connections of all configured platforms. Raises `InvalidSettings`, `MissingExtra`."""
    return [one.build(parts) for one in _configured(parts.settings)]


async def check_platforms(settings: Settings) -> list[Finding]:
    """What has to be mended on all configured platforms. Raises `InvalidSettings`, `MissingExtra`."""
    return [finding for one in _configured(settings) for finding in await one.check(settings)]


def _configured(settings: Settings) -> list[Platform[Answering]]:
    return [cast("Platform[Answering]", find_platform(name)) for name in settings.platforms]
