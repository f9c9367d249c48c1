"""What platforms say of people: who belongs to a chat or to a group of theirs, and why somebody does not count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from sayso.config import Destination

NOBODY = "Anonymous administrators and bots belong to nobody. Please answer as yourself."
"""What people are told who act as anybody other than themselves."""


CLOSED = "Your account there was closed, so it can no longer answer."
"""What people are told whose platform has closed their account."""


class Members(NamedTuple):
    """The platform's ids of a group's people, and of those of them who hide, and do not count."""

    ids: frozenset[str]
    hidden: frozenset[str] = frozenset()


class LookUpFailed(Exception):
    """Whether somebody belongs to a chat or a group could not be found out: the answer is refused."""


class LookUpThrottled(LookUpFailed):
    """The platform answers no more look-ups for a while."""


class Membership(Protocol):
    """Who belongs to a platform's chats and groups, as the platform says now. The caller says how long it waits: no
    look-up ends by itself before the platform's calls do.
    """

    async def why_not(self, destination: Destination, person: str) -> str | None:
        """None where a person (`slack:T1:U2`, `telegram:7`) belongs to the destination's chat and counts there; else
        what to tell them, which is nothing where they just do not belong to it. Raises `LookUpFailed`.
        """
        ...

    async def settle(self, people: Sequence[str]) -> None:
        """Make those among some people known to the store for who they are, who may have been recorded in another form
        of their id. Raises `LookUpFailed`, `StoreError`.
        """
        ...

    async def why_gone(self, person: str) -> str | None:
        """None where the platform still has somebody's account; else what to tell them. Raises `LookUpFailed`."""
        ...

    async def members(self, group: str) -> Members:
        """The people of one of the platform's own groups now. Raises `LookUpFailed`."""
        ...
