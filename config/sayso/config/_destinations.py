"""Where cards go: what the name of a destination means, and whom it lets in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sayso.config._platforms import Place, all_settings, find_settings
from sayso.config._sections import Ring
from sayso.engine import OperatorError


class Members:
    """The audience of everybody who belongs to the chat, as the platform says at each press."""

    def __repr__(self) -> str:
        return "MEMBERS"


MEMBERS: Final = Members()


class UnknownDestination(OperatorError):
    """A request names a chat that is not configured. The message contains the lines to add."""

    def __init__(self, name: str, lines: str) -> None:
        self.name = name
        self.lines = lines
        super().__init__(f"destination {name!r} is not configured. Add to sayso.toml:\n{lines}")


@dataclass(frozen=True, slots=True)
class Destination:
    """A chat. `chat_id` is the platform's own id, which never changes: in a direct message, that of the person.

    `audience` are the people who may answer there, or `MEMBERS`; None, in direct messages only, is the person.
    `topic` is the id of a thread in it, if the platform has threads; `ring` says when it notifies people.
    """

    name: str
    platform: str
    chat_id: str
    is_direct: bool
    audience: tuple[str, ...] | Members | None
    title: str | None = None
    topic: int | None = None
    ring: Ring = "first"

    def lets_in(self, person: str) -> bool | None:
        """Whether an account has access; None if the platform must be asked."""
        if isinstance(self.audience, Members):
            return None
        if self.audience is not None:
            return person in self.audience
        return person.partition(":")[0] == self.platform and person.rpartition(":")[2] == self.chat_id


def parse_place(name: str) -> Place | None:
    """What a destination's name says by itself; None for what is no chat of an installed platform."""
    kind, _, rest = name.partition(":")
    platform = find_settings(kind) if rest else None
    return None if platform is None else platform.place(rest)


def place_forms() -> str:
    """How places are written, for words that say how."""
    *forms, last = [form for one in all_settings() for form in one.place_forms]
    return f"{', '.join(forms)} or {last}" if forms else last


def lines_to_write(name: str) -> str:
    """What to put into sayso.toml so that cards can go to a place."""
    place = parse_place(name)
    platform = find_settings(name.partition(":")[0])
    lines = [f'[destinations."{name}"]']
    if place is None or place.chat_id is None:
        direct, shared = ("ID", "ID") if platform is None else platform.example_ids
        lines.append(f'id = "{direct if place is not None and place.is_direct else shared}"')
    if place is None or not place.is_direct:
        lines.append('audience = "members"')
    return "\n".join(lines)
