"""The chat platforms that settings ask for, found by their entry points."""

from __future__ import annotations

from typing import Never, cast

from sayso.bots.chats._findings import Finding
from sayso.bots.chats._platform import Platform
from sayso.config import Settings
from sayso.engine import find_platform


def configured_platforms(settings: Settings) -> tuple[Platform[Never], ...]:
    """The platforms that have a table in the settings, by whatever they are answered. Raises `PlatformUnusable`."""
    return tuple(cast("Platform[Never]", find_platform(name)) for name in settings.platforms)


async def check_platforms(settings: Settings) -> list[Finding]:
    """What needs fixing on all configured platforms. Raises `InvalidSettings`, `MissingExtra`."""
    return [finding for one in configured_platforms(settings) for finding in await one.check(settings)]
