"""What people can do by commands besides answering."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from sayso.bots.answers._links import Links
from sayso.engine import Workflow


@dataclass(frozen=True, slots=True)
class Offers:
    """What people can do besides answering: `starters` are, by name of `workflows`, those who may start it, nobody
    where none is named; `sign_in` makes somebody a link to the web inbox, None where there is none.
    """

    starters: Mapping[str, frozenset[str]]
    workflows: Mapping[str, Workflow]
    links: Links
    sign_in: Callable[[str], Awaitable[str]] | None = None
