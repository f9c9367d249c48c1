"""What people can do by commands beside answering."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from sayso.bots.answers._links import Links


@dataclass(frozen=True, slots=True)
class Offers:
    """What there is for people beside answers: `starters` are, by workflow, those who may start it, nobody where none
    is named; `sign_in` makes somebody a link to the web inbox, None where there is none.
    """

    starters: Mapping[str, frozenset[str]]
    links: Links
    sign_in: Callable[[str], Awaitable[str]] | None = None
