"""Slack as a platform of sayso. Slack's own libraries are imported where it is configured alone."""

from __future__ import annotations

from typing import Final


class SlackPlatform:
    """Slack, as its entry point names it."""

    name = "slack"
    title = "Slack"
    example_person = "slack:T1:U2"
    example_place = "slack:#releases"

    def is_person(self, rest: str) -> bool:
        """People are `TEAM:USER`; channels, and names that settings give, have one part."""
        team, _, user = rest.partition(":")
        return bool(team and user)


SLACK: Final = SlackPlatform()
