"""What platforms say of people: who belongs to a chat or to a group of theirs, and why somebody does not count."""

from __future__ import annotations

from typing import Protocol

from sayso.config import Destination


class LookUpFailed(Exception):
    """Whether somebody belongs to a chat or a group could not be found out: the answer is refused."""


class LookUpThrottled(LookUpFailed):
    """The platform answers no more look-ups for a while."""


class Membership(Protocol):
    """Who belongs to a platform's chats and groups, as the platform says now."""

    async def why_not(self, destination: Destination, person: str) -> str | None:
        """None where a person (`slack:T1:U2`, `telegram:7`) belongs to the destination's chat and counts there; else
        what to tell them, which is nothing where they just do not belong to it. Raises `LookUpFailed`.
        """
        ...

    async def members(self, group: str) -> frozenset[str]:
        """The platform's ids of the people of one of its own groups now. Raises `LookUpFailed`."""
        ...
